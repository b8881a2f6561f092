"""What decisions earn, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment
from riskml.validation.profit import maximum_profit, profit

TIERS = [{"name": "low", "from_probability": 0.0}, {"name": "high", "from_probability": 0.5}]


def asked(**said: object) -> Experiment:
    base = {"name": "a", "title": "?", "task": "default", "data": {"source": "x.csv", "target": "bad"}, "tiers": TIERS}
    return Experiment.model_validate(base | said)


@pytest.fixture
def scored() -> pd.DataFrame:
    return pd.DataFrame(
        {"_target": [0, 0, 0, 1], "probability": [0.1, 0.2, 0.4, 0.8], "amount": [100.0, 100, 100, 1000]}
    )


def test_each_policy_earns_what_its_customers_earn(scored: pd.DataFrame) -> None:
    costs = {"exposure": 100, "loss_given_default": 0.5, "margin": 0.1}
    found = profit(asked(costs=costs), scored[[]], scored, scored)
    assert found is not None
    earned = found.policies.set_index("policy")["earned"]
    assert earned["no one is declined"] == pytest.approx((10 + 10 + 10 - 50) / 4)
    assert earned["all are declined"] == 0.0
    assert earned["declined from tier “high” on"] == pytest.approx(30 / 4)
    # margin / (margin + loss) is a sixth: two good customers are declined as well.
    assert earned["declined where it pays by the probability (break-even)"] == pytest.approx(10 / 4)
    assert found.chosen()["cutoff"] == 0.8


def test_the_exposure_may_be_a_column(scored: pd.DataFrame) -> None:
    costs = {"exposure": "amount", "loss_given_default": 0.5, "margin": 0.1}
    found = profit(asked(costs=costs), scored[["amount"]], scored, scored)
    assert found is not None
    assert found.policies["earned"].iloc[0] == pytest.approx((30 - 500) / 4)


def test_churn_is_paid_by_contact(scored: pd.DataFrame) -> None:
    costs = {"value": 100, "contact_cost": 2, "success_rate": 0.5, "incentive": 10}
    found = profit(asked(task="churn", costs=costs), scored[[]], scored, scored)
    assert found is not None
    # One leaver is contacted: half a chance of 90, less the call.
    assert found.policies.set_index("policy")["earned"]["contacted from tier “high” on"] == pytest.approx(43 / 4)


def test_without_costs_there_is_no_profit_and_the_prior_is_the_paper_s(scored: pd.DataFrame) -> None:
    plain = asked()
    assert profit(plain, scored[[]], scored, scored) is None
    said = maximum_profit(plain, scored["_target"], scored["probability"])
    assert said["measure"] == "EMP"
    assert said["costs"] == "the paper's"
    assert "Verbraken" in said["prior"]
    assert np.isfinite(said["value"])
