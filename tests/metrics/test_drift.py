"""The drift test is a test on few rows and a distance on many; its figures are scipy's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, ks_2samp, wasserstein_distance

from riskml.errors import ConfigError, DataError
from riskml.metrics import drift_test


def normal(rows: int, mean: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 2.0, rows)


def test_few_numbers_have_the_kolmogorov_smirnov_test() -> None:
    found, peer = drift_test(normal(900), normal(700, 0.5, 1)), ks_2samp(normal(900), normal(700, 0.5, 1))
    assert (found.method, found.statistic, found.p_value) == ("KS", peer.statistic, peer.pvalue)
    assert (found.drift, found.rows, found.rows_now) == (True, 900, 700)


def test_kolmogorov_smirnov_by_hand() -> None:
    # The distribution functions are furthest apart at 2: 1 against 1/4.
    found = drift_test([1, 1, 2, 2], [2, 3, 3, 4])
    assert found.statistic == 0.75
    assert not found.drift


def test_few_categories_have_the_chi_square_test_of_homogeneity() -> None:
    # 90 of 200 rows are a: 45 are expected on either side. (5² / 45 + 5² / 55) * 2.
    found = drift_test(["a"] * 50 + ["b"] * 50, ["a"] * 40 + ["b"] * 60)
    assert found.method == "chi-square"
    assert found.statistic == pytest.approx(2 * (25 / 45 + 25 / 55))
    assert found.p_value == pytest.approx(chi2.sf(found.statistic, 1))
    assert not found.drift
    assert drift_test(["a"] * 50 + ["b"] * 50, ["a"] * 30 + ["b"] * 70).drift


def test_many_numbers_have_the_wasserstein_distance_in_standard_deviations() -> None:
    before, now = normal(3000), normal(2000, 0.5, 1)
    found = drift_test(before, now)
    assert (found.method, found.p_value, found.limit) == ("Wasserstein", None, 0.1)
    assert found.statistic == wasserstein_distance(before, now) / before.std()
    assert found.drift
    # A move of all by one is one: over a standard deviation of one half, two.
    assert drift_test(np.resize([0, 1], 2000), np.resize([1, 2], 2000)).statistic == pytest.approx(2)


def test_many_categories_have_the_jensen_shannon_distance() -> None:
    before, now = ["a"] * 1500 + ["b"] * 1500, ["a"] * 1200 + ["b"] * 1200 + ["c"] * 600
    found = drift_test(before, now)
    assert found.method == "Jensen-Shannon"
    assert found.statistic == pytest.approx(jensenshannon([0.5, 0.5, 0], [0.4, 0.4, 0.2]))
    assert found.drift
    # Nothing in common: the square root of ln 2.
    assert drift_test(["a"] * 1001, ["b"] * 1001).statistic == pytest.approx(np.sqrt(np.log(2)))


def test_a_shift_that_matters_to_nobody_is_no_drift_of_many_rows() -> None:
    before, now = normal(100_000), normal(100_000, 0.06, 1)
    assert ks_2samp(before, now).pvalue < 0.001
    assert not drift_test(before, now).drift


@pytest.mark.parametrize(
    ("rows", "rows_now", "method"),
    [(1000, 1000, "KS"), (1001, 1001, "Wasserstein"), (5000, 1000, "KS"), (1000, 5000, "KS")],
)
def test_the_smaller_book_decides_whether_rows_are_few(rows: int, rows_now: int, method: str) -> None:
    assert drift_test(normal(rows), normal(rows_now)).method == method


def test_without_a_drift_the_test_finds_one_about_as_often_as_it_says() -> None:
    found = [drift_test(normal(300, seed=seed), normal(200, seed=seed + 1000)).drift for seed in range(300)]
    assert 0.02 < np.mean(found) < 0.08


def test_missing_values_and_special_codes_are_no_numbers() -> None:
    clean = drift_test([1, 2, 3, 4], [2, 3, 4, 5])
    assert drift_test([1, 2, np.nan, 3, 4, -999], [2, 3, -999, -999, 4, 5], special_values=[-999]) == clean


def test_a_missing_category_is_a_category() -> None:
    found = drift_test(pd.Series(["a", "b", None] * 100), pd.Series(["a", "b", "a"] * 100))
    assert found.drift
    assert found.rows == 300


def test_what_never_moved_has_not_drifted() -> None:
    assert drift_test(["a"] * 50, ["a"] * 40).p_value == 1
    assert drift_test(np.ones(2000), np.ones(2000)).statistic == 0
    assert drift_test(np.ones(2000), np.full(2000, 1.5)).drift


def test_numbers_are_not_compared_with_text_and_some_must_be_there() -> None:
    with pytest.raises(DataError, match="numbers"):
        drift_test([1.0, 2.0], ["a", "b"])
    with pytest.raises(DataError, match="all are missing or special"):
        drift_test([1.0, 2.0], [np.nan, np.nan])
    with pytest.raises(ConfigError, match="distance"):
        drift_test([1.0], [1.0], distance=0)
