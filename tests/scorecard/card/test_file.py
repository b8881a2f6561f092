"""A card in a file is the card: it scores, and is edited and fitted again, as the saved one."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.base import clone

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


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_file_is_the_same_after_a_round_trip(card, made, tmp_path, suffix):
    one, two = tmp_path / f"one.{suffix}", tmp_path / f"two.{suffix}"
    said = {"by": "A", "why": "w", "when": "2026-03-01"}
    edited = card.edit("age", splits=[30, 50], X=made.X, y=made.y, **said).edit("home", points={"Missing": 9}, **said)
    for saved in (card, edited):
        saved.save(one)
        Scorecard.load(one).save(two)
        assert one.read_bytes() == two.read_bytes()


ASKED = {
    "special_values": {"age": [-1], "home": ["barge"]},
    "overrides": {"age": {"max_bins": 3, "missing": "nearest"}, "debt": {"splits": np.array([-0.5, 0.5])}},
    "max_bins": 4,
    "C": 1e6,
    "flexibility": 0.0,
    "smoothing": 5.0,
    "always_keep": ("debt",),
    "max_characteristics": 3,
}


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_loaded_card_is_edited_cloned_and_fitted_again_as_the_saved_one(made, tmp_path, suffix):
    saved = Scorecard(**ASKED).fit(made.X, made.y)
    saved.save(tmp_path / f"card.{suffix}")
    loaded = Scorecard.load(tmp_path / f"card.{suffix}")
    assert loaded.schema_ == saved.schema_
    said = {"by": "A", "why": "w", "when": "2026-03-01", "X": made.X, "y": made.y}
    for again in (
        lambda card: card.edit("home", groups=[["rent"], ["own", "parents"]], **said),
        lambda card: card.edit("age", splits=[40], reselect=True, **said),
        lambda card: clone(card).fit(made.X, made.y),
    ):
        pd.testing.assert_frame_equal(again(loaded).card_, again(saved).card_)
        pd.testing.assert_frame_equal(again(loaded).selection_, again(saved).selection_)


def test_a_loaded_card_scores_a_table_of_the_columns_that_it_kept(made, tmp_path):
    noise = np.random.default_rng(0).normal(size=len(made.X))
    saved = Scorecard(min_iv=0.1).fit(made.X.assign(noise=noise), made.y)
    assert not saved.selection_.set_index("column").loc["noise", "kept"]
    saved.save(tmp_path / "card.yaml")
    loaded = Scorecard.load(tmp_path / "card.yaml")
    pd.testing.assert_series_equal(loaded.points(made.X), saved.points(made.X.assign(noise=noise)))
    with pytest.raises(ValueError, match="age"):
        loaded.points(made.X[["debt", "home"]])


def test_a_card_of_an_array_does_not_ask_for_names_after_it_was_loaded(made, tmp_path):
    X = made.X[["age", "debt"]].to_numpy()
    Scorecard().fit(X, made.y).save(tmp_path / "card.yaml")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Scorecard.load(tmp_path / "card.yaml").points(X)


def test_the_order_of_rows_that_say_what_they_are_does_not_matter(card, made, tmp_path):
    card.save(tmp_path / "card.yaml")
    said = yaml.safe_load((tmp_path / "card.yaml").read_text())
    for part in said["characteristics"]:
        part["bins"].insert(0, part["bins"].pop())
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(said))
    assert (Scorecard.load(tmp_path / "card.yaml").points(made.X) == card.points(made.X)).all()


def test_a_day_without_quotes_is_a_day(card, tmp_path):
    edited = card.edit("home", points={"Missing": 9}, by="A", why="w", when="2026-03-01")
    edited.save(tmp_path / "card.yaml")
    text = (tmp_path / "card.yaml").read_text()
    assert "when: '2026-03-01'" in text
    (tmp_path / "card.yaml").write_text(text.replace("'2026-03-01'", "2026-03-01"))
    assert Scorecard.load(tmp_path / "card.yaml").edits_ == edited.edits_


def test_a_parameter_that_text_cannot_hold_is_refused(made, tmp_path):
    card = Scorecard().fit(made.X, made.y).set_params(overrides=object())
    with pytest.raises(ConfigError, match="overrides"):
        card.save(tmp_path / "card.yaml")


def test_bins_merged_with_missing_values_survive_the_file(made, tmp_path):
    saved = Scorecard(overrides={"age": {"missing": "nearest"}}).fit(made.X, made.y)
    saved.save(tmp_path / "card.json")
    loaded = Scorecard.load(tmp_path / "card.json")
    pd.testing.assert_frame_equal(loaded.tables_["age"], saved.tables_["age"])


def test_a_file_reads_well(card, tmp_path):
    card.save(tmp_path / "card.yaml")
    lines = (tmp_path / "card.yaml").read_text().splitlines()
    assert any(line.startswith("  - {bin: Missing, ") and line.endswith("}") for line in lines)
    assert len(lines) < 140


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


def test_the_yaml_holds_plain_values_only(card, tmp_path):
    card.save(tmp_path / "card.yaml")
    assert yaml.safe_load((tmp_path / "card.yaml").read_text())["riskml_scorecard"] == 2
    assert "!!" not in (tmp_path / "card.yaml").read_text()


def test_a_column_without_a_name_survives_the_file(made, tmp_path):
    X = made.X.rename(columns={"age": ""})
    said = {"by": "A", "why": "w", "when": "2026-03-01"}
    saved = Scorecard().fit(X, made.y).edit("", points={"Missing": 9}, **said)
    saved.save(tmp_path / "card.yaml")
    assert (Scorecard.load(tmp_path / "card.yaml").points(X) == saved.points(X)).all()
