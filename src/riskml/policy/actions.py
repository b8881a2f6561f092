"""Action plan: which customer gets which action, from whom, by when, at what cost, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from riskml.config.policy import Policy
from riskml.errors import DataError
from riskml.i18n import Language, in_language
from riskml.policy.customers import Customers, customers_of
from riskml.policy.explain import Why
from riskml.policy.messages import Writer
from riskml.policy.offers import Offers, after, limits_of, offers_of
from riskml.policy.optimise import EXACT, Solution, solve
from riskml.policy.options import UNIT, Ints, Limit, Options


@dataclass(frozen=True)
class Plan:
    """Actions for a portfolio.

    Parameters
    ----------
    actions : DataFrame
        One row for each customer and action, in the portfolio's order, mandatory actions first: ``customer``,
        ``probability``, ``tier``, ``reason`` (a group of the policy), ``because`` (the column that gives it),
        ``action``, ``kind``, ``title``, ``owner``, ``due``, ``cost``, ``expected_benefit`` (net of the cost),
        ``mandatory``, ``channel`` and ``template`` ("" without a message), ``why``.
    left_out : DataFrame
        Customers with a beneficial action that they do not get: ``customer``, ``probability``, ``tier``, ``reason``,
        ``because``, ``action`` (the best one), ``expected_benefit``, ``held_out``, ``why``.
    limits : DataFrame
        ``limit``, ``measure``, ``allowed``, ``must`` and ``may`` (used by mandatory and by optional actions), ``left``,
        ``price`` (shadow price of one more unit of money, hour or action).
    benefit, bound : float
        Expected benefit of the optional actions, and its upper bound.
    method : "exact" or "priced"
        See `riskml.policy.optimise`.
    """

    actions: pd.DataFrame
    left_out: pd.DataFrame
    limits: pd.DataFrame
    benefit: float
    bound: float
    method: Literal["exact", "priced"]

    @property
    def gap(self) -> float:
        """Maximum distance of the benefit from the optimum, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, 1 - self.benefit / self.bound)


def assign(
    policy: Policy, portfolio: pd.DataFrame, as_of: dt.date, *, language: Language | None = None
) -> pd.DataFrame:
    """Return the actions of `plan`."""
    return plan(policy, portfolio, as_of, language=language).actions


def plan(
    policy: Policy, portfolio: pd.DataFrame, as_of: dt.date, *, language: Language | None = None, exact: int = EXACT
) -> Plan:
    """Return the actions for a portfolio, within the policy's budgets and capacities.

    Each customer gets all mandatory actions of its rule and at most one optional action; the choice maximises the
    expected benefit of the portfolio. For ``default``, the benefit of an action is ``p * exposure * loss given default
    * effect + p * value * keeps - (1 - p) * value * strains - cost``; for ``churn``, ``p * value * effect - (1 - p) *
    value * strains - cost``. Optional actions work on the risk that mandatory ones leave.

    Parameters
    ----------
    portfolio : DataFrame of shape (n, any)
        Scored portfolio: ``probability``, ``tier``, ``reason`` or ``reason_1`` …, and the columns that the policy
        reads. Index: the customer.
    as_of : date
        Start of the deadlines.
    language : "en" or "zh", optional
        Language of the explanations (default: that of the policy's messages).
    exact : int, optional
        As in `riskml.policy.optimise.solve`.

    Raises
    ------
    DataError
        When the portfolio does not match the policy.
    ConfigError
        When mandatory actions exceed a budget or a capacity, an expression reads an unknown column, or a template is
        missing or reads an unknown field.
    """
    if not isinstance(as_of, dt.date):
        raise DataError(f"expected a date, got {as_of!r}", where="as_of", fix="for example datetime.date(2026, 1, 31)")
    language = language or policy.messages.language
    Writer(policy, language).check()
    customers = customers_of(policy, portfolio)
    offers = offers_of(policy, customers)
    limits = tuple(limits_of(policy))
    left = after(limits, offers.must, policy.currency)
    solution = solve(offers.may, left, exact=exact)
    why = Why(policy, customers, offers, left, solution, language)
    return Plan(
        actions=_actions(policy, customers, offers, solution, as_of, why),
        left_out=_left_out(customers, offers, solution, why),
        limits=_limits(limits, offers, solution),
        benefit=solution.value,
        bound=solution.bound,
        method=solution.method,
    )


def _actions(
    policy: Policy, customers: Customers, offers: Offers, solution: Solution, as_of: dt.date, why: Why
) -> pd.DataFrame:
    taken, must = offers.may.at(solution.taken), offers.must
    position = np.concatenate([must.customer, taken.customer])
    treatment = np.concatenate([must.treatment, taken.treatment])
    mandatory = np.repeat([True, False], [len(must), len(taken)])
    benefit = np.concatenate([must.benefit, taken.benefit])
    cost = np.concatenate([must.cost, taken.cost]) / UNIT
    texts = np.array([*why.of_mandatory(), *why.of_optional()], dtype=object)
    order = np.lexsort((treatment, ~mandatory, position))
    position, treatment = position[order], treatment[order]
    treatments = list(policy.treatments.values())
    days = np.array([one.deadline_days for one in treatments], dtype="timedelta64[D]")
    frame = _who(customers, position)
    frame["action"] = np.array(offers.names, dtype=object)[treatment]
    frame["kind"] = np.array([one.kind for one in treatments], dtype=object)[treatment]
    frame["title"] = np.array([in_language(one.title, why.language) for one in treatments], dtype=object)[treatment]
    frame["owner"] = np.array([one.owner for one in treatments], dtype=object)[treatment]
    frame["due"] = (np.datetime64(f"{as_of:%Y-%m-%d}", "D") + days[treatment]).astype("datetime64[s]")
    frame["cost"], frame["expected_benefit"] = cost[order], benefit[order]
    frame["mandatory"] = mandatory[order]
    frame["channel"] = np.array([one.channel or "" for one in treatments], dtype=object)[treatment]
    # Treatments without a template use that of the customer's reason.
    reasons = np.array(customers.reasons, dtype=object)[customers.reason[position]]
    own = np.array([one.template or "" for one in treatments], dtype=object)[treatment]
    frame["template"] = np.where(own != "", own, np.where(frame["channel"] != "", reasons, ""))
    frame["why"] = texts[order]
    return frame


def _who(customers: Customers, position: Ints) -> pd.DataFrame:
    """Return customer, probability, tier, reason and the column behind it."""
    return pd.DataFrame(
        {
            "customer": customers.portfolio.index.take(position),
            "probability": customers.amount("probability")[position],
            "tier": customers.portfolio["tier"].to_numpy()[position],
            "reason": np.array(customers.reasons, dtype=object)[customers.reason[position]],
            "because": customers.column[position],
        }
    )


def _left_out(customers: Customers, offers: Offers, solution: Solution, why: Why) -> pd.DataFrame:
    best = why.missed
    frame = _who(customers, offers.may.customer[best])
    frame["action"] = np.array(offers.names, dtype=object)[offers.may.treatment[best]]
    frame["expected_benefit"] = offers.may.benefit[best]
    frame["held_out"] = False
    frame["why"] = np.array(why.of_missed(), dtype=object)
    held = np.flatnonzero(customers.held_out & offers.choice[customers.rule])
    if not len(held):
        return frame
    others = _who(customers, held)
    others["action"], others["expected_benefit"], others["held_out"] = "", np.nan, True
    others["why"] = why.held_out
    return pd.concat([frame, others], ignore_index=True) if len(frame) else others


def _limits(limits: tuple[Limit, ...], offers: Offers, solution: Solution) -> pd.DataFrame:
    rows = []
    for limit, price in zip(limits, solution.prices, strict=True):
        unit = 1 if limit.measure == "actions" else UNIT
        must, may = (int(used.sum()) for used in (offers.must.uses(limit), offers.may.uses(limit, solution.taken)))
        amounts = [limit.amount / unit, must / unit, may / unit, (limit.amount - must - may) / unit]
        rows.append((limit.name, limit.measure, *amounts, price * unit))
    return pd.DataFrame(rows, columns=["limit", "measure", "allowed", "must", "may", "left", "price"])


def options_of(policy: Policy, portfolio: pd.DataFrame) -> tuple[Options, tuple[Limit, ...]]:
    """Return the options and limits of the optimisation in `plan`, for other solvers."""
    offers = offers_of(policy, customers_of(policy, portfolio))
    return offers.may, after(tuple(limits_of(policy)), offers.must, policy.currency)
