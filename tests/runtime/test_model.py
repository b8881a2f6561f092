from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.runtime.additive import Additive, Pair, Pairwise
from riskml.runtime.encoding import Encoding
from riskml.runtime.frame import columns
from riskml.runtime.model import Tree, model_from_dict, probability
from riskml.runtime.shapes import Levels, Line, Step

KINDS = ("scorecard", "logistic", "tree", "boosting", "ebm", "blend")
finite = st.floats(allow_nan=False, allow_infinity=False)


def read(frame, model):
    return columns(frame, model.kinds)


def test_a_step_puts_a_split_into_the_bin_above_it():
    step = Step("x", (1.0, 2.0), (-9.0,), (10.0, 20.0, 30.0, 40.0, 50.0))
    values = np.array([0.5, 1.0, 1.5, 2.0, 1e308, np.nan, -9.0])
    assert step.contribution(values).tolist() == [10.0, 20.0, 20.0, 30.0, 30.0, 40.0, 50.0]


def test_a_line_is_bent_at_its_knots_and_level_beyond_them():
    line = Line("x", (0.0, 10.0), (99.0,), (1.0, 3.0, -1.0, -2.0))
    values = np.array([-5.0, 0.0, 5.0, 10.0, 1e308, np.nan, 99.0])
    assert line.contribution(values).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0, -1.0, -2.0]


def test_levels_have_slots_for_missing_and_unseen():
    shape = Levels("x", {"a": 0, "b": 0, "c": 1}, (1.0, 2.0, 3.0, 4.0))
    assert shape.contribution(np.array(["b", "c", None, "?"], dtype=object)).tolist() == [1.0, 2.0, 3.0, 4.0]


@given(finite)
def test_a_probability_lies_between_0_and_1_and_its_complement_is_that_of_the_opposite(margin):
    p, q = probability(np.array([margin, -margin]))
    assert 0.0 <= p <= 1.0
    assert p + q == pytest.approx(1.0, abs=1e-15)


def test_a_tree_sends_missing_values_the_way_it_learnt():
    for missing_left, expected in ((True, -1.0), (False, 1.0)):
        tree = Tree(
            Encoding({"x": None}), (0, -2, -2), (5.0, -2.0, -2.0), (1, -1, -1), (2, -1, -1), (missing_left,) * 3,
            value=(0.0, -1.0, 1.0),
        )  # fmt: skip
        assert tree.margin({"x": np.array([np.nan, 5.0, 5.1])}).tolist() == [expected, -1.0, 1.0]


def test_numbers_beyond_float32_are_scored_as_the_greatest_and_least_of_it(handmade):
    for kind in ("tree", "boosting", "blend"):
        model = handmade[kind].model_
        extreme = pd.DataFrame({"Age": [1e308, -1e308, 3e38, -3e38], "Income": 1.0, "Home": "rent"})
        margin = model.margin(read(extreme, model))
        assert np.isfinite(margin).all()
        assert margin[:2].tolist() == margin[2:].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_and_base_add_up_to_the_margin(kind, handmade, loans):
    model = handmade[kind].model_
    given = read(loans, model)
    # XGBoost's Shapley values are float32.
    tolerance = 1e-12 if kind in {"scorecard", "logistic", "tree", "ebm"} else 2e-6
    total = model.base + model.contributions(given).sum(axis=1)
    np.testing.assert_allclose(total, model.margin(given), rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_written_as_json_and_read_again_gives_the_very_same_margins(kind, handmade, loans):
    model = handmade[kind].model_
    blobs: dict[str, bytes] = {}
    said = json.loads(json.dumps(model.to_dict(blobs), allow_nan=False))
    again = model_from_dict(said, blobs)
    assert again.kinds == model.kinds
    assert again.base == model.base
    given = read(loans, model)
    np.testing.assert_array_equal(again.margin(given), model.margin(given))
    np.testing.assert_array_equal(again.contributions(given), model.contributions(given))


def test_points_add_up_over_the_card(handmade):
    card = handmade["scorecard"].model_
    assert isinstance(card, Additive)
    frame = pd.DataFrame({"Age": [25.0, np.nan], "Income": [-1.0, 200.0], "Home": ["owner", "?"]})
    assert card.points(read(frame, card)).tolist() == [480 + 20 + 3 + 40, 480 + 31 + 35 + 28]


def test_a_model_without_points_says_so(handmade, loans):
    model = handmade["logistic"].model_
    assert model.points(read(loans, model)) is None


def test_a_blend_weighs_the_log_odds_of_its_models(handmade, loans):
    blend = handmade["blend"].model_
    card, boosting = handmade["scorecard"].model_, handmade["boosting"].model_
    expected = -0.1 + 0.3 * card.margin(read(loans, card)) + 0.7 * boosting.margin(read(loans, boosting))
    np.testing.assert_allclose(blend.margin(read(loans, blend)), expected, rtol=0, atol=1e-14)


def test_what_a_pair_adds_belongs_to_both_its_columns_alike():
    pair = Pair(
        Step("x", (1.0,), (), ()), Levels("y", {"a": 0}, (0.0,) * 3), ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), (7.0,) * 3)
    )
    model = Pairwise(Additive(0.5, (Step("x", (), (), (10.0, 20.0)),)), (pair,))
    columns = {"x": np.array([0.0, 1.0, np.nan]), "y": np.array(["a", None, "?"], dtype=object)}
    assert model.margin(columns).tolist() == [11.5, 15.5, 27.5]
    assert model.contributions(columns).tolist() == [[10.5, 0.5], [12.5, 2.5], [23.5, 3.5]]
    assert model.kinds == {"x": "numeric", "y": "categorical"}
