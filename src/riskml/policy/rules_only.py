"""A book without a model: tiers and reasons by the policy's own rules, and an officer's estimate of the risk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskml.config.policy import OTHER, Policy
from riskml.errors import ConfigError
from riskml.expressions import parse


def scored_by_rules(policy: Policy, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a book with tier, probability and reason by ``without_model`` of a policy.

    Of the rules that hold for a customer the first one counts; who is in none is in the safest tier.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Index: the customer. The columns that the rules read.

    Returns
    -------
    DataFrame of shape (n, any)
        The frame with ``probability`` (an estimate, not a calibrated one), ``tier`` and ``reason``: what `plan` takes.

    Raises
    ------
    ConfigError
        When the policy has no such rules, or one reads a column that the frame does not have.
    """
    fallback = policy.without_model
    if fallback is None:
        raise ConfigError(
            "the policy has no rules for a book without a model",
            where="without_model",
            fix="add them, or score the book first",
        )
    which = np.full(len(frame), len(fallback.rules))
    for place, rule in reversed([*enumerate(fallback.rules)]):
        holds = parse(rule.when, where=f"without_model.rules.{place}.when").holds(frame).to_numpy()
        which[holds] = place
    tiers = np.array([*(rule.tier for rule in fallback.rules), policy.tiers[0]], dtype=object)
    reasons = np.array([*(rule.reason for rule in fallback.rules), OTHER], dtype=object)
    chances = np.array([*(rule.probability for rule in fallback.rules), fallback.otherwise])
    return frame.assign(probability=chances[which], tier=tiers[which], reason=reasons[which])
