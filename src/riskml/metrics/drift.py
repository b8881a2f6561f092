"""Whether a column is spread as it was: a test on few rows, a distance on many, where any test would reject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.errors import DataError
from riskml.metrics._inputs import Floats, level_of, positive
from riskml.metrics.stability import number_values, text_values

FEW_ROWS = 1000


@dataclass(frozen=True)
class DriftTest:
    """How far a column is spread otherwise than it was, and whether that is called drift.

    Parameters
    ----------
    method : str
        ``KS`` or ``chi-square`` on few rows, ``Wasserstein`` or ``Jensen-Shannon`` on many.
    statistic : float
        The test's statistic, or the distance; 0 where nothing has moved.
    p_value : float or None
        Of the test; None of a distance.
    limit : float
        The p-value below which, or the distance from which on, there is drift.
    drift : bool
        Whether there is.
    rows, rows_now : int
        Values that were looked at, on either side.
    """

    method: str
    statistic: float
    p_value: float | None
    limit: float
    drift: bool
    rows: int
    rows_now: int


def drift_test(
    reference: ArrayLike | pd.Series[Any],
    current: ArrayLike | pd.Series[Any],
    *,
    special_values: Sequence[float | str] = (),
    level: float = 0.95,
    distance: float = 0.1,
) -> DriftTest:
    """Test whether a column is spread otherwise than in the reference book.

    Up to 1,000 rows in the smaller of the two books, which sets what a test can see: the two-sample Kolmogorov-Smirnov
    test of numbers, the chi-square test of homogeneity of categories. Above, where a test would reject what matters to
    nobody: the Wasserstein distance of numbers in standard deviations of the reference, the Jensen-Shannon distance of
    categories (natural logarithm).

    Source: Massey (1951), JASA 46; Pearson (1900), Philosophical Magazine 50; Ramdas, Garcia Trillos, Cuturi (2017),
    Entropy 19; Lin (1991), IEEE Transactions on Information Theory 37. The rule is that of Evidently's default.

    Parameters
    ----------
    reference : array or Series of shape (n,)
        Numbers, or categories as text, categorical or bool.
    current : array or Series of shape (m,)
        Of the same kind.
    special_values : sequence of float or str, optional
        Special codes. Of numbers they are left out, and so are missing values, which have no place in the order: `psi`
        sees whether there are more of them. Of categories all are categories.
    level : float, default 0.95
        Confidence level of the tests.
    distance : float, default 0.1
        The distance from which on there is drift.

    Returns
    -------
    DriftTest
        The method, its statistic and p-value or distance, and whether there is drift.

    Raises
    ------
    DataError
        When a side has no values, or the two are of different kinds.

    Examples
    --------
    >>> test = drift_test(["a"] * 50 + ["b"] * 50, ["a"] * 40 + ["b"] * 60)
    >>> test.method, round(test.statistic, 4), round(test.p_value, 4), test.drift
    ('chi-square', 2.0202, 0.1552, False)
    """
    level_of(level)
    positive(distance, "distance")
    before = number_values(reference, special_values)
    if before is None:
        return _of_categories(text_values(reference), text_values(current), level, distance)
    now = number_values(current, special_values)
    if now is None:
        raise DataError(
            "the reference holds numbers, these values are not", where="current", fix="pass the same column"
        )
    return _of_numbers(_some(before, "reference"), _some(now, "current"), level, distance)


def _some(numbers: Floats, name: str) -> Floats:
    if not numbers.size:
        raise DataError("a distribution needs values, all are missing or special codes", where=name)
    return numbers


def _of_numbers(before: Floats, now: Floats, level: float, distance: float) -> DriftTest:
    # Heavy, and most who import this package never need it.
    from scipy.stats import ks_2samp, wasserstein_distance

    sizes = before.size, now.size
    if min(sizes) <= FEW_ROWS:
        test = ks_2samp(before, now)
        return _tested("KS", test.statistic, test.pvalue, level, sizes)
    moved, spread = float(wasserstein_distance(before, now)), float(before.std())
    # Against a constant any move is without measure.
    normed = 0.0 if moved == 0 else moved / spread if spread > 0 else np.inf
    return DriftTest("Wasserstein", normed, None, distance, normed >= distance, *sizes)


def _of_categories(before: pd.Series[Any], now: pd.Series[Any], level: float, distance: float) -> DriftTest:
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import chi2_contingency

    sizes = len(before), len(now)
    codes, found_in_either = pd.factorize(pd.concat([before, now]), use_na_sentinel=False)
    parts = codes[: sizes[0]], codes[sizes[0] :]
    counts = np.array([np.bincount(part, minlength=len(found_in_either)) for part in parts], dtype=np.float64)
    if min(sizes) <= FEW_ROWS:
        test = chi2_contingency(counts, correction=False)
        return _tested("chi-square", test.statistic, test.pvalue, level, sizes)
    apart = float(jensenshannon(*counts))
    return DriftTest("Jensen-Shannon", apart, None, distance, apart >= distance, *sizes)


def _tested(method: str, statistic: float, p_value: float, level: float, sizes: tuple[int, int]) -> DriftTest:
    limit = 1 - level
    return DriftTest(method, float(statistic), float(p_value), limit, bool(p_value < limit), *sizes)
