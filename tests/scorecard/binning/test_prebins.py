"""Pre-bins of large columns: a sample says where the quantiles lie, and misses nothing that is rare."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from riskml.scorecard import OptimalBinner, prebin_edges
from riskml.scorecard.binning.prebins import SAMPLE, CellTable

ROWS = 4 * SAMPLE


@pytest.mark.parametrize("period", [2, 4, 12])
def test_a_column_that_repeats_itself_keeps_all_its_values(period):
    # A panel of customers by month, in the order of customers.
    assert len(prebin_edges(np.tile(np.arange(float(period)), ROWS // period), 128)) == period - 1


@pytest.mark.parametrize("period", [2, 4, 12])
def test_quantiles_of_a_panel_are_those_of_the_shuffled_panel(period):
    draw = np.random.default_rng(1)
    values = (10.0 * np.arange(period) + draw.normal(size=(ROWS // period, period))).ravel()
    y = (draw.random(len(values)) < 1 / (1 + np.exp(2 - values / (5 * period)))).astype(np.int8)
    orders = np.arange(len(values)), draw.permutation(len(values))
    iv = [OptimalBinner().fit(pd.DataFrame({"x": values[o]}), y[o]).summary_["iv"][0] for o in orders]
    assert iv[0] == pytest.approx(iv[1], rel=0.005)


def test_a_rare_value_gets_its_cut():
    values = np.zeros(ROWS)
    values[[7, 70_001, 70_003]] = 1.0
    assert prebin_edges(values, 128).tolist() == [0.5]
    values[-1], values[5] = 2.0, -1.0
    assert prebin_edges(values, 128, special=(-1.0,)).tolist() == [0.5, 1.5]


def test_many_rare_values_share_the_cuts():
    values = np.zeros(ROWS)
    values[:1000] = np.arange(1.0, 1001)
    edges = prebin_edges(values, 8, weight=np.where(values > 0, 1000.0, 1.0))
    assert len(edges) >= 6
    assert edges[0] == 0.5
    assert np.diff(edges).max() < 300


def test_a_large_sample_follows_the_weights():
    values = np.random.default_rng(2).random(ROWS)
    weight = np.where(values < 0.5, 3.0, 1.0)
    quarters = prebin_edges(values, 4, weight=weight)
    # Three quarters of all weight lie below one half.
    np.testing.assert_allclose(quarters, [1 / 6, 1 / 3, 1 / 2], atol=0.01)


def test_a_large_column_without_values_has_no_edge():
    assert len(prebin_edges(np.full(ROWS, np.nan), 128)) == 0
    assert len(prebin_edges(np.full(ROWS, 3.0), 128)) == 0


def test_the_sample_is_the_same_at_every_call():
    values = np.random.default_rng(3).normal(size=ROWS)
    assert np.array_equal(prebin_edges(values, 128), prebin_edges(values, 128))


@pytest.mark.parametrize(
    "values",
    [
        np.append(np.linspace(-3, 3, 200), [sys.float_info.max] * 40),
        np.append(np.linspace(-3, 3, 200), [-sys.float_info.max, sys.float_info.max]),
        np.linspace(-3, 3, 200) * 1e-310,
        np.linspace(-1, 1, 200) * sys.float_info.max,
    ],
    ids=["largest as a code", "both largest", "denormal", "all large"],
)
def test_any_float_can_be_binned(values):
    edges = prebin_edges(values, 16)
    assert (np.diff(edges) > 0).all()
    assert values.min() < edges[0]
    assert edges[-1] <= values.max()
    assert np.array_equal(CellTable(edges).slot(values), np.searchsorted(edges, values, side="right"))
    OptimalBinner().fit(pd.DataFrame({"x": values}), np.arange(len(values)) % 2)
