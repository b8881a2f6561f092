"""Several cards as one model: the sum holds for every row, and nothing is lost as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from riskml.runtime.additive import Additive, Segmented, Split
from riskml.runtime.model import model_from_dict
from riskml.runtime.shapes import Levels, Step

COLUMNS = {
    "home": np.array(["own", "rent", "rent", None, "tent"], dtype=object),
    "age": np.array([30.0, 30.0, 60.0, np.nan, 99.0]),
}


@pytest.fixture
def model():
    by_home = Split(Levels("home", {"own": 0, "rent": 1}, (0.0,) * 4), (~0, 1, ~0, ~0))
    by_age = Split(Step("age", (50.0,), (99.0,), (0.0,) * 4), (~1, ~2, ~1, ~1))
    step = Step("age", (40.0,), (), (0.5, -0.5, 0.1), (20.0, 40.0, 30.0))
    cards = (Additive(-2.0, (step,), 500.0), Additive(-1.0, (step,), 480.0), Additive(0.5, (), 450.0))
    return Segmented((by_home, by_age), ("owners", "young", "old"), cards, (0.5, 0.25, 0.25))


def test_splits_are_asked_in_turn(model):
    assert model.segment(COLUMNS).tolist() == [0, 1, 2, 0, 0]


def test_each_row_is_scored_by_its_segment_s_card(model):
    assert model.margin(COLUMNS).tolist() == [-1.5, -0.5, 0.5, -1.9, -2.5]
    assert model.points(COLUMNS).tolist() == [520.0, 500.0, 450.0, 530.0, 540.0]


def test_contributions_and_the_average_intercept_add_up(model):
    assert model.base == pytest.approx(0.5 * -2 + 0.25 * -1 + 0.25 * 0.5)
    np.testing.assert_allclose(model.base + model.contributions(COLUMNS).sum(axis=1), model.margin(COLUMNS), atol=1e-15)
    # Who rents is on average at -0.25, and an old one of them at 0.5.
    np.testing.assert_allclose(model.contributions(COLUMNS)[2], [-0.25 - model.base, 0.75])


def test_written_as_json_and_read_again_it_is_the_same(model):
    again = model_from_dict(json.loads(json.dumps(model.to_dict({}), allow_nan=False)), {})
    assert again == model
    assert again.kinds == {"home": "categorical", "age": "numeric"}


def test_points_are_all_cards_or_none(model):
    cards = (Additive(0.0, ()), *model.models[1:])
    assert Segmented(model.splits, model.names, cards, model.share).points(COLUMNS) is None


def test_one_segment_without_columns_has_a_base():
    model = Segmented((), ("all",), (Additive(-1.0, (), 500.0),), (1.0,))
    assert (model.base, model.base_points, model.kinds) == (-1.0, 500.0, {})
