"""Key columns of a table: outcome and customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.config.experiment import Scalar
from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.runtime.frame import level, levels
from riskml.schema import refuse_collections

_YES = {"1", "true", "yes", "y", "on", "t"}
_NO = {"0", "false", "no", "n", "off", "f"}


def refuse_unknown(names: Iterable[object], references: Iterable[tuple[str, str | None]]) -> None:
    """Raise a ConfigError when a setting names a column that a table does not have."""
    known = [str(name) for name in names]
    for key, name in references:
        if name is not None and name not in known:
            raise ConfigError(
                f"the table has no column {name!r}; it has {preview(known, 20)}",
                where=key,
                fix=did_you_mean(name, known) or "name one of the table's columns",
            )


def outcome(column: pd.Series, event: Scalar) -> pd.Series:
    """Return the target as 0 and 1, where 1 is the event.

    Examples
    --------
    >>> outcome(pd.Series(["good", "bad"], name="status"), "bad").tolist()
    [0, 1]
    """
    refuse_blanks(column, "the target", "remove the rows whose outcome is unknown")
    texts = levels(column)
    values = list(dict.fromkeys(texts))
    match = matching_level(values, event)
    if match is None:
        raise DataError(
            f"no row of the target has the event's value {event!r}; its values are {preview(sorted(values))}",
            where=f"column {column.name!r}, data.event",
            fix=did_you_mean(level(event), values) or "set data.event to the value that stands for default or churn",
        )
    refuse_spellings(texts, match, f"column {column.name!r}")
    if len(values) == 1:
        raise DataError(
            f"the target has one value only: {values[0]!r}; a model needs rows with and without the event",
            where=f"column {column.name!r}",
            fix="add rows of the other outcome, or name another target",
        )
    return pd.Series((texts == match).astype(np.int8), index=column.index, name=column.name)


def matching_level(values: Sequence[str], event: Scalar) -> str | None:
    """Return the value of a target that an experiment's event stands for, or None.

    Examples
    --------
    >>> matching_level(["no", "yes"], True), matching_level(["0", "1"], "1.0")
    ('yes', '1')
    """
    if level(event) in values:
        return level(event)
    text = str(event).strip().casefold()
    if text in _YES | _NO:
        same = _YES if text in _YES else _NO
        matches = [value for value in values if value.strip().casefold() in same]
        return matches[0] if len(matches) == 1 else None
    try:
        text = level(float(text))
    except (ValueError, OverflowError):
        return None
    return text if text in values else None


def refuse_spellings(texts: NDArray[np.object_], event: Scalar, where: str) -> None:
    """Raise a DataError when the event is also written with other letters' case or blanks."""
    names, counts = np.unique(texts.astype(str), return_counts=True)
    event = level(event)
    same = {
        name: n
        for name, n in zip(names.tolist(), counts.tolist(), strict=True)
        if name.strip().casefold() == event.casefold().strip()
    }
    if set(same) - {event}:
        spellings = ", ".join(f"{name!r} ({n} {'rows' if n > 1 else 'row'})" for name, n in same.items())
        raise DataError(
            f"the event {event!r} is written in other ways: {spellings}",
            where=where,
            fix="write it in one way: other spellings would count as not the event",
        )


def customers(column: pd.Series) -> pd.Index:
    """Return the customers' identifiers, which must be unique."""
    refuse_blanks(column, "the customer's identifier", "fill it in for every customer, or set data.id to null")
    twice = column.duplicated(keep=False)
    if twice.any():
        names = column[twice].drop_duplicates()
        raise DataError(
            f"{len(names)} {'customers have' if len(names) > 1 else 'customer has'} several rows, "
            f"{int(twice.sum())} in all: {preview(names, 5)}",
            where=f"column {column.name!r}",
            fix="keep one row per customer: aggregate, or keep one as-of date",
        )
    index: pd.Index = pd.Index(column.array, name=column.name)
    return index


def blank(column: pd.Series) -> NDArray[np.bool_]:
    """Return which cells are empty or hold only blanks, as booleans of shape (n,)."""
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.isna().to_numpy(dtype=bool)
    refuse_collections(column, str(column.name))
    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    values = np.asarray(uniques, dtype=object)
    is_blank = [isinstance(value, str) and not value.strip() for value in values]
    return np.array([*is_blank, True], dtype=bool)[codes]  # code -1, a missing cell, selects the last


def without_blanks(column: pd.Series) -> pd.Series:
    """Return a column with cells of blanks made empty, because files pad them."""
    empty = blank(column)
    return column.mask(empty) if empty.sum() > column.isna().sum() else column


def refuse_blanks(column: pd.Series, role: str, fix: str) -> None:
    """Raise a DataError with the number of a role's blank cells and the first of them."""
    empty = blank(column)
    if empty.any():
        raise DataError(
            f"{role} is blank in {int(empty.sum())} of {len(column)} rows",
            where=f"column {column.name!r}, {row_names(column.index[empty])}",
            fix=fix,
        )


def row_names(index: pd.Index) -> str:
    """Return the first of some rows' labels for a message.

    >>> row_names(pd.Index([3, 4], name="row")), row_names(pd.Index(["C7"], name="customer"))
    ('rows 3, 4 (counted from 0)', "rows 'C7'")
    """
    return f"rows {preview(index, 5)}" + (" (counted from 0)" if index.name == "row" else "")
