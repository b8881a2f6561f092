"""The families beside one another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskml.config.experiment import DEFAULT_TIERS
from riskml.metrics import auc
from riskml.validation.leaderboard import against
from riskml.validation.performance import tier_of


def test_a_probability_on_the_border_belongs_to_the_tier_it_opens() -> None:
    p = pd.Series([0.0, 0.1999, 0.2, 0.5, 1.0], index=list("abcde"))
    assert tier_of(p, DEFAULT_TIERS).to_dict() == {"a": "low", "b": "low", "c": "medium", "d": "high", "e": "high"}


def test_the_lead_over_another_family_is_the_difference_of_their_areas() -> None:
    draw = np.random.default_rng(0)
    y = draw.binomial(1, 0.3, 300)
    frame = pd.DataFrame({"_target": y, "good": y + draw.normal(size=300), "poor": y + 4 * draw.normal(size=300)})
    row = against(frame, "good", ["poor"]).iloc[0]
    assert row["champion_leads_by"] == auc(y, frame["good"]) - auc(y, frame["poor"])
    assert row["lower"] > 0
    assert row["p_value"] < 0.01
