"""What has to be settled is found, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DEFAULT_TIERS, Experiment
from riskml.schema import Schema
from riskml.validation import stability
from riskml.validation.calibration import calibration_figures, calibration_tests
from riskml.validation.findings import Evidence, findings
from riskml.validation.holdout import assess
from riskml.validation.leaderboard import against

SAID = {
    "name": "a",
    "title": "?",
    "task": "default",
    "data": {"source": "x.csv", "target": "bad", "date": "on"},
    "split": {"kind": "out_of_time", "from_date": "2024-01-01"},
    "costs": {"loss_given_default": 0.5, "margin": 0.1},
    "fairness": {"columns": ["sex"]},
    "document": {"owner": "o", "purpose": "p", "limits": ["l"], "validated_by": "v", "approved_by": "a"},
}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    draw = np.random.default_rng(4)
    p = draw.beta(1, 2, 3000)
    return pd.DataFrame({"_target": draw.binomial(1, p), "probability": p, "champion": p, "other": draw.random(3000)})


def evidence(rows: pd.DataFrame, probability: pd.Series, **changed: Any) -> Evidence:
    y = rows["_target"]
    X = pd.DataFrame({"home": np.tile(["own", "rent"], len(rows) // 2)})
    found = {
        "assessed": assess(y, probability, probability, DEFAULT_TIERS, seed=1)
        | calibration_figures(y, probability, DEFAULT_TIERS),
        "tests": calibration_tests(y, probability, DEFAULT_TIERS),
        "comparison": against(rows, "champion", ["other"]),
        "characteristics": stability.characteristics(X, X, Schema.infer(X)),
        "segments": stability.by_segment([], X, rows, rows, Schema.infer(X)),
        "fairness": pd.DataFrame({"below_four_fifths": [], "count": [], "gap_upper": [], "calibrated": []}),
        "violations": pd.DataFrame({"violated": []}),
    }
    return Evidence(**(found | changed))


def test_a_sound_model_with_all_said_leaves_no_grave_finding(rows: pd.DataFrame) -> None:
    found = findings(Experiment.model_validate(SAID), {"sample": 0}, evidence(rows, rows["probability"]))
    assert "act" not in set(found["severity"])


def test_an_underestimated_risk_is_grave_and_comes_first(rows: pd.DataFrame) -> None:
    found = findings(Experiment.model_validate(SAID), {"sample": 0}, evidence(rows, rows["probability"] / 2))
    assert found.iloc[0][["severity", "about"]].tolist() == ["act", "calibration"]
    assert "underestimated" in found.iloc[0]["finding"]


def test_what_is_not_given_is_named(rows: pd.DataFrame) -> None:
    said = {**SAID, "document": {"owner": "o"}, "costs": None}
    found = findings(Experiment.model_validate(said), {"sample": 0}, evidence(rows, rows["probability"]))
    text = " ".join(found["finding"])
    assert "document.purpose, document.validated_by, document.approved_by, document.limits" in text
    assert "document.owner" not in text
    assert "no costs" in text


def test_a_direction_that_is_violated_is_told(rows: pd.DataFrame) -> None:
    wrong = pd.DataFrame({"column": ["age"], "direction": ["ascending"], "violated": [0.4], "largest": [0.03]})
    found = findings(Experiment.model_validate(SAID), {}, evidence(rows, rows["probability"], violations=wrong))
    (told,) = found.loc[found["about"] == "explanation"].to_dict(orient="records")
    assert told["severity"] == "act"
    assert "age should be ascending; for 40% of customers" in told["finding"]


def rival(leads: float, lower: float, upper: float) -> pd.DataFrame:
    told = {"family": "scorecard", "auc": 0.8, "champion_leads_by": leads, "lower": lower, "upper": upper}
    return pd.DataFrame([told | {"p_value": 0.2}])


def of_ranking(rows: pd.DataFrame, comparison: pd.DataFrame) -> str:
    found = findings(Experiment.model_validate(SAID), {}, evidence(rows, rows["probability"], comparison=comparison))
    return " ".join(found.loc[found["about"] == "ranking", "finding"])


def test_a_difference_that_is_not_shown_is_no_proof_of_equals(rows: pd.DataFrame) -> None:
    said = of_ranking(rows, rival(0.029, -0.003, 0.061))
    assert "scorecard, whose AUC is 0.029 lower" in said
    assert "it may lose up to 0.061" in said
    assert "safe choice" not in said


def test_another_family_is_a_safe_choice_where_little_can_be_lost(rows: pd.DataFrame) -> None:
    assert "it loses 0.008 at most, so that it is a safe choice" in of_ranking(rows, rival(0.002, -0.004, 0.008))


def test_a_perfect_ranking_is_asked_about(rows: pd.DataFrame) -> None:
    perfect = evidence(rows, rows["_target"] * 0.98 + 0.01)
    found = findings(Experiment.model_validate(SAID), {}, perfect)
    assert "check whether a column contains the outcome" in " ".join(found["finding"])


def test_the_tests_hold_every_customer_by_tier_and_by_tenth(rows: pd.DataFrame) -> None:
    found = calibration_tests(rows["_target"], rows["probability"], DEFAULT_TIERS)
    assert found.groupby("by")["count"].sum().to_dict() == {"all": 3000, "tenth": 3000, "tier": 3000}
    assert found.loc[found["by"] == "tenth", "pd"].is_monotonic_increasing
