"""Counts that are handed in: as good as rows, and refused by column and field where they are no counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError, DataError, FitError
from riskml.scorecard import LevelCounts, NumericCounts, OptimalBinner, count_levels, count_numeric, prebin_edges
from riskml.scorecard.binning.target import row_weights

GOOD = NumericCounts(np.array([0.0]), np.array([[9.0, 1], [1, 9]]), np.zeros(2), {})
LEVELS = LevelCounts(("a", "b"), np.array([[9.0, 1], [1, 9]]), np.zeros(2))


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (replace(GOOD, edges=[0.0]), "edges is an array of numbers of shape \\(p,\\); got a list"),
        (replace(GOOD, edges=np.array([np.nan])), "edges must be finite and rise strictly; got nan"),
        (replace(GOOD, edges=np.array([0.0, 1.0])), "2 edges make 3 pre-bins; got counts of 2"),
        (replace(GOOD, edges=np.array([1.0, 0.0]), counts=np.ones((3, 2))), "rise strictly; got 1.0, 0.0"),
        (replace(GOOD, edges=np.array([1.0, 1.0]), counts=np.ones((3, 2))), "rise strictly; got 1.0, 1.0"),
        (replace(GOOD, counts=np.ones((2, 3))), r"counts has the shape \(p, 2\); got \(2, 3\)"),
        (replace(GOOD, counts=np.array([[9, 1], [-1, 9.0]])), "counts must be finite and not negative; got -1.0"),
        (replace(GOOD, counts=np.array([[9, 1], [np.nan, 9]])), "counts must be finite and not negative; got nan"),
        (replace(GOOD, counts=np.array([["9", "1"]])), "counts is an array of numbers"),
        (replace(GOOD, missing=np.array([np.inf, 0])), "missing must be finite and not negative; got inf"),
        (replace(GOOD, missing=np.zeros(3)), "missing has the shape"),
        (replace(GOOD, special={-1.0: np.array([-2.0, 0])}), r"special\[-1.0\] must be finite and not negative"),
        (replace(GOOD, special={np.nan: np.zeros(2)}), "special codes are finite numbers; got nan"),
        (replace(GOOD, special=[-1.0]), "special is a mapping"),
        (replace(LEVELS, levels=("a", "a")), "levels occur more than once: 'a'"),
        (replace(LEVELS, levels=("a", 2.0)), "levels are text; got 2.0"),
        (replace(LEVELS, levels=("a",)), "there are 1 levels, and counts of 2"),
        (replace(LEVELS, counts=-LEVELS.counts), "counts must be finite and not negative"),
        (pd.DataFrame({"low": [1]}), "NumericCounts or LevelCounts are expected; got a DataFrame"),
    ],
)
def test_what_is_no_count_is_refused(counts, text):
    with pytest.raises(DataError, match=text) as caught:
        OptimalBinner().fit_counts({"x": counts})
    assert "'x'" in str(caught.value)


def test_counts_are_of_the_same_rows():
    with pytest.raises(DataError, match="over the same rows: 'y' has 20 non-events and 20 events, 'x' has 10"):
        OptimalBinner().fit_counts({"x": GOOD, "y": replace(GOOD, counts=2 * GOOD.counts)})
    with pytest.raises(DataError, match="mapping of column to counts"):
        OptimalBinner().fit_counts(GOOD)


def test_a_column_may_have_a_number_for_a_name():
    binner = OptimalBinner().fit_counts({0: GOOD})
    assert binner.transform(pd.DataFrame({0: [-1.0, 1.0]})).shape == (2, 1)
    assert not hasattr(binner, "feature_names_in_")


def test_special_codes_of_counts_are_those_of_rows(made):
    codes = {"age": [-1], "home": ["barge"]}
    X, event = made.X[["age", "home"]], made.y.astype(np.int8)
    age = X["age"].to_numpy()
    counts = {
        "age": count_numeric(age, event, prebin_edges(age, 128, (-1.0,)), (-1.0,)),
        "home": count_levels(X["home"].to_numpy(), event),
    }
    by_rows, by_counts = OptimalBinner(special_values=codes).fit(X, made.y), OptimalBinner(special_values=codes)
    by_counts.fit_counts(counts)
    for column in X:
        pd.testing.assert_frame_equal(by_rows.tables_[column], by_counts.tables_[column])
    assert by_counts.schema_ == by_rows.schema_
    with pytest.raises(ConfigError, match=r"no special code -7\.0"):
        OptimalBinner(special_values={"age": [-7]}).fit_counts(counts)


def test_trends_of_counts_hold_in_periods_as_those_of_rows(made):
    X, event, period = made.X[["debt", "home"]], made.y.astype(np.int8), np.arange(len(made.y)) % 3
    debt, home = X["debt"].to_numpy(), X["home"].to_numpy()
    edges = prebin_edges(debt, 128)

    def counts(rows):
        return {"debt": count_numeric(debt[rows], event[rows], edges), "home": count_levels(home[rows], event[rows])}

    by_rows = OptimalBinner().fit(X, made.y, periods=period)
    parts = {number: counts(period == number) for number in range(3)}
    by_counts = OptimalBinner().fit_counts(counts(slice(None)), parts)
    for column in X:
        pd.testing.assert_frame_equal(by_rows.tables_[column], by_counts.tables_[column])
    pd.testing.assert_frame_equal(by_rows.by_period_, by_counts.by_period_)
    with pytest.raises(DataError, match="do not add up"):
        OptimalBinner().fit_counts(counts(slice(None)), {0: parts[0], 1: parts[1]})
    with pytest.raises(DataError, match="the columns 'debt', 'home' are expected"):
        OptimalBinner().fit_counts(counts(slice(None)), {0: {"debt": parts[0]["debt"]}})
    other = {"debt": count_numeric(debt, event, edges[1:]), "home": parts[0]["home"]}
    with pytest.raises(DataError, match="edges are not those"):
        OptimalBinner().fit_counts(counts(slice(None)), {0: other})


def test_by_period_is_what_the_rows_of_each_period_say(made):
    period = np.arange(len(made.y)) % 3
    weight = np.random.default_rng(0).choice([0.0, 1.0, 2.5], len(made.y))
    binner = OptimalBinner(special_values=[-1]).fit(made.X, made.y, weight, period)
    for column in ("age", "home"):
        bins = binner.bins_[column]
        values = made.X[column].to_numpy() if column == "age" else made.X[column].where(made.X[column].notna(), None)
        rows = pd.DataFrame(
            {
                "slot": bins.shape.slot(np.asarray(values)),
                "period": period.astype(str),
                "w": row_weights(weight, len(weight)),
                "y": made.y,
            }
        ).query(f"slot < {bins.regular}")
        found = binner.by_period_.query("column == @column").set_index(["bin", "period"])
        for (slot, when), part in rows.groupby(["slot", "period"]):
            assert found.loc[(bins.labels[slot], when), "count"] == pytest.approx(part["w"].sum())
            assert found.loc[(bins.labels[slot], when), "event"] == pytest.approx((part["w"] * part["y"]).sum())


def test_useless_counts_are_refused_or_kept():
    flat = NumericCounts(np.empty(0), np.array([[10.0, 10.0]]), np.zeros(2), {})
    with pytest.raises(DataError, match="one value only"):
        OptimalBinner().fit_counts({"x": flat})
    assert OptimalBinner(constant="keep").fit_counts({"x": flat}).summary_["note"].tolist() == ["one value only"]


def test_levels_of_a_query_are_those_that_are_scored():
    frame = pd.DataFrame({"level": [1.0, 2.0, np.nan], "non_event": [10, 2, 1], "event": [3, 4, 1]})
    counts = LevelCounts.from_frame(frame)
    assert (counts.levels, counts.missing.tolist()) == (("1", "2"), [1, 1])
    binner = OptimalBinner(min_bin_size=0).fit_counts({"x": counts})
    assert binner.transform(pd.DataFrame({"x": [1, 2]}))["x"].nunique() == 2
    padded = LevelCounts.from_frame(frame.assign(level=["a", " ", None]))
    assert (padded.levels, padded.missing.tolist()) == (("a",), [3, 5])


def test_many_levels_of_many_chunks_add_up_in_time():
    names = tuple(map(str, range(20_000)))
    part = LevelCounts(names, np.ones((len(names), 2)), np.ones(2))
    assert (part + part).totals.tolist() == [40_002, 40_002]


def test_more_pre_bins_than_can_be_searched_are_taken_together():
    draw = np.random.default_rng(0)
    x = draw.normal(size=20_000)
    y = (draw.random(20_000) < 1 / (1 + np.exp(-x))).astype(np.int8)
    fine = OptimalBinner().fit_counts({"x": count_numeric(x, y, np.linspace(-4, 4, 5000))})
    assert fine.summary_["iv"][0] > 0.995 * OptimalBinner().fit(pd.DataFrame({"x": x}), y).summary_["iv"][0]


def test_an_impossible_fit_of_counts_names_its_column():
    with pytest.raises(FitError, match="at most 2 bins are possible") as caught:
        OptimalBinner(min_bins=3, min_bin_size=0).fit_counts({"income": GOOD})
    assert "'income'" in str(caught.value)


def test_empty_pre_bins_change_nothing_in_periods():
    first = np.array([[90.0, 10], [60, 40], [70, 30], [20, 80]])
    second = np.array([[80.0, 20], [70, 30], [50, 50], [30, 70]])

    def counts(part, *, gappy):
        edges = np.arange(7.0)[1:] if gappy else np.array([2.0, 4.0, 5.0])
        wide = np.zeros((7, 2))
        wide[[0, 2, 4, 5]] = part
        return {"x": NumericCounts(edges, wide if gappy else part, np.zeros(2), {})}

    tables = [
        OptimalBinner(monotonic="ascending")
        .fit_counts(
            counts(first + second, gappy=gappy),
            {1: counts(first, gappy=gappy), 2: counts(second, gappy=gappy)},
        )
        .tables_["x"]
        for gappy in (True, False)
    ]
    pd.testing.assert_frame_equal(*tables)
    # The second and third bins change places in one of the periods.
    assert len(tables[0]) == 3
