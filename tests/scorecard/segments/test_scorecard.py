"""One card per segment under one interface."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from riskml.errors import ConfigError, DataError
from riskml.scorecard import OptimalBinner, Scorecard, SegmentedScorecard


@pytest.fixture(scope="module")
def crossed():
    """Return customers whose score means the opposite in the two regions."""
    draw = np.random.default_rng(9)
    score, region = draw.normal(size=2400), draw.choice(["north", "south", "sea"], 2400, p=[0.48, 0.48, 0.04])
    y = (draw.random(2400) < 1 / (1 + np.exp(1.0 - np.where(region == "north", 2, -2) * score))).astype(int)
    X = pd.DataFrame({"score": score, "region": region, "noise": draw.normal(size=2400)})
    return X, y


@pytest.fixture(scope="module")
def by_region(crossed):
    return SegmentedScorecard(segment_by="region").fit(*crossed)


def test_each_named_segment_has_its_card(by_region):
    assert set(by_region.cards_) == {"north", "south", "others"}
    assert by_region.segments_["count"].sum() == 2400


def test_segments_see_what_one_card_cannot(by_region, crossed):
    X, y = crossed
    one = roc_auc_score(y, Scorecard().fit(X, y).predict_proba(X)[:, 1])
    assert roc_auc_score(y, by_region.predict_proba(X)[:, 1]) > one + 0.1


def test_a_row_is_scored_by_its_segment_s_card(by_region, crossed):
    X, _ = crossed
    north = X[X["region"] == "north"]
    assert (by_region.points(north) == by_region.cards_["north"].points(north)).all()
    pd.testing.assert_frame_equal(by_region.reasons(north), by_region.cards_["north"].reasons(north), check_dtype=False)
    mixed = X.sample(300, random_state=0)
    assert by_region.points(mixed).index.equals(mixed.index)


def test_an_unknown_value_of_the_segment_s_column_goes_to_the_others(by_region, crossed):
    X, _ = crossed
    assert by_region.segment(X.head(2).assign(region=["moon", None])).tolist() == ["others", "others"]


def test_a_tree_finds_where_coefficients_differ_and_says_its_rule(crossed):
    X, y = crossed
    model = SegmentedScorecard(min_segment_events=30).fit(X, y)
    assert model.segments_["rule"].str.contains("region in").all()
    assert model.segments_["rule"].str.contains("north").sum() == 1
    assert (model.segments_["count"] >= 0.15 * len(y)).all()
    assert set(model.segment(X)) == set(model.cards_) == set(model.card_["segment"])


def test_a_strong_predictor_alone_is_no_reason_to_split(made):
    model = SegmentedScorecard(min_segment_events=30).fit(made.X, made.y)
    assert model.segments_["rule"].tolist() == ["everyone"]
    assert (model.points(made.X) == Scorecard().fit(made.X, made.y).points(made.X)).all()


def test_a_tree_cuts_a_number_where_slopes_change():
    draw = np.random.default_rng(2)
    age, debt = draw.uniform(20, 70, 4000), draw.normal(size=4000)
    y = (draw.random(4000) < 1 / (1 + np.exp(1 - np.where(age < 40, 2.0, -1.0) * debt))).astype(int)
    model = SegmentedScorecard(segment_by=["age"], max_segments=2).fit(pd.DataFrame({"age": age, "debt": debt}), y)
    assert model.segments_["rule"].str.startswith("age in").tolist() == [True, True]
    found = model.model_.splits[0]
    cut = found.shape.splits[found.to.index(found.to[-2]) - 1]
    assert cut == pytest.approx(40, abs=4)


def test_comparison_shows_on_the_same_folds_whether_segments_pay(crossed):
    X, y = crossed
    table = SegmentedScorecard(segment_by="region", cv=3).fit(X, y).comparison_.set_index("model")
    assert table.index.tolist() == ["single card", "segments", "gain"]
    assert table.loc["gain", "auc"] == pytest.approx(table.loc["segments", "auc"] - table.loc["single card", "auc"])
    assert table.loc["gain", "auc"] > 0.1
    assert table.loc["gain", "log_loss"] < 0
    again = SegmentedScorecard(segment_by="region", cv=3).fit(X, y).comparison_.set_index("model")
    pd.testing.assert_frame_equal(again, table)


def test_segments_with_too_few_events_are_one(made):
    model = SegmentedScorecard(segment_by=["age"], min_segment_events=10_000).fit(made.X, made.y)
    assert len(model.cards_) == 1
    plain = Scorecard().fit(made.X, made.y)
    assert (model.points(made.X) == plain.points(made.X)).all()


def test_one_segment_is_one_card(made):
    assert len(SegmentedScorecard(max_segments=1).fit(made.X, made.y).cards_) == 1


def by_column(values, y, **kwargs):
    X = pd.DataFrame({"debt": np.random.default_rng(0).normal(size=len(y)), "kind": values})
    return SegmentedScorecard(segment_by="kind", min_segment_events=20, **kwargs).fit(X, y), X


def outcomes(rows):
    return (np.random.default_rng(1).random(rows) < 0.4).astype(int)


def test_without_a_pool_the_unseen_and_the_missing_go_to_the_largest_segment():
    model, X = by_column(["a"] * 300 + ["b"] * 500, outcomes(800))
    assert model.segment(X.head(2).assign(kind=["zzz", None])).tolist() == ["b", "b"]
    assert model.segments_.set_index("segment").loc["b", "rule"] == (
        "kind is b; or missing, or a value not seen in training"
    )


def test_levels_called_as_the_pool_or_as_missing_do_not_merge_with_them():
    model, X = by_column(["others"] * 300 + ["missing"] * 300 + [None] * 300 + ["x"] * 50 + ["y"] * 50, outcomes(1000))
    assert model.segments_.set_index("segment")["count"].to_dict() == {
        "missing": 300, "others": 300, "missing (no value)": 300, "others (pooled)": 100,
    }  # fmt: skip
    rule = model.segments_.set_index("segment").loc["others (pooled)", "rule"]
    assert rule == "kind is x; y; or a value not seen in training"
    assert model.segment(X.iloc[[0, 300, 600, 999]]).tolist() == [
        "others", "missing", "missing (no value)", "others (pooled)",
    ]  # fmt: skip


def test_a_named_column_has_at_most_so_many_segments():
    model, _ = by_column(["a"] * 400 + ["b"] * 300 + ["c"] * 200, outcomes(900), max_segments=2)
    assert model.segments_["segment"].tolist() == ["a", "others"]
    assert "b; c" in model.segments_["rule"].iloc[1]


def test_a_numeric_column_s_values_can_be_segments_and_a_measure_s_cannot(made):
    model, X = by_column([1.0] * 300 + [2.0] * 400, outcomes(700))
    assert model.segment(X.head(3).assign(kind=[1, 7, np.nan])).tolist() == ["1", "2", "2"]
    with pytest.raises(ConfigError, match=r"segment_by=\['debt'\]"):
        SegmentedScorecard(segment_by="debt").fit(made.X, made.y)


def test_columns_may_be_named_by_numbers(made):
    X = made.X.set_axis([0, 1, 2], axis=1)
    named = SegmentedScorecard(segment_by=2, min_segment_events=30).fit(X, made.y)
    assert {"own", "rent"} <= set(named.cards_)
    assert len(SegmentedScorecard(segment_by=[0, 1]).fit(X, made.y).cards_) >= 1


def test_contributions_add_up_and_the_segment_s_level_belongs_to_its_column(by_region, crossed):
    X, _ = crossed
    contributions = by_region.contributions(X)
    np.testing.assert_allclose(
        by_region.model_.base + contributions.sum(axis=1), by_region.decision_function(X), rtol=0, atol=1e-12
    )
    north = X["region"] == "north"
    level = by_region.cards_["north"].model_.intercept - by_region.model_.base
    np.testing.assert_allclose(contributions.loc[north, "region"], level)
    np.testing.assert_allclose(
        by_region.decision_function(X[north]), by_region.cards_["north"].decision_function(X[north])
    )


def test_it_shows_what_one_card_shows(by_region, crossed):
    X, _ = crossed
    for table in (by_region.selection_, by_region.coefficients_, by_region.card_):
        assert set(table["segment"]) == set(by_region.cards_)
    assert set(by_region.tables_["north"]) == set(X.columns)
    assert by_region.scale == Scorecard().scale
    north = X[X["region"] == "north"].head()
    short = by_region.shortfalls(north)
    pd.testing.assert_frame_equal(short.dropna(axis=1), by_region.cards_["north"].shortfalls(north))


def test_periods_and_special_values_reach_every_card(crossed):
    X, y = crossed
    card = Scorecard(special_values={"score": [99.0]})
    model = SegmentedScorecard(card, "region").fit(X, y, periods=np.arange(len(y)) % 2)
    assert all("Special 99" in one.binner_.bins_["score"].labels for one in model.cards_.values())
    assert SegmentedScorecard(card).fit(X, y).finder_["score"].labels[-1] == "Special 99"
    with pytest.raises(DataError, match="one period for each of the 2400 rows; got 3"):
        SegmentedScorecard(segment_by="region").fit(X, y, periods=[1, 2, 3])


def test_an_edit_changes_one_segment_s_card_and_is_on_record(by_region, crossed):
    X, y = crossed
    label = by_region.cards_["north"].card_.query("column == 'score'")["bin"].iloc[0]
    said = {"by": "a", "why": "b", "when": "2024-01-31"}
    edited = by_region.edit("north", "score", points={label: 7}, **said)
    assert edited.edits_["north"][0].points == {label: 7}
    assert by_region.edits_ == {}
    changed = edited.points(X) != by_region.points(X)
    assert set(X.loc[changed, "region"]) == {"north"}
    rebuilt = by_region.edit("south", "score", splits=[0.0], X=X, y=y, **said)
    assert rebuilt.cards_["south"].binner_.bins_["score"].regular == 2
    with pytest.raises(ConfigError, match="did you mean 'north'"):
        by_region.edit("nort", "score", points={label: 7}, **said)


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_what_is_saved_scores_the_same_when_loaded(by_region, crossed, tmp_path, suffix):
    X, _ = crossed
    by_region.save(tmp_path / f"cards{suffix}")
    loaded = SegmentedScorecard.load(tmp_path / f"cards{suffix}")
    strange = pd.concat([X, X.head(2).assign(region=["moon", None], score=np.nan)])
    np.testing.assert_array_equal(loaded.predict_proba(strange), by_region.predict_proba(strange))
    pd.testing.assert_series_equal(loaded.points(strange), by_region.points(strange))
    pd.testing.assert_frame_equal(loaded.segments_, by_region.segments_)
    assert loaded.segment_by == "region"


def spoil(said, spoiling):
    if spoiling == "a case goes to a later split":
        said["splits"][0]["cases"][0] = {"levels": ["north"], "split": 1}
    elif spoiling == "no segment is called 'west'":
        said["splits"][0]["cases"][0]["segment"] = "west"
    elif spoiling == "no row can reach 'south'":
        for case in said["splits"][0]["cases"]:
            case["segment"] = "north" if case["segment"] == "south" else case["segment"]
    elif spoiling == "on this scale":
        said["segments"][1]["card"]["parameters"]["pdo"] = 40.0
    elif spoiling == "a level stands in two cases":
        said["splits"][0]["cases"][0]["levels"] = ["north", "south"]
    elif spoiling == "count: missing, but required":
        del said["segments"][0]["count"]
    else:
        said["riskml_segmented_scorecard"] = 9


@pytest.mark.parametrize(
    "spoiling",
    [
        "a case goes to a later split", "no segment is called 'west'", "no row can reach 'south'",
        "on this scale", "a level stands in two cases", "count: missing, but required", "no segmented scorecards",
    ],
)  # fmt: skip
def test_a_file_that_cannot_score_is_refused(by_region, tmp_path, spoiling):
    path = tmp_path / "cards.json"
    by_region.save(path)
    said = json.loads(path.read_text())
    spoil(said, spoiling)
    path.write_text(json.dumps(said))
    with pytest.raises(DataError, match=spoiling):
        SegmentedScorecard.load(path)


def test_a_card_that_would_lose_its_edits_or_is_none_is_refused(card, made):
    label = card.card_.query("column == 'home'")["bin"].iloc[0]
    edited = card.edit("home", points={label: 7}, by="a", why="b", when="2024-01-31")
    with pytest.raises(ConfigError, match="edited manually"):
        SegmentedScorecard(edited, "home").fit(made.X, made.y)
    with pytest.raises(ConfigError, match="card must be a Scorecard; got OptimalBinner"):
        SegmentedScorecard(OptimalBinner(), "home").fit(made.X, made.y)


def test_an_error_of_one_segment_s_card_names_the_segment(made):
    card = Scorecard(overrides={"home": {"groups": [["own"], ["rent"]]}})
    with pytest.raises(ConfigError, match="segment 'parents', column 'home'"):
        SegmentedScorecard(card, "home", min_segment_events=30).fit(made.X, made.y)


def test_impossible_segments_are_refused(made):
    with pytest.raises(ConfigError, match="did you mean 'home'"):
        SegmentedScorecard(segment_by="hone").fit(made.X, made.y)
    with pytest.raises(ConfigError, match="no column is named"):
        SegmentedScorecard(segment_by=[]).fit(made.X, made.y)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("max_segments", ["a", None, [1], 2.5, np.nan, True, 0], "max_segments is a whole number, at least 1"),
        ("min_segment_share", ["a", None, np.nan, True, 0, 2], "min_segment_share is a share of rows"),
        ("min_segment_events", ["a", None, np.nan, 2.5, True, 0], "min_segment_events is a whole number, at least 1"),
        ("cv", [[1], [], "abc", {}, True, 1, 2.5, [(1, 2), (3, 4)]], "cv is a number of folds, at least 2, a splitter"),
        ("random_state", ["a", -1, 2.5, True, 2**32], "random_state is a whole number, at least 0, or None"),
        ("segment_by", [{"home": 1}, {"home"}], "segment_by is a column's name, or a list of them"),
    ],
)
def test_a_parameter_of_another_kind_is_refused_by_name(made, name, values, message):
    for value in values:
        with pytest.raises(ConfigError, match=message) as refused:
            SegmentedScorecard(**{name: value}).fit(made.X, made.y)
        assert refused.value.where == name
        assert repr(value) in refused.value.what


def test_whole_numbers_of_numpy_and_no_seed_are_taken(crossed):
    X, y = crossed
    model = SegmentedScorecard(
        segment_by="region",
        max_segments=np.int64(3),
        min_segment_events=np.int32(50),
        cv=np.int64(2),
        random_state=None,
    )
    assert len(model.fit(X, y).comparison_) == 3


@pytest.mark.parametrize("periods", ["2024", {"a": 1}, {"2024"}, 2024])
def test_periods_are_one_for_each_row(crossed, periods):
    X, y = crossed
    with pytest.raises(DataError, match="one period for each of the 2400 rows"):
        SegmentedScorecard(segment_by="region").fit(X, y, periods=periods)


def test_days_with_a_zone_are_periods_in_every_card_and_fold(crossed):
    X, y = crossed
    days = pd.Series(pd.date_range("2024-01-01", periods=len(y), freq="5h", tz="Europe/Berlin"))
    model = SegmentedScorecard(segment_by="region", cv=2).fit(X, y, periods=days)
    edited = model.edit("north", "score", splits=[0.0], X=X, y=y, periods=days, by="a", why="b", when="2024-01-31")
    assert edited.cards_["north"].fitted_with_ == ("periods",)


@pytest.mark.parametrize("rows", [{"y": 1}, {"periods": "2024"}, {"sample_weight": [1.0, 2.0]}])
def test_an_edit_wants_a_value_for_each_row(by_region, crossed, rows):
    X, y = crossed
    given = {"X": X, "y": y, "by": "a", "why": "b", "when": "2024-01-31"} | rows
    with pytest.raises(DataError, match="2400 rows"):
        by_region.edit("north", "score", splits=[0.0], **given)


def test_a_fit_that_fails_leaves_the_earlier_one_as_it_was(crossed):
    X, y = crossed
    model = SegmentedScorecard(segment_by="region", cv=2).fit(X, y)
    before, points = dict(vars(model)), model.points(X)
    model.set_params(card=Scorecard(overrides={"region": {"groups": [["north"], ["south"]]}}))
    with pytest.raises(ConfigError, match="segment 'others'"):
        model.fit(X.assign(more=1.0), 1 - y)
    model.set_params(card=None)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    assert (model.points(X) == points).all()


def test_a_fit_without_folds_has_no_comparison_of_an_earlier_one(crossed):
    model = SegmentedScorecard(segment_by="region", cv=2).fit(*crossed)
    assert not hasattr(model.set_params(cv=None).fit(*crossed), "comparison_")


def test_folds_of_a_generator_serve_one_fit(crossed):
    X, y = crossed
    model = SegmentedScorecard(segment_by="region", cv=StratifiedKFold(2).split(X, y)).fit(X, y)
    assert len(model.comparison_) == 3
    with pytest.raises(ConfigError, match="at least 2 folds are needed; got 0"):
        model.fit(X, y)
