"""Preparation of a table for training: checks, conversions and notes of what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from riskml.config.experiment import ColumnConfig, DataConfig, Experiment
from riskml.data.catalog import sample, sample_names
from riskml.data.dates import as_of_dates, date_form
from riskml.data.key_columns import customers, outcome, refuse_unknown, row_names, without_blanks
from riskml.data.leakage_hints import LEAK_AUC, identifier_reason, solo_auc
from riskml.data.sources.number_formats import missing_word, refuse_written, text_as_numbers
from riskml.errors import DataError
from riskml.runtime.frame import level, without_words
from riskml.schema import Column, Schema, refuse_duplicates

RESERVED = ("_target", "_part", "_fold", "_date")
"""Columns that a run adds to the features."""

RESULTS = ("probability", "points", "tier")
"""Columns that scoring adds to the customers."""

FEWEST_ROWS = 50
"""With fewer rows no split leaves enough for training and validation."""


@dataclass(frozen=True)
class Prepared:
    """A table ready for training.

    Parameters
    ----------
    X : DataFrame of shape (n, p)
        Features in the schema's form, indexed by customer (by row number where there is no identifier).
    y : Series of int8, shape (n,)
        1 is the event. The index of ``X``.
    dates : Series of datetime64, shape (n,), or None
        As-of dates. The index of ``X``.
    notes : DataFrame
        Findings: column, finding, severity ("info" or "warning"), done ("dropped", "converted" or "kept").
    groups : Series of shape (n,), or None
        Rows of one group share a fold. The index of ``X``.
    """

    X: pd.DataFrame
    y: pd.Series
    dates: pd.Series | None
    schema: Schema
    notes: pd.DataFrame
    groups: pd.Series | None = None


@dataclass(frozen=True)
class _Note:
    column: str
    finding: str
    severity: str
    done: str


def prepare(frame: pd.DataFrame, experiment: Experiment, descriptions: Mapping[str, str] | None = None) -> Prepared:
    """Check a table against an experiment, and return the training data.

    Useless columns are dropped and noted: those without values, with one value, of dates, and text that differs in
    every row. Suspicious ones (identifiers, leaks, very many levels) are noted and kept. Settings of a column in
    ``data.columns`` override a suspicion.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        One row per customer.
    descriptions : mapping of column to a line, optional
        For columns that the experiment does not describe.

    Raises
    ------
    ConfigError
        When the experiment names a column that the table does not have.
    DataError
        When the table, its outcome, identifiers, dates or values are not usable.
    """
    data = experiment.data
    frame = frame.set_axis(pd.Index([str(name) for name in frame.columns], dtype=object), axis=1)
    refuse_duplicates(frame.columns)
    single = [(f"data.{role}", getattr(data, role)) for role in ("target", "id", "date", "group")]
    several = {"data.exclude": data.exclude, "data.columns": data.columns, "gate.protected": experiment.gate.protected}
    refuse_unknown(frame.columns, [*single, *((key, name) for key, names in several.items() for name in names)])
    _refuse_reserved([name for name in frame.columns if name not in data.exclude])
    _check_size(frame)
    # From here on rows are labelled by customer, in errors too.
    frame = frame.set_axis(pd.RangeIndex(len(frame), name="row"), axis=0)
    frame = frame if data.id is None else frame.set_axis(customers(frame[data.id]), axis=0)
    y = outcome(frame[data.target], data.event)
    _check_events(y, experiment.split.folds)
    dates = None if data.date is None else as_of_dates(frame[data.date])
    groups = None if data.group is None else frame[data.group]
    roles = {data.target, data.id, data.date, data.group, *data.exclude}
    frame, words = _without_missing_words(frame, [name for name in frame.columns if name not in roles], data)
    _refuse_infinite(frame.drop(columns=[name for name in roles if name is not None]))
    categorical = {name for name, config in data.columns.items() if config.kind == "categorical"}
    refuse_written(frame[name] for name in frame.columns if name not in roles | categorical)
    features, notes = _features(frame[[name for name in frame.columns if name not in roles]], y, data)
    notes = [*words, *notes]
    values = frame[data.target].nunique()
    if values > 2:
        finding = f"{values} values; {data.event!r} is the event, all others are not"
        notes.insert(0, _Note(data.target, finding, "warning" if values > 10 else "info", "converted"))
    if descriptions is None and data.source in sample_names():
        descriptions = sample(data.source).descriptions
    schema = _completed(Schema.infer(features, data.columns), data, descriptions or {})
    columns = ["column", "finding", "severity", "done"]
    noted = pd.DataFrame([vars(note) for note in notes], columns=columns, dtype=object)
    return Prepared(schema.conform(features), y, dates, schema, noted, groups)


def _refuse_reserved(names: list[str]) -> None:
    taken = [name for name in names if name in RESERVED or name.lower() in RESULTS]
    if taken:
        raise DataError(
            f"a run adds columns of these names: {', '.join(RESERVED + RESULTS)}",
            where=", ".join(f"column {name!r}" for name in taken),
            fix="rename them in the table, or list them in data.exclude",
        )


def _check_size(frame: pd.DataFrame) -> None:
    if len(frame) < FEWEST_ROWS:
        raise DataError(
            f"the table has {len(frame) or 'no'} rows; at least {FEWEST_ROWS} are needed for training and test",
            fix="use more rows; a useful model needs hundreds of events",
        )


def _check_events(y: pd.Series, folds: int) -> None:
    events = int(y.sum())
    for kind, count in (("events", events), ("non-events", len(y) - events)):
        if count < 2 * folds:
            raise DataError(
                f"the target has {count} {kind} in {len(y)} rows; at least {2 * folds} are needed, "
                f"two for each of the {folds} folds",
                where=f"column {y.name!r}",
                fix="use more rows, or fewer folds (split.folds)",
            )


def _refuse_infinite(frame: pd.DataFrame) -> None:
    problems = []
    for name, column in frame.select_dtypes("number").items():
        infinite = np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
        if infinite.any():
            problems.append(f"  - column {name!r}: {int(infinite.sum())} in {row_names(column.index[infinite])}")
    if problems:
        raise DataError(
            "\n".join(["values must be finite; infinite are", *problems]),
            fix="leave these cells empty: a ratio with denominator 0 has no value",
        )


def _features(frame: pd.DataFrame, y: pd.Series, data: DataConfig) -> tuple[pd.DataFrame, list[_Note]]:
    kept: dict[str, pd.Series] = {}
    notes: list[_Note] = []
    problems: list[str] = []
    for name in frame.columns:
        config = data.columns.get(name, ColumnConfig())
        column = without_blanks(frame[name])
        numbers, problem = (None, "") if config.kind == "categorical" else text_as_numbers(column)
        if problem:
            problems.append(f"  - {problem}")
            continue
        column = column if numbers is None else numbers
        useless = _useless(column, config)
        if useless:
            notes.append(_Note(name, useless, "warning", "dropped"))
            continue
        if numbers is not None:
            notes.append(_Note(name, "numbers stored as text", "info", "converted"))
        kept[name] = column
        notes += _suspicions(column, y, config)
    if problems:
        raise DataError(
            "\n".join(["numbers and text are mixed", *problems]),
            fix="correct these values or leave their cells empty; if they are codes, set "
            "data.columns.<column>.kind to categorical",
        )
    if not kept:
        raise DataError(
            "no feature is left" + (f": {notes[0].column} has {notes[0].finding}" if notes else ""),
            fix="add columns that describe the customers, or shorten data.exclude",
        )
    return pd.DataFrame(kept, index=frame.index), notes


def _useless(column: pd.Series, config: ColumnConfig) -> str:
    """Return why a column is dropped, or nothing."""
    if column.isna().all():
        return "no values"
    if column.nunique(dropna=False) == 1:
        return f"one value only: {level(column.iloc[0])}"
    if config.kind is not None:
        return ""
    form = date_form(column)
    if form:
        return f"dates ({form}): not a feature by themselves"
    reason = None if pd.api.types.is_numeric_dtype(column.dtype) else identifier_reason(column)
    return f"seems to be an identifier: {reason}" if reason else ""


def _suspicions(column: pd.Series, y: pd.Series, config: ColumnConfig) -> Iterable[_Note]:
    name = str(column.name)
    reason = identifier_reason(column) if config.kind is None else None
    if reason:
        finding = f"seems to be an identifier: {reason}; name it in data.id or data.exclude if it is"
        yield _Note(name, finding, "warning", "kept")
    known = column.dropna()
    word = missing_word(column) if config.kind is None else None
    if word:
        yield _Note(name, f"{word}: if it means missing, list it in data.missing", "warning", "kept")
    if not pd.api.types.is_numeric_dtype(column.dtype) and known.nunique() > 0.5 * len(known):
        yield _Note(name, f"{known.nunique()} levels in {len(known)} rows: most occur once", "warning", "kept")
    spellings = _spellings(known) if known.dtype == object else ""
    if spellings:
        yield _Note(name, f"levels differ only by case or blanks: {spellings}", "warning", "kept")
    auc = solo_auc(column, y)
    if auc > LEAK_AUC:
        finding = f"ranks the outcome by itself with an AUC of {auc:.3f}: was it known at the as-of date?"
        yield _Note(name, finding, "warning", "kept")


def _spellings(known: pd.Series) -> str:
    """Return the first levels that differ only by case or blanks, with their rows, or nothing."""
    counts = known.map(str).value_counts()
    folded = counts.index.str.strip().str.casefold()
    twice = counts[folded.duplicated(keep=False)]
    if twice.empty:
        return ""
    first = twice[twice.index.str.strip().str.casefold() == twice.index[0].strip().casefold()]
    return ", ".join(f"{level!r} in {count} rows" for level, count in first.items())


def _completed(schema: Schema, data: DataConfig, descriptions: Mapping[str, str]) -> Schema:
    """Fill in the words for missing values, and the descriptions that the experiment does not give."""

    def completed(column: Column) -> Column:
        description = column.description or descriptions.get(column.name, "")
        return replace(column, description=description, missing=data.missing_words(column.name))

    return Schema(tuple(map(completed, schema)))


def _without_missing_words(frame: pd.DataFrame, names: list[str], data: DataConfig) -> tuple[pd.DataFrame, list[_Note]]:
    """Return the table with words for missing values made empty, and how often each occurs."""
    cleaned, notes = {}, []
    for name in names:
        words = data.missing_words(name)
        column = without_words(frame[name], words)
        empty = column.isna() & frame[name].notna()
        if empty.any():
            counts = frame.loc[empty.to_numpy(), name].map(str).str.strip().value_counts()
            finding = ", ".join(f"{word!r} in {count} rows" for word, count in counts.items())
            notes.append(_Note(name, f"read as missing: {finding}", "info", "converted"))
            cleaned[name] = column
    return frame.assign(**cleaned), notes
