"""Numbers that came as text: meant as numbers, meant as codes, or a mixture that is an error of the data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskml.runtime.frame import levels

_MOST_BAD_SHARE = 0.01
_FEWEST_NUMBERS = 10


def text_as_numbers(column: pd.Series) -> tuple[pd.Series | None, str]:
    """Return text as numbers where it is meant so, and what keeps it from being numbers where it seems to be.

    Text is meant as numbers when all of it reads as numbers and none is padded with zeros (007 is a code). A few words
    among numbers are errors of the data: 1 % of the cells, or any share below a half among more than 10 different
    numbers. Anything else is meant as text.

    Parameters
    ----------
    column : Series of shape (n,)

    Returns
    -------
    numbers : Series of float64, shape (n,), or None
    problem : str
        Column, rows and values that are no numbers; empty where there is no problem.

    Examples
    --------
    >>> text_as_numbers(pd.Series(["1.5", None, "2"]))[0].tolist()
    [1.5, nan, 2.0]
    >>> text_as_numbers(pd.Series([*map(str, range(20)), "n/k"], name="age"))[1]
    "column 'age': 20 numbers, and row 20: 'n/k'"
    """
    if pd.api.types.is_numeric_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype):
        return None, ""
    known = column.dropna()
    if not _has_numbers(known) or pd.Series(levels(known)).str.fullmatch(r"0\d+").any():
        return None, ""
    numbers = _parsed(known)
    wrong = known[numbers.isna()]
    if wrong.empty:
        return numbers.astype(np.float64).reindex(column.index), ""
    share = len(wrong) / len(known)
    if share > _MOST_BAD_SHARE and (share >= 0.5 or numbers.nunique() <= _FEWEST_NUMBERS):
        return None, ""
    rows = ", ".join(f"row {row!r}: {value!r}" for row, value in wrong.head(5).items())
    more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return None, f"column {column.name!r}: {len(known) - len(wrong)} numbers, and {rows}{more}"


def _has_numbers(column: pd.Series) -> bool:
    """Return whether more than half of a column's different values read as numbers."""
    return bool(_parsed(column.dropna().drop_duplicates().head(1000)).notna().mean() > 0.5)


def _parsed(column: pd.Series) -> pd.Series:
    cells = column.astype(object)
    is_bool = np.array([isinstance(cell, (bool, np.bool_)) for cell in cells], dtype=bool)
    return pd.to_numeric(cells.mask(is_bool), errors="coerce")
