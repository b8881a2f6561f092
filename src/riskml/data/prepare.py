"""From a table as it is to one that can be learnt from: every check, and a note of everything found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from riskml.config.experiment import ColumnConfig, DataConfig, Experiment
from riskml.data.catalog import sample, samples
from riskml.data.key_columns import as_of_dates, customers, outcome, refuse_unknown, row_names, without_blanks
from riskml.data.leakage_hints import LEAK_AUC, date_form, identifier_reason, solo_auc
from riskml.data.sources.number_formats import refuse_written, text_as_numbers
from riskml.errors import DataError
from riskml.runtime.frame import level
from riskml.schema import Column, Schema, refuse_duplicates

RESERVED = ("_target", "_part", "_fold", "_date")
"""Columns that a run writes beside the features."""

FEWEST_ROWS = 50
"""Below this, no split leaves enough to learn from and to judge by."""


@dataclass(frozen=True)
class Prepared:
    """A table that can be learnt from.

    Parameters
    ----------
    X : DataFrame of shape (n, p)
        What models see, in the schema's form; indexed by customer (row number where there is no identifier).
    y : Series of int8, shape (n,)
        1 is the event. The index of ``X``.
    dates : Series of datetime64, shape (n,), or None
        As-of dates. The index of ``X``.
    notes : DataFrame
        What was found: column, finding, severity ("info" or "warning"), done ("dropped", "converted" or "kept").
    groups : Series of shape (n,), or None
        What keeps rows together in one fold. The index of ``X``.
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
    """Check a table against an experiment, and return what its models learn from.

    Columns that cannot help are left out and noted: those without values, with one value, of dates, and text that
    differs in every row. Suspicions (identifiers, leaks, very many levels) are noted and left to the user. What an
    experiment says of a column in ``data.columns`` overrules a suspicion.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        One row per customer.
    descriptions : mapping of column to a line, optional
        Where the experiment says nothing of a column.

    Raises
    ------
    ConfigError
        When the experiment names a column that the table does not have.
    DataError
        When the table, its outcome, its identifiers, its dates or its values cannot be learnt from.
    """
    data = experiment.data
    frame = frame.set_axis(pd.Index([str(name) for name in frame.columns], dtype=object), axis=1)
    refuse_duplicates(frame.columns)
    refuse_unknown(frame.columns, _named(data))
    refuse_unknown(frame.columns, (("gate.protected", name) for name in experiment.gate.protected))
    _refuse_reserved([name for name in frame.columns if name not in data.exclude])
    _check_size(frame)
    # From here on every row goes by its customer's name, in errors too.
    frame = frame.set_axis(pd.RangeIndex(len(frame), name="row"), axis=0)
    frame = frame if data.id is None else frame.set_axis(customers(frame[data.id]), axis=0)
    y = outcome(frame[data.target], data.event)
    _check_events(y, experiment.split.folds)
    dates = None if data.date is None else as_of_dates(frame[data.date])
    groups = None if data.group is None else frame[data.group]
    roles = {data.target, data.id, data.date, data.group, *data.exclude}
    _refuse_infinite(frame.drop(columns=[name for name in roles if name is not None]))
    read_as_they_are = {name for name, said in data.columns.items() if said.kind == "categorical"}
    refuse_written(frame[name] for name in frame.columns if name not in roles | read_as_they_are)
    features, notes = _features(frame[[name for name in frame.columns if name not in roles]], y, data)
    several = frame[data.target].nunique()
    if several > 2:
        finding = f"{several} values; {data.event!r} is the event, all others together are not"
        notes.insert(0, _Note(data.target, finding, "warning" if several > 10 else "info", "converted"))
    schema = _described(Schema.infer(features, data.columns), descriptions or _known(data.source))
    return Prepared(schema.conform(features), y, dates, schema, _table(notes), groups)


def _named(data: DataConfig) -> Iterator[tuple[str, str | None]]:
    yield from [
        ("data.target", data.target),
        ("data.id", data.id),
        ("data.date", data.date),
        ("data.group", data.group),
    ]
    yield from (("data.exclude", name) for name in data.exclude)
    yield from (("data.columns", name) for name in data.columns)


def _refuse_reserved(names: list[str]) -> None:
    taken = [name for name in names if name in RESERVED]
    if taken:
        raise DataError(
            f"a run writes columns of its own beside the features: {', '.join(RESERVED)}",
            where=", ".join(f"column {name!r}" for name in taken),
            fix="rename them in the table, or list them in data.exclude",
        )


def _check_size(frame: pd.DataFrame) -> None:
    if len(frame) < FEWEST_ROWS:
        raise DataError(
            f"the table has {len(frame)} rows; at least {FEWEST_ROWS} are needed to learn from some and judge by others"
            if len(frame)
            else "the table has no rows",
            fix="use more rows; a model worth using takes hundreds of events",
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
            fix="leave these cells empty: a ratio with nothing below the line has no value",
        )


def _features(frame: pd.DataFrame, y: pd.Series, data: DataConfig) -> tuple[pd.DataFrame, list[_Note]]:
    kept: dict[str, pd.Series] = {}
    notes: list[_Note] = []
    problems: list[str] = []
    for name in frame.columns:
        said = data.columns.get(name, ColumnConfig())
        column = without_blanks(frame[name])
        numbers, problem = (None, "") if said.kind == "categorical" else text_as_numbers(column)
        if problem:
            problems.append(f"  - {problem}")
            continue
        column = column if numbers is None else numbers
        useless = _useless(column, said)
        if useless:
            notes.append(_Note(name, useless, "warning", "dropped"))
            continue
        if numbers is not None:
            notes.append(_Note(name, "numbers stored as text", "info", "converted"))
        kept[name] = column
        notes += _suspicions(column, y, said)
    if problems:
        raise DataError(
            "\n".join(["numbers and text are mixed", *problems]),
            fix="correct these values or leave their cells empty; if they are codes, set "
            "data.columns.<column>.kind to categorical",
        )
    if not kept:
        raise DataError(
            "no column is left to learn from" + (f": {notes[0].column} has {notes[0].finding}" if notes else ""),
            fix="add columns that describe the customers, or shorten data.exclude",
        )
    return pd.DataFrame(kept, index=frame.index), notes


def _useless(column: pd.Series, said: ColumnConfig) -> str:
    """Return why a column is left out, or nothing."""
    if column.isna().all():
        return "no values"
    if column.nunique(dropna=False) == 1:
        return f"one value only: {level(column.iloc[0])}"
    if said.kind is not None:
        return ""
    form = date_form(column)
    if form:
        return f"dates ({form}): as such no feature"
    reason = None if pd.api.types.is_numeric_dtype(column.dtype) else identifier_reason(column)
    return f"seems to be an identifier: {reason}" if reason else ""


def _suspicions(column: pd.Series, y: pd.Series, said: ColumnConfig) -> Iterable[_Note]:
    name = str(column.name)
    reason = identifier_reason(column) if said.kind is None else None
    if reason:
        finding = f"seems to be an identifier: {reason}; name it in data.id or data.exclude if it is"
        yield _Note(name, finding, "warning", "kept")
    known = column.dropna()
    if not pd.api.types.is_numeric_dtype(column.dtype) and known.nunique() > 0.5 * len(known):
        yield _Note(name, f"{known.nunique()} levels in {len(known)} rows: most are seen once", "warning", "kept")
    auc = solo_auc(column, y)
    if auc > LEAK_AUC:
        finding = f"ranks the outcome by itself with an AUC of {auc:.3f}: was it known at the as-of date?"
        yield _Note(name, finding, "warning", "kept")


def _known(source: str) -> Mapping[str, str]:
    """Return what the catalog knows of a sample's columns."""
    return sample(source).descriptions if source in {known.name for known in samples()} else {}


def _described(schema: Schema, known: Mapping[str, str]) -> Schema:
    """Fill in a line where the experiment says nothing of a column."""

    def told(column: Column) -> Column:
        return column if column.description else replace(column, description=known.get(column.name, ""))

    return Schema(tuple(map(told, schema)))


def _table(notes: list[_Note]) -> pd.DataFrame:
    rows = [(note.column, note.finding, note.severity, note.done) for note in notes]
    return pd.DataFrame(rows, columns=["column", "finding", "severity", "done"], dtype=object)
