"""Constraints and options: kept, or refused with what binds, in numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError, DataError, FitError
from riskml.scorecard import OptimalBinner, Scorecard

_draw = np.random.default_rng(0)
_x = _draw.normal(size=2000)
X, Y = pd.DataFrame({"x": _x}), (_draw.random(2000) < 1 / (1 + np.exp(-_x))).astype(int)


def refused(kind, text, frame=X, y=Y, fit=None, **parameters):
    with pytest.raises(kind, match=text) as caught:
        OptimalBinner(**parameters).fit(frame, y, **(fit or {}))
    assert "column 'x'" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("asked", "least"),
    [
        ({"min_bin_count": 650}, (650, 0, 0)),
        ({"min_bin_size": 0.3}, (600, 0, 0)),
        ({"min_events": 300}, (0, 300, 0)),
        ({"min_nonevents": 300}, (0, 0, 300)),
        ({"min_event_share": 0.4}, (0, 0.4 * Y.sum(), 0)),
        ({"min_nonevent_share": 0.4}, (0, 0, 0.4 * (1 - Y).sum())),
        ({"max_bins": 3}, (0, 0, 0)),
        ({"min_rate_difference": 0.3}, (0, 0, 0)),
        ({"max_p_value": 1e-30}, (0, 0, 0)),
    ],
)
def test_every_option_reaches_the_search(asked, least):
    free = {"min_bin_size": 0, "max_bins": 12}
    loose = OptimalBinner(**free).fit(X, Y).tables_["x"]
    table = OptimalBinner(**free | asked).fit(X, Y).tables_["x"]
    columns = table["count"], table["event"], table["count"] - table["event"]
    assert all((found >= some).all() for found, some in zip(columns, least, strict=True))
    assert 1 < len(table) < len(loose)
    assert (table["event_rate"].diff().dropna() >= asked.get("min_rate_difference", 0)).all()
    own = OptimalBinner(**free, overrides={"x": asked}).fit(X, Y).tables_["x"]
    pd.testing.assert_frame_equal(own, table)


def test_not_even_one_bin_is_an_error_with_numbers():
    message = refused(FitError, "do not make one bin: min_events=5000, and they hold 1,0", min_events=5000)
    assert "constant='keep'" in message
    kept = OptimalBinner(min_events=5000, constant="keep").fit(X, Y).summary_
    assert kept["n_bins"].tolist() == [1]
    assert "min_events=5000" in kept["note"][0]


def test_periods_that_bind_are_named():
    period = np.arange(2000) % 2
    mixed = np.where(period == 0, Y, 1 - Y)
    message = refused(FitError, "at most 1 bin is possible", y=mixed, fit={"periods": period}, min_bins=2)
    assert "periods (the trend in each of 2)" in message


def test_keep_wins_over_least_bins():
    frame = X.assign(same=1.0)
    kept = OptimalBinner(constant="keep", min_bins=3, min_rate_difference=0.25).fit(frame, Y)
    summary = kept.summary_.set_index("column")
    assert summary["n_bins"].to_dict() == {"x": 3, "same": 1}
    assert summary.loc["same", "note"].startswith("fewer than min_bins=3")
    fewer = OptimalBinner(constant="keep", min_bins=4, min_rate_difference=0.25).fit(X, Y).summary_
    assert fewer["n_bins"].tolist() == [3]
    assert "min_rate_difference=0.25" in fewer["note"][0]


def test_all_columns_that_cannot_be_binned_are_told_at_once():
    frame = X.assign(same=1.0, empty=np.nan, text=[f"n{i}" for i in range(2000)])
    with pytest.raises(DataError) as caught:
        OptimalBinner().fit(frame, Y)
    assert [name for name in frame if f"column '{name}'" in str(caught.value)] == ["same", "empty", "text"]
    assert "where: 3 columns" in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"max_bins": "5"}, "max_bins is a whole number; got '5'"),
        ({"max_bins": None}, "max_bins is a whole number; got None"),
        ({"max_bins": 2.5}, "max_bins is a whole number; got 2.5"),
        ({"min_events": None}, "min_events is a number; got None"),
        ({"min_events": np.nan}, "min_events is a number; got nan"),
        ({"max_prebins": "9"}, "max_prebins is a whole number; got '9'"),
        ({"max_prebins": 20.5}, "max_prebins is a whole number; got 20.5"),
        ({"max_prebins": 1}, "max_prebins must lie in 2..1024"),
        ({"min_event_share": 1.5}, "min_event_share is a share"),
        ({"min_bins": 3, "min_nonevent_share": 0.4}, "min_bins=3 bins of min_nonevent_share=0.4 are more than all"),
        ({"constant": "drop"}, "constant must be one of raise, keep"),
        ({"overrides": {"x": {"splits": ["a"]}}}, "splits are a list of numbers"),
        ({"overrides": {"x": {"splits": 0.5}}}, "splits are a list of numbers; got 0.5"),
        ({"overrides": {"x": {"groups": ["ab"]}}}, "groups are a list of lists"),
        ({"overrides": {"x": None}}, "a mapping of options is expected; got None"),
        ({"overrides": {"x": {"max_bins": "5"}}}, "max_bins is a whole number; got '5'"),
        ({"special_values": {"x": -1}}, "special values are a list; got -1"),
        ({"special_values": -1}, "special values are a list; got -1"),
        ({"special_values": "-1"}, "special values are a list"),
        ({"special_values": [np.nan]}, "special values of a numeric column are numbers"),
        ({"special_values": {"x": [np.inf]}}, "special values of a numeric column are numbers"),
    ],
)
def test_options_of_another_kind_are_refused_before_anything_is_counted(asked, text):
    # A column before it that is useless would be told first, if it were counted first.
    refused(ConfigError, text, frame=X.assign(a=1.0)[["x", "a"]], **asked)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf, 0.0, "much"])
def test_one_weight_for_all_is_checked_too(weight):
    with pytest.raises(DataError, match="must be finite and positive"):
        OptimalBinner().fit(X, Y, weight)


def test_a_misspelt_name_among_special_values_is_told():
    with pytest.warns(UserWarning, match="names 'X', which is no column; did you mean 'x'"):
        OptimalBinner(special_values={"X": [-1]}).fit(X, Y)
    OptimalBinner(special_values={"something else": [-1]}).fit(X, Y)


def test_a_code_is_found_in_a_column_of_float32():
    frame = pd.DataFrame({"x": np.where(_x > 1, 0.1, _x).astype(np.float32)})
    binner = OptimalBinner(special_values=[0.1]).fit(frame, Y)
    assert binner.bins_["x"].counts[-1].sum() == (_x > 1).sum()
    woe = binner.transform(frame)["x"]
    assert woe[_x > 1].nunique() == 1


def test_a_special_level_is_no_regular_bin(made):
    codes = {"home": ["rent"]}
    binner = OptimalBinner(special_values=codes, max_bins=2, unseen="worst", missing="nearest")
    bins = binner.fit(made.X[["home"]], made.y).bins_["home"]
    assert binner.summary_["n_bins"].tolist() == [2]
    assert [label for label in bins.labels if "rent" in label.split()] == ["Special rent"]
    # Tenants are the riskiest: an unseen level is the riskiest of the others.
    assert bins.shape.value[-1] == max(bins.shape.value[: bins.n_bins]) < max(bins.shape.value)
    fixed = OptimalBinner(special_values=codes, overrides={"home": {"groups": [["own"]]}}).fit(made.X[["home"]], made.y)
    assert "Special rent" in fixed.bins_["home"].labels


def test_levels_beyond_the_pre_bins_are_taken_together_and_told():
    draw = np.random.default_rng(1)
    levels = draw.integers(0, 900, 6000)
    y = (draw.random(6000) < 0.2 + 0.6 * (levels % 7) / 7).astype(int)
    binner = OptimalBinner(rare_share=0).fit(pd.DataFrame({"x": levels.astype(str)}), y)
    assert "taken together to" in binner.summary_["note"][0]
    assert binner.summary_["trend"].tolist() == ["ascending"]
    assert len(binner.bins_["x"].shape.levels) == len(np.unique(levels))


def test_a_column_of_names_is_told():
    names = [f"n{i}" if i % 2 else "common" for i in range(600)]
    note = OptimalBinner().fit(pd.DataFrame({"x": names}), np.arange(600) // 2 % 2).summary_["note"][0]
    assert "300 of 301 levels occur once: an identifier" in note


def test_smoothing_that_must_break_a_trend_is_told():
    # Two bins are asked for: the small one is the riskier by a little, and much smoothing draws it below the other.
    frame = pd.DataFrame({"x": [0.0] * 300 + [1.0] * 100 + [np.nan] * 600})
    y = np.concatenate([np.arange(300) < 150, np.arange(100) < 51, np.arange(600) < 30]).astype(int)
    asked = {"monotonic": "ascending", "min_bins": 2, "smoothing": 400}
    assert "smoothing breaks the ascending trend" in OptimalBinner(**asked).fit(frame, y).summary_["note"][0]


def test_cells_and_columns_of_collections_are_refused():
    refused(DataError, "a column of intervals", frame=pd.DataFrame({"x": pd.cut(_x, 4)}))
    pa = pytest.importorskip("pyarrow")
    lists = pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array([[1]] * 2000)]))
    refused(DataError, "a cell holds", frame=pd.DataFrame({"x": lists}))


def test_a_card_says_why_a_column_has_one_bin(made):
    card = Scorecard(overrides={"debt": {"min_events": 5000}}).fit(made.X, made.y)
    reason = card.selection_.set_index("column").loc["debt", "reason"]
    assert reason.startswith("one bin only: ")
    assert f"min_events=5000, and they hold {made.y.sum()} events" in reason
