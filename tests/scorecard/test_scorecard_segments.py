"""One card per segment under one interface."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from riskml.errors import ConfigError
from riskml.scorecard import Scorecard, SegmentedScorecard


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


def test_a_tree_finds_segments_and_says_their_rules(made):
    model = SegmentedScorecard(segment_by=["age", "home"], max_segments=3, min_segment_events=30).fit(made.X, made.y)
    assert 2 <= len(model.cards_) <= 3
    assert (model.segments_["count"] >= 0.15 * len(made.y)).all()
    assert model.segments_["rule"].str.contains("age in|home in").all()
    assert set(model.segment(made.X)) == set(model.cards_)
    assert set(model.card_["segment"]) == set(model.cards_)


def test_segments_with_too_few_events_are_one(made):
    model = SegmentedScorecard(segment_by=["age"], min_segment_events=10_000).fit(made.X, made.y)
    assert len(model.cards_) == 1
    plain = Scorecard().fit(made.X, made.y)
    assert (model.points(made.X) == plain.points(made.X)).all()


def test_one_segment_is_one_card(made):
    assert len(SegmentedScorecard(max_segments=1).fit(made.X, made.y).cards_) == 1


def test_impossible_segments_are_refused(made):
    with pytest.raises(ConfigError, match="did you mean 'home'"):
        SegmentedScorecard(segment_by="hone").fit(made.X, made.y)
    with pytest.raises(ConfigError, match="share of rows"):
        SegmentedScorecard(min_segment_share=2).fit(made.X, made.y)
