"""The optimum is proven: every feasible binning of small cases is tried, and none is better."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskml.scorecard.binning import choose_trend, optimal_binning
from riskml.scorecard.options import ColumnOptions
from riskml.scorecard.runs import TRENDS, Constraints
from riskml.scorecard.search import Search, diagnose
from riskml.scorecard.woe import OBJECTIVES, worth_of

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


@settings(max_examples=200, deadline=None)
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


@settings(max_examples=40, deadline=None)
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
        # Neighbours are compared in the periods that have rows in both.
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
