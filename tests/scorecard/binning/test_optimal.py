"""The optimum is proven: every feasible binning of small cases is tried, and none is better."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import xlogy
from sklearn.metrics import log_loss

from riskml.scorecard.binning.candidates import TRENDS, Constraints
from riskml.scorecard.binning.optimal import choose_trend, optimal_binning
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.binning.search import Search, diagnose
from riskml.scorecard.binning.woe import OBJECTIVES, worth_of

counts_of = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=8).filter(
    lambda rows: all(sum(row) for row in rows) and all(map(sum, zip(*rows, strict=True)))
)


def follows(rate, trend):
    steps = np.diff(rate)
    if trend == "none" or len(steps) == 0:
        return True
    if trend in ("ascending", "descending"):
        return bool(((steps if trend == "ascending" else -steps) >= -1e-12).all())
    if trend in ("concave", "convex"):
        bends = np.diff(steps)
        return bool(((bends if trend == "convex" else -bends) >= -1e-12).all())
    signed = steps if trend == "peak" else -steps
    return any((signed[:k] >= -1e-12).all() and (signed[k:] <= 1e-12).all() for k in range(len(signed) + 1))


def z_of(before, after):
    pooled = (before[1] + after[1]) / (before.sum() + after.sum())
    variance = pooled * (1 - pooled) * (1 / before.sum() + 1 / after.sum())
    return abs(after[1] / after.sum() - before[1] / before.sum()) / max(np.sqrt(variance), 1e-150)


def feasible(counts, starts, trend, constraints, by_period=()):
    bins = np.add.reduceat(counts, starts, axis=0)
    rows, rate = bins.sum(axis=1), bins[:, 1] / bins.sum(axis=1)
    if not constraints.min_bins <= len(bins) <= constraints.max_bins:
        return False
    if (rows < constraints.min_size).any() or (bins[:, 1] < constraints.min_event).any():
        return False
    if (bins[:, 0] < constraints.min_nonevent).any():
        return False
    if (np.abs(np.diff(rate)) < constraints.min_rate_difference - 1e-12).any():
        return False
    if constraints.max_p_value < 1:
        from scipy.stats import norm

        least = norm.isf(constraints.max_p_value / 2)
        if any(z_of(a, b) < least for a, b in zip(bins, bins[1:], strict=False)):
            return False
    return follows(rate, trend)


def best_by_trying_all(counts, trend, constraints, objective):
    totals, best = counts.sum(axis=0), None
    for size in range(len(counts)):
        for cuts in combinations(range(1, len(counts)), size):
            starts = [0, *cuts]
            if feasible(counts, starts, trend, constraints):
                bins = np.add.reduceat(counts, starts, axis=0)
                worth = worth_of(bins[:, 1], bins[:, 0], totals, objective).sum()
                best = worth if best is None else max(best, worth)
    return best


@given(
    counts_of,
    st.sampled_from(TRENDS),
    st.sampled_from(OBJECTIVES),
    st.integers(1, 3),
    st.integers(3, 6),
    st.sampled_from([0, 10, 30]),
    st.sampled_from([0, 3]),
    st.sampled_from([0.0, 0.05]),
    st.sampled_from([1.0, 0.3]),
)
def test_no_feasible_binning_is_better(counts, trend, objective, min_bins, max_bins, size, events, difference, p):
    counts = np.array(counts, dtype=float)
    constraints = Constraints(min_bins, max_bins, size, events, events, difference, p)
    found = optimal_binning(counts, trend, constraints, objective=objective)
    best = best_by_trying_all(counts, trend, constraints, objective)
    if best is None:
        assert found is None
        return
    assert found is not None
    assert feasible(counts, list(found.starts), trend, constraints)
    bins = np.add.reduceat(counts, list(found.starts), axis=0)
    assert worth_of(bins[:, 1], bins[:, 0], counts.sum(axis=0), objective).sum() == pytest.approx(found.worth, abs=1e-9)
    assert found.worth == pytest.approx(best, abs=1e-9)


@given(counts_of, st.sampled_from(["ascending", "descending"]), st.integers(0, 2**32 - 1))
def test_a_trend_holds_in_every_period(counts, trend, seed):
    counts = np.array(counts, dtype=float)
    first = np.random.default_rng(seed).binomial(counts.astype(int), 0.5).astype(float)
    periods = np.stack([first, counts - first])
    found = optimal_binning(counts, trend, Constraints(max_bins=8), by_period=periods)
    assert found is not None
    for period in periods:
        bins = np.add.reduceat(period, list(found.starts), axis=0)
        filled = bins.sum(axis=1) > 0
        # MayFollow are compared in the periods that have rows in both.
        rate = np.where(filled, bins[:, 1] / np.maximum(bins.sum(axis=1), 1), np.nan)
        steps = np.diff(rate) * (1 if trend == "ascending" else -1)
        assert not (steps < -1e-12).any()


def test_the_fewest_bins_are_taken_where_more_add_nothing():
    equal = np.array([[10.0, 10.0], [20.0, 20.0], [30.0, 10.0], [60.0, 20.0]])
    assert optimal_binning(equal, "descending").starts == (0, 2)


def test_a_clear_peak_is_chosen_and_a_faint_one_is_not():
    clear = np.array([[90, 10], [60, 40], [40, 60], [60, 40], [90, 10]], dtype=float) * 5
    faint = np.array([[90, 10], [70, 30], [50, 50], [40, 60], [41, 59]], dtype=float)
    candidates = ("ascending", "descending", "peak", "valley")
    assert choose_trend(clear, candidates, Constraints()).trend == "peak"
    assert choose_trend(faint, candidates, Constraints()).trend == "ascending"


AUTO = ("ascending", "descending", "peak", "valley")


def test_of_a_peak_and_a_valley_the_better_one_is_weighed():
    counts = np.array([[297, 98], [92, 69], [193, 41], [124, 18], [83, 8], [270, 108]], dtype=float)
    found = choose_trend(counts, AUTO, Constraints())
    assert found.trend == "valley"
    assert found.worth == pytest.approx(0.1916, abs=1e-4)


@given(counts_of, st.integers(1, 6), st.sampled_from([0.0, 0.1]))
def test_auto_pays_for_a_bend_and_takes_the_better_one(counts, max_bins, difference):
    counts = np.array(counts, dtype=float) * 20
    constraints = Constraints(max_bins=max_bins, min_rate_difference=difference)
    found = choose_trend(counts, AUTO, constraints)
    each = {trend: optimal_binning(counts, trend, constraints) for trend in AUTO}
    straight = max((each["ascending"], each["descending"]), key=lambda binning: binning.worth)
    bent = max((each["peak"], each["valley"]), key=lambda binning: binning.worth)

    def log_loss_of(binning):
        bins = np.add.reduceat(counts, list(binning.starts), axis=0)
        rate = np.repeat(bins[:, 1] / bins.sum(axis=1), 2)
        return log_loss(np.tile([0, 1], len(bins)), rate, sample_weight=bins.ravel(), normalize=False, labels=[0, 1])

    gain = 2 * (log_loss_of(straight) - log_loss_of(bent))
    charge = np.log(counts.sum()) * (1 + max(len(bent.starts) - len(straight.starts), 0))
    if abs(gain - charge) > 1e-6:
        assert found.worth == pytest.approx((bent if gain > charge else straight).worth, abs=1e-12)


def test_more_bins_of_a_bent_trend_are_charged_for():
    # The peak's one more bin gains 2 ln L = 10.0: above ln n = 7.9, below the two of them that turn and bin cost.
    counts = np.array([[150, 150], [100, 200], [75, 225], [101, 199], [61, 139]], dtype=float) * 2
    bins = {t: optimal_binning(counts, t, Constraints()) for t in ("ascending", "peak")}
    rate = {t: np.add.reduceat(counts, list(found.starts), axis=0) for t, found in bins.items()}

    def log_likelihood(part):
        return xlogy(part, part / part.sum(axis=1, keepdims=True)).sum()

    gain = 2 * (log_likelihood(rate["peak"]) - log_likelihood(rate["ascending"]))
    assert len(bins["peak"].starts) > len(bins["ascending"].starts)
    assert np.log(counts.sum()) < gain < 2 * np.log(counts.sum())
    assert choose_trend(counts, ("ascending", "peak"), Constraints()).trend == "ascending"


@pytest.mark.parametrize("trend", ["concave", "convex"])
def test_a_bent_trend_among_more_pre_bins_is_worth_more(trend):
    draw = np.random.default_rng(4)
    rows = draw.integers(50, 150, 128)
    events = draw.binomial(rows, 1 / (1 + np.exp(-np.linspace(-2, 1, 128))))
    counts = np.column_stack([rows - events, events]).astype(float)
    constraints = Constraints(max_bins=6, min_size=0.05 * rows.sum())
    found = optimal_binning(counts, trend, constraints)
    halves = optimal_binning(np.add.reduceat(counts, np.arange(0, 128, 2)), trend, constraints)
    assert found.worth >= halves.worth - 1e-12
    assert follows((lambda bins: bins[:, 1] / bins.sum(axis=1))(np.add.reduceat(counts, list(found.starts))), trend)


@given(counts_of, st.sampled_from(["concave", "convex"]), st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_a_bent_trend_holds_in_every_period_and_none_is_better(counts, trend, seed, max_bins):
    counts = np.array(counts, dtype=float)
    first = np.random.default_rng(seed).binomial(counts.astype(int), 0.5).astype(float)
    found = optimal_binning(counts, trend, Constraints(max_bins=max_bins), by_period=np.stack([first, counts - first]))
    best = -np.inf
    for size in range(min(max_bins, len(counts))):
        for cuts in combinations(range(1, len(counts)), size):
            parts = [np.add.reduceat(part, [0, *cuts], axis=0) for part in (counts, first, counts - first)]
            with np.errstate(invalid="ignore"):
                bends = [np.diff(part[:, 1] / part.sum(axis=1), 2) * (1 if trend == "convex" else -1) for part in parts]
            if not any((bend < -1e-12).any() for bend in bends):
                worth = worth_of(parts[0][:, 1], parts[0][:, 0], counts.sum(axis=0), "iv").sum()
                best = max(best, worth)
    assert found.worth == pytest.approx(best, abs=1e-9)


def test_a_period_without_rows_in_a_bin_says_nothing():
    counts = np.array([[80.0, 20.0], [50.0, 50.0], [20.0, 80.0]])
    empty = np.zeros((1, 2))
    period = np.vstack([counts[:1], empty, counts[2:]])
    periods = np.stack([period, counts - period])
    for trend in ("ascending", "concave", "convex"):
        assert len(optimal_binning(counts, trend, Constraints(), by_period=periods).starts) == 3


def test_events_of_a_huge_table_are_counted_one_by_one():
    counts = np.array([[8e8, 0], [8e8, 1e7], [8e8, 3e7], [8e8, 2e8]])
    assert optimal_binning(counts, "ascending", Constraints(min_event=1)).starts == (0, 2, 3)


def test_rounding_of_weights_does_not_make_a_bin_too_small():
    counts = np.full((40, 2), 0.1)
    counts[20:, 1] = 0.2
    # Twenty times .1 is not 2 in floating point.
    assert optimal_binning(counts, "ascending", Constraints(min_nonevent=2.0, max_bins=2)).starts == (0, 20)


def test_smoothed_rates_keep_the_trend_too():
    counts = np.array([[50.0, 50.0], [3.0, 4.0], [100.0, 10.0]])
    plain = optimal_binning(counts, "descending", Constraints(smoothing=0))
    held = optimal_binning(np.array([[100.0, 90.0], [1.0, 2.0]]), "ascending", Constraints(smoothing=400))
    assert plain is not None
    assert held.starts == (0, 1)
    bins = np.array([[100.0, 90.0], [1.0, 2.0]])
    smooth = (bins[:, 1] + 400 * bins[:, 1].sum() / bins.sum()) / (bins.sum(axis=1) + 400)
    assert smooth[1] >= smooth[0]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"min_bins": 3, "min_bin_count": 80}, "min_bin_count=80 (3 bins need 240 of 120 rows)"),
        ({"min_bins": 3, "min_bin_size": 0.33}, "min_bin_size=0.33"),
        ({"min_bins": 3, "min_events": 20}, "min_events=20 (3 bins need 60 of 52 events)"),
        ({"min_bins": 3, "min_event_share": 0.33}, "min_event_share=0.33"),
        ({"min_bins": 3, "min_nonevents": 30}, "min_nonevents=30"),
        ({"min_bins": 3, "min_nonevent_share": 0.33}, "min_nonevent_share=0.33"),
        ({"min_bins": 2, "min_rate_difference": 0.9}, "min_rate_difference=0.9"),
        ({"min_bins": 2, "max_p_value": 1e-12}, "max_p_value=1e-12"),
        ({"min_bins": 2, "monotonic": "descending"}, "monotonic='descending'"),
        (
            {"min_bins": 2, "min_rate_difference": 0.9, "max_p_value": 1e-12},
            "min_rate_difference=0.9 together with max_p_value=1e-12",
        ),
    ],
)
def test_the_binding_constraint_is_named(asked, named):
    counts = np.array([[20, 10], [18, 12], [16, 14], [14, 16]], dtype=float)
    options = ColumnOptions(**{"max_bins": 4, "min_bin_size": 0, "monotonic": "ascending"} | asked)
    search = Search.of(counts, counts.sum(axis=0), options, None)
    assert search.best() is None
    assert named in diagnose(search)
