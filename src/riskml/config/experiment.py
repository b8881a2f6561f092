"""Experiment file: question, data, split, models, tiers, gate and documentation of one experiment.

The file is read once, checked strictly (unknown keys are refused) and saved with its defaults in the run's folder.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints, model_validator

from riskml.config.base import Name, Part, Text, first_duplicate, read_yaml, refuse_password, validated
from riskml.config.monitoring import MonitoringConfig
from riskml.config.panel import PanelConfig
from riskml.errors import ConfigError
from riskml.io import parse_yaml
from riskml.runtime.expression import ExpressionError, parse

Scalar = bool | int | float | str
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")


class ColumnConfig(Part):
    """Facts of one column that its values do not show."""

    kind: Literal["numeric", "categorical"] | None = Field(None, description="overrides the inferred kind")
    special: dict[Scalar, str] = Field(default_factory=dict, description="codes, and what they mean")
    description: str = Field("", description="one line for reports")
    monotone: Literal["ascending", "descending"] | None = Field(
        None, description="direction of the risk as the number rises; a constraint on every family"
    )
    missing: tuple[str, ...] | None = Field(
        None, description="words for a missing value in this column alone; [] keeps a level such as NA"
    )


class DataConfig(Part):
    """The table, and the roles of its columns."""

    source: Text = Field(
        description="a sample's name (see `riskml samples`), or a CSV, Parquet or Excel file; omitted with a panel"
    )
    sheet: str | None = Field(None, description="sheet of an Excel workbook that has several")
    encoding: str = Field("utf-8", description="encoding of a CSV file, such as gb18030, windows-1252 or utf-16")
    target: Text = Field(description="the column that holds the outcome")
    event: Scalar = Field(1, description="the outcome's value for the event: default or churn")
    id: str | None = Field(None, description="the customer's identifier; row numbers when null")
    date: str | None = Field(None, description="the as-of date, for out-of-time splits")
    group: str | None = Field(None, description="column whose rows share a fold: the customer, if one has several rows")
    exclude: tuple[str, ...] = Field((), description="columns that no model may see")
    columns: dict[str, ColumnConfig] = Field(default_factory=dict, description="facts of single columns")
    missing: tuple[Text, ...] = Field(
        (),
        description="words for a missing value, such as '-' or N/A, in addition to the usual ones (empty, NA, NULL, …)",
    )
    derive: dict[str, str] = Field(
        default_factory=dict,
        description="columns of your own: a name, and an expression over columns, such as payment / income",
    )
    features: str | None = Field(
        None,
        pattern=r"^.+\.py:[A-Za-z_]\w*$",
        description="a function of your own, as my_features.py:make_features: from a frame to a frame of further "
        "columns, row by row",
    )
    unseen: Literal["score", "refuse"] = Field("score", description="a level not seen in training")

    @model_validator(mode="after")
    def _derived_columns_do_not_read_the_outcome(self) -> DataConfig:
        roles = {"target": self.target, "id": self.id, "date": self.date}
        for name, text in self.derive.items():
            where = f"data.derive.{name}"
            if not _PLAIN_NAME.fullmatch(name) or iskeyword(name):
                raise ValueError(f"{where}: the name must be a plain word, such as payment_to_income")
            try:
                _, columns, _ = parse(text)
            except ExpressionError as error:
                raise ValueError(f"{where}: {error.what} ({error.fix})") from None
            for role, column in roles.items():
                if name == column:
                    raise ValueError(f"{where}: data.{role} has this name")
                if column in columns:
                    raise ValueError(f"{where}: {text!r} reads the column {column!r}, which is data.{role}")
            later = [other for other in list(self.derive)[list(self.derive).index(name) :] if other in columns]
            if later:
                raise ValueError(f"{where}: {text!r} reads {later[0]!r}, which is not derived above it")
        return self

    @property
    def features_file(self) -> tuple[Path, str] | None:
        """The file with columns of one's own and the name of its function."""
        if self.features is None:
            return None
        file, _, function = self.features.rpartition(":")
        return Path(file), function

    def missing_words(self, column: str) -> tuple[str, ...]:
        """Return the words that stand for a missing value in a column, besides the usual ones."""
        own = self.columns[column].missing if column in self.columns else None
        return self.missing if own is None else own

    def monotone(self) -> dict[str, Literal["ascending", "descending"]]:
        """Return the direction of the risk for each column that has one."""
        return {name: column.monotone for name, column in self.columns.items() if column.monotone is not None}


class SplitConfig(Part):
    """Hold-out set and cross-validation folds."""

    kind: Literal["stratified", "out_of_time"] = "stratified"
    test_share: float = Field(0.25, gt=0.0, lt=0.9, description="share of rows never seen in training (stratified)")
    from_date: dt.date | None = Field(None, description="first as-of date of the out-of-time sample (out_of_time)")
    folds: int = Field(5, ge=2, le=20, description="cross-validation folds, the same for every family")
    seed: int = Field(7, ge=0, lt=2**31, description="seed of every random choice of the run")

    @model_validator(mode="after")
    def _out_of_time_needs_a_date(self) -> SplitConfig:
        if self.kind == "out_of_time" and self.from_date is None:
            raise ValueError("an out_of_time split needs from_date: the first as-of date of the out-of-time sample")
        return self


class ModelsConfig(Part):
    """Families to compare, limits of the search, and the choice of the champion."""

    families: tuple[str, ...] = Field(
        ("scorecard", "logistic", "tree", "boosting", "blend"),
        min_length=1,
        description="the families to compare; ebm, lightgbm and catboost need the extra of their name; "
        "my_models.py:factory for one's own",
    )
    trials: int = Field(8, ge=1, le=10_000, description="maximum number of hyperparameter trials per family")
    time_budget: float = Field(
        900.0, gt=0, description="maximum seconds of the search; a search that it stops is not reproducible"
    )
    select: Literal["best", "one_se", "interpretable"] = Field(
        "best",
        description="best: highest cross-validated AUC; one_se: the simplest within one standard error of it; "
        "interpretable: the best of scorecard, logistic, tree and ebm",
    )
    storage: str | None = Field(
        None,
        description="an Optuna storage URL that several machines share, with ${NAME} for the password; a journal in "
        "the run's folder when null",
    )
    fixed: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="parameters of a family that are fixed and not searched, such as scorecard.overrides: bins",
    )

    @model_validator(mode="after")
    def _families_make_sense(self) -> ModelsConfig:
        if first_duplicate(self.families):
            raise ValueError("each family may be named once")
        if "blend" in self.families and len(self.families) < 3:
            raise ValueError("a blend needs at least two other families")
        return self

    @model_validator(mode="after")
    def _storage_without_a_password(self) -> ModelsConfig:
        refuse_password(self.storage, "storage")
        return self


class TierConfig(Part):
    """A band of probability, up to the next tier's lower bound."""

    name: Text
    from_probability: float = Field(ge=0.0, lt=1.0, description="lower bound of the event's probability, included")
    treatment: str = Field("", description="treatment of its customers, in a line")


class ExportConfig(Part):
    """The exported package."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}$")] = "1.0.0"
    reasons: int = Field(4, ge=1, le=10, description="reasons per customer; more than four rarely help")


class GateConfig(Part):
    """Criteria on the hold-out set that a new model must meet to become champion of the registry."""

    promote: Literal["automatic", "by_hand"] = Field(
        "automatic",
        description="a model that passes: automatic makes it champion, by_hand leaves it to `riskml promote`",
    )
    level: float = Field(0.95, ge=0.5, lt=1.0, description="confidence level of every test of the gate")
    min_auc: float | None = Field(0.5, ge=0.5, lt=1.0, description="lower bound of the AUC, at this confidence")
    max_auc_loss: float = Field(
        0.005,
        ge=0.0,
        lt=0.5,
        description="maximum AUC loss, summed since the last manual promotion; no single loss may be significant",
    )
    calibration_tolerance: float | None = Field(
        0.1, ge=0.0, description="maximum relative error of expected events, overall and in each tier"
    )
    max_ece: float | None = Field(0.05, ge=0.0, le=1.0, description="maximum expected calibration error")
    max_psi: float | None = Field(0.25, ge=0.0, description="maximum PSI of the scores, hold-out against training set")
    monotone_tolerance: float | None = Field(
        0.001,
        ge=0.0,
        lt=1.0,
        description="maximum probability by which a customer violates a data.columns.*.monotone",
    )
    protected: tuple[str, ...] = Field((), description="columns whose groups must be treated alike; may be excluded")
    approve_below: float | None = Field(
        None, gt=0.0, le=1.0, description="probability below which a customer is approved; the last tier's when null"
    )
    min_approval_ratio: float = Field(
        0.8, ge=0.0, le=1.0, description="minimum ratio of a group's approval rate to the highest of all groups"
    )


class CostsConfig(Part):
    """Costs and earnings of decisions, in money: the first three for task default, the others for churn."""

    exposure: float | str = Field(
        1.0, description="default: exposure of each customer, or the column that holds it (it may be excluded)"
    )
    loss_given_default: float | None = Field(
        None, ge=0, le=1, description="default: share of the exposure that is lost"
    )
    margin: float | None = Field(None, gt=0, description="default: earnings of a repaid loan, as a share of it")
    value: float | None = Field(None, gt=0, description="churn: value of a retained customer")
    contact_cost: float | None = Field(None, ge=0, description="churn: cost of one contact")
    success_rate: float = Field(0.3, ge=0, le=1, description="churn: share of leavers who accept the offer and stay")
    incentive: float = Field(0.0, ge=0, description="churn: cost of an accepted offer")
    currency: str = Field("", description="of all amounts, for the tables")


class FairnessConfig(Part):
    """Protected groups."""

    columns: tuple[str, ...] = Field(
        (), description="protected columns of the table, such as age or sex; they may be in data.exclude as well"
    )


class DocumentConfig(Part):
    """Parts of the model document that the data do not show."""

    owner: str = Field("", description="who is responsible for the model")
    purpose: str = Field("", description="the decision that it serves, and for which customers")
    limits: tuple[Text, ...] = Field((), description="uses that are out of scope, a sentence each")
    validated_by: str = Field("", description="who validated it, independent of its developers")
    approved_by: str = Field("", description="who approved its use, and when")
    changes: tuple[Text, ...] = Field((), description="change log, a line each: date, who, what")
    learning_curve: bool = Field(True, description="learning curve of a logistic regression: would more rows help?")


DEFAULT_TIERS = (
    TierConfig(name="low", from_probability=0.0, treatment="standard terms"),
    TierConfig(name="medium", from_probability=0.2, treatment="closer monitoring"),
    TierConfig(name="high", from_probability=0.5, treatment="reviewed by an officer"),
)


class Experiment(Part):
    """One experiment: question, data, models and criteria."""

    name: Name = Field(description="lower case; name of the run's folder and of the package riskml_<name>")
    title: Text = Field(max_length=1000, description="the question in words")
    task: Literal["default", "churn"]
    data: DataConfig
    panel: PanelConfig | None = Field(None, description="dated records: one row per customer and as-of date")
    split: SplitConfig = SplitConfig()
    models: ModelsConfig = ModelsConfig()
    tiers: tuple[TierConfig, ...] = Field(DEFAULT_TIERS, min_length=1)
    export: ExportConfig = ExportConfig()
    gate: GateConfig = GateConfig()
    costs: CostsConfig | None = Field(None, description="costs and earnings of decisions; no profit is shown without")
    fairness: FairnessConfig = FairnessConfig()
    document: DocumentConfig = DocumentConfig()
    monitoring: MonitoringConfig = MonitoringConfig()

    @model_validator(mode="after")
    def _source_without_a_password(self) -> Experiment:
        refuse_password(self.data.source, "data.source")
        return self

    @model_validator(mode="before")
    @classmethod
    def _panel_sets_the_key_columns(cls, spec: Any) -> Any:
        if not isinstance(spec, dict) or spec.get("panel") is None or not isinstance(spec.get("data", {}), dict):
            return spec
        roles = {"source": spec.get("name"), "target": "outcome", "event": 1, "id": "row", "date": "as_of"}
        roles["group"] = "customer"
        data = spec.get("data", {})
        wrong = next((name for name, value in roles.items() if data.get(name, value) != value), None)
        if wrong:
            raise ValueError(f"data.{wrong}: omit it, because the panel sets it")
        return {**spec, "data": {**data, **roles}}

    @model_validator(mode="after")
    def _roles_are_distinct(self) -> Experiment:
        data = self.data
        if first_duplicate(name for name in (data.target, data.id, data.date) if name is not None):
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
        if bounds[0] != 0.0 or any(later <= earlier for earlier, later in pairwise(bounds)):
            raise ValueError("tiers must start at from_probability 0 and rise strictly")
        if first_duplicate(tier.name for tier in self.tiers):
            raise ValueError("tiers must have different names")
        return self

    @model_validator(mode="after")
    def _costs_are_those_of_the_task(self) -> Experiment:
        if self.costs is None:
            return self
        needed = {"default": ("loss_given_default", "margin"), "churn": ("value", "contact_cost")}[self.task]
        absent = [name for name in needed if getattr(self.costs, name) is None]
        if absent:
            raise ValueError(f"costs: task {self.task} needs {' and '.join(absent)}")
        # An offer that costs more than the customer is worth never pays off.
        if self.task == "churn" and self.costs.value is not None and self.costs.incentive >= self.costs.value:
            raise ValueError("costs: value must be above incentive")
        if not isinstance(self.costs.exposure, str) and self.costs.exposure <= 0:
            raise ValueError("costs: exposure must be above 0, or name a column")
        return self

    @model_validator(mode="after")
    def _target_is_not_a_group(self) -> Experiment:
        if self.data.target in self.fairness.columns:
            raise ValueError("fairness.columns names the target")
        if self.data.target in self.monitoring.segments:
            raise ValueError("monitoring.segments names the target")
        return self

    def with_features(self, features: str) -> Experiment:
        """Return the experiment with another path of its features file."""
        return self.model_copy(update={"data": self.data.model_copy(update={"features": features})})

    def digest(self) -> str:
        """Return a digest (12 hexadecimal digits) of the experiment, without its data's location and its monitoring."""
        spec = self.model_dump(mode="json", exclude={"monitoring"})
        spec["data"]["source"] = Path(self.data.source).name
        if self.data.features_file is not None:
            file, function = self.data.features_file
            spec["data"]["features"] = [function, hashlib.sha256(file.read_bytes()).hexdigest()]
        # An experiment of an earlier version, which had no such keys, keeps its digest.
        for key, default in (
            ("sheet", None),
            ("encoding", "utf-8"),
            ("missing", []),
            ("derive", {}),
            ("features", None),
        ):
            if spec["data"][key] == default:
                del spec["data"][key]
        for column in spec["data"]["columns"].values():
            if column["missing"] is None:
                del column["missing"]
        for table in (spec["panel"] or {}).get("tables", {}).values():
            table["source"] = Path(table["source"]).name
        return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]

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
        When the file cannot be read, is not a YAML mapping, or has an unknown key or an invalid value.
    """
    path = Path(path)
    spec = read_yaml(path, "experiment", fix="write one with `riskml new`")
    for override in overrides:
        _apply(spec, override)
    fix = "correct these keys; `riskml new` writes a commented example"
    experiment = validated(Experiment, spec, "experiment file", where=str(path), fix=fix)
    return _located(experiment, path.parent)


def _apply(spec: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"an override is key=value; got {override!r}", where="-p", fix="as -p models.trials=5")
    target = spec
    for part in parts[:-1]:
        inner = target.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{part!r} is a value and has no keys", where=f"-p {override}", fix="name the full key")
        target = inner
    try:
        target[parts[-1]] = parse_yaml(value)
    except ValueError as error:
        raise ConfigError(f"the value is not valid YAML: {error}", where=f"-p {key.strip()}") from None


def _located(experiment: Experiment, folder: Path) -> Experiment:
    """Return the experiment with the paths of its files absolute, read from a folder."""
    families = tuple(
        str((folder / Path(entry).expanduser()).resolve()) if ".py:" in entry else entry
        for entry in experiment.models.families
    )
    models = experiment.models.model_copy(update={"families": families})
    experiment = experiment.model_copy(update={"models": models})
    if experiment.data.features_file is not None:
        file, function = experiment.data.features_file
        file = (folder / file.expanduser()).resolve()
        if not file.is_file():
            raise ConfigError("the features file does not exist", where=f"data.features: {file}", fix="check the path")
        experiment = experiment.with_features(f"{file}:{function}")
    if experiment.panel is not None:
        return experiment.model_copy(update={"panel": experiment.panel.located(folder)})
    source = Path(experiment.data.source)
    if not source.suffix:
        return experiment
    path = str((folder / source.expanduser()).resolve())
    if experiment.data.sheet is not None and "#" not in source.name:
        path += f"#{experiment.data.sheet}"
    return experiment.model_copy(update={"data": experiment.data.model_copy(update={"source": path})})
