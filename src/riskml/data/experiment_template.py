"""An experiment file for anyone's own table: commented, with what its columns seem to be already filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ValidationError

from riskml.config.experiment import (
    DEFAULT_TIERS,
    CostsConfig,
    DataConfig,
    DocumentConfig,
    Experiment,
    ExportConfig,
    FairnessConfig,
    GateConfig,
    ModelsConfig,
    Scalar,
    SplitConfig,
    TierConfig,
)
from riskml.config.monitoring import MonitoringConfig
from riskml.data.catalog import samples
from riskml.data.guess import FoundOutcome, find_outcome, guess_task, whole
from riskml.data.key_columns import as_of_dates, refuse_unknown
from riskml.data.leakage_hints import special_codes
from riskml.data.profile import profile
from riskml.data.sources.number_formats import refuse_written, text_as_numbers
from riskml.data.sources.source import read_table
from riskml.data.split import split
from riskml.errors import ConfigError, DataError, preview

_LEFT_OUT = ("empty", "constant", "date", "identifier", "leak")
_MODELS_TOLD = {
    "trials": "per family at the most; let this limit bind, not the seconds: reruns are then byte-identical",
    "time_budget": "seconds for the search of all families at the most; generous, so that trials is the limit",
}
_SPLIT_TOLD = {
    "kind": "stratified: at random, the event's share the same; or out_of_time, which needs data.date and from_date"
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def draft_experiment(
    name: str,
    file: str | Path,
    target: str,
    event: Scalar | None = None,
    id: str | None = None,
    date: str | None = None,
    *,
    folder: str | Path | None = None,
) -> str:
    """Return the text of an experiment file for a table, to be read through and corrected.

    Parameters
    ----------
    name : str
        The experiment's name: lower case letters, digits and underscores.
    file : str or path
        A sample's name, or a CSV or Parquet file.
    target : str
        The column of the outcome.
    event : bool, int, float or str, optional
        The outcome's value for the event. When left out it is guessed: a word that says so (1 against 0, true, yes,
        bad, default, churned, …), else the rarer of two values.
    id, date : str, optional
        The columns of the customer's identifier and of the as-of date. With a date the split is out of time, the latest
        quarter of the rows being set aside.
    folder : path, optional
        Where the experiment file will lie; the data file is then named relative to it. Else by its absolute path.

    Returns
    -------
    str
        YAML that ``riskml.config.read_experiment`` reads. Columns that seem to be identifiers, dates, constants or
        leaks are excluded, special codes are listed, and a comment at each says why.

    Raises
    ------
    ConfigError
        When the name cannot be one, a column does not exist, or the event cannot be guessed.
    DataError
        When the table cannot be read, its numbers are not written plainly, or no row has the event.
    """
    _check_name(name)
    frame = read_table(file)
    refuse_unknown(frame.columns, [("--target", target), ("--id", id), ("--date", date)])
    found = find_outcome(frame[target], event)
    refuse_written(frame[name] for name in frame.columns if name not in {target, id, date})
    facts = profile(frame, target, found.event).set_index("column")
    lines = [
        *_head(name, file, frame, facts.drop(index=target)),
        *_question(name, guess_task(name, str(file), target, found.event)),
        "",
        *_data(frame, facts, found, DataConfig(source=_source(file, folder), target=target, id=id, date=date)),
        "",
        *_split(frame, found, date),
        "",
        *_section("models", ModelsConfig(trials=8, time_budget=900), _MODELS_TOLD),
        "",
        *_tiers(float(found.y.mean())),
        "",
        *_section("export", ExportConfig()),
        "",
        "# What a new model must show on the rows set aside to become champion; a bound of null is not asked for.",
        *_section("gate", GateConfig()),
        "",
        *_for_the_document(guess_task(name, str(file), target, found.event)),
        *_for_monitoring(),
    ]
    text = "\n".join(lines) + "\n"
    try:
        Experiment.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise ConfigError(
            f"no experiment can be written for these columns: {error.errors()[0]['msg']}",
            fix="name a different column for each role",
        ) from None
    return text


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
        proposal = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:50].lstrip("0123456789_") or "my_experiment"
        raise ConfigError(
            f"{name!r} cannot name an experiment: a name begins with a lower case letter, goes on with lower case "
            "letters, digits and underscores, and is 50 characters long at the most",
            where="NAME",
            fix=f"for example {proposal}",
        )


def _source(file: str | Path, folder: str | Path | None) -> str:
    if str(file) in {sample.name for sample in samples()}:
        return str(file)
    path = Path(file).expanduser().resolve()
    if folder is not None:
        here = Path(folder).expanduser().resolve()
        if path.is_relative_to(here):
            return path.relative_to(here).as_posix()
        # One step up still lies within the same project; further away, a relative path is hard to read.
        if path.is_relative_to(here.parent):
            return f"../{path.relative_to(here.parent).as_posix()}"
    return str(path)


def _head(name: str, file: str | Path, frame: pd.DataFrame, facts: pd.DataFrame) -> Iterator[str]:
    size = f"{len(frame)} rows, {frame.shape[1]} columns"
    yield f"# An experiment of riskml, drafted from {_comment(Path(file).name)}: {size}."
    yield f"# Read it through, correct it, and run it:  riskml run {name}"
    yield "# What follows a # is a comment. Lines with (?) are guesses."
    to_mend = facts[facts["suspicion"].str.contains("mixed|infinite")]
    if len(to_mend):
        yield "#"
        yield "# To be mended in the data before it can run:"
    for column, row in to_mend.iterrows():
        yield f"#   {_comment(column)}: {_comment(row['explanation'], quoted=False)}"
    yield ""


def _question(name: str, task: Literal["default", "churn"]) -> Iterator[str]:
    yield f"name: {name}"
    does = "leave" if task == "churn" else "default"
    yield f"title: Which customers will {does}?  # the question in words, for people"
    yield f"task: {task}  # (?) default or churn"


def _data(frame: pd.DataFrame, facts: pd.DataFrame, found: FoundOutcome, roles: DataConfig) -> Iterator[str]:
    told = _descriptions(DataConfig)
    y = found.y
    yield "data:"
    yield f"  source: {_scalar(roles.source)}  # {told['source']}"
    yield f"  target: {_scalar(roles.target)}  # {told['target']}"
    guess = "(?) " if found.guessed else ""
    others = _comment(preview(found.others, 3), quoted=False)
    seen = f"{int(y.sum())} of {len(y)} rows ({y.mean():.1%})"
    yield f"  event: {_scalar(found.event)}  # {guess}{seen}; not the event: {others}"
    if len(y) < len(frame):
        yield f"  # The target is blank in {len(frame) - len(y)} rows: take them out before the run."
    for role in ("id", "date"):
        named = getattr(roles, role)
        kind = {"id": "identifier", "date": "date"}[role]
        likely = [column for column in facts.index[facts["suspicion"].str.contains(kind)] if column != roles.target]
        hint = f"; (?) perhaps {_comment(likely[0])}" if named is None and likely else ""
        yield f"  {role}: {_scalar(named)}  # {told[role]}{hint}"
    yield f"  group: null  # {told['group']}"
    used = {roles.target, roles.id, roles.date}
    facts = facts[[column not in used for column in facts.index]]
    left_out = {column: why for column, why in map(_left_out, facts.index, facts.itertuples()) if why}
    yield f"  exclude:  # {told['exclude']}" if left_out else f"  exclude: []  # {told['exclude']}"
    for column, why in left_out.items():
        yield f"    - {_scalar(column)}  # (?) {_comment(why, quoted=False)}"
    yield from _codes(frame, facts, left_out)
    unseen = DataConfig.model_fields["unseen"]
    yield f"  unseen: {unseen.default}  # {unseen.description}: score, or refuse"


def _left_out(column: str, row: Any) -> tuple[str, str]:
    suspected = [kind for kind in _LEFT_OUT if kind in row.suspicion.split(", ")]
    return column, f"{suspected[0]}: {row.explanation}" if suspected else ""


def _codes(frame: pd.DataFrame, facts: pd.DataFrame, left_out: Mapping[str, str]) -> Iterator[str]:
    coded = [
        column for column in facts.index[facts["suspicion"].str.contains("special codes")] if column not in left_out
    ]
    yield "  columns:  # facts of single columns: kind (numeric or categorical), special codes, description" + (
        "" if coded else "; for example"
    )
    if not coded:
        yield "    # some_column: {kind: categorical, special: {-1: never asked}, description: one line for reports}"
        yield "    {}"
    for column in coded:
        numbers, _ = text_as_numbers(frame[column])
        yield f"    {_scalar(column)}:"
        yield "      special:  # (?) codes, and what they mean"
        for code, count in special_codes(frame[column] if numbers is None else numbers).items():
            yield f"        {_scalar(whole(code))}: not known yet  # in {count} rows"


def _split(frame: pd.DataFrame, found: FoundOutcome, date: str | None) -> Iterator[str]:
    config = SplitConfig()
    if date is not None:
        dates = as_of_dates(frame.loc[found.y.index, date])
        start = dates.sort_values().iloc[int(0.75 * len(dates))].date()
        in_time = SplitConfig(kind="out_of_time", from_date=start)
        try:
            split(found.y, dates, in_time)
        except DataError:
            yield "# The dates leave no latest quarter with events and without: the split is stratified."
        else:
            config = in_time
    yield from _section("split", config, _SPLIT_TOLD)


def _tiers(event_rate: float) -> Iterator[str]:
    # The middle tier begins at the average risk; the highest at three times its odds.
    odds = 3 * event_rate / (1 - event_rate)
    bounds = [0.0, round(event_rate, 2), round(odds / (1 + odds), 2)]
    if not 0 < bounds[1] < bounds[2] < 1:
        bounds = [tier.from_probability for tier in DEFAULT_TIERS]
    told = _descriptions(TierConfig)
    yield f"tiers:  # (?) bands of probability; from_probability: {told['from_probability']}"
    for tier, bound in zip(DEFAULT_TIERS, bounds, strict=True):
        yield f"  - {{name: {tier.name}, from_probability: {bound}, treatment: {_scalar(tier.treatment)}}}"


def _for_the_document(task: Literal["default", "churn"]) -> Iterator[str]:
    """Yield what only people know, as comments: nothing of it is guessed, and all of it may stay away."""
    costs = {
        "default": {"exposure": 10000, "loss_given_default": 0.45, "margin": 0.08},
        "churn": {"value": 200, "contact_cost": 1, "success_rate": 0.3, "incentive": 10},
    }[task]
    told = _descriptions(CostsConfig)
    yield "# costs:  # what decisions earn or cost; without it the model document shows no profit"
    for key, value in costs.items():
        yield f"#   {key}: {value}  # {told[key]}"
    yield "# fairness:"
    yield f"#   columns: [some_column]  # {_descriptions(FairnessConfig)['columns']}"
    yield "# panel:  # rows from dated records instead of this table; see docs/panels.md"
    yield "# document:  # the model document (notebook 3) says so where one of these is not given"
    for key, description in _descriptions(DocumentConfig).items():
        default = DocumentConfig.model_fields[key].default
        example = str(default).lower() if isinstance(default, bool) else '""' if isinstance(default, str) else "[]"
        yield f"#   {key}: {example}  # {description}"


def _for_monitoring() -> Iterator[str]:
    """Yield the limits of monitoring, as comments: they are good ones to begin with."""
    yield "# monitoring:  # when `riskml monitor` calls for a look, or a new model; behaviour: see docs/monitoring.md"
    for key, description in _descriptions(MonitoringConfig).items():
        if description:
            default = MonitoringConfig.model_fields[key].default
            yield f"#   {key}: {_scalar(default) if default != () else '[some_column]'}  # {description}"


def _section(name: str, config: BaseModel, said_here: Mapping[str, str] | None = None) -> Iterator[str]:
    told = {**_descriptions(type(config)), **(said_here or {})}
    yield f"{name}:"
    for key, value in config.model_dump(mode="json").items():
        said = _scalar(value) if not isinstance(value, list) else "[" + ", ".join(map(_scalar, value)) + "]"
        yield f"  {key}: {said}" + (f"  # {told[key]}" if told[key] else "")


def _descriptions(part: type[BaseModel]) -> Mapping[str, str]:
    return {key: field.description or "" for key, field in part.model_fields.items()}


def _scalar(value: Scalar | None) -> str:
    """Return a value as YAML on one line: text that could be read as something else is quoted."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
            return value
        return str(yaml.safe_dump(value, default_style='"', width=float("inf"), allow_unicode=True)).strip()
    return str(yaml.safe_dump(value)).splitlines()[0]


def _comment(text: object, *, quoted: bool = True, most: int = 160) -> str:
    """Return text for a comment: on one line, and printable whatever a column is called."""
    printable = repr(str(text)) if quoted else "".join(char if char.isprintable() else " " for char in str(text))
    return printable if len(printable) <= most else printable[:most] + "…"
