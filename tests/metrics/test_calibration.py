from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as peer_log_loss

from riskml.metrics import brier, brier_decomposition, calibration_table, ece, log_loss, observed_expected


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(9)
    p = rng.beta(1, 8, 20_000)
    return (rng.random(20_000) < p).astype(int), p


def test_brier_is_that_of_scikit_learn(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert brier(*rows) == pytest.approx(brier_score_loss(*rows))


def test_log_loss_is_that_of_scikit_learn(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert log_loss(*rows) == pytest.approx(peer_log_loss(*rows))


def test_a_sure_mistake_costs_much_but_not_everything() -> None:
    assert log_loss([0, 1], [0.0, 0.0]) == pytest.approx(-np.log(np.finfo(float).eps) / 2)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=50),
    st.integers(1, 12),
)
def test_the_parts_of_brier_add_up(pairs: list[tuple[int, float]], n_bands: int) -> None:
    y, p = zip(*pairs, strict=True)
    found = brier_decomposition(y, p, n_bands=n_bands)
    total = found.reliability - found.resolution + found.uncertainty + found.within_band
    assert total == pytest.approx(found.brier, abs=1e-12)


def test_the_parts_of_brier_by_hand() -> None:
    # Two bands of 4: p .2 with rate .25, p .6 with rate .75; overall rate .5.
    found = brier_decomposition([0, 0, 0, 1, 0, 1, 1, 1], [0.2] * 4 + [0.6] * 4)
    assert found.reliability == pytest.approx((0.05**2 + 0.15**2) / 2)
    assert found.resolution == pytest.approx(0.25**2)
    assert found.uncertainty == 0.25
    assert found.within_band == pytest.approx(0, abs=1e-15)


def test_a_constant_forecast_at_the_event_rate_has_neither_reliability_nor_resolution() -> None:
    found = brier_decomposition([0, 0, 0, 1], [0.25] * 4)
    assert (found.reliability, found.resolution, found.brier) == (0, 0, found.uncertainty)


def test_ece_by_hand() -> None:
    # Bands of 4 and 4: |.2 - .25| and |.6 - .75|.
    assert ece([0, 0, 0, 1, 0, 1, 1, 1], [0.2] * 4 + [0.6] * 4) == pytest.approx(0.1)


def test_ece_of_true_probabilities_is_small(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert ece(*rows) < 0.01


def test_ece_sees_probabilities_that_are_too_low(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, p = rows
    assert ece(y, p / 2) == pytest.approx(p.mean() / 2, abs=0.01)


def test_ece_does_not_depend_on_the_order_of_tied_rows() -> None:
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 2, 1000), rng.integers(0, 5, 1000) / 5
    order = rng.permutation(1000)
    assert ece(y, p) == pytest.approx(ece(y[order], p[order]), abs=1e-15)


def test_the_calibration_table_holds_all_rows_in_rising_bands(rows: tuple[np.ndarray, np.ndarray]) -> None:
    table = calibration_table(*rows)
    assert table["count"].tolist() == [2000] * 10
    assert table["event"].sum() == rows[0].sum()
    assert table["mean_p"].is_monotonic_increasing
    assert (table["p_min"] <= table["mean_p"]).all()
    assert (table["mean_p"] <= table["p_max"]).all()
    assert (table["p_max"].to_numpy()[:-1] < table["p_min"].to_numpy()[1:]).all()


def test_the_interval_of_an_event_rate_is_jeffreys() -> None:
    # Constants: statsmodels 0.14, proportion_confint(5, 100, method="jeffreys").
    table = calibration_table([1] * 5 + [0] * 95, [0.05] * 100)
    assert table[["lower", "upper"]].to_numpy()[0].tolist() == pytest.approx(
        [0.019331811985866736, 0.10610007388310307]
    )


def test_no_event_has_a_lower_end_of_0_and_nothing_but_events_an_upper_end_of_1() -> None:
    table = calibration_table([0] * 10 + [1] * 10, [0.1] * 10 + [0.9] * 10)
    assert table["lower"].iloc[0] == 0
    assert 0 < table["upper"].iloc[0] < 0.3
    assert table["upper"].iloc[1] == 1


def test_true_probabilities_lie_in_the_intervals_about_as_often_as_they_say(
    rows: tuple[np.ndarray, np.ndarray],
) -> None:
    table = calibration_table(*rows, n_bands=100, level=0.9)
    assert 0.82 < ((table["lower"] <= table["mean_p"]) & (table["mean_p"] <= table["upper"])).mean() < 0.97


def test_observed_over_expected_of_the_whole_book() -> None:
    table = observed_expected([1, 1, 1, 0], [0.5, 0.5, 0.5, 0.5])
    assert table[["group", "count", "observed", "expected", "ratio"]].to_dict("records") == [
        {"group": "portfolio", "count": 4, "observed": 3, "expected": 2.0, "ratio": 1.5}
    ]


def test_periods_keep_their_order_and_the_drift_shows() -> None:
    when = pd.PeriodIndex(["2024-02"] * 100 + ["2024-01"] * 100, freq="M").to_series()
    table = observed_expected([1] * 30 + [0] * 70 + [1] * 20 + [0] * 80, [0.2] * 200, by=when)
    assert [str(period) for period in table["group"]] == ["2024-01", "2024-02"]
    assert table["ratio"].tolist() == pytest.approx([1.0, 1.5])
    assert table["lower"].iloc[1] > 1


def test_the_interval_of_the_ratio_is_that_of_the_rate_over_the_mean_probability() -> None:
    y, p = [1] * 5 + [0] * 95, [0.025] * 100
    rate, ratio = calibration_table(y, p), observed_expected(y, p)
    assert ratio["lower"].iloc[0] == pytest.approx(rate["lower"].iloc[0] / 0.025)


def test_nothing_expected_leaves_the_ratio_open() -> None:
    assert observed_expected([0, 1], [0.0, 0.0])["ratio"].isna().all()


def test_rows_without_a_segment_are_a_segment_of_their_own() -> None:
    table = observed_expected([0, 1, 1], [0.5, 0.5, 0.5], by=["b", None, "a"])
    assert table["group"].tolist() == ["a", "b", "missing"]


def test_grades_of_a_categorical_keep_its_order_and_empty_ones_are_left_out() -> None:
    grade = pd.Categorical(["low", "high", "low"], categories=["low", "middle", "high"], ordered=True)
    table = observed_expected([0, 1, 0], [0.1, 0.9, 0.1], by=pd.Series(grade))
    assert table["group"].tolist() == ["low", "high"]
