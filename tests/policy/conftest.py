"""A small policy and book, of whom every number can be worked out by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

POLICY: dict[str, Any] = {
    "name": "small",
    "task": "default",
    "currency": "EUR",
    "tiers": ["low", "high"],
    "amounts": {"exposure": "debt", "loss_given_default": 0.5, "value": "worth"},
    "reasons": {
        "liquidity": {"columns": ["income", "cash_*"], "title": {"en": "tight finances", "zh": "资金紧张"}},
        "delinquency": {"columns": ["late_*"]},
    },
    "treatments": {
        "watch": {
            "kind": "monitoring",
            "title": "look at it",
            "owner": "risk",
            "deadline_days": 5,
            "cost": 1,
            "effect": 0.1,
        },
        "plan": {
            "kind": "payment_plan",
            "title": "instalments",
            "owner": "finance",
            "deadline_days": 14,
            "cost": 10,
            "hours": 1,
            "effect": 0.4,
            "keeps": 0.5,
            "channel": "phone",
        },
        "freeze": {
            "kind": "credit_limit",
            "change": "frozen",
            "title": "no more credit",
            "owner": "risk",
            "deadline_days": 2,
            "cost": 2,
            "hours": 0.5,
            "effect": 0.2,
            "strains": 0.1,
            "channel": "email",
        },
    },
    "rules": [
        {"tier": "low"},
        {"tier": "high", "reasons": ["liquidity"], "must": ["watch"], "may": ["plan", "freeze"]},
        {"tier": "high", "may": ["freeze"]},
    ],
}


@pytest.fixture
def said() -> dict[str, Any]:
    """Return what the policy's file says, to be changed at will."""
    return copy.deepcopy(POLICY)


@pytest.fixture
def book() -> pd.DataFrame:
    """Return four customers, the last one in the safest tier."""
    return pd.DataFrame(
        {
            "probability": [0.5, 0.4, 0.2, 0.01],
            "tier": ["high", "high", "high", "low"],
            "reason_1": ["income", "late_90d", "age", "income"],
            "reason_2": ["late_30d", "", "cash_now", ""],
            "debt": [1000.0, 500.0, 100.0, 1000.0],
            "worth": [200.0, 50.0, 10.0, 10.0],
        },
        index=pd.Index(["ann", "bob", "cid", "dan"], name="customer"),
    )


@pytest.fixture(scope="session")
def small_policy() -> dict[str, Any]:
    """Return what the policy's file says, to be left as it is."""
    return POLICY


@pytest.fixture(scope="session")
def large_book() -> Callable[..., pd.DataFrame]:
    """Return a maker of books of many customers."""
    return _large_book


def _large_book(n: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 8, n)
    return pd.DataFrame(
        {
            "probability": chance,
            "tier": np.where(chance > 0.1, "high", "low"),
            "reason_1": rng.choice(["income", "cash_now", "late_30d", "age"], n),
            "debt": rng.lognormal(7, 1, n),
            "worth": rng.lognormal(5, 1, n),
        },
        index=pd.RangeIndex(n, name="customer"),
    )
