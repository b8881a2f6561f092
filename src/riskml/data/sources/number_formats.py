"""Numbers stored as text: plain numbers, codes, numbers formatted for people, or a mixture."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from riskml.errors import DataError
from riskml.runtime.frame import levels

_MOST_BAD_SHARE = 0.01
_FEWEST_NUMBERS = 10
_MONEY = r"(?:[$€£¥¥₹₩]|元|USD|EUR|GBP|CNY|RMB|HKD|JPY)?"
# Digits in groups of three (or of two, as in 12,34,567) or without groups; then at most one decimal sign.
_GROUPS = r"(?:\d{1,3}(?:[,,.'’ \u00a0\u202f]\d{3})+|\d{1,3}(?:,\d{2})+,\d{3}|\d+)?(?:[.,,]\d+)?"
_WRITTEN = re.compile(rf"\(?[-+−]?\s*{_MONEY}\s*[-+−]?(?=[\d.,]){_GROUPS}\s*(?:[%‰]|{_MONEY})\s*-?\)?")


def text_as_numbers(column: pd.Series) -> tuple[pd.Series | None, str]:
    """Return text as numbers where all of it is, or why a column that is mostly numbers is not.

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
    written = _first_written(known)
    if written is not None:
        return None, f"column {column.name!r}: {written}"
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


def missing_word(column: pd.Series) -> str:
    """Return the one word in a column of numbers, and how often both occur, or nothing.

    >>> missing_word(pd.Series([*map(str, range(20)), *["-"] * 30]))
    "20 numbers, and '-' in 30 rows"
    """
    known = column.dropna()
    if not (known.dtype == object or pd.api.types.is_string_dtype(known.dtype)):
        return ""
    numbers = _parsed(known)
    words = known[numbers.isna()].map(str).unique()
    if len(words) != 1 or numbers.nunique() <= _FEWEST_NUMBERS:
        return ""
    return f"{numbers.count()} numbers, and {words[0]!r} in {int(numbers.isna().sum())} rows"


def refuse_written(columns: Iterable[pd.Series]) -> None:
    """Raise a DataError when columns hold numbers formatted for people: 1,234.56, 1 234, 12%, ¥1,200.

    Examples
    --------
    >>> refuse_written([pd.Series(["1234.56", "12"])])
    >>> refuse_written([pd.Series(["1,234.56", "12"], name="income")])
    Traceback (most recent call last):
    riskml.errors.DataError: numbers must be written plainly, such as 1234.56
      - column 'income': row 0: '1,234.56'...
    """
    cells = [(column.name, _first_written(column.dropna())) for column in columns]
    problems = [f"  - column {name!r}: {cell}" for name, cell in cells if cell is not None]
    if problems:
        raise DataError(
            "\n".join(["numbers must be written plainly, such as 1234.56", *problems]),
            fix="remove thousands separators, percent and currency signs and use a decimal point; if they are "
            "categories, set data.columns.<column>.kind to categorical",
        )


def _first_written(known: pd.Series) -> str | None:
    """Return row and value of the first number formatted for people, where more than half of the values are numbers."""
    if not (pd.api.types.is_object_dtype(known.dtype) or pd.api.types.is_string_dtype(known.dtype)):
        return None
    if isinstance(known.dtype, pd.CategoricalDtype):
        return None
    distinct = known[known.map(lambda cell: isinstance(cell, str))].drop_duplicates()
    plain = _parsed(distinct).notna()
    written = ~plain & distinct.map(lambda text: _WRITTEN.fullmatch(text.strip()) is not None).astype(bool)
    # The first thousand distinct values decide, as for plain numbers.
    if not written.any() or (plain | written).head(1000).mean() <= 0.5 or distinct.str.fullmatch(r"0\d+").any():
        return None
    row, value = next(iter(distinct[written].items()))
    return f"row {row!r}: {value!r}"


def _has_numbers(column: pd.Series) -> bool:
    """Return whether more than half of a column's different values read as numbers."""
    return bool(_parsed(column.dropna().drop_duplicates().head(1000)).notna().mean() > 0.5)


def _parsed(column: pd.Series) -> pd.Series:
    cells = column.astype(object)
    is_bool = np.array([isinstance(cell, (bool, np.bool_)) for cell in cells], dtype=bool)
    return pd.to_numeric(cells.mask(is_bool), errors="coerce")
