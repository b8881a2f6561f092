"""One month of a book: who is where, what moved, and what is done."""

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
from riskml.data.sources.digest import content_hash
from riskml.errors import DataError
from riskml.i18n import Language
from riskml.policy.actions import Plan, plan
from riskml.policy.customers import customers_of
from riskml.policy.tiers import with_hysteresis
from riskml.runtime.package import Artifact

REASONS = 4
_ROWS = 20_000  # explained at once
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Month:
    """A scored book of one as-of date, and its plan.

    Parameters
    ----------
    scores : DataFrame of shape (customers, any)
        Index: ``customer``. ``probability``, ``tier``, ``points`` where the model has them, ``reason_1`` … (columns
        that raised the risk, "" where there are fewer), ``expected_loss`` and ``value`` in money (0 where the policy
        states none), ``previous_tier`` and ``previous_probability`` (missing for who is new), ``reason`` (the policy's
        group).
    book : DataFrame
        The customers' own columns with the scores: what early warning reads.
    """

    as_of: dt.date
    scores: pd.DataFrame
    plan: Plan
    book: pd.DataFrame


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
    """Score a book, keep its tiers steady, and plan what is done.

    Parameters
    ----------
    customers : DataFrame of shape (n, any)
        Raw columns, those that the policy reads among them. Index: the customer, each once.
    before : DataFrame, optional
        ``scores`` of the month before: tiers are kept within the policy's hysteresis of it.
    progress : callable
        Is told what begins.

    Raises
    ------
    DataError, ConfigError
        When a customer is in the book twice, or the book and the policy do not fit together.
    """
    if customers.index.has_duplicates:
        twice = customers.index[customers.index.duplicated()].nunique()
        raise DataError(f"{twice} customers are in the book more than once", fix="keep one row for each")
    policy.check_tiers([tier.name for tier in model.tiers])
    progress("scores")
    customers = customers.rename_axis(index="customer")
    scores = model.score(customers)
    tiers = [TierConfig(name=one.name, from_probability=one.from_probability) for one in model.tiers]
    earlier = None if before is None else before[["tier", "probability"]].reindex(scores.index)
    known = None if earlier is None else earlier["tier"].dropna()
    scores["tier"] = with_hysteresis(scores["probability"], tiers, known, policy.hysteresis)
    progress("reasons")
    scores = scores.join(_reasons(model, customers, scores["tier"], policy))
    own = customers.drop(columns=[name for name in scores if name in customers])
    book = own.join(scores)
    progress("actions")
    planned = plan(policy, book, as_of, language=language)
    seen = customers_of(policy, book)
    scores["expected_loss"], scores["value"] = seen.amount("expected_loss"), seen.amount("value")
    scores["reason"] = np.array(seen.reasons, dtype=object)[seen.reason]
    scores["previous_tier"] = None if earlier is None else earlier["tier"]
    scores["previous_probability"] = np.nan if earlier is None else earlier["probability"]
    return Month(as_of, scores, planned, book)


def month_digest(month: Month, policy: Policy, rules: WarningRules | None = None) -> str:
    """Return a fingerprint of what a month was made from: the book, its scores, the policy and the rules."""
    said = json.dumps(policy.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    said += "" if rules is None else rules.digest()
    # Customers count as well: the content alone does not know the index.
    content = content_hash(month.book.reset_index())
    return hashlib.sha256(f"{month.as_of} {content} {said}".encode()).hexdigest()


def moves(scores: pd.DataFrame, tiers: list[str]) -> pd.DataFrame:
    """Return how many customers went from which tier to which."""
    before = scores["previous_tier"].astype(object).where(scores["previous_tier"].notna(), "")
    counted = pd.crosstab(before, scores["tier"])
    return counted.reindex(index=[*tiers, ""], columns=tiers, fill_value=0)


def _reasons(model: Artifact, customers: pd.DataFrame, tier: pd.Series, policy: Policy) -> pd.DataFrame:
    """Return the reasons of the customers for whom the policy can do something; the others need none."""
    acted = {rule.tier for rule in policy.rules if rule.must or rule.may}
    places = np.flatnonzero(tier.isin(acted).to_numpy())
    found = np.full((len(tier), REASONS), "", dtype=object)

    def fill(start: int) -> None:
        some = places[start : start + _ROWS]
        # By number: a customer's name may be of any type.
        told = model.explain(customers.iloc[some].set_axis(pd.RangeIndex(len(some))), REASONS)
        rows, ranks = told["customer"].to_numpy(dtype=np.intp), told["rank"].to_numpy(dtype=np.intp) - 1
        found[some[rows], ranks] = told["column"].to_numpy(dtype=object)

    # Trees are explained outside of Python's lock: each thread takes a core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, len(places), _ROWS)))
    return pd.DataFrame(found, index=tier.index, columns=[f"reason_{rank}" for rank in range(1, REASONS + 1)])
