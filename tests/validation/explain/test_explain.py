"""Explanation: one interface for every family, and values that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment
from riskml.errors import ConfigError
from riskml.metrics import auc
from riskml.runtime.additive import Additive
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Levels, Line, Step
from riskml.validation import explain

KINDS = ("scorecard", "logistic", "tree", "boosting", "blend")


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, artifacts: dict[str, Path]) -> Artifact:
    return Artifact.load(artifacts[request.param])


@pytest.fixture(scope="module")
def outcome(loans: pd.DataFrame) -> pd.Series:
    draw = np.random.default_rng(3)
    return ((loans["Age"] < 40) ^ (draw.random(len(loans)) < 0.2)).astype(int)


@pytest.fixture
def bent(artifacts: dict[str, Path]) -> Artifact:
    """Return a model by hand: log-odds 0, 1, 0 at 0, 10, 20; 3 for a missing value, 2 for the code -1."""
    line = Line("x", (0.0, 10.0, 20.0), (-1.0,), (0.0, 1.0, 0.0, 3.0, 2.0))
    home = Levels("home", {"own": 0, "rent": 1}, (0.0, 1.0, 0.0, 0.0))
    columns = ({"name": "x", "special": [-1.0]}, {"name": "home", "special": [], "description": ""})
    described = tuple({"description": "", "kind": "", "levels": None} | column for column in columns)
    known = Artifact.load(artifacts["logistic"])
    return replace(
        known, model=Additive(0.0, (line, home)), columns=described, reference={"x": 0.5, "home": 0.5}, unseen="score"
    )


def chance(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def test_every_family_answers_every_question(model: Artifact, loans: pd.DataFrame, outcome: pd.Series) -> None:
    weights = explain.importance(model, loans, outcome, repeats=2, seed=1)
    shapes = explain.profiles(model, loans)
    moves = explain.monotone_violations(model, loans, {"Age": "descending"})
    reasons = explain.reasons_in_words(model, loans.head(5), explain.background_of(model, loans, outcome))
    assert set(weights["column"]) == set(shapes["column"]) == set(model.model.kinds)
    assert shapes["probability"].between(0, 1).all()
    assert moves["violated"].between(0, 1).all()
    assert reasons["sentence"].str.contains("raises the risk").all()


def test_shuffling_a_column_loses_what_it_ranked(bent: Artifact) -> None:
    X = pd.DataFrame({"x": np.full(400, 5.0), "home": ["own", "rent"] * 200})
    y = np.array([0, 1] * 200)
    found = explain.permutation_importance(bent, X, y, repeats=20, seed=1).set_index("column")
    assert auc(y, bent.contributions(X).sum(axis=1)) == 1.0
    # Shuffled, the column ranks like chance; the other one is the same for all, and ranks nothing.
    assert found.loc["home", "auc_drop"] == pytest.approx(0.5, abs=0.03)
    assert found.loc["home", "se"] < 0.01
    assert found.loc["x", "auc_drop"] == 0.0


def test_one_seed_gives_one_answer(bent: Artifact) -> None:
    X = pd.DataFrame({"x": np.arange(60) % 20, "home": ["own", "rent"] * 30})
    y = (np.arange(60) % 3 == 0).astype(int)
    found = [explain.permutation_importance(bent, X, y, seed=seed) for seed in (1, 1, 2)]
    assert found[0].equals(found[1])
    assert not found[0].equals(found[2])


def test_a_card_tells_its_points(artifacts: dict[str, Path], loans: pd.DataFrame, outcome: pd.Series) -> None:
    card = Artifact.load(artifacts["scorecard"])
    table = explain.importance(card, loans, outcome, seed=1).set_index("column")
    step = next(shape for shape in card.model.shapes if isinstance(shape, Step))  # type: ignore[attr-defined]
    points = np.asarray(step.points)[step.slot(loans["Age"].to_numpy(float))]
    assert table.loc["Age", "mean_abs_points"] == pytest.approx(np.abs(points - points.mean()).mean())


def test_a_profile_is_the_mean_probability_if_all_had_the_value(bent: Artifact) -> None:
    X = pd.DataFrame({"x": [0.0, 10.0, 20.0, np.nan], "home": ["own", "own", "rent", "rent"]})
    found = explain.profiles(bent, X).query("column == 'x'").set_index("value")["probability"]
    assert found["10"] == pytest.approx((chance(1.0) + chance(2.0)) / 2)
    assert found["missing"] == pytest.approx((chance(3.0) + chance(4.0)) / 2)


def test_a_profile_says_where_the_customers_are(bent: Artifact) -> None:
    X = pd.DataFrame({"x": [0.0] * 5 + [10.0] * 2 + [-1.0] * 2 + [np.nan], "home": ["own"] * 10})
    found = explain.profiles(bent, X).query("column == 'x'")
    assert found["value"].tolist() == ["0", "10", "-1", "missing"]
    assert found["sort"].tolist() == ["value", "value", "special", "missing"]
    assert found["share"].tolist() == [0.5, 0.2, 0.2, 0.1]


def test_accumulated_effects_are_the_partial_dependence_where_columns_do_not_go_together(bent: Artifact) -> None:
    X = pd.DataFrame({"x": np.repeat([0.0, 5.0, 10.0], 2), "home": ["own", "rent"] * 3})
    found = explain.profiles(bent, X).query("column == 'x'")
    assert found["accumulated"].to_numpy() == pytest.approx(found["probability"].to_numpy())


def test_accumulated_effects_keep_to_the_customers_that_are_near(bent: Artifact) -> None:
    # Only those with 10 rent: between 0 and 10 their own step is what counts.
    X = pd.DataFrame({"x": [0.0] * 5 + [10.0] * 5, "home": ["own"] * 5 + ["rent"] * 5})
    found = explain.profiles(bent, X).query("column == 'x'")["accumulated"].to_numpy()
    # The step is taken by all who are in the band from 0 to 10, both kinds.
    step = (chance(1.0) - chance(0.0) + chance(2.0) - chance(1.0)) / 2
    assert found[1] - found[0] == pytest.approx(step)


def test_a_violation_is_how_far_a_probability_falls_back(bent: Artifact) -> None:
    X = pd.DataFrame({"x": [0.0, 10.0, 20.0, -1.0], "home": ["own", "own", "own", "own"]})
    found = explain.monotone_violations(bent, X, {"x": "ascending"}).iloc[0]
    assert found["violated"] == 1.0
    assert found["largest"] == pytest.approx(chance(1.0) - chance(0.0))


def test_a_column_that_keeps_its_direction_violates_nothing(bent: Artifact) -> None:
    X = pd.DataFrame({"x": [0.0, 5.0, 10.0, np.nan], "home": ["own"] * 4})
    found = explain.monotone_violations(bent, X, {"x": "ascending", "elsewhere": "descending"})
    assert found["violated"].tolist() == [0.0, 0.0]
    assert found["used"].tolist() == [True, False]


@pytest.mark.parametrize(("column", "direction"), [("x", "up"), ("home", "ascending")])
def test_a_direction_that_makes_no_sense_is_refused(bent: Artifact, column: str, direction: str) -> None:
    X = pd.DataFrame({"x": [0.0, 5.0], "home": ["own", "rent"]})
    with pytest.raises(ConfigError, match="direction|order"):
        explain.monotone_violations(bent, X, {column: direction})


def test_directions_are_read_where_an_experiment_declares_them(loan_experiment: Experiment) -> None:
    assert explain.declared_directions(loan_experiment) == {}


@pytest.fixture
def like_them(bent: Artifact) -> explain.Background:
    X = pd.DataFrame({"x": [0.0] * 50 + [np.nan] * 50, "home": ["own"] * 50 + ["rent"] * 50})
    y = np.array(([0, 0, 0, 0, 1] * 10) + ([1, 1, 0, 0, 0] * 10))
    return explain.background_of(bent, X, y)


def test_a_reason_says_the_value_what_became_of_such_customers_and_what_it_does(
    bent: Artifact, like_them: explain.Background
) -> None:
    customer = pd.DataFrame({"x": [np.nan], "home": ["rent"]}, index=["k1"])
    told = explain.reasons_in_words(bent, customer, like_them)
    assert told["customer"].tolist() == ["k1", "k1"]
    assert told["sentence"].tolist() == [
        "x is missing, which raises the risk: of such customers, 40% defaulted (of all, 30%); "
        "it multiplies the odds by 12.18",
        "home is rent, as for 50% of customers, which raises the risk: of such customers, 40% defaulted (of all, 30%); "
        "it multiplies the odds by 1.65",
    ]


def test_what_did_not_raise_the_risk_is_no_reason(bent: Artifact, like_them: explain.Background) -> None:
    customer = pd.DataFrame({"x": [0.0], "home": ["own"]})
    assert explain.reasons_in_words(bent, customer, like_them).empty


def test_there_are_at_most_n_reasons(bent: Artifact, like_them: explain.Background) -> None:
    customer = pd.DataFrame({"x": [np.nan], "home": ["rent"]})
    assert explain.reasons_in_words(bent, customer, like_them, n=1)["column"].tolist() == ["x"]


def test_a_special_code_goes_by_its_meaning(bent: Artifact, like_them: explain.Background) -> None:
    customer = pd.DataFrame({"x": [-1.0], "home": ["own"]})
    told = explain.reasons_in_words(bent, customer, like_them, meanings={"x": {-1: "never asked"}})
    assert (
        told["sentence"].iloc[0].startswith("x is -1 (never asked), which raises the risk (no such customer is known)")
    )


def test_a_value_that_is_not_riskier_by_itself_is_said_to_be_so(bent: Artifact) -> None:
    X = pd.DataFrame({"x": [0.0] * 100, "home": ["own"] * 50 + ["rent"] * 50})
    y = np.array([1] * 25 + [0] * 25 + [0] * 50)
    told = explain.reasons_in_words(bent, X.tail(1), explain.background_of(bent, X, y))
    assert "beside the other values, though not by itself: of such customers, 0% defaulted" in told["sentence"].iloc[0]


def test_a_card_s_reason_is_told_in_points(artifacts: dict[str, Path], loans: pd.DataFrame, outcome: pd.Series) -> None:
    card = Artifact.load(artifacts["scorecard"])
    told = explain.reasons_in_words(card, loans.head(20), explain.background_of(card, loans, outcome))
    assert told["sentence"].str.contains(r"it takes \d+ points?$").any()
