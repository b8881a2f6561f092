"""Month of a portfolio: scores, tiers, changes since the previous month, and planned actions."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.experiment import TierConfig
from riskml.config.policy import Policy
from riskml.config.warning import WarningRules
from riskml.data.portfolio import check_unique
from riskml.data.sources.digest import content_hash
from riskml.i18n import Language
from riskml.policy.actions import Plan, plan
from riskml.policy.customers import customers_of
from riskml.policy.tiers import with_hysteresis
from riskml.runtime.package import Artifact

REASONS = 4
_BATCH_ROWS = 20_000  # explained in one batch
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Month:
    """Scored portfolio of one as-of date, and its plan.

    ``scores``, by ``customer``: ``probability``, ``tier``, ``points`` where the model has them, ``reason_1`` … (columns
    that raise the risk, "" where there are fewer), ``expected_loss`` and ``value`` in money (0 where the policy states
    none), ``previous_tier`` and ``previous_probability`` (missing for new customers), ``reason`` (the policy's group).
    """

    as_of: dt.date
    scores: pd.DataFrame
    plan: Plan
    portfolio: pd.DataFrame  # the customers' own columns with the scores


def month_of(
    model: Artifact,
    customers: pd.DataFrame,
    as_of: dt.date,
    policy: Policy,
    *,
    before: pd.DataFrame | None = None,
    language: Language | None = None,
    progress: Progress = lambda what: None,
) -> Month:
    """Score a portfolio, stabilise its tiers, and plan its actions.

    Parameters
    ----------
    customers : DataFrame of shape (n, any)
        Raw columns, including those that the policy reads. Index: the customer, each once.
    before : DataFrame, optional
        ``scores`` of the previous month, for the policy's hysteresis.
    progress : callable
        Called with the name of each step.

    Raises
    ------
    DataError, ConfigError
        When a customer occurs twice, or the portfolio does not match the policy.
    """
    check_unique(customers.index, "index of the portfolio")
    policy.check_tiers([tier.name for tier in model.tiers])
    progress("scores")
    customers = customers.rename_axis(index="customer")
    scores = model.score(customers)
    tiers = [TierConfig(name=tier.name, from_probability=tier.from_probability) for tier in model.tiers]
    earlier = None if before is None else before[["tier", "probability"]].reindex(scores.index)
    known = None if earlier is None else earlier["tier"].dropna()
    scores["tier"] = with_hysteresis(scores["probability"], tiers, known, policy.hysteresis)
    progress("reasons")
    scores = scores.join(_reasons(model, customers, scores["tier"], policy))
    own = customers.drop(columns=[name for name in scores if name in customers])
    portfolio = own.join(scores)
    progress("actions")
    planned = plan(policy, portfolio, as_of, language=language)
    amounts = customers_of(policy, portfolio)
    scores["expected_loss"], scores["value"] = amounts.amount("expected_loss"), amounts.amount("value")
    scores["reason"] = np.array(amounts.reasons, dtype=object)[amounts.reason]
    scores["previous_tier"] = None if earlier is None else earlier["tier"]
    scores["previous_probability"] = np.nan if earlier is None else earlier["probability"]
    return Month(as_of, scores, planned, portfolio)


def month_digest(month: Month, policy: Policy, rules: WarningRules | None = None) -> str:
    """Return a digest of a month's inputs: the portfolio with its scores, the policy and the rules."""
    settings = json.dumps(policy.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    settings += "" if rules is None else rules.digest()
    # The index is a column here: the content hash alone ignores it.
    content = content_hash(month.portfolio.reset_index())
    return hashlib.sha256(f"{month.as_of} {content} {settings}".encode()).hexdigest()


def moves(scores: pd.DataFrame, tiers: list[str]) -> pd.DataFrame:
    """Return the number of customers from tier to tier; "" is the row of new customers."""
    before = scores["previous_tier"].astype(object).where(scores["previous_tier"].notna(), "")
    counts = pd.crosstab(before, scores["tier"])
    return counts.reindex(index=[*tiers, ""], columns=tiers, fill_value=0)


def _reasons(model: Artifact, customers: pd.DataFrame, tier: pd.Series, policy: Policy) -> pd.DataFrame:
    """Return the reasons of customers in tiers with actions; those of other tiers are left empty."""
    with_actions = {rule.tier for rule in policy.rules if rule.must or rule.may}
    positions = np.flatnonzero(tier.isin(with_actions).to_numpy())
    columns = np.full((len(tier), REASONS), "", dtype=object)

    def fill(start: int) -> None:
        batch = positions[start : start + _BATCH_ROWS]
        # By position: a customer's ID may be of any type.
        reasons = model.explain(customers.iloc[batch].set_axis(pd.RangeIndex(len(batch))), REASONS)
        rows, ranks = reasons["customer"].to_numpy(dtype=np.intp), reasons["rank"].to_numpy(dtype=np.intp) - 1
        columns[batch[rows], ranks] = reasons["column"].to_numpy(dtype=object)

    # Explaining trees releases Python's lock: each thread uses a core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, len(positions), _BATCH_ROWS)))
    return pd.DataFrame(columns, index=tier.index, columns=[f"reason_{rank}" for rank in range(1, REASONS + 1)])
