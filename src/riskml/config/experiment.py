"""What an experiment file may say.

An experiment is one YAML file. It is read once, checked strictly (unknown keys are refused) and saved, resolved, beside
the results of its run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from riskml.config.monitoring import MonitoringConfig
from riskml.config.panel import Name, PanelConfig, Part, Text, without_password
from riskml.errors import ConfigError

Family = Literal["scorecard", "logistic", "tree", "boosting", "ebm", "lightgbm", "catboost", "blend"]
_WITHOUT_EXTRAS: tuple[Family, ...] = ("scorecard", "logistic", "tree", "boosting", "blend")
_READABLE: tuple[Family, ...] = ("scorecard", "logistic", "tree", "ebm")
Scalar = bool | int | float | str


class ColumnConfig(Part):
    """What is known of one column beyond what its values show."""

    kind: Literal["numeric", "categorical"] | None = Field(None, description="overrides the inferred kind")
    special: dict[Scalar, str] = Field(default_factory=dict, description="codes, and what they mean")
    description: str = Field("", description="one line for reports")
    monotone: Literal["ascending", "descending"] | None = Field(
        None, description="how the risk has to go where the number rises; every family keeps to it"
    )


class DataConfig(Part):
    """The table, and the roles of its columns."""

    source: Text = Field(
        description="a sample's name (see `riskml samples`), or a CSV or Parquet file; with a panel it is left out"
    )
    target: Text = Field(description="the column that holds the outcome")
    event: Scalar = Field(1, description="the outcome's value for the event: default or churn")
    id: str | None = Field(None, description="the customer's identifier; row numbers when there is none")
    date: str | None = Field(None, description="the as-of date, for out-of-time splits")
    group: str | None = Field(
        None,
        description="the column whose rows stay in one fold: the customer, where one has several rows",
    )
    exclude: tuple[str, ...] = Field((), description="columns that no model may see")
    columns: dict[str, ColumnConfig] = Field(default_factory=dict, description="facts of single columns")
    unseen: Literal["score", "refuse"] = Field("score", description="a category never seen in training")

    def monotone(self) -> dict[str, Literal["ascending", "descending"]]:
        """Return the direction of the risk for each column that has one."""
        return {name: column.monotone for name, column in self.columns.items() if column.monotone is not None}


class SplitConfig(Part):
    """How rows are set aside for validation."""

    kind: Literal["stratified", "out_of_time"] = "stratified"
    test_share: float = Field(0.25, gt=0.0, lt=0.9, description="share of rows never seen in training (stratified)")
    from_date: dt.date | None = Field(None, description="first as-of date of the out-of-time rows (out_of_time)")
    folds: int = Field(5, ge=2, le=20, description="cross-validation folds, the same for every family")
    seed: int = Field(7, ge=0, lt=2**31, description="every random choice of the run follows from it")

    @model_validator(mode="after")
    def _out_of_time_needs_a_date(self) -> SplitConfig:
        if self.kind == "out_of_time" and self.from_date is None:
            raise ValueError("an out_of_time split needs from_date: the first as-of date of the rows set aside")
        return self


class ModelsConfig(Part):
    """Which families compete, for how long, and how one is chosen."""

    families: tuple[Family, ...] = Field(
        _WITHOUT_EXTRAS,
        min_length=1,
        description="the families to compare; ebm, lightgbm and catboost need the extra of their name",
    )
    trials: int = Field(8, ge=1, le=10_000, description="hyperparameter trials per family at the most")
    time_budget: float = Field(
        900.0, gt=0, description="seconds for the search at the most; a search that it ends differs from run to run"
    )
    select: Literal["best", "one_se", "interpretable"] = Field(
        "best",
        description="best: highest cross-validated AUC; one_se: the simplest within one standard error of it; "
        "interpretable: the best of scorecard, logistic, tree and ebm",
    )

    storage: str | None = Field(
        None,
        description="an Optuna storage URL that several machines share, its password as ${NAME} of the environment; a "
        "journal in the run's folder when left out",
    )
    fixed: dict[Family, dict[str, Any]] = Field(
        default_factory=dict,
        description="parameters of a family that are set by hand and not searched, such as scorecard.overrides: bins",
    )

    @model_validator(mode="after")
    def _families_make_sense(self) -> ModelsConfig:
        if len(set(self.families)) != len(self.families):
            raise ValueError("each family may be named once")
        if "blend" in self.families and len(self.families) < 3:
            raise ValueError("a blend needs at least two other families")
        if self.select == "interpretable" and not {*_READABLE} & {*self.families}:
            raise ValueError("select: interpretable needs one of scorecard, logistic, tree, ebm among the families")
        return self

    @model_validator(mode="after")
    def _storage_without_a_password(self) -> ModelsConfig:
        without_password(self.storage, "storage")
        return self


class TierConfig(Part):
    """A band of probability; it reaches up to the next tier's lower bound."""

    name: Text
    from_probability: float = Field(ge=0.0, lt=1.0, description="lower bound of the event's probability, included")
    treatment: str = Field("", description="what is done with its customers, in a line")


class ExportConfig(Part):
    """The package artifact."""

    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")] = "1.0.0"
    reasons: int = Field(4, ge=1, le=10, description="reasons per customer; more than four rarely help")


class GateConfig(Part):
    """What a new model must show on the rows set aside to become champion of the registry."""

    promote: Literal["automatic", "by_hand"] = Field(
        "automatic",
        description="a model that passes: automatic makes it champion, by_hand leaves it to `riskml promote`",
    )
    level: float = Field(0.95, ge=0.5, lt=1.0, description="confidence level of every test of the gate")
    min_auc: float | None = Field(0.5, ge=0.5, lt=1.0, description="the AUC must be above it, and not by chance")
    max_auc_loss: float = Field(
        0.005,
        ge=0.0,
        lt=0.5,
        description="AUC that may be lost to the champion, summed since a person decided; no loss may be significant",
    )
    calibration_tolerance: float | None = Field(
        0.1, ge=0.0, description="events observed over expected, of all rows and of each tier, may be off by this share"
    )
    max_ece: float | None = Field(0.05, ge=0.0, le=1.0, description="expected calibration error at the most")
    max_psi: float | None = Field(0.25, ge=0.0, description="shift of the scores from training to the rows set aside")
    monotone_tolerance: float | None = Field(
        0.001,
        ge=0.0,
        lt=1.0,
        description="probability by which a customer may go against a declared data.columns.*.monotone",
    )
    protected: tuple[str, ...] = Field((), description="columns whose groups must be treated alike, excluded ones too")
    approve_below: float | None = Field(
        None, gt=0.0, le=1.0, description="probability below which a customer is approved; the last tier's when null"
    )
    min_approval_ratio: float = Field(
        0.8, ge=0.0, le=1.0, description="a group's approval rate over that of the group approved most often"
    )


class CostsConfig(Part):
    """What decisions by the score earn or cost, in money; for default the first three, for churn the others."""

    exposure: float | str = Field(
        1.0, description="default: money lent to a customer, or the column that holds it (models may be kept from it)"
    )
    loss_given_default: float | None = Field(
        None, ge=0, le=1, description="default: share of the exposure that is lost"
    )
    margin: float | None = Field(None, gt=0, description="default: what a loan paid back earns, as a share of it")
    value: float | None = Field(None, gt=0, description="churn: what a customer who is kept is worth")
    contact_cost: float | None = Field(None, ge=0, description="churn: what one contact costs")
    success_rate: float = Field(0.3, ge=0, le=1, description="churn: share of leavers who take the offer and stay")
    incentive: float = Field(0.0, ge=0, description="churn: what the offer costs where it is taken")
    currency: str = Field("", description="of all amounts, for the tables")


class FairnessConfig(Part):
    """Whom the model must not treat worse."""

    columns: tuple[str, ...] = Field(
        (), description="protected columns of the table, such as age or sex; they may be in data.exclude as well"
    )


class DocumentConfig(Part):
    """What the model document cannot know from the data, in the words of those who answer for it."""

    owner: str = Field("", description="who answers for the model")
    purpose: str = Field("", description="the decision that it serves, and for which customers")
    limits: tuple[Text, ...] = Field((), description="what it must not be used for, a sentence each")
    validated_by: str = Field("", description="who validated it, independent of those who built it")
    approved_by: str = Field("", description="who allowed its use, and when")
    changes: tuple[Text, ...] = Field((), description="the change log, a line each: date, who, what")
    learning_curve: bool = Field(True, description="fit a logistic regression on parts of the rows: would more help?")


DEFAULT_TIERS = (
    TierConfig(name="low", from_probability=0.0, treatment="standard terms"),
    TierConfig(name="medium", from_probability=0.2, treatment="closer monitoring"),
    TierConfig(name="high", from_probability=0.5, treatment="reviewed by an officer"),
)


class Experiment(Part):
    """One experiment: a question, the data it is asked of, and how the answer is sought."""

    name: Name = Field(description="lower case; names the run's folder and the package riskml_<name>")
    title: Text = Field(description="the question in words, for people")
    task: Literal["default", "churn"]
    data: DataConfig
    panel: PanelConfig | None = Field(
        None, description="dated records, from which a row is made for each customer and as-of date"
    )
    split: SplitConfig = SplitConfig()
    models: ModelsConfig = ModelsConfig()
    tiers: tuple[TierConfig, ...] = Field(DEFAULT_TIERS, min_length=1)
    export: ExportConfig = ExportConfig()
    gate: GateConfig = GateConfig()
    costs: CostsConfig | None = Field(None, description="what decisions earn or cost; without it no profit is shown")
    fairness: FairnessConfig = FairnessConfig()
    document: DocumentConfig = DocumentConfig()
    monitoring: MonitoringConfig = MonitoringConfig()

    @model_validator(mode="before")
    @classmethod
    def _a_panel_says_what_its_columns_are(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or raw.get("panel") is None or not isinstance(raw.get("data", {}), dict):
            return raw
        roles = {"source": raw.get("name"), "target": "outcome", "event": 1, "id": "row", "date": "as_of"}
        roles["group"] = "customer"
        data = raw.get("data", {})
        wrong = next((name for name, value in roles.items() if data.get(name, value) != value), None)
        if wrong:
            raise ValueError(f"data.{wrong}: leave it out, the panel makes the table")
        return {**raw, "data": {**data, **roles}}

    @model_validator(mode="after")
    def _roles_are_distinct(self) -> Experiment:
        data = self.data
        roles = [name for name in (data.target, data.id, data.date) if name is not None]
        if len(set(roles)) != len(roles):
            raise ValueError("data: target, id and date must be different columns")
        if data.group is not None and data.group in (data.target, data.date):
            raise ValueError("data.group names the target or the date")
        if data.target in data.exclude:
            raise ValueError("data.exclude names the target")
        if data.target in self.gate.protected:
            raise ValueError("gate.protected names the target")
        if self.split.kind == "out_of_time" and data.date is None:
            raise ValueError("an out_of_time split needs data.date: the column of the as-of date")
        return self

    @model_validator(mode="after")
    def _tiers_cover_all_probabilities_once(self) -> Experiment:
        bounds = [tier.from_probability for tier in self.tiers]
        names = [tier.name for tier in self.tiers]
        if bounds[0] != 0.0 or any(later <= earlier for earlier, later in zip(bounds, bounds[1:], strict=False)):
            raise ValueError("tiers must start at from_probability 0 and rise strictly")
        if len(set(names)) != len(names):
            raise ValueError("tiers must have different names")
        return self

    @model_validator(mode="after")
    def _costs_are_those_of_the_task(self) -> Experiment:
        if self.costs is None:
            return self
        needed = {"default": ("loss_given_default", "margin"), "churn": ("value", "contact_cost")}[self.task]
        absent = [name for name in needed if getattr(self.costs, name) is None]
        if absent:
            raise ValueError(f"costs: for task {self.task} they need {' and '.join(absent)}")
        # An offer that costs more than the customer is worth never pays.
        if self.task == "churn" and self.costs.value is not None and self.costs.incentive >= self.costs.value:
            raise ValueError("costs: value must be above incentive")
        if not isinstance(self.costs.exposure, str) and self.costs.exposure <= 0:
            raise ValueError("costs: exposure must be above 0, or name a column")
        return self

    @model_validator(mode="after")
    def _the_outcome_is_no_group(self) -> Experiment:
        if self.data.target in self.fairness.columns:
            raise ValueError("fairness.columns names the target")
        if self.data.target in self.monitoring.segments:
            raise ValueError("monitoring.segments names the target")
        return self

    def digest(self) -> str:
        """Return a fingerprint (12 hexadecimal digits) of all that the experiment says, wherever its data lies.

        How a model is watched makes no other model: the limits of monitoring do not count.
        """
        content = self.model_dump(mode="json", exclude={"monitoring"})
        content["data"]["source"] = Path(self.data.source).name
        for table in (content["panel"] or {}).get("tables", {}).values():
            table["source"] = Path(table["source"]).name
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def to_yaml(self) -> str:
        """Return the experiment with every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def read_experiment(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read and check an experiment file.

    Parameters
    ----------
    path : path
        The YAML file. A relative data file in it is looked up beside it.
    overrides : sequence of str
        ``key=value`` pairs; the key is dotted (``models.trials=5``), the value is read as YAML.

    Raises
    ------
    ConfigError
        When the file cannot be read, is no YAML mapping, or says something unknown or impossible.
    """
    path = Path(path)
    raw = yaml_mapping(path, "experiment")
    for override in overrides:
        _apply(raw, override)
    return _checked(raw, path)


def yaml_mapping(path: Path, what: str) -> dict[str, Any]:
    """Return the keys and values of a YAML file, none of them said twice."""
    start = "start from one that `riskml new` writes" if what == "experiment" else "start from one that the docs show"
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_OneOfEach)
    except FileNotFoundError:
        fix = "check the path" + (", or write one with `riskml new`" if what == "experiment" else "")
        raise ConfigError(f"the {what} file does not exist", where=str(path), fix=fix) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the {what} file cannot be read: {error}", where=str(path)) from None
    except _TwiceError as error:
        raise ConfigError(str(error), where=f"{path}, line {error.line}", fix="say it once, all of it") from None
    except yaml.YAMLError as error:
        raise ConfigError(
            f"the {what} file is not valid YAML: {error}", where=str(path), fix="mend the named line"
        ) from None
    if not isinstance(raw, dict):
        raise ConfigError(
            f"{'an' if what[0] in 'aeiou' else 'a'} {what} file holds keys and values; got {type(raw).__name__}",
            where=str(path),
            fix=start,
        )
    return raw


class _TwiceError(Exception):
    """A mapping that has a key twice."""

    def __init__(self, key: object, first: int, line: int) -> None:
        super().__init__(f"the key {key!r} stands twice in one place: it was said in line {first} already")
        self.line = line


class _OneOfEach(yaml.SafeLoader):
    """Refuses a key that is there twice: YAML would keep the last one, and drop the first without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, Hashable) and lines.setdefault(key, line) != line:
                raise _TwiceError(key, lines[key], line)
        return super().construct_mapping(node, deep)


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"an override is key=value; got {override!r}", where="-p", fix="as -p models.trials=5")
    place = raw
    for part in parts[:-1]:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{part!r} holds no keys of its own", where=f"-p {override}", fix="name the key in full")
        place = inner
    try:
        place[parts[-1]] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"the value is not valid YAML: {error}", where=f"-p {override}") from None


def _checked(raw: Mapping[str, Any], path: Path) -> Experiment:
    try:
        experiment = Experiment.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(["the experiment says something that is not understood", *map(one_line, error.errors())]),
            where=str(path),
            fix="correct the keys named above; `riskml new` writes a commented example",
        ) from None
    if experiment.panel is not None:
        return experiment.model_copy(update={"panel": experiment.panel.located(path.parent)})
    source = experiment.data.source
    if not Path(source).suffix:
        return experiment
    path_from_file = (path.parent / Path(source).expanduser()).resolve()
    return experiment.model_copy(update={"data": experiment.data.model_copy(update={"source": str(path_from_file)})})


def one_line(problem: Mapping[str, Any]) -> str:
    """Return a problem that pydantic found as a line: the key, what is expected, what was got."""
    key = ".".join(map(str, problem["loc"])) or "the file"
    if problem["type"] == "extra_forbidden":
        # The editor's code is pasted where it does not belong now and then.
        hint = "; edited bins belong beneath models: fixed: scorecard:" if problem["loc"][-1] == "overrides" else ""
        return f"  - {key}: unknown key{hint}"
    if problem["type"] == "missing":
        return f"  - {key}: missing, but required"
    expected = problem["msg"].removeprefix("Value error, ")
    if isinstance(problem.get("input"), dict):
        return f"  - {key}: {expected}"
    return f"  - {key}: {expected}; got {problem.get('input')!r}"
