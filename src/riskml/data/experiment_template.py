"""Experiment template: a commented experiment file for a table, with guesses filled in for a person to confirm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
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
from riskml.data.catalog import sample, sample_names
from riskml.data.dates import as_of_dates
from riskml.data.key_columns import blank, outcome, refuse_unknown
from riskml.data.leakage_hints import special_codes
from riskml.data.prepare import RESULTS
from riskml.data.profile import profile
from riskml.data.sources.number_formats import refuse_written, text_as_numbers
from riskml.data.sources.source import read_table
from riskml.data.sources.workbook import split_sheet
from riskml.data.split import split
from riskml.errors import ConfigError, DataError, preview
from riskml.runtime.frame import levels, without_words
from riskml.schema import Schema, refuse_collections

EVENT_WORDS = frozenset(
    ("true", "yes", "y", "t", "bad", "default", "defaulted", "charged_off", "delinquent", "overdue", "late")
    + ("churn", "churned", "attrited", "attrited_customer", "left", "leaver", "lost", "exited", "cancelled", "canceled")
    + ("lapsed", "流失", "已流失", "违约", "逾期", "坏账")
)
MISSING_WORDS = ("-", "--", "---", "—", "/", "?", ".", "无", "空", "未填", "未知", "N.A.", "n.a.", "missing", "Missing")
_CHURN_WORDS = ("churn", "attrit", "cancel", "lapse", "exited", "retention", "renew", "leaver", "流失")
_EXCLUDED = ("empty", "constant", "date", "identifier", "leak")
_PARTS: dict[str, type[BaseModel]] = {
    "data": DataConfig,
    "split": SplitConfig,
    "models": ModelsConfig,
    "tier": TierConfig,
    "export": ExportConfig,
    "gate": GateConfig,
    "costs": CostsConfig,
    "fairness": FairnessConfig,
    "document": DocumentConfig,
    "monitoring": MonitoringConfig,
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
    exclude: Sequence[str] = (),
    encoding: str = "utf-8",
    folder: str | Path | None = None,
) -> str:
    """Return the text of an experiment file for a table, to be read through and corrected.

    Parameters
    ----------
    name : str
        The experiment's name: lower case letters, digits and underscores.
    file : str or path
        A sample's name, or a CSV, Parquet or Excel file (``book.xlsx#March`` names the sheet).
    target : str
        The column of the outcome.
    event : bool, int, float or str, optional
        The outcome's value for the event. When omitted it is guessed: a word such as true, yes, bad, default or
        churned, 1 against 0, else the rarer of two values.
    id, date : str, optional
        The columns of the customer's identifier and of the as-of date. With a date the split is out of time: the latest
        quarter of the rows is the test set.
    exclude : sequence of str
        Columns that no model may see.
    encoding : str, default "utf-8"
        Encoding of a text file.
    folder : path, optional
        The folder of the experiment file; the data file is then named relative to it. Else by its absolute path.

    Returns
    -------
    str
        YAML that ``riskml.config.read_experiment`` reads. Columns that seem to be identifiers, dates, constants or
        leaks are excluded and special codes are listed, each with its reason in a comment.

    Raises
    ------
    ConfigError
        When the name is invalid, a column does not exist, or the event cannot be guessed.
    DataError
        When the table cannot be read, or no row has the event.
    """
    _check_name(name)
    frame = read_table(file, encoding=encoding)
    path, sheet = split_sheet(file)
    named = [("--target", target), ("--id", id), ("--date", date), *(("--exclude", column) for column in exclude)]
    refuse_unknown(frame.columns, named)
    target_outcome = find_outcome(frame[target], event)
    excluded = dict.fromkeys(exclude, "named with --exclude")
    missing = _missing_words(frame.drop(columns=[target]))
    words = sorted({word for counts in missing.values() for word in counts})
    frame = frame.apply(lambda column: column if column.name == target else without_words(column, words))
    excluded |= _unusable(frame.drop(columns=[column for column in {target, id, date, *exclude} if column]))
    facts = (
        profile(frame.drop(columns=list(excluded)), target, target_outcome.event).set_index("column").drop(index=target)
    )
    task = guess_task(name, str(file), target, target_outcome.event)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"scalar": _scalar, "comment": _comment, "plain": _plain, "whole": whole}
    text = environment.get_template("experiment.yaml.j2").render(
        name=name,
        file=path.name,
        rows=len(frame),
        columns=frame.shape[1],
        faults=facts.loc[facts["suspicion"].str.contains("mixed|infinite"), "explanation"].to_dict(),
        task=task,
        source=_source(path, folder),
        sheet=sheet,
        encoding=encoding,
        missing=words,
        missing_counts=[f"(?) {name}: {_counted(counts)}" for name, counts in missing.items()],
        target=target,
        outcome=target_outcome,
        events=int(target_outcome.y.sum()),
        others=preview(target_outcome.others, 3),
        **_columns(frame, facts, {"id": id, "date": date}, excluded),
        **_split(frame, target_outcome, date),
        models=ModelsConfig(trials=8, time_budget=900).model_dump(mode="json"),
        tiers=_tiers(float(target_outcome.y.mean())),
        export=ExportConfig().model_dump(mode="json"),
        gate=GateConfig().model_dump(mode="json"),
        costs={
            "default": {"exposure": 10000, "loss_given_default": 0.45, "margin": 0.08},
            "churn": {"value": 200, "contact_cost": 1, "success_rate": 0.3, "incentive": 10},
        }[task],
        document={key: field.default for key, field in DocumentConfig.model_fields.items()},
        monitoring={key: field.default for key, field in MonitoringConfig.model_fields.items()},
        about=_descriptions(),
    )
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
            f"invalid name {name!r}: it needs a lower case letter, then up to 49 lower case letters, digits or "
            "underscores",
            where="NAME",
            fix=f"for example {proposal}",
        )


def _source(file: str | Path, folder: str | Path | None) -> str:
    if str(file) in sample_names():
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


# -- guesses


@dataclass(frozen=True)
class Outcome:
    """A target as it is read."""

    event: Scalar  # of the column's own type
    guessed: bool
    y: pd.Series  # 1 is the event; only the rows that have an outcome
    others: tuple[str, ...]  # the other values


def find_outcome(column: pd.Series, event: Scalar | None) -> Outcome:
    """Return how a target is read, guessing the event where none is given."""
    column = column[~blank(column)]
    if column.empty:
        raise DataError("the target has no values", where=f"column {column.name!r}", fix="name another target")
    texts = pd.Series(levels(column))
    value = guess_event(texts) if event is None else event
    if value is None:
        counts = ", ".join(f"{value!r} ({count} rows)" for value, count in texts.value_counts().head(10).items())
        raise ConfigError(
            f"the event cannot be guessed from the target's {texts.nunique()} values: {counts}",
            where=f"column {column.name!r}",
            fix="name the event with --event",
        )
    y = outcome(column, value)
    others = tuple(dict.fromkeys(texts[y.to_numpy() == 0]))
    return Outcome(_native(column[y == 1].iloc[0]), event is None, y, others)


def guess_event(texts: pd.Series) -> str | None:
    """Return the value that seems to be the event: a word that means it, 1 against 0 or -1, else the rarer of two.

    Examples
    --------
    >>> guess_event(pd.Series(["Yes", "No"])), guess_event(pd.Series(["2", "1", "1"]))
    ('Yes', '2')
    """
    counts = texts.value_counts()
    values = [str(value) for value in counts.index]
    words = [value for value in values if re.sub(r"[\s-]+", "_", value.strip().casefold()) in EVENT_WORDS]
    if len(words) == 1:
        return words[0]
    if set(values) in ({"0", "1"}, {"-1", "1"}):
        return "1"
    return values[-1] if len(values) <= 2 else None


def guess_task(name: str, file: str, target: str, event: Scalar) -> Literal["default", "churn"]:
    """Return the task that the names suggest.

    Examples
    --------
    >>> guess_task("book", "book.csv", "Attrition_Flag", 1), guess_task("book", "loans.csv", "status", "bad")
    ('churn', 'default')
    """
    if file in sample_names():
        return sample(file).task
    words = " ".join([name, Path(file).name, target, str(event)]).casefold()
    return "churn" if any(word in words for word in _CHURN_WORDS) else "default"


def _missing_words(frame: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return the words that seem to stand for a missing value, and in how many rows, of each column."""
    words = {}
    for name in frame.columns:
        if frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name].dtype):
            texts = frame[name].dropna().map(lambda value: value.strip() if isinstance(value, str) else "")
            counts = texts[texts.isin(MISSING_WORDS)].value_counts()
            if len(counts):
                words[str(name)] = {str(word): int(count) for word, count in counts.items()}
    return words


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{word!r} in {count} rows" for word, count in counts.items())


def _unusable(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns that no run can use as they are, and why."""
    reasons = {}
    for name in frame.columns:
        if str(name).lower() in RESULTS:
            reasons[name] = "not usable: scoring adds a column of this name; rename it in the table"
            continue
        try:
            refuse_collections(frame[name], str(name))
            if frame[name].dtype.kind == "m" or isinstance(frame[name].dtype, pd.IntervalDtype):
                Schema.infer(frame[[name]])
            refuse_written([frame[name]])
        except DataError as error:
            reasons[name] = "not usable: " + error.what.replace("\n  -", ";")
    return reasons


def _columns(
    frame: pd.DataFrame, facts: pd.DataFrame, roles: dict[str, str | None], unusable: dict[str, str]
) -> dict[str, Any]:
    """Return the roles, columns that may have a role, columns to exclude and special codes."""
    suspicion = facts["suspicion"]
    suspects = {"id": suspicion.str.contains("identifier"), "date": suspicion.str.contains("date")}
    likely = {role: facts.index[rows][0] for role, rows in suspects.items() if roles[role] is None and rows.any()}
    facts = facts.drop(index=[column for column in roles.values() if column in facts.index])
    excluded = dict(unusable)
    for column, row in facts.iterrows():
        reasons = [kind for kind in _EXCLUDED if kind in row["suspicion"].split(", ")]
        if reasons:
            excluded[str(column)] = f"{reasons[0]}: {row['explanation']}"
    codes = {}
    for column in facts.index[facts["suspicion"].str.contains("special codes")].difference(list(excluded), sort=False):
        numbers, _ = text_as_numbers(frame[column])
        codes[column] = special_codes(frame[column] if numbers is None else numbers)
    return {"roles": roles, "likely": likely, "excluded": excluded, "codes": codes}


def _split(frame: pd.DataFrame, target: Outcome, date: str | None) -> dict[str, Any]:
    config = SplitConfig()
    if date is not None:
        dates = as_of_dates(frame.loc[target.y.index, date])
        start = dates.sort_values().iloc[int(0.75 * len(dates))].date()
        in_time = SplitConfig(kind="out_of_time", from_date=start)
        try:
            split(target.y, dates, in_time)
            config = in_time
        except DataError:
            pass
    unsplit = date is not None and config.kind == "stratified"
    return {"split": config.model_dump(mode="json"), "date_without_split": unsplit}


def _tiers(event_rate: float) -> list[TierConfig]:
    # The middle tier begins at the average risk; the highest at three times its odds.
    odds = 3 * event_rate / (1 - event_rate)
    bounds = [0.0, round(event_rate, 2), round(odds / (1 + odds), 2)]
    if not 0 < bounds[1] < bounds[2] < 1:
        return list(DEFAULT_TIERS)
    return [
        tier.model_copy(update={"from_probability": bound}) for tier, bound in zip(DEFAULT_TIERS, bounds, strict=True)
    ]


# -- YAML


def _descriptions() -> dict[str, dict[str, str]]:
    """Return the description of each key of each part, some of them worded for this file."""
    about = {
        name: {key: field.description or "" for key, field in part.model_fields.items()}
        for name, part in _PARTS.items()
    }
    about["models"] |= {
        "trials": "per family at the most; let this limit bind, not the seconds: reruns are then byte-identical",
        "time_budget": "seconds for the search of all families at the most; generous, so that trials is the limit",
    }
    about["split"]["kind"] = (
        "stratified: at random, the event's share the same; or out_of_time, which needs data.date and from_date"
    )
    return about


def whole(value: Scalar) -> Scalar:
    """Return a number without a fraction as an integer, and anything else unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _native(value: object) -> Scalar:
    plain = value.item() if hasattr(value, "item") else value
    return whole(plain) if isinstance(plain, (bool, int, float, str)) else levels(pd.Series([value]))[0]


def _scalar(value: Any) -> str:
    """Return a value as YAML on one line: text that could be read as something else is quoted."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_scalar, value)) + "]"
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
            return value
        return str(yaml.safe_dump(value, default_style='"', width=float("inf"), allow_unicode=True)).strip()
    return str(yaml.safe_dump(value)).splitlines()[0]


def _comment(text: object) -> str:
    """Return a name for a comment: quoted, printable and not too long."""
    return _shortened(repr(str(text)))


def _plain(text: object) -> str:
    """Return text for a comment: on one line, printable and not too long."""
    return _shortened("".join(char if char.isprintable() else " " for char in str(text)))


def _shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[:most] + "…"
