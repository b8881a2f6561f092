"""Conversion of raw columns to arrays, shared by training and scoring."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

# pandas is imported only where a frame is read: single records are scored without it.
Floats = NDArray[np.float64]
_FEW = 64  # values for which one lookup each is faster than factorising


def numeric(values: pd.Series) -> Floats:
    """Return a column as float64, missing as NaN."""
    if values.dtype.kind in "mMc":
        raise ValueError(f"column {values.name!r}: expected numbers, got {values.dtype}")
    if is_single(values):
        out = shortest_decimals(values.to_numpy(dtype=np.float32, na_value=np.nan))
    elif values.dtype.kind in "fiub":
        out = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        import pandas as pd

        parsed = pd.to_numeric(values, errors="coerce")
        if parsed.dtype.kind == "c":
            raise ValueError(f"column {values.name!r}: expected real numbers, got complex numbers")
        out = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
        lost = np.isnan(out) & values.notna().to_numpy()
        if lost.any():
            lost[lost] = [not _blank(value) for value in values[lost]]
        if lost.any():
            raise ValueError(_complaint(values, lost, "is not a number"))
    infinite = np.isinf(out)
    if infinite.any():
        raise ValueError(_complaint(values, infinite, "is not finite"))
    return out


def is_single(values: pd.Series) -> bool:
    """Return whether a column holds floats of fewer than 64 bits."""
    return values.dtype.kind == "f" and getattr(values.dtype, "itemsize", 8) < 8


def shortest_decimals(values: NDArray[Any]) -> Floats:
    """Return float32 as float64: the shortest decimal that each prints, so that 0.1 is 0.1.

    >>> shortest_decimals(np.array([0.1, 2.5], dtype=np.float32)).tolist()
    [0.1, 2.5]
    """
    uniques, inverse = np.unique(values, return_inverse=True)
    return uniques.astype(str).astype(np.float64)[inverse]


def _blank(value: Any) -> bool:
    # Empty cells of files may be padded with blanks.
    return isinstance(value, str) and not value.strip()


def levels(values: pd.Series) -> NDArray[np.object_]:
    """Return a column as text, missing and blank as None; 1, 1.0 and "1" are the same level."""
    import pandas as pd

    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    if values.dtype == object and any(not isinstance(value, str) and value in (0, 1) for value in uniques):
        # True equals 1: which of them represents both would depend on the order of the rows.
        codes, uniques = pd.factorize(values.map(level, na_action="ignore"), use_na_sentinel=True)
    names = np.empty(len(uniques) + 1, dtype=object)
    # An index of float32 returns its values as float64, in which .1 is not .1.
    known = np.asarray(uniques) if uniques.dtype.kind == "f" else uniques
    names[:-1] = [None if _blank(value) else level(value) for value in known]
    names[-1] = None  # selected by code -1
    return names[codes]


def level(value: Any) -> str:
    """Return the level of a categorical value as text: 1 for 1.0 and Decimal("1.00"), True for true."""
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else str(float(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def without_words(values: pd.Series, words: Collection[str]) -> pd.Series:
    """Return a column with cells that hold a word for a missing value made empty."""
    if not words or values.dtype.kind in "fiubmM":
        return values
    texts = values.map(lambda value: value.strip() if isinstance(value, str) else value)
    return values.mask(texts.isin(list(words)).to_numpy(dtype=bool))


def columns(
    frame: pd.DataFrame, kinds: Mapping[str, str], missing: Mapping[str, Collection[str]] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the named columns of a frame as arrays, by their kind; ``missing`` has words for a missing value."""
    names = [str(name) for name in frame.columns]
    absent = [name for name in kinds if name not in names]
    if absent:
        raise ValueError(f"columns missing from the table: {', '.join(map(repr, absent))}; it has {_preview(names)}")
    twice = [name for name in kinds if names.count(name) > 1]
    if twice:
        raise ValueError(f"duplicate columns in the table: {', '.join(map(repr, twice))}")
    positions = {name: position for position, name in enumerate(names)}
    arrays: dict[str, NDArray[Any]] = {}
    problems = []
    for name, kind in kinds.items():
        values = without_words(frame.iloc[:, positions[name]].rename(name), (missing or {}).get(name, ()))
        try:
            arrays[name] = numeric(values) if kind == "numeric" else levels(values)
        except TypeError:
            problems.append(f"column {name!r}: values are neither numbers nor text")
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return arrays


def codes(values: NDArray[np.object_], index: Mapping[str, int], missing: int, other: int) -> NDArray[np.intp]:
    """Return the position of each level: ``missing`` for None, ``other`` for levels not in ``index``."""
    if len(values) <= _FEW:
        positions = (missing if value is None else index.get(value, other) for value in values)
        return np.fromiter(positions, dtype=np.intp, count=len(values))
    import pandas as pd

    numbers, uniques = pd.factorize(values, use_na_sentinel=True)
    slots = np.fromiter(_slots(uniques, index, missing, other), dtype=np.intp, count=len(uniques) + 1)
    return slots[numbers]


def _slots(uniques: Iterable[Any], index: Mapping[str, int], missing: int, other: int) -> Iterable[int]:
    yield from (index.get(value, other) for value in uniques)
    yield missing


def _preview(names: Sequence[str], most: int = 20) -> str:
    tail = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(map(repr, names[:most])) or "no columns") + tail


def _complaint(values: pd.Series, rows: NDArray[np.bool_], what: str) -> str:
    first = int(np.flatnonzero(rows)[0])
    more = int(rows.sum()) - 1
    tail = f" (and {more} more {'rows' if more > 1 else 'row'})" if more else ""
    return f"column {values.name!r}, row {literal(values.index[first])}: {literal(values.iloc[first])} {what}{tail}"


def literal(value: Any) -> str:
    """Return a value as a Python literal."""
    return repr(value.item() if isinstance(value, np.generic) else value)
