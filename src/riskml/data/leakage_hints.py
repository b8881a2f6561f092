"""Leakage hints: rules by which a column looks like an identifier, special codes or the outcome itself."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.runtime.frame import level

Floats = NDArray[np.float64]

LEAK_AUC = 0.95
"""A single column that ranks the outcome better than this is suspected of leakage."""

_ID_NAME = re.compile(
    r"(^|_)(id|ids|uuid|guid|rownames?|rownum|row|index|key|unnamed(_\d+)?)$"
    r"|(customer|client|cust|account|acct|loan|user|member|application|contract|person|policy|card|row)"
    r"_?(id|no|nr|num|number|key)$"
    r"|(客户号|编号|号码|证件号|身份证|卡号|账号|合同号)$"
)
_PERSON_NAME = re.compile(r"(^|_)(name|full_?name|(customer|client|cust|company|contact)_?name)$|姓名|名称")
_PHONE_NAME = re.compile(r"phone|mobile|(^|_)(tel|fax|cell)|电话|手机|传真")
_PERSONAL = {
    "identity numbers": r"[1-9]\d{5}(?:19|20)\d{9}[\dXx]",  # of China: 17 digits, then a digit or X
    "phone numbers": r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}",  # mobile phones in China
}
_ANY_PHONE = r"\+?\(?\d[\d ()/-]{5,}\d"
_MOST = 1000  # distinct values examined


def identifier_reason(values: pd.Series) -> str | None:
    """Return why a column seems to identify customers, or None.

    Examples
    --------
    >>> identifier_reason(pd.Series(range(100), name="nr"))
    'its values only count the rows'
    >>> identifier_reason(pd.Series([f"1391234{i:04d}" for i in range(100)], name="contact"))
    'phone numbers such as 13912340000'
    """
    known = values.dropna()
    n, distinct = len(known), known.nunique()
    if n < 20 or pd.api.types.is_bool_dtype(values.dtype):
        return None
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9\u4e00-\u9fff]+", "_", str(values.name)).lower().strip("_")
    kind = _personal_kind(known.head(_MOST), name) if distinct > 0.5 * n else None
    if kind:
        return f"{kind} such as {level(known.iloc[0])}"
    number = pd.api.types.is_numeric_dtype(values.dtype)
    if not number and distinct >= 0.8 * n and _PERSON_NAME.search(name):
        return "nearly every row has a name of its own"
    if distinct < 0.95 * n:
        return None
    if not number and distinct >= 0.99 * n:
        return "nearly every row has a value of its own"
    if number:
        numbers = known.to_numpy(dtype=np.float64)
        if not np.isfinite(numbers).all() or (numbers != np.floor(numbers)).any():
            return None
        spread = numbers.max() - numbers.min()
        if distinct == n and spread < 1.1 * n:
            return "its values only count the rows"
        # Of n whole numbers drawn at random from a range, n² / 2 / range pairs are the same.
        if distinct == n and n**2 / 2 / spread > 5:
            return "whole numbers of which none occurs twice"
    if _ID_NAME.search(name):
        return "its name and its nearly unique values say so"
    return None


def _personal_kind(known: pd.Series, name: str) -> str | None:
    """Return what a column's values are, if nearly all have the form of a phone or an identity number."""
    texts = known.map(level)
    for kind, form in _PERSONAL.items():
        if texts.str.fullmatch(form).mean() >= 0.95:
            return kind
    return "phone numbers" if _PHONE_NAME.search(name) and texts.str.fullmatch(_ANY_PHONE).mean() >= 0.95 else None


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
    if len(codes) > 1 and np.array_equal(distinct, np.arange(distinct[0], distinct[0] + len(distinct))):
        codes = codes[:0]  # ordered states such as -2, -1, 0, 1
    codes = np.append(codes, _far_away(np.setdiff1d(distinct, codes), often))
    codes = np.append(codes, _nines_apart(np.setdiff1d(distinct, codes)))
    codes = np.append(codes, -_nines_apart(np.sort(-np.setdiff1d(distinct, codes))))
    if len(distinct) - len(codes) < 5:
        return {}
    least = max(3, 0.001 * len(values))
    return {code: often[code] for code in sorted(set(codes.tolist())) if often[code] >= least}


def _is_negative_code(value: float) -> bool:
    digits = str(int(-value))
    return value == int(value) and (value in (-1, -2, -3) or (len(set(digits)) == 1 and digits[0] in "789"))


def _far_away(distinct: Floats, often: dict[float, int]) -> Floats:
    """Return the largest of sorted values if it is a frequent whole number far from the rest, such as 365243 days."""
    if len(distinct) < 3:
        return distinct[:0]
    *rest, largest = distinct.tolist()
    far = largest - rest[-1] >= 2 * (rest[-1] - rest[0]) and largest.is_integer()
    return distinct[-1:] if far and often[largest] >= 0.005 * sum(often.values()) else distinct[:0]


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
