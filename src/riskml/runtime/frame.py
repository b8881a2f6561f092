"""Raw columns to arrays: the one reading of a customer's values, in training and in scoring alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def numeric(values: pd.Series) -> Floats:
    """Return a column as float64, missing as NaN.

    Parameters
    ----------
    values : Series of shape (n,)
        Numbers, booleans, nullable numbers, or text that parses as numbers.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        When a value is no number, or is infinite; the message has column, row and value.
    """
    if values.dtype.kind in "fiub":
        out = values.to_numpy(dtype=np.float64)
    else:
        parsed = pd.to_numeric(values, errors="coerce")
        out = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
        lost = np.isnan(out) & values.notna().to_numpy()
        if lost.any():
            raise ValueError(_complaint(values, lost, "is not a number"))
    infinite = np.isinf(out)
    if infinite.any():
        raise ValueError(_complaint(values, infinite, "is not finite"))
    return out


def levels(values: pd.Series) -> NDArray[np.object_]:
    """Return a column as text, missing as None; 1, 1.0 and "1" are the same level.

    Parameters
    ----------
    values : Series of shape (n,)

    Returns
    -------
    ndarray of object, shape (n,)
    """
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    names = np.empty(len(uniques) + 1, dtype=object)
    names[:-1] = [level(value) for value in uniques]
    names[-1] = None  # what code -1 selects
    return names[codes]


def level(value: Any) -> str:
    """Return the text that stands for a category's value.

    >>> level(1.0), level("1"), level(True)
    ('1', '1', 'True')
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def columns(frame: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Return the named columns of a frame as arrays, by their kind.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Extra columns are ignored, and the order is free.
    kinds : mapping of column name to "numeric" or "categorical"

    Returns
    -------
    dict of column name to ndarray of shape (n,)

    Raises
    ------
    ValueError
        When a column is absent or holds what its kind does not allow.
    """
    absent = [name for name in kinds if name not in frame.columns]
    if absent:
        raise ValueError(f"columns missing from the table: {', '.join(map(str, absent))}")
    return {name: numeric(frame[name]) if kind == "numeric" else levels(frame[name]) for name, kind in kinds.items()}


def codes(values: NDArray[np.object_], index: Mapping[str, int], missing: int, other: int) -> NDArray[np.intp]:
    """Return the position of each level: ``missing`` for None, ``other`` for one that is not in ``index``."""
    numbers, uniques = pd.factorize(values, use_na_sentinel=True)
    slots = np.fromiter(_slots(uniques, index, missing, other), dtype=np.intp, count=len(uniques) + 1)
    return slots[numbers]


def _slots(uniques: Iterable[Any], index: Mapping[str, int], missing: int, other: int) -> Iterable[int]:
    yield from (index.get(value, other) for value in uniques)
    yield missing


def _complaint(values: pd.Series, rows: NDArray[np.bool_], what: str) -> str:
    first = int(np.flatnonzero(rows)[0])
    more = int(rows.sum()) - 1
    tail = f" (and {more} more rows)" if more else ""
    return f"column {values.name!r}, row {values.index[first]!r}: {values.iloc[first]!r} {what}{tail}"
