"""A card on two columns, a policy with one duty and two choices, and books of which everything is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskml.config.policy import Policy, policy_of
from riskml.config.warning import WarningRules
from riskml.runs.model_loading import load_model
from riskml.runtime.package import Artifact
from riskml.scorecard import Scorecard

POLICY: dict[str, Any] = {
    "name": "small",
    "task": "default",
    "tiers": ["low", "medium", "high"],
    "hysteresis": 0.1,
    "amounts": {"exposure": "debt", "loss_given_default": 0.5, "value": 100.0},
    "reasons": {"liquidity": {"columns": ["income"], "title": {"en": "tight finances", "zh": "资金紧张"}}},
    "treatments": {
        "watch": {"kind": "monitoring", "title": "look monthly", "owner": "risk", "deadline_days": 5, "effect": 0.1},
        "plan": {
            "kind": "payment_plan",
            "title": "=longer terms",
            "owner": "finance",
            "deadline_days": 10,
            "cost": 5.0,
            "effect": 0.4,
            "channel": "phone",
            "template": "liquidity",
        },
        "call": {
            "kind": "contact",
            "title": "a call",
            "owner": "service",
            "deadline_days": 3,
            "effect": 0.1,
            "channel": "phone",
        },
    },
    "rules": [
        {"tier": "low"},
        {"tier": "medium", "may": ["call", "plan"]},
        {"tier": "high", "must": ["watch"], "may": ["plan", "call"]},
    ],
    "limits": {"budget": 300.0},
}


def book_of(seed: int, rows: int = 600) -> pd.DataFrame:
    """Return customers with an income, a debt and an outcome that both make likely."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"income": rng.normal(50, 12, rows), "debt": rng.gamma(3, 100, rows).round()})
    chance = 1 / (1 + np.exp(0.12 * (frame["income"] - 42) - 0.004 * (frame["debt"] - 300)))
    frame["outcome"] = (rng.random(rows) < chance).astype(int)
    return frame.set_index(pd.Index([f"c{n:04d}" for n in range(rows)], name="customer"))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    learnt = book_of(1, 2000)
    file = tmp_path_factory.mktemp("card") / "card.yaml"
    Scorecard().fit(learnt[["income", "debt"]], learnt["outcome"]).save(file)
    return load_model(file)


@pytest.fixture(scope="session")
def policy() -> Policy:
    return policy_of(POLICY)


@pytest.fixture(scope="session")
def rules() -> WarningRules:
    return WarningRules.model_validate(
        {
            "name": "small",
            "title": "Signs",
            "indicators": {
                "score": {
                    "title": "likely",
                    "value": "probability",
                    "amber": 0.6,
                    "red": 0.8,
                    "role": "risk",
                    "plan": "review",
                }
            },
            "alerts": {"priority": "probability"},
        }
    )


@pytest.fixture
def customers() -> pd.DataFrame:
    return book_of(2)[["income", "debt"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "book"
