"""Protected groups against the best placed one, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import TierConfig
from riskml.validation.fairness import fairness_table, smallest_ratio

TIERS = (TierConfig(name="low", from_probability=0.0), TierConfig(name="high", from_probability=0.5))


@pytest.fixture
def book() -> pd.DataFrame:
    """Return 100 men of whom 80 are below the highest tier, 100 women of whom 60, and 3 others who all are."""
    return pd.DataFrame(
        {
            "sex": ["m"] * 100 + ["f"] * 100 + ["x"] * 3,
            "p": [0.1] * 80 + [0.9] * 20 + [0.1] * 60 + [0.9] * 40 + [0.1] * 3,
            "y": [0] * 90 + [1] * 10 + [0] * 80 + [1] * 20 + [0] * 3,
        }
    )


def test_the_favourable_decision_is_not_to_be_in_the_highest_tier(book: pd.DataFrame) -> None:
    found = fairness_table(book["y"], book["p"], book[["sex"]], TIERS, task="default").set_index("group")
    assert found.loc["f", "favoured"] == 0.6
    assert found.loc["f", "ratio"] == pytest.approx(0.75)
    assert found.loc["f", "below_four_fifths"]


def test_no_group_is_compared_with_one_that_is_too_small(book: pd.DataFrame) -> None:
    found = fairness_table(book["y"], book["p"], book[["sex"]], TIERS, task="default").set_index("group")
    assert found.loc["m", "ratio"] == 1.0
    assert found.loc["x", "ratio"] == pytest.approx(1.25)


def test_opportunity_is_of_those_who_deserve_it(book: pd.DataFrame) -> None:
    found = fairness_table(book["y"], book["p"], book[["sex"]], TIERS, task="default").set_index("group")
    assert found.loc["m", "opportunity"] == pytest.approx(80 / 90)
    assert found.loc["f", "opportunity_gap"] == pytest.approx(60 / 80 - 80 / 90)


def test_an_offer_goes_to_the_highest_tier_and_those_who_leave_deserve_it(book: pd.DataFrame) -> None:
    found = fairness_table(book["y"], book["p"], book[["sex"]], TIERS, task="churn").set_index("group")
    assert found.loc["f", "favoured"] == pytest.approx(0.4)
    assert found.loc["f", "opportunity"] == 1.0


def test_a_number_is_cut_into_quarters(book: pd.DataFrame) -> None:
    ages = pd.DataFrame({"age": np.arange(len(book), dtype=float)})
    found = fairness_table(book["y"], book["p"], ages, TIERS, task="default")
    assert found["group"].tolist() == ["0 to 50", "51 to 101", "102 to 152", "153 to 202"]


def test_without_a_named_group_there_is_nothing(book: pd.DataFrame) -> None:
    assert fairness_table(book["y"], book["p"], book[[]], TIERS, task="default").empty


def test_the_smallest_ratio_leaves_small_groups_out() -> None:
    assert smallest_ratio(pd.DataFrame({"count": [100, 5], "ratio": [0.9, 0.2]})) == 0.9
    assert smallest_ratio(pd.DataFrame({"count": [5], "ratio": [0.2]})) is None
