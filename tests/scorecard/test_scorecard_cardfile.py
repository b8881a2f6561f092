"""A card in a file scores as the card, and a spoilt file is refused; changes by hand are on record."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from riskml.errors import ConfigError, DataError
from riskml.scorecard import Scorecard


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_loaded_card_is_the_saved_one(card, made, tmp_path, suffix):
    # optbinning#387, #416: read_json() then transform() fails. toad#110: export() drops pdo and odds.
    path = tmp_path / f"card.{suffix}"
    other = Scorecard(pdo=35, base_score=500, base_odds=20, special_values={"age": [-1]}).fit(made.X, made.y)
    for saved in (card, other):
        saved.save(path)
        loaded = Scorecard.load(path)
        assert (loaded.points(made.X) == saved.points(made.X)).all()
        assert np.array_equal(loaded.predict_proba(made.X), saved.predict_proba(made.X))
        assert (loaded.pdo, loaded.base_score, loaded.base_odds) == (saved.pdo, saved.base_score, saved.base_odds)
        pd.testing.assert_frame_equal(loaded.reasons(made.X), saved.reasons(made.X))
        pd.testing.assert_frame_equal(loaded.binner_.transform(made.X), saved.binner_.transform(made.X))
        for name in ("card_", "selection_", "coefficients_", "summary_"):
            pd.testing.assert_frame_equal(getattr(loaded, name), getattr(saved, name))


def test_a_file_is_the_same_after_a_round_trip(card, tmp_path):
    card.save(tmp_path / "one.yaml")
    Scorecard.load(tmp_path / "one.yaml").save(tmp_path / "two.yaml")
    assert (tmp_path / "one.yaml").read_text() == (tmp_path / "two.yaml").read_text()


def test_bins_merged_with_missing_values_survive_the_file(made, tmp_path):
    saved = Scorecard(overrides={"age": {"missing": "nearest"}}).fit(made.X, made.y)
    saved.save(tmp_path / "card.json")
    loaded = Scorecard.load(tmp_path / "card.json")
    pd.testing.assert_frame_equal(loaded.tables_["age"], saved.tables_["age"])


def test_a_file_reads_well(card, tmp_path):
    card.save(tmp_path / "card.yaml")
    lines = (tmp_path / "card.yaml").read_text().splitlines()
    assert any(line.startswith("  - {bin: Missing, ") and line.endswith("}") for line in lines)
    assert len(lines) < 120


def spoil(document, how):
    bins = document["characteristics"][0]["bins"]
    home = document["characteristics"][2]["bins"]
    {
        "points": lambda: bins[0].update(points=12.5),
        "text": lambda: bins[0].update(points="many"),
        "infinite": lambda: bins[1].update(woe=float("inf")),
        "order": lambda: bins[2].update({"from": -1e6}),
        "level": lambda: home[1]["levels"].append(home[0]["levels"][0]),
        "bin": lambda: bins.pop(0),
        "twice": lambda: document["characteristics"].append(document["characteristics"][0]),
        "key": lambda: document.pop("intercept"),
        "pdo": lambda: document["scale"].update(pdo=0),
        "format": lambda: document.update(riskml_scorecard=99),
    }[how]()


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("points", "points are whole numbers"),
        ("text", "finite number is expected; got 'many'"),
        ("infinite", "finite number"),
        ("order", "bounds must rise"),
        ("level", "levels stand in two bins"),
        ("bin", "the first at nothing"),
        ("twice", "occurs twice"),
        ("key", "lacks something"),
        ("pdo", "pdo must be positive"),
        ("format", "no scorecard of format"),
    ],
)
def test_a_file_edited_into_nonsense_is_refused(card, tmp_path, how, text):
    path = tmp_path / "card.json"
    card.save(path)
    document = json.loads(path.read_text())
    spoil(document, how)
    path.write_text(json.dumps(document))
    with pytest.raises((DataError, ConfigError), match=text):
        Scorecard.load(path)


def test_what_is_no_card_file_is_refused(card, tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    for name, text in (
        ("list.yaml", "no scorecard"),
        ("broken.yaml", "cannot be read"),
        ("none.yaml", "does not exist"),
    ):
        with pytest.raises(DataError, match=text):
            Scorecard.load(tmp_path / name)
    with pytest.raises(ConfigError, match=r"\.yaml or \.json"):
        card.save(tmp_path / "card.pkl")


def test_points_set_by_hand_move_scores_and_probabilities_alike(card, made):
    edited = card.edit("home", points={"Missing": 20}, by="A. Reviewer", why="no address, no bonus", when="2024-05-01")
    blank = made.X["home"].isna()
    before = card.card_.query("column == 'home' and bin == 'Missing'")["points"].item()
    assert (edited.points(made.X) - card.points(made.X) == np.where(blank, 20 - before, 0)).all()
    moved = edited.decision_function(made.X) - card.decision_function(made.X)
    np.testing.assert_allclose(moved, np.where(blank, (before - 20) / card.scale.factor, 0), atol=1e-12)
    assert card.edits_ == ()
    assert (edited.edits_[0].by, edited.edits_[0].why) == ("A. Reviewer", "no address, no bonus")


def test_bins_set_by_hand_are_on_the_card_with_who_and_why(card, made, tmp_path):
    first = card.edit("home", points={"Missing": 20}, by="A", why="policy")
    edited = first.edit("age", splits=[30, 50], by="B", why="as in marketing", X=made.X, y=made.y)
    bins = edited.card_.query("column == 'age'")["bin"].tolist()
    assert bins == ["(-inf, 30)", "[30, 50)", "[50, inf)", "Missing", "Special -1"]
    assert edited.card_.query("column == 'home' and bin == 'Missing'")["points"].item() == 20
    edited.save(tmp_path / "card.yaml")
    loaded = Scorecard.load(tmp_path / "card.yaml")
    assert [edit.by for edit in loaded.edits_] == ["A", "B"]
    assert "as in marketing" in (tmp_path / "card.yaml").read_text()
    assert (loaded.points(made.X) == edited.points(made.X)).all()


@pytest.mark.parametrize(
    ("column", "arguments", "text"),
    [
        ("hone", {"points": {"Missing": 1}}, "did you mean 'home'"),
        ("home", {"points": {"Mising": 1}}, "did you mean 'Missing'"),
        ("home", {"points": {"Missing": 1.5}}, "whole numbers"),
        ("home", {}, "changes one of points, splits and groups"),
        ("age", {"splits": [30]}, "hand in X and y"),
        ("home", {"points": {"Missing": 1}, "by": " "}, "who made it and why"),
    ],
)
def test_an_edit_that_cannot_be_done_is_refused(card, column, arguments, text):
    with pytest.raises(ConfigError, match=text):
        card.edit(column, **({"by": "A", "why": "w"} | arguments))


def test_the_yaml_holds_plain_values_only(card, tmp_path):
    card.save(tmp_path / "card.yaml")
    assert yaml.safe_load((tmp_path / "card.yaml").read_text())["riskml_scorecard"] == 1
    assert "!!" not in (tmp_path / "card.yaml").read_text()
