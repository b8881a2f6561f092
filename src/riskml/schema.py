"""What a table's columns are, and the one form in which models see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, time, timedelta
from numbers import Number
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.runtime.frame import level, levels, numeric, without_words

Kind = Literal["numeric", "categorical"]

_NUMERIC = {"boolean", "integer", "floating", "decimal", "mixed-integer-float"}
_TIMES = {"datetime", "datetime64", "date", "time", "timedelta", "timedelta64", "period", "interval"}
_MIXED = {"mixed", "mixed-integer"}
# A Timestamp is a date, and a Timedelta a timedelta.
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64, pd.Period)


class ColumnFacts(Protocol):
    """What an experiment says of a column (``riskml.config.ColumnConfig`` has this shape)."""

    @property
    def kind(self) -> Kind | None:
        """The column's kind, or None to infer it."""

    @property
    def special(self) -> Mapping[Any, str]:
        """Codes, and what they mean."""

    @property
    def description(self) -> str:
        """One line for reports."""


@dataclass(frozen=True)
class Column:
    """One column that a model sees."""

    name: str
    kind: Kind
    # codes that stand for something else than their value, such as -1 for "never asked"
    special: tuple[float | str, ...] = ()
    description: str = ""  # one line for reports
    missing: tuple[str, ...] = ()  # words that stand for a missing value, in addition to the usual ones


@dataclass(frozen=True)
class Schema:
    """The columns that a model sees, in order.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [30, 41], "home": ["rent", None]})
    >>> schema = Schema.infer(frame)
    >>> schema.numeric, schema.categorical
    (('age',), ('home',))
    >>> schema.conform(frame).dtypes.astype(str).to_dict()
    {'age': 'float64', 'home': 'object'}
    """

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        """Refuse two columns of one name."""
        refuse_duplicates(self.names)

    @classmethod
    def infer(cls, frame: pd.DataFrame, columns: Mapping[str, ColumnFacts] | None = None) -> Schema:
        """Return the schema of a table as its values show it, and as the given facts overrule it."""
        names = [str(name) for name in frame.columns]
        refuse_duplicates(names)
        facts = columns or {}
        return cls(tuple(_inferred(frame.iloc[:, i], name, facts.get(name)) for i, name in enumerate(names)))

    @property
    def names(self) -> tuple[str, ...]:
        """All columns' names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def numeric(self) -> tuple[str, ...]:
        """The numeric columns' names, in order."""
        return tuple(column.name for column in self.columns if column.kind == "numeric")

    @property
    def categorical(self) -> tuple[str, ...]:
        """The categorical columns' names, in order."""
        return tuple(column.name for column in self.columns if column.kind == "categorical")

    def __iter__(self) -> Iterator[Column]:
        """Iterate over the columns."""
        return iter(self.columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.columns)

    def __getitem__(self, name: str) -> Column:
        """Return a column by its name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the schema's columns of a table, in order and in one form."""
        names = [str(name) for name in frame.columns]
        refuse_duplicates(names)
        positions = {name: i for i, name in enumerate(names)}
        absent = [name for name in self.names if name not in positions]
        if absent:
            raise DataError(
                f"missing {'columns' if len(absent) > 1 else 'column'}: " + "; ".join(map(repr, absent)),
                where=f"a table with the columns {preview(names)}",
                fix=did_you_mean(absent[0], names) or "add the columns; empty cells are allowed",
            )
        data: dict[str, pd.Series] = {}
        problems = []
        for column in self.columns:
            series = without_words(frame.iloc[:, positions[column.name]].rename(column.name), column.missing)
            try:
                # The type is named, or pandas would make its own kind of text of the levels.
                data[column.name] = (
                    pd.Series(levels(series), index=frame.index, dtype=object)
                    if column.kind == "categorical"
                    else pd.Series(numeric(series), index=frame.index, dtype=np.float64)
                )
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise DataError(
                "\n".join(problems), fix="correct these values, or leave the cells empty where nothing is known"
            )
        return pd.DataFrame(data, index=frame.index, columns=pd.Index(self.names, dtype=object))

    def to_dict(self) -> dict[str, Any]:
        """Return the schema as plain values that JSON can hold."""
        lists = [{"special": list(column.special), "missing": list(column.missing)} for column in self.columns]
        return {"columns": [asdict(column) | own for column, own in zip(self.columns, lists, strict=True)]}

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any]) -> Schema:
        """Return the schema that ``to_dict`` gave."""
        lists = ("special", "missing")  # files of version 0.1 have no words for missing values
        return cls(
            tuple(
                Column(**column | {key: tuple(column.get(key, ())) for key in lists}) for column in payload["columns"]
            )
        )


def refuse_duplicates(names: Iterable[str], where: str = "the header") -> None:
    """Raise a DataError that lists the names that occur more than once."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    twice = [name for name, count in seen.items() if count > 1]
    if twice:
        raise DataError(
            f"{len(twice)} column {'names occur' if len(twice) > 1 else 'name occurs'} more than once: "
            + preview(twice),
            where=where,
            fix="rename them: every column needs a unique name",
        )


def _inferred(series: pd.Series, name: str, facts: ColumnFacts | None) -> Column:
    kind = _kind(series, name)
    if facts is None or facts.kind is None:
        _refuse_mixed(series, name)
    if facts is None:
        return Column(name, kind)
    kind = facts.kind or kind
    return Column(name, kind, tuple(_code(value, kind, name) for value in facts.special), facts.description)


def _kind(series: pd.Series, name: str) -> Kind:
    if pd.api.types.is_numeric_dtype(series.dtype) and series.dtype.kind != "c":
        return "numeric"
    seen = pd.api.types.infer_dtype(series, skipna=True)
    if isinstance(series.dtype, pd.CategoricalDtype):
        seen = pd.api.types.infer_dtype(series.cat.categories, skipna=True)
        if seen not in _TIMES:
            return "categorical"
    if seen == "interval":
        raise DataError(
            f"a column of intervals ({series.dtype}) is no feature by itself",
            where=f"column {name!r}",
            fix="hand in the numbers that were cut, or the intervals as text (.astype(str))",
        )
    if seen in _TIMES:
        raise _of_dates(series, name, "durations" if "delta" in seen else "dates")
    if seen in _NUMERIC:
        return "numeric"
    if seen == "mixed" and all(isinstance(value, _DATES) for value in series[series.notna()]):
        raise _of_dates(series, name, "dates")
    refuse_collections(series, name)
    return "categorical"


def _of_dates(series: pd.Series, name: str, what: str) -> DataError:
    return DataError(
        f"a column of {what} ({series.dtype}) is no feature by itself",
        where=f"column {name!r}",
        fix="turn it into a number, such as days before the as-of date, or leave it out (in an experiment file: "
        "data.exclude, or data.date when it is the as-of date)",
    )


def _refuse_mixed(series: pd.Series, name: str) -> None:
    """Raise a DataError when two of numbers, text and dates are in one column: a stray cell makes levels of all."""
    if pd.api.types.infer_dtype(series, skipna=True) not in _MIXED:
        return
    known = series[series.notna()]
    kinds = known.map(_word)
    words = [word for word in ("numbers", "dates", "text") if (kinds == word).any()]
    if len(words) < 2:
        return
    # Of what is last in the order, which is most likely astray, the first cell is shown.
    *others, last = words
    first = known[kinds == last]
    counted = " and ".join(f"{int((kinds == word).sum())} {word}" for word in others)
    raise DataError(
        f"{' and '.join(words)} are mixed: {counted}, and {first.iloc[0]!r}",
        where=f"column {name!r}, row {first.index[0]!r}",
        fix="leave such cells empty, give the text a number as its special code, or make the column text"
        if words == ["numbers", "text"]
        else "turn dates into numbers, such as days before the as-of date, and leave other cells empty; or make the "
        "column text",
    )


def _word(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, _DATES):
        return "dates"
    return "numbers" if isinstance(value, Number) else ""


def refuse_collections(series: pd.Series, name: str) -> None:
    """Raise a DataError when a cell of a column holds a list or the like instead of a number or text."""
    if isinstance(series.dtype, pd.ArrowDtype) and str(series.dtype).startswith(
        ("list", "large_list", "struct", "map")
    ):
        series = series.astype(object)
    if pd.api.types.infer_dtype(series, skipna=True) not in {"mixed", "complex", "bytes"}:
        return
    for row, value in series.items():
        if not pd.api.types.is_scalar(value) or isinstance(value, (bytes, complex)):
            raise DataError(
                f"a cell holds a {type(value).__name__}; cells hold numbers or text",
                where=f"column {name!r}, row {row!r}",
                fix="unfold the column into columns of numbers or text",
            )


def _code(value: object, kind: Kind, name: str) -> float | str:
    if kind == "categorical":
        return level(value)
    try:
        code = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        code = float("nan")
    if not np.isfinite(code):
        raise ConfigError(
            f"a special code of a numeric column is a number; got {value!r}",
            where=f"data.columns.{name}.special",
            fix="correct the code, or set the column's kind to categorical",
        )
    return code
