"""Leakage hints: rules by which a column looks like an identifier, special codes or the outcome itself."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAK_AUC = 0.95
"""A single column that ranks the outcome better than this is suspected of leakage."""

_ID_NAME = re.compile(
    r"(^|_)(id|ids|uuid|guid|rownames?|rownum|row|index|key|unnamed(_\d+)?)$"
    r"|(customer|client|cust|account|acct|loan|user|member|application|contract|person|policy|card|row)"
    r"_?(id|no|nr|num|number|key)$"
)


def identifier_reason(values: pd.Series) -> str | None:
    """Return why a column seems to identify customers, or None.

    Examples
    --------
    >>> identifier_reason(pd.Series(range(100), name="nr"))
    'its values only count the rows'
    """
    known = values.dropna()
    n, distinct = len(known), known.nunique()
    if n < 20 or distinct < 0.95 * n or pd.api.types.is_bool_dtype(values.dtype):
        return None
    number = pd.api.types.is_numeric_dtype(values.dtype)
    if not number and distinct >= 0.99 * n:
        return "nearly every row has a value of its own"
    if number:
        numbers = known.to_numpy(dtype=np.float64)
        if not np.isfinite(numbers).all() or (numbers != np.floor(numbers)).any():
            return None
        if distinct == n and numbers.max() - numbers.min() < 1.1 * n:
            return "its values only count the rows"
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", str(values.name)).lower().strip("_")
    if _ID_NAME.search(name):
        return "its name and its nearly unique values say so"
    return None


def special_codes(values: pd.Series) -> dict[float, int]:
    """Return the values of a numeric column that look like codes, and how often each occurs.

    Examples
    --------
    >>> special_codes(pd.Series([20, 31, 45, 52, 38, 27, 999, 999, 999]))
    {999.0: 3}
    """
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    distinct, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    often = dict(zip(distinct.tolist(), counts.tolist(), strict=True))
    negative = distinct[distinct < 0]
    codes = negative if all(map(_is_negative_code, negative.tolist())) else negative[:0]
    codes = np.append(codes, _nines_apart(np.setdiff1d(distinct, codes)))
    codes = np.append(codes, -_nines_apart(np.sort(-np.setdiff1d(distinct, codes))))
    if len(distinct) - len(codes) < 5:
        return {}
    least = max(3, 0.001 * len(values))
    return {code: often[code] for code in sorted(codes.tolist()) if often[code] >= least}


def _is_negative_code(value: float) -> bool:
    digits = str(int(-value))
    return value == int(value) and (value in (-1, -2, -3) or (len(set(digits)) == 1 and digits[0] in "789"))


def _nines_apart(distinct: Floats) -> Floats:
    """Return the codes of nines at the upper end of sorted values, if they are far from the rest."""
    nines = 10.0 ** len(str(int(distinct[-1]))) - 1 if len(distinct) and distinct[-1] >= 0 else 0.0
    is_code = (distinct > nines - 4) & (distinct == np.floor(distinct))
    codes, rest = distinct[is_code], distinct[~is_code]
    far = nines >= 99 and len(codes) and len(rest) and codes[0] - rest[-1] >= 0.5 * (rest[-1] - rest[0])
    return codes if far else distinct[:0]


def solo_auc(values: pd.Series, y: pd.Series, *, seed: int = 0, most_rows: int = 50_000) -> float:
    """Return the cross-validated AUC of one column alone."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(values))[:most_rows]
    target = y.to_numpy(dtype=np.float64)[rows]
    groups = _groups(values.iloc[rows])
    score = np.empty(len(rows))
    fold = np.arange(len(rows)) % 3
    for k in range(3):
        learn, rank = fold != k, fold == k
        base = target[learn].mean()
        size = np.bincount(groups[learn], minlength=groups.max() + 1)
        events = np.bincount(groups[learn], weights=target[learn], minlength=groups.max() + 1)
        # Shrunk as if 5 average rows were added, so that a rare level does not look certain. Rates are relative to the
        # base rate: otherwise folds of different base rates would rank rows by themselves.
        score[rank] = (((events + 5 * base) / (size + 5)) - base)[groups[rank]]
    return _auc(target, score.round(12))


def _groups(values: pd.Series) -> NDArray[np.intp]:
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, 21)[1:-1])) if len(known) else np.array([])
        # Both sides of an edge, so that a value shared by many rows is its own bin.
        both = np.unique(np.concatenate([edges, np.nextafter(edges, np.inf)]))
        groups = np.searchsorted(both, numbers, side="right")
        groups[np.isnan(numbers)] = len(both) + 1
        return groups.astype(np.intp)
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    return np.where(codes < 0, len(uniques), codes).astype(np.intp)


def _auc(target: Floats, score: Floats) -> float:
    _, rank = np.unique(score, return_inverse=True)
    events = np.bincount(rank, weights=target)
    others = np.bincount(rank, weights=1 - target)
    pairs = events.sum() * others.sum()
    return float((events * (np.cumsum(others) - others / 2)).sum() / pairs) if pairs else 0.5
