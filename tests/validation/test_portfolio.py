"""Scored portfolio."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from riskml.config.experiment import DEFAULT_TIERS
from riskml.runtime.package import Artifact
from riskml.validation.portfolio import (
    contributions_vs_average,
    feature_influence,
    high_risk_list,
    portfolio_by_tier,
)

SCORES = pd.DataFrame(
    {"probability": [0.1, 0.9, 0.6, 0.3], "tier": ["low", "high", "high", "medium"]}, index=["a", "b", "c", "d"]
)
REASONS = pd.DataFrame(
    {"customer": ["b", "b", "c"], "rank": [1, 2, 1], "column": ["Age", "Home", "Age"], "value": ["19", "rent", "22"]}
)


def test_the_list_holds_the_highest_tier_the_riskiest_first() -> None:
    listed = high_risk_list(SCORES, REASONS, DEFAULT_TIERS, n=3)
    assert listed["customer"].tolist() == ["b", "c"]
    assert listed["treatment"].tolist() == ["reviewed by an officer"] * 2
    assert listed.filter(like="reason_").values.tolist() == [["Age = 19", "Home = rent", ""], ["Age = 22", "", ""]]


def test_a_portfolio_without_high_risk_gives_an_empty_list() -> None:
    assert high_risk_list(SCORES[SCORES["tier"] == "low"], REASONS.head(0), DEFAULT_TIERS, n=2).empty


def test_every_tier_is_counted() -> None:
    table = portfolio_by_tier(SCORES[SCORES["tier"] != "medium"], DEFAULT_TIERS)
    assert table["rows"].tolist() == [1, 0, 2]
    assert table["expected"].iloc[2] == pytest.approx(0.75)


def test_a_customers_parts_add_up_to_the_score(artifacts: dict[str, Path], loans: pd.DataFrame) -> None:
    model = Artifact.load(artifacts["logistic"])
    parts = contributions_vs_average(model, loans.head(1))
    average = model.model.base + sum(model.reference.values())
    margin = model.contributions(loans.head(1)).sum(axis=1).iloc[0] + model.model.base
    assert average + parts["contribution"].sum() == pytest.approx(margin)


def test_features_come_strongest_first_with_their_meaning(artifacts: dict[str, Path], loans: pd.DataFrame) -> None:
    table = feature_influence(Artifact.load(artifacts["scorecard"]), loans)
    assert table["mean_abs_contribution"].is_monotonic_decreasing
    assert set(table["column"]) == {"Age", "Income", "Home"}
    assert table.set_index("column").loc["Age", "description"] == "years | at <application>"
