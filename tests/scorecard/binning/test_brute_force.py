"""From rows to bins, nothing better is left: formulas and constraints are written anew, and every binning is tried."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2
from sklearn.metrics import log_loss

from riskml.scorecard import OptimalBinner, count_levels, count_numeric, prebin_edges
from riskml.scorecard.binning.target import row_weights
from riskml.scorecard.binning.woe import worth_of

MISSING, CODE = "missing", -9.0


def value_of(bins, objective):
    """Return what bins (non-events, events) are worth together, those of missing values and codes included."""
    bins = bins[bins.sum(axis=1) > 0]
    good, bad = bins[:, 0] / bins[:, 0].sum(), bins[:, 1] / bins[:, 1].sum()
    if objective == "js":
        return jensenshannon(good, bad) ** 2
    if objective == "log_likelihood":
        outcome, weight = np.tile([0, 1], len(bins)), bins.ravel()
        rate = np.repeat(bins[:, 1] / bins.sum(axis=1), 2)
        base = np.full(len(rate), bins[:, 1].sum() / bins.sum())
        loss = [log_loss(outcome, p, sample_weight=weight, labels=[0, 1]) for p in (base, rate)]
        return loss[0] - loss[1]
    odds = [(b[1] + 0.5) / (b[0] + 0.5) if min(b) == 0 else b[1] / b[0] for b in bins]
    even = bins[:, 1].sum() / bins[:, 0].sum()
    return float(sum((p - q) * np.log(o / even) for p, q, o in zip(bad, good, odds, strict=True)))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(any), min_size=2, max_size=6).filter(
        lambda rows: all(map(sum, zip(*rows, strict=True)))
    ),
    st.sampled_from(["iv", "js", "log_likelihood"]),
)
def test_what_bins_are_worth_is_the_definition_s(counts, objective):
    bins = np.array(counts, dtype=float)
    worth = worth_of(bins[:, 1], bins[:, 0], bins.sum(axis=0), objective).sum()
    assert worth == pytest.approx(value_of(bins, objective), abs=1e-9)


def p_value(one, other):
    """Return the p-value of the chi-squared test of a two by two table: the two-sided z-test's."""
    table = np.array([one, other])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    if (expected == 0).any():
        return 1.0
    return chi2.sf(((table - expected) ** 2 / expected).sum(), 1)


def keeps(trend, rates):
    """Return whether the rates of all rows and of each period keep a trend; NaN keeps any."""
    steps = np.diff(np.array(rates), axis=1)
    turned = {"ascending": [steps], "descending": [-steps], "none": [np.abs(steps)]}.get(trend)
    if trend in ("concave", "convex"):
        turned = [np.diff(steps, axis=1) * (1 if trend == "convex" else -1)]
    elif trend in ("peak", "valley"):
        sign = 1 if trend == "peak" else -1
        ends = range(steps.shape[1] + 1)
        turned = [np.hstack([sign * steps[:, :k], -sign * steps[:, k:]]) for k in ends]
    return any(not (part < -1e-12).any() for part in turned)


def allowed(bins, in_periods, asked, total):
    rows = bins.sum(axis=1)
    rates = [part[:, 1] / part.sum(axis=1) for part in (bins, *in_periods)]
    pairs = list(zip(bins, bins[1:], strict=False))
    return bool(
        len(bins) <= asked["max_bins"]
        and (rows >= asked["min_bin_size"] * total - 1e-9).all()
        and (bins[:, 1] >= asked["min_events"]).all()
        and (bins[:, 0] >= asked["min_nonevents"]).all()
        and (np.abs(np.diff(rates[0])) >= asked["min_rate_difference"] - 1e-12).all()
        and (asked["max_p_value"] == 1 or all(p_value(a, b) <= asked["max_p_value"] for a, b in pairs))
        and keeps(asked["monotonic"], rates)
    )


def counted(rows, weight, y):
    return np.array([weight[rows & (y == 0)].sum(), weight[rows & (y == 1)].sum()])


def best_of_all(kinds, where, periods, apart, asked, total):
    """Return the highest worth of all allowed binnings of kinds of value in order, or None."""
    with np.errstate(invalid="ignore"):
        found = [
            value_of(np.vstack([bins, apart]), asked["objective"])
            for size in range(len(kinds))
            for cuts in combinations(range(1, len(kinds)), size)
            for bins in [np.add.reduceat(where, [0, *cuts], axis=0)]
            if allowed(bins, [np.add.reduceat(part, [0, *cuts], axis=0) for part in periods], asked, total)
        ]
    return max(found, default=None)


@st.composite
def problems(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    asked = {
        "max_bins": draw(st.integers(1, 5)),
        "min_bin_size": draw(st.sampled_from([0.0, 0.05, 0.12])),
        "min_events": draw(st.sampled_from([0.0, 1.0, 4.0])),
        "min_nonevents": draw(st.sampled_from([0.0, 1.0, 9.0])),
        "min_rate_difference": draw(st.sampled_from([0.0, 0.05])),
        "max_p_value": draw(st.sampled_from([1.0, 0.4])),
        "objective": draw(st.sampled_from(["iv", "js", "log_likelihood"])),
        "monotonic": draw(st.sampled_from(["none", "ascending", "descending", "peak", "valley", "concave", "convex"])),
    }
    return seed, asked, draw(st.booleans()), draw(st.booleans())


@given(problems())
def test_nothing_better_is_left_in_the_rows_of_a_number(problem):
    seed, asked, weighted, in_time = problem
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 7, 150).astype(float)
    shape = draw.choice([x, -x, -((x - 3) ** 2), (x - 3) ** 2], axis=0) if seed % 2 else x
    y = (draw.random(150) < 1 / (1 + np.exp(1 - draw.normal() * shape / 3))).astype(int)
    x[draw.random(150) < 0.1], x[draw.random(150) < 0.1] = np.nan, CODE
    weight = row_weights(draw.choice([0.0, 1.0, 1.0, 2.5], 150), 150) if weighted else np.ones(150)
    period = draw.integers(0, 2, 150)
    counts = weight > 0
    for part in (counts, *([counts & (period == p) for p in (0, 1)])):
        assume(len(np.unique(y[part])) == 2)
    kinds = np.unique(x[counts & ~np.isnan(x) & (x != CODE)])
    where = np.array([counted(x == kind, weight, y) for kind in kinds])
    parts = [np.array([counted((x == kind) & (period == p), weight, y) for kind in kinds]) for p in (0, 1)]
    apart = np.array([counted(np.isnan(x), weight, y), counted(x == CODE, weight, y)])
    best = best_of_all(kinds, where, parts if in_time else [], apart, asked, weight.sum())

    binner = OptimalBinner(**asked, special_values=[CODE], constant="keep")
    binner.fit(pd.DataFrame({"x": x}), y, weight if weighted else None, period if in_time else None)
    bins = binner.bins_["x"]
    if best is None:
        assert bins.n_bins == 1
        assert "do not make one bin" in bins.note
        return
    starts = [0, *np.searchsorted(kinds, bins.shape.splits)]
    np.testing.assert_allclose(bins.counts[: bins.n_bins], np.add.reduceat(where, starts, axis=0))
    assert value_of(bins.counts, asked["objective"]) == pytest.approx(best, abs=1e-9)
    own = [np.add.reduceat(part, starts, axis=0) for part in parts] if in_time else []
    with np.errstate(invalid="ignore"):
        assert allowed(bins.counts[: bins.n_bins], own, asked, weight.sum())


@given(problems())
def test_nothing_better_is_left_in_the_rows_of_levels(problem):
    seed, asked, weighted, in_time = problem
    # Levels are ordered by their rate, and ascend.
    asked["monotonic"] = "none" if asked["monotonic"] == "none" else "ascending"
    draw = np.random.default_rng(seed)
    x = draw.choice(np.array(["a", "b", "c", "d", "e", "special", None], dtype=object), 150)
    y = (draw.random(150) < draw.random(7)[[["a", "b", "c", "d", "e", "special", None].index(v) for v in x]]).astype(
        int
    )
    weight = row_weights(draw.choice([0.0, 1.0, 1.0, 2.5], 150), 150) if weighted else np.ones(150)
    period = draw.integers(0, 2, 150)
    for part in (weight > 0, *((weight > 0) & (period == p) for p in (0, 1))):
        assume(len(np.unique(y[part])) == 2)
    kinds = [kind for kind in "abcde" if weight[x == kind].sum() > 0]
    rate = {kind: counted(x == kind, weight, y)[1] / weight[x == kind].sum() for kind in kinds}
    kinds = sorted(kinds, key=lambda kind: (rate[kind], kind))
    where = np.array([counted(x == kind, weight, y) for kind in kinds])
    parts = [np.array([counted((x == kind) & (period == p), weight, y) for kind in kinds]) for p in (0, 1)]
    apart = np.array([counted(x == None, weight, y), counted(x == "special", weight, y)])  # noqa: E711
    best = best_of_all(kinds, where, parts if in_time else [], apart, asked, weight.sum())

    binner = OptimalBinner(**asked, rare_share=0.0, special_values={"x": ["special"]}, constant="keep")
    binner.fit(pd.DataFrame({"x": x}), y, weight if weighted else None, period if in_time else None)
    bins = binner.bins_["x"]
    groups = bins.counts[: bins.n_bins]
    if best is None:
        assert bins.n_bins == 1
        assert "do not make one bin" in bins.note
        return
    assert value_of(bins.counts, asked["objective"]) == pytest.approx(best, abs=1e-9)
    rates = groups[:, 1] / groups.sum(axis=1)
    assert (np.diff(rates) >= -1e-12).all()
    assert bins.n_bins <= asked["max_bins"]


@pytest.mark.parametrize("smoothing", [0.0, 30.0])
@pytest.mark.parametrize("missing", ["own", "nearest"])
@pytest.mark.parametrize("unseen", ["neutral", "rare", "worst"])
def test_weights_used_are_those_of_the_raw_rows(made, smoothing, missing, unseen):
    codes = {"age": [-1], "home": ["parents"]}
    binner = OptimalBinner(special_values=codes, smoothing=smoothing, missing=missing, unseen=unseen)
    woe = binner.fit(made.X, made.y).transform(made.X)
    events, goods = made.y.sum(), (1 - made.y).sum()
    average = events / len(made.y)
    for column in made.X:
        for weight, rows in made.X.groupby(woe[column].to_numpy()).indices.items():
            bad, good = made.y[rows].sum() + smoothing * average, (1 - made.y[rows]).sum() + smoothing * (1 - average)
            assert weight == pytest.approx(np.log(bad / good * goods / events), abs=1e-12)
            table = binner.tables_[column]
            assert len(rows) == table["count"][(table["woe"] - weight).abs() < 1e-12].item()


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_missing_values_join_the_regular_bin_of_nearest_rate(seed, as_text):
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 5, 300).astype(float)
    y = (draw.random(300) < 1 / (1 + np.exp(2 - x))).astype(int)
    x[draw.random(300) < draw.choice([0.1, 0.4])] = np.nan
    y[np.isnan(x)] = draw.random(int(np.isnan(x).sum())) < draw.random()
    X = pd.DataFrame({"x": x})
    if as_text:
        X = X.map(lambda value: None if np.isnan(value) else f"level {value:.0f}")
    own, nearest = (
        OptimalBinner(missing=how, special_values={"x": ["level 2" if as_text else 2]}).fit(X, y).tables_["x"]
        for how in ("own", "nearest")
    )
    regular = own[~own["bin"].str.contains("Special|Missing")]
    gap = (regular["event_rate"] - y[np.isnan(x)].mean()).abs()
    joined = nearest.loc[nearest["bin"].str.endswith(" or Missing"), "bin"].item().removesuffix(" or Missing")
    assert gap[regular["bin"] == joined].item() == pytest.approx(gap.min())


def test_missing_values_that_break_a_constraint_are_told():
    # They join the bin of rate .45, which then has .463: nearer to its neighbour's .50 than is asked.
    x = np.repeat([1.0, 2.0, 3.0, np.nan], [100, 100, 100, 200])
    y = np.concatenate([np.arange(100) < k for k in (20, 45, 50)] + [np.arange(200) < 94]).astype(int)
    asked = {"monotonic": "ascending", "min_rate_difference": 0.04}
    own, nearest = (OptimalBinner(**asked, missing=m).fit(pd.DataFrame({"x": x}), y) for m in ("own", "nearest"))
    assert own.summary_["note"][0] == ""
    assert "joined the nearest bin break the trend, or a constraint" in nearest.summary_["note"][0]
    easy = OptimalBinner(monotonic="ascending", missing="nearest").fit(pd.DataFrame({"x": x}), y)
    assert easy.summary_["note"][0] == ""


@pytest.mark.parametrize("trend", ["concave", "convex"])
def test_both_doors_search_a_bent_trend_among_all_pre_bins(trend):
    draw = np.random.default_rng(0)
    x = draw.normal(size=3000)
    y = (draw.random(3000) < 1 / (1 + np.exp(-x))).astype(np.int8)
    counts = {"x": count_numeric(x, y, prebin_edges(x, 128))}
    by_rows = OptimalBinner(monotonic=trend).fit(pd.DataFrame({"x": x}), y)
    by_counts = OptimalBinner(monotonic=trend).fit_counts(counts)
    finer = OptimalBinner(monotonic=trend).fit_counts({"x": count_numeric(x, y, prebin_edges(x, 1000))})
    pd.testing.assert_frame_equal(by_rows.tables_["x"], by_counts.tables_["x"])
    assert finer.summary_["iv"][0] >= 0.99 * by_counts.summary_["iv"][0]


def test_levels_that_only_differ_in_how_they_are_written_are_one():
    y = np.array([0, 1, 1, 0, 1, 0], dtype=np.int8)
    counts = count_levels(np.array([1, 1.0, "1", " ", None, "b"], dtype=object), y)
    assert (counts.levels, counts.counts.tolist(), counts.missing.tolist()) == (("1", "b"), [[1, 2], [1, 0]], [1, 1])
