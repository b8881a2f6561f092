"""Whether a book and its scores stay what they were: PSI and CSI, migration, concentration, results over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from riskml.errors import DataError
from riskml.metrics._inputs import Floats, column, level_of, positive_int
from riskml.runtime.frame import is_single, level, shortest_decimals

WATCH, ACT = 0.10, 0.25
_PARTS = ("edges", "categories", "special", "counts", "values")
_ROUNDING = 1e-9  # relative: the same number, computed elsewhere


@dataclass(frozen=True)
class Baseline:
    """The fixed bins of one characteristic, and how the baseline book filled them.

    It holds no rows, only counts, and can be kept as JSON beside a model (`to_dict`, `from_dict`).

    Parameters
    ----------
    edges : tuple of float
        Inner borders of the number bins; a value on a border belongs to the bin below it. Empty for categories.
    categories : tuple of str
        The categories, as text. Empty for numbers.
    special : tuple of float or str
        Special codes, each a bin of its own.
    counts : tuple of int
        Baseline rows in each bin, in the order of `labels`.
    values : tuple of float
        Few numbers, ascending, each a bin of its own; there are no edges then. A number between two of them is counted
        with the nearer one, a number beyond them all as ``other``.
    """

    edges: tuple[float, ...]
    categories: tuple[str, ...]
    special: tuple[float | str, ...]
    counts: tuple[int, ...]
    values: tuple[float, ...] = ()

    @property
    def labels(self) -> list[str]:
        """Name of each bin: number bins, or values or categories and ``other``; then special codes, and ``missing``.

        A name that a category has already stands in brackets: ``(other)``.
        """
        if self.categories or self.values:
            named = [*self.categories, *(f"{value:.10g}" for value in self.values), "other"]
        else:
            ends = ["-inf", *(f"{edge:.10g}" for edge in self.edges), "inf"]
            named = [f"({low}, {high}]" for low, high in zip(ends, ends[1:], strict=False)]
        special = (f"special {code:g}" if isinstance(code, float) else f"special {code}" for code in self.special)
        labels: list[str] = []
        for name in (*named, *special, "missing"):
            labels.append(f"({name})" if name in labels else name)
        return labels

    def count(self, values: ArrayLike | pd.Series[Any]) -> Floats:
        """Return how many of the values fall into each bin."""
        series = _series(values)
        n_own = len(self.categories or self.values or self.edges) + 1
        n_bins = n_own + len(self.special) + 1
        if self.categories:
            rows, text = _texts(series)
            place = pd.Index(self.categories).get_indexer(text)
            place = np.where(place < 0, n_own - 1, place)
            for number, code in enumerate(self.special):
                place = np.where(text == code, n_own + number, place)
            # A missing value has row code -1, and so takes the last place.
            codes = np.append(place, n_bins - 1)[rows]
        else:
            numbers = _numbers(series)
            if self.values:
                codes = _nearest(np.asarray(self.values), numbers)
            else:
                codes = np.searchsorted(np.asarray(self.edges, dtype=np.float64), numbers, side="left")
            for number, code in enumerate(self.special):
                codes[numbers == code] = n_own + number
            codes[np.isnan(numbers)] = n_bins - 1
        return np.bincount(codes, minlength=n_bins).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Return the baseline as plain lists, for JSON."""
        return {name: list(getattr(self, name)) for name in _PARTS}

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> Baseline:
        """Return the baseline that `to_dict` wrote."""
        return cls(**{name: tuple(parts[name]) for name in _PARTS if name in parts})


@dataclass(frozen=True)
class PsiTest:
    """A PSI beside what it would be had nothing changed.

    Parameters
    ----------
    psi : float
        The population stability index.
    no_shift : float
        The value that the PSI exceeds with probability ``1 - level`` when nothing has changed.
    level : float
        The level of that quantile.
    n_bins : int
        Bins that hold a row.
    verdict : str
        ``stable`` below 0.10 or within chance, ``watch`` to 0.25, ``act`` above.
    table : DataFrame
        ``bin``, ``baseline``, ``current`` (shares of rows), ``part`` (the bin's part of the PSI).
    """

    psi: float
    no_shift: float
    level: float
    n_bins: int
    verdict: str
    table: pd.DataFrame


def _series(values: ArrayLike | pd.Series[Any]) -> pd.Series[Any]:
    series = column(values, "values")
    if series.empty:
        raise DataError("a distribution needs rows, got none", where="values")
    return series


def _is_number(series: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)


def _texts(series: pd.Series[Any]) -> tuple[NDArray[np.intp], pd.Index[str]]:
    """Return each row's number among the distinct values, -1 where missing, and these values as text."""
    rows, values = pd.factorize(series)
    return rows, pd.Index([level(value) for value in values], dtype=object)


def _numbers(series: pd.Series[Any]) -> Floats:
    try:
        if is_single(series):
            return shortest_decimals(series.to_numpy(dtype=np.float32, na_value=np.nan))
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the baseline holds numbers, these values are not: {error}",
            where=str(series.name or "values"),
            fix="pass the same column, with the same type, as for the baseline",
        ) from None


def number_values(values: ArrayLike | pd.Series[Any], special_values: Sequence[float | str] = ()) -> Floats | None:
    """Return the numbers of a column, without missing values and special codes; None where it holds categories."""
    series = _series(values)
    if not _is_number(series):
        return None
    return _ordinary(series, [code for code in special_values if not isinstance(code, str)])


def _ordinary(series: pd.Series[Any], special: Sequence[float | str]) -> Floats:
    numbers = _numbers(series)
    return numbers[~np.isnan(numbers) & ~np.isin(numbers, np.asarray(special, dtype=np.float64))]


def text_values(values: ArrayLike | pd.Series[Any]) -> pd.Series[Any]:
    """Return the categories of a column as text, None where one is missing."""
    rows, text = _texts(_series(values))
    # A missing value has row code -1, and so takes the last place.
    return pd.Series(np.array([*text, None], dtype=object)[rows])


def _nearest(values: Floats, numbers: Floats) -> NDArray[np.intp]:
    """Return the place of the nearest value for each number; the place after the last for those beyond them all."""
    above = np.searchsorted(values, numbers).clip(max=values.size - 1)
    below = (above - 1).clip(min=0)
    # Where both are as near, the lower one.
    place = np.where(numbers - values[below] <= values[above] - numbers, below, above)
    inside = (numbers >= values[0]) & (numbers <= values[-1])
    same = np.isclose(numbers, values[place], rtol=_ROUNDING, atol=0)
    return np.where(inside | same, place, values.size)


def _number_bins(numbers: Floats, n_bins: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the edges of the number bins, or else the few values that are bins of their own."""
    values, count = np.unique(numbers, return_counts=True)
    if values.size <= n_bins:
        return (), tuple(values.tolist())
    # Borders are values of the book, so that a border is never between two equal floats.
    inner = np.quantile(numbers, np.arange(1, n_bins) / n_bins, method="inverted_cdf")
    # A value that fills a bin by itself is kept from those beneath it: where it is the highest, no border parts them.
    piled = np.flatnonzero(count * n_bins >= numbers.size)
    edges = np.union1d(inner[inner < values[-1]], values[piled[piled > 0] - 1])
    return tuple(edges.tolist()), ()


def baseline(
    values: ArrayLike | pd.Series[Any], *, n_bins: int = 10, special_values: Sequence[float | str] = ()
) -> Baseline:
    """Fix the bins of a characteristic or a score on the baseline book.

    Source: Siddiqi (2006), Credit Risk Scorecards.

    Parameters
    ----------
    values : array or Series of shape (n,)
        Numbers, or categories as text, categorical or bool. Missing values get a bin of their own.
    n_bins : int, default 10
        Number bins of about equal size. A value that a bin's share of the rows has in common is parted from those
        beneath it. Of no more than ``n_bins`` distinct numbers each is a bin of its own, and a number beyond them all
        is ``other``; one between two of them counts with the nearer. Categories are taken as they are.
    special_values : sequence of float or str, optional
        Special codes, such as -999, each a bin of its own.

    Returns
    -------
    Baseline
        Bins and counts; pass it to `psi` in place of the baseline's rows.

    Examples
    --------
    >>> import numpy as np
    >>> fixed = baseline([1, 2, 3, 4, np.nan, -999], n_bins=2, special_values=[-999])
    >>> dict(zip(fixed.labels, fixed.counts))
    {'(-inf, 2]': 2, '(2, inf]': 2, 'special -999': 1, 'missing': 1}
    """
    series = _series(values)
    positive_int(n_bins, "n_bins")
    if _is_number(series):
        special: tuple[float | str, ...] = tuple(float(code) for code in special_values)
        edges, own = _number_bins(_ordinary(series, special), n_bins)
        empty = Baseline(edges, (), special, (), own)
    else:
        special = tuple(str(code) for code in special_values)
        levels = sorted(set(_texts(series)[1]) - set(special)) or ["other"]
        empty = Baseline((), tuple(levels), special, ())
    return replace(empty, counts=tuple(int(n) for n in empty.count(series)))


def _psi_parts(before: Floats, now: Floats) -> Floats:
    """Return each bin's part of the PSI; a bin empty on one side counts as half a row there."""
    share = np.maximum(before, 0.5) / before.sum()
    share_now = np.maximum(now, 0.5) / now.sum()
    parts = (share_now - share) * np.log(share_now / share)
    return np.where((before == 0) & (now == 0), 0.0, parts)


def fixed_baseline(
    reference: Baseline | ArrayLike | pd.Series[Any], *, n_bins: int, special_values: Sequence[float | str]
) -> Baseline:
    """Return the baseline that is given, or the one of the values that are given."""
    if isinstance(reference, Baseline):
        return reference
    return baseline(reference, n_bins=n_bins, special_values=special_values)


def psi(
    reference: Baseline | ArrayLike | pd.Series[Any],
    current: ArrayLike | pd.Series[Any],
    *,
    n_bins: int = 10,
    special_values: Sequence[float | str] = (),
) -> float:
    """Return the population stability index of the current book against a fixed baseline.

    Below 0.10 the book is stable, up to 0.25 it is to be watched, above it is time to act. `psi_test` says beside it
    what chance alone would give, which on small books is more than these limits.

    Source: Siddiqi (2006), Credit Risk Scorecards.

    Parameters
    ----------
    reference : Baseline, array or Series
        The baseline book: its fixed bins, or its values.
    current : array or Series of shape (m,)
        The current values. Missing values and special codes have bins of their own.
    n_bins : int, default 10
        Bins when ``reference`` holds values: about equal in size on the baseline.
    special_values : sequence of float or str, optional
        Special codes when ``reference`` holds values.

    Returns
    -------
    float
        ``sum (p2 - p1) ln(p2 / p1)`` over the bins; a bin empty on one side counts as half a row there.

    Raises
    ------
    DataError
        When there are no rows, or the current values are of another kind.

    Examples
    --------
    >>> round(psi(["a"] * 50 + ["b"] * 50, ["a"] * 40 + ["b"] * 60), 4)
    0.0405
    """
    fixed = fixed_baseline(reference, n_bins=n_bins, special_values=special_values)
    return float(_psi_parts(np.asarray(fixed.counts, dtype=np.float64), fixed.count(current)).sum())


def psi_test(
    reference: Baseline | ArrayLike | pd.Series[Any],
    current: ArrayLike | pd.Series[Any],
    *,
    n_bins: int = 10,
    special_values: Sequence[float | str] = (),
    level: float = 0.95,
) -> PsiTest:
    """Return the PSI beside its quantile under no shift, by bin, with a verdict.

    Source: Yurdakul and Naranjo (2020), Journal of Risk Model Validation 14(3).

    Parameters
    ----------
    reference : Baseline, array or Series
        The baseline book: its fixed bins, or its values.
    current : array or Series of shape (m,)
        The current values.
    n_bins : int, default 10
        Bins when ``reference`` holds values.
    special_values : sequence of float or str, optional
        Special codes when ``reference`` holds values.
    level : float, default 0.95
        Level of the no-shift quantile.

    Returns
    -------
    PsiTest
        PSI, ``(1/N + 1/M) chi2(B - 1)`` quantile, verdict and table of bins.

    Examples
    --------
    >>> test = psi_test(["a"] * 50 + ["b"] * 50, ["a"] * 40 + ["b"] * 60)
    >>> round(test.psi, 4), round(test.no_shift, 4), test.verdict
    (0.0405, 0.0768, 'stable')
    """
    fixed = fixed_baseline(reference, n_bins=n_bins, special_values=special_values)
    before, now = np.asarray(fixed.counts, dtype=np.float64), fixed.count(current)
    parts = _psi_parts(before, now)
    used = int(((before > 0) | (now > 0)).sum())
    value = float(parts.sum())
    chance = float((1 / before.sum() + 1 / now.sum()) * chdtri(used - 1, 1 - level_of(level))) if used > 1 else 0.0
    verdict = "stable" if value < WATCH or value <= chance else "watch" if value <= ACT else "act"
    table = pd.DataFrame(
        {"bin": fixed.labels, "baseline": before / before.sum(), "current": now / now.sum(), "part": parts}
    )
    return PsiTest(value, chance, level, used, verdict, table)


def csi(
    reference: pd.DataFrame | Mapping[str, Baseline],
    current: pd.DataFrame,
    *,
    n_bins: int = 10,
    special_values: Sequence[float | str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the characteristic stability index: the PSI of every column.

    Source: Siddiqi (2006), Credit Risk Scorecards; the no-shift quantile: Yurdakul and Naranjo (2020), Journal of Risk
    Model Validation 14(3).

    Parameters
    ----------
    reference : DataFrame or mapping of Baseline
        The baseline book, or the fixed bins of each of its columns.
    current : DataFrame
        The current book; it must have all these columns, others are left alone.
    n_bins : int, default 10
        Number bins when ``reference`` is a frame.
    special_values : sequence of float or str, optional
        Special codes when ``reference`` is a frame; text codes count in text columns only.
    level : float, default 0.95
        Level of the no-shift quantile.

    Returns
    -------
    DataFrame
        One row per column, the largest shift first: ``column``, ``csi``, ``no_shift``, ``n_bins``, ``verdict``.

    Raises
    ------
    DataError
        When a column is missing, or is of another kind than in the baseline.

    Examples
    --------
    >>> old = pd.DataFrame({"age": [20, 30, 40, 50] * 25, "job": ["a", "b"] * 50})
    >>> new = pd.DataFrame({"age": [20, 30, 40, 50] * 25, "job": ["a", "a", "a", "b"] * 25})
    >>> csi(old, new, n_bins=4).round(3)
      column    csi  no_shift  n_bins verdict
    0    job  0.275     0.077       2     act
    1    age  0.000     0.156       4  stable
    """
    absent = [str(name) for name in reference if name not in current.columns]
    if absent:
        raise DataError(
            f"the current book lacks {len(absent)} columns of the baseline: {', '.join(absent[:10])}",
            where="current",
            fix="pass the same columns as for the baseline",
        )
    records = []
    for name, known in reference.items():
        if not isinstance(known, Baseline):
            codes = [code for code in special_values if not (_is_number(known) and isinstance(code, str))]
            known = baseline(known, n_bins=n_bins, special_values=codes)
        test = psi_test(known, current[name], level=level)
        records.append((name, test.psi, test.no_shift, test.n_bins, test.verdict))
    table = pd.DataFrame(records, columns=["column", "csi", "no_shift", "n_bins", "verdict"])
    return table.sort_values("csi", ascending=False, kind="stable", ignore_index=True)
