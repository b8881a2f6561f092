"""Changes by hand: on the rows of the fit, on the same characteristics, and on record with who, when and why."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError, DataError
from riskml.scorecard import Edit, Scorecard

SAID = {"by": "A. Reviewer", "why": "policy", "when": "2026-03-01"}


def points_of(card, column):
    return card.card_[card.card_["column"] == column].set_index("bin")["points"]


def test_points_set_by_hand_move_scores_and_probabilities_alike(card, made):
    edited = card.edit("home", points={"Missing": 20}, **SAID)
    blank = made.X["home"].isna()
    before = points_of(card, "home")["Missing"]
    assert (edited.points(made.X) - card.points(made.X) == np.where(blank, 20 - before, 0)).all()
    moved = edited.decision_function(made.X) - card.decision_function(made.X)
    np.testing.assert_allclose(moved, np.where(blank, (before - 20) / card.scale.factor, 0), atol=1e-12)
    assert card.edits_ == ()


def test_an_edit_is_on_record_with_what_was_before(card, made):
    first = card.edit("home", points={"Missing": 20}, **SAID)
    edited = first.edit(
        "age", splits=[30, 50], by="B", why="as in marketing", when=date(2026, 3, 2), X=made.X, y=made.y
    )
    one, two = edited.edits_
    assert one == Edit("home", **SAID, points={"Missing": 20}, before={"Missing": points_of(card, "home")["Missing"]})
    assert (two.by, two.when, two.splits) == ("B", "2026-03-02", (30.0, 50.0))
    assert two.before == card.binner_.bins_["age"].shape.splits
    assert points_of(edited, "age").index.tolist() == ["(-inf, 30)", "[30, 50)", "[50, inf)", "Missing", "Special -1"]
    assert points_of(edited, "home")["Missing"] == 20


def test_an_edit_survives_the_file(card, made, tmp_path):
    groups = [["rent"], ["own", "parents"]]
    edited = card.edit("home", groups=groups, X=made.X, y=made.y, **SAID)
    edited.save(tmp_path / "card.yaml")
    loaded = Scorecard.load(tmp_path / "card.yaml")
    assert loaded.edits_ == edited.edits_
    assert (loaded.points(made.X) == edited.points(made.X)).all()
    assert "policy" in (tmp_path / "card.yaml").read_text()


def test_arrays_and_numbers_become_plain_values():
    edit = Edit("age", "A", "w", datetime(2026, 3, 1, 9), splits=np.array([30, 50]))
    assert (edit.splits, edit.when) == ((30.0, 50.0), "2026-03-01")
    assert Edit("zone", "A", "w", "2026-03-01", groups=[np.array([1.0, 2.5]), ["x"]]).groups == (("1", "2.5"), ("x",))
    assert Edit(0, "A", "w", "2026-03-01", points={"Missing": np.int64(3)}).points == {"Missing": 3}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "arguments", "text"),
    [
        ("hone", {"points": {"Missing": 1}}, "did you mean 'home'"),
        ("home", {"points": {"Mising": 1}}, "did you mean 'Missing'"),
        ("home", {"points": {"Missing": 1.5}}, "whole numbers"),
        ("home", {"points": {"Missing": float("nan")}}, "whole numbers; got nan"),
        ("home", {"points": {"Missing": float("inf")}}, "whole numbers; got inf"),
        ("home", {"points": {"Missing": "12"}}, "whole numbers; got '12'"),
        ("home", {"points": {"Missing": None}}, "whole numbers; got None"),
        ("home", {"points": {"Missing": True}}, "whole numbers; got True"),
        ("home", {"points": {}}, "points are given by bin"),
        ("home", {"points": [1, 2]}, "points are given by bin"),
        ("home", {}, "changes one of points, splits and groups"),
        ("age", {"splits": [30], "points": {"Missing": 1}}, "changes one of points, splits and groups"),
        ("age", {"splits": [30]}, "hand in X and y"),
        ("age", {"splits": 30}, "splits are a list of numbers"),
        ("age", {"splits": "30"}, "splits are a list of numbers"),
        ("age", {"splits": ["a"]}, "splits are finite numbers"),
        ("age", {"splits": [float("nan")]}, "splits are finite numbers"),
        ("home", {"groups": ["rent", "own"]}, "list of lists of levels; got 'rent'"),
        ("home", {"groups": [["rent", None]]}, "missing has its own bin"),
        ("home", {"points": {"Missing": 1}, "by": " "}, "who made it and why"),
        ("home", {"points": {"Missing": 1}, "by": 5}, "who made it and why"),
        ("home", {"points": {"Missing": 1}, "when": ""}, "the day of the change"),
        ("home", {"points": {"Missing": 1}, "when": None}, "the day of the change"),
    ],
)
def test_an_edit_that_cannot_be_done_is_refused(card, column, arguments, text):
    with pytest.raises(ConfigError, match=text):
        card.edit(column, **(SAID | arguments))


@pytest.mark.parametrize("given", ["sample_weight", "periods"])
def test_what_the_fit_was_given_the_edit_is_given_too(made, tmp_path, given):
    values = {"sample_weight": np.where(made.y == 1, 3.0, 1.0), "periods": np.arange(len(made.y)) // 500}[given]
    card = Scorecard().fit(made.X, made.y, **{given: values})
    card.save(tmp_path / "card.yaml")
    for one in (card, Scorecard.load(tmp_path / "card.yaml")):
        with pytest.raises(ConfigError, match=f"fitted with {given}"):
            one.edit("age", splits=[30, 50], X=made.X, y=made.y, **SAID)
        edited = one.edit("age", splits=[30, 50], X=made.X, y=made.y, **{given: values}, **SAID)
        assert edited.predict_proba(made.X)[:, 1].mean() == pytest.approx(
            card.predict_proba(made.X)[:, 1].mean(), abs=0.02
        )
    plain = Scorecard().fit(made.X, made.y)
    with pytest.raises(ConfigError, match=f"fitted without {given}"):
        plain.edit("age", splits=[30, 50], X=made.X, y=made.y, **{given: values}, **SAID)


@pytest.mark.filterwarnings("ignore:the outcomes are text")
def test_rows_that_the_card_was_not_fitted_on_are_refused(card, made):
    X, y = made.X, made.y
    for rows, outcome, text in (
        (X.head(900), y[:900], "not the rows the card was built on"),
        (X, np.where(y == 1, "bad", "good"), "its classes are"),
        (X.assign(age=X["age"] + 10), y, "not the rows the card was built on"),
        (X.drop(columns="debt"), y, "missing column: 'debt'"),
    ):
        with pytest.raises(DataError, match=text):
            card.edit("home", groups=[["rent"]], X=rows, y=outcome, **SAID)


def test_points_of_bins_that_were_changed_later_do_not_come_back(card, made):
    rows = {"X": made.X, "y": made.y}
    cut = card.edit("age", points={"Missing": 3}, **SAID).edit("age", splits=[30, 50], **rows, **SAID)
    fitted = points_of(cut, "age")["Missing"]
    assert fitted != 3
    later = cut.edit("home", groups=[["rent"], ["own", "parents"]], **rows, **SAID)
    assert abs(points_of(later, "age")["Missing"] - fitted) <= 2
    again = later.edit("age", points={"[30, 50)": 11}, **SAID).edit("debt", splits=[-0.7, 0.7], **rows, **SAID)
    assert points_of(again, "age")["[30, 50)"] == 11
    moved = again.edit("age", splits=[35], **rows, **SAID).edit("debt", splits=[-0.6, 0.6], **rows, **SAID)
    assert "[30, 50)" not in points_of(moved, "age")


def test_an_edit_of_bins_leaves_the_other_characteristics_on_the_card(credit):
    card = Scorecard(max_characteristics=6).fit(credit.X, credit.y)
    edited = card.edit("Amount", splits=[900, 1500], X=credit.X, y=credit.y, **SAID)
    assert list(edited.model_.kinds) == list(card.model_.kinds)
    others = card.selection_["column"] != "Amount"
    pd.testing.assert_frame_equal(edited.selection_[others], card.selection_[others])
    assert all(edited.tables_[name].equals(card.tables_[name]) for name in card.tables_ if name != "Amount")
    assert "Time" not in card.model_.kinds
    added = card.edit("Time", splits=[18, 36], X=credit.X, y=credit.y, **SAID)
    assert set(added.model_.kinds) == {*card.model_.kinds, "Time"}
    assert added.selection_.set_index("column").loc["Time", ["kept", "reason"]].tolist() == [True, ""]


def test_a_characteristic_that_cannot_stay_beside_its_new_bins_is_told(made):
    card = Scorecard().fit(made.X[["debt", "home"]], made.y)
    with pytest.raises(ConfigError, match="'debt' cannot be on the card: one bin only") as error:
        card.edit("debt", splits=[], X=made.X, y=made.y, **SAID)
    assert "reselect=True" in str(error.value)
    anew = card.edit("debt", splits=[], X=made.X, y=made.y, reselect=True, **SAID)
    assert list(anew.model_.kinds) == ["home"]


def test_an_earlier_edit_that_cannot_be_made_again_is_named(made):
    card = Scorecard().fit(made.X[["debt", "home"]], made.y).edit("home", points={"Missing": 9}, **SAID)
    picky = card.set_params(min_iv=0.2, always_keep=("debt",))
    with pytest.raises(ConfigError, match=r"points of 'home' by A\. Reviewer on 2026-03-01"):
        picky.edit("debt", splits=[-0.7, 0.7], X=made.X, y=made.y, reselect=True, **SAID)


def test_bins_that_are_scored_as_one_move_together(made, tmp_path):
    card = Scorecard(overrides={"age": {"missing": "nearest"}}).fit(made.X, made.y)
    (joint,) = [name for name in card.tables_["age"]["bin"] if "Missing" in name]
    names = joint.split(" or ")
    for label in (joint, *names):
        edited = card.edit("age", points={label: 7}, **SAID)
        assert points_of(edited, "age")[names].tolist() == [7, 7]
        edited.save(tmp_path / "card.yaml")
        assert (Scorecard.load(tmp_path / "card.yaml").points(made.X) == edited.points(made.X)).all()
    with pytest.raises(ConfigError, match="one bin is given 7 and 8 points"):
        card.edit("age", points=dict(zip(names, (7, 8), strict=True)), **SAID)


def test_a_level_called_missing_is_not_the_missing_values(made):
    X = made.X.assign(home=made.X["home"].replace({"rent": "Missing", "parents": "Unseen"}))
    card = Scorecard(overrides={"home": {"groups": [["Missing"], ["Unseen"]]}}).fit(X, made.y)
    labels = points_of(card, "home").index.tolist()
    assert labels[:2] == ["level 'Missing'", "level 'Unseen'"]
    assert labels[-2:] == ["Missing", "Unseen"]
    edited = card.edit("home", points={"level 'Missing'": -100}, **SAID)
    assert points_of(edited, "home")["Missing"] == points_of(card, "home")["Missing"]


def test_columns_named_by_numbers_are_edited_by_their_numbers(made, tmp_path):
    X = made.X.set_axis(range(3), axis=1)
    card = Scorecard().fit(X, made.y)
    assert points_of(card.edit(0, points={"Missing": 5}, **SAID), "0")["Missing"] == 5
    card.save(tmp_path / "card.yaml")
    edited = Scorecard.load(tmp_path / "card.yaml").edit(0, splits=[30, 50], X=X, y=made.y, **SAID)
    assert len(points_of(edited, "0")) == 4


def test_reasons_are_names_or_none_and_their_number_is_a_whole_one(card, made):
    reasons = card.reasons(made.X, np.int64(3))
    assert set(reasons.dtypes) == {np.dtype(object)}
    assert None in set(reasons["reason_3"])
    for n in (1.5, True, "2", None):
        with pytest.raises(ConfigError, match="n is a whole number"):
            card.reasons(made.X, n)
