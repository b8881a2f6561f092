"""Pre-bins and counts: one pass, exact, and enough."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import DataError
from riskml.scorecard import LevelCounts, NumericCounts, OptimalBinner, count_levels, count_numeric, prebin_edges
from riskml.scorecard.binning.prebins import CellTable

numbers = st.floats(-1e12, 1e12, allow_nan=False) | st.integers(-50, 50).map(float)


@given(st.lists(numbers, min_size=12, max_size=80, unique=True), st.lists(numbers | st.just(np.nan), min_size=1))
def test_the_cell_table_answers_as_a_search_does(edges, values):
    edges = np.sort(np.array(edges))
    values = np.concatenate([np.array(values), edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    values = values[~np.isnan(values)]
    assert np.array_equal(CellTable(edges).slot(values), np.searchsorted(edges, values, side="right"))


@given(st.lists(numbers, min_size=1, max_size=60), st.integers(2, 20))
def test_edges_separate_values_of_the_sample(values, most):
    values = np.array(values)
    edges = prebin_edges(values, most)
    assert len(edges) <= most - 1
    assert (np.diff(edges) > 0).all()
    if len(edges):
        assert values.min() < edges[0]
        assert edges[-1] <= values.max()
    if len(np.unique(values)) <= most:
        assert len(edges) == len(np.unique(values)) - 1


@given(st.integers(0, 2**32 - 1), st.integers(0, 6))
def test_an_edge_is_no_value_and_parts_float32_alike(seed, decimals):
    values = np.random.default_rng(seed).normal(0, 10, 200).round(decimals)
    edges = prebin_edges(values, 20)
    assert not np.isin(edges, values).any()
    single = values.astype(np.float32).astype(np.float64)
    assert (np.searchsorted(edges, values) == np.searchsorted(edges, single)).all()


def test_edges_are_short_decimals():
    edges = prebin_edges(np.array([18.0, 23.0, 31.0, 0.12345, 0.1299, 1234.5]), 10)
    assert edges.tolist() == [0.127, 10.0, 20.0, 27.0, 600.0]


def test_counts_hold_every_row_once_in_its_place():
    values = np.array([1.0, 2.0, 2.0, np.nan, -9.0, 3.0])
    event = np.array([1, 0, 1, 1, 0, 0], dtype=np.int8)
    counts = count_numeric(values, event, np.array([2.0]), special=(-9.0,))
    assert counts.counts.tolist() == [[0, 1], [2, 1]]
    assert counts.missing.tolist() == [0, 1]
    assert counts.special[-9.0].tolist() == [1, 0]
    assert counts.totals.tolist() == [3, 3]


def test_counts_of_parts_add_up(made):
    values, event = made.X["debt"].to_numpy(), made.y.astype(np.int8)
    edges = prebin_edges(values, 32)
    whole = count_numeric(values, event, edges)
    parts = count_numeric(values[:700], event[:700], edges) + count_numeric(values[700:], event[700:], edges)
    assert np.array_equal(whole.counts, parts.counts)
    levels, some = made.X["home"].to_numpy(), slice(0, 900)
    both = count_levels(levels[some], event[some]) + count_levels(levels[900:], event[900:])
    assert dict(zip(both.levels, both.counts.tolist(), strict=True)) == dict(
        zip(*(lambda c: (c.levels, c.counts.tolist()))(count_levels(levels, event)), strict=True)
    )


def test_counts_over_other_edges_do_not_add_up():
    one = count_numeric(np.array([1.0]), np.array([1], np.int8), np.array([0.5]))
    other = count_numeric(np.array([1.0]), np.array([1], np.int8), np.array([0.7]))
    with pytest.raises(DataError, match="same edges"):
        one + other


def test_counts_are_enough_for_the_same_bins(made):
    X, event = made.X[["debt", "home"]], made.y.astype(np.int8)
    by_rows = OptimalBinner().fit(X, made.y)
    debt = X["debt"].to_numpy()
    counts = {
        "debt": count_numeric(debt, event, prebin_edges(debt, 128)),
        "home": count_levels(X["home"].to_numpy(), event),
    }
    by_counts = OptimalBinner().fit_counts(counts)
    for column in X:
        pd.testing.assert_frame_equal(by_rows.tables_[column], by_counts.tables_[column])
    pd.testing.assert_frame_equal(by_rows.transform(X), by_counts.transform(X))


def test_counts_come_from_a_query_s_frame():
    frame = pd.DataFrame({"low": [5.0, -1.0, np.nan, 7.0], "non_event": [3, 1, 2, 4], "event": [1, 1, 0, 6]})
    counts = NumericCounts.from_frame(frame, special=(-1.0,))
    assert counts.edges.tolist() == [7.0]
    assert counts.counts.tolist() == [[3, 1], [4, 6]]
    assert counts.missing.tolist() == [2, 0]
    levels = LevelCounts.from_frame(
        pd.DataFrame({"level": ["a", None, "b"], "non_event": [1, 2, 3], "event": [4, 5, 6]})
    )
    assert (levels.levels, levels.missing.tolist()) == (("a", "b"), [2, 5])


def test_counts_without_events_are_refused():
    counts = count_numeric(np.array([1.0, 2.0]), np.array([0, 0], np.int8), np.array([1.5]))
    with pytest.raises(DataError, match="hold events and non-events"):
        OptimalBinner().fit_counts({"x": counts})
