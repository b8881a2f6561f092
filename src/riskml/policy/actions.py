"""The list for Monday: which customer gets which action, from whom, by when, at what cost, and why."""

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
    """What is done for a book, and what is not.

    Parameters
    ----------
    actions : DataFrame
        One row for each customer and action, in the book's order, what must be done first: ``customer``,
        ``probability``, ``tier``, ``reason`` (a group of the policy), ``because`` (the column that gives it),
        ``action``, ``kind``, ``title``, ``owner``, ``due``, ``cost``, ``expected_benefit`` (net of the cost),
        ``mandatory``, ``channel`` and ``template`` ("" where nothing is written), ``why``.
    left_out : DataFrame
        Customers for whom something would pay and nothing is done beyond what must be: ``customer``, ``probability``,
        ``tier``, ``reason``, ``because``, ``action`` (the best that was missed), ``expected_benefit``, ``held_out``,
        ``why``.
    limits : DataFrame
        ``limit``, ``measure``, ``allowed``, ``must``, ``may`` (what is used for either), ``left``, ``price`` (what one
        more unit of money, hour or action would bring).
    benefit, bound : float
        Expected of the actions that were chosen, and what no choice within the limits could exceed.
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
        """How far the benefit may be beneath the optimum, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, 1 - self.benefit / self.bound)


def assign(policy: Policy, book: pd.DataFrame, as_of: dt.date, *, language: Language | None = None) -> pd.DataFrame:
    """Return the actions of `plan` alone: one row for each customer and action."""
    return plan(policy, book, as_of, language=language).actions


def plan(
    policy: Policy, book: pd.DataFrame, as_of: dt.date, *, language: Language | None = None, exact: int = EXACT
) -> Plan:
    """Return who gets which action, within the policy's budgets and capacities, and why.

    Each customer gets all that its rule says must be done, and at most one of what may be done: the one by which the
    book as a whole is expected to gain most. Of ``default``, an action is expected to bring ``p * exposure * loss given
    default * effect + p * value * keeps - (1 - p) * value * strains - cost``; of ``churn``, ``p * value * effect -
    (1 - p) * value * strains - cost``. What must be done works first, and what may be done on what is left.

    Parameters
    ----------
    book : DataFrame of shape (n, any)
        A scored book, as `riskml.policy.customers.customers_of` takes it.
    as_of : date
        From which deadlines count.
    language : "en" or "zh", optional
        Of the reasons why; that of the policy's messages when left out.
    exact : int, optional
        As in `riskml.policy.optimise.solve`.

    Returns
    -------
    Plan
        The same for the same book in the same order.

    Raises
    ------
    DataError
        When the book is not what the policy needs.
    ConfigError
        When what must be done is beyond a budget or a capacity, an expression reads an unknown column, or a template is
        missing or asks for what messages do not have.
    """
    if not isinstance(as_of, dt.date):
        raise DataError(f"the as-of date is a date; got {as_of!r}", where="as_of", fix="as datetime.date(2026, 1, 31)")
    language = language or policy.messages.language
    Writer(policy, language).check()
    customers = customers_of(policy, book)
    offers = offers_of(policy, customers)
    limits = limits_of(policy)
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
    texts = np.array([*why.of_duties(), *why.of_choices()], dtype=object)
    order = np.lexsort((treatment, ~mandatory, position))
    position, treatment = position[order], treatment[order]
    kinds = list(policy.treatments.values())
    days = np.array([one.deadline_days for one in kinds], dtype="timedelta64[D]")
    frame = _who(customers, position)
    frame["action"] = np.array(offers.names, dtype=object)[treatment]
    frame["kind"] = np.array([one.kind for one in kinds], dtype=object)[treatment]
    frame["title"] = np.array([in_language(one.title, why.language) for one in kinds], dtype=object)[treatment]
    frame["owner"] = np.array([one.owner for one in kinds], dtype=object)[treatment]
    frame["due"] = (np.datetime64(f"{as_of:%Y-%m-%d}", "D") + days[treatment]).astype("datetime64[s]")
    frame["cost"], frame["expected_benefit"] = cost[order], benefit[order]
    frame["mandatory"] = mandatory[order]
    frame["channel"] = np.array([one.channel or "" for one in kinds], dtype=object)[treatment]
    # The message is about the customer's reason, where the treatment has none of its own.
    reasons = np.array(customers.reasons, dtype=object)[customers.reason[position]]
    own = np.array([one.template or "" for one in kinds], dtype=object)[treatment]
    frame["template"] = np.where(own != "", own, np.where(frame["channel"] != "", reasons, ""))
    frame["why"] = texts[order]
    return frame


def _who(customers: Customers, position: Ints) -> pd.DataFrame:
    """Return customer, probability, tier, reason and the column behind it."""
    return pd.DataFrame(
        {
            "customer": customers.book.index.take(position),
            "probability": customers.amount("probability")[position],
            "tier": customers.book["tier"].to_numpy()[position],
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
    kept = _who(customers, held)
    kept["action"], kept["expected_benefit"], kept["held_out"] = "", np.nan, True
    kept["why"] = why.held_out
    return pd.concat([frame, kept], ignore_index=True) if len(frame) else kept


def _limits(limits: tuple[Limit, ...], offers: Offers, solution: Solution) -> pd.DataFrame:
    rows = []
    for limit, price in zip(limits, solution.prices, strict=True):
        unit = 1 if limit.measure == "actions" else UNIT
        must, may = (int(used.sum()) for used in (offers.must.uses(limit), offers.may.uses(limit, solution.taken)))
        amounts = [limit.amount / unit, must / unit, may / unit, (limit.amount - must - may) / unit]
        rows.append((limit.name, limit.measure, *amounts, price * unit))
    return pd.DataFrame(rows, columns=["limit", "measure", "allowed", "must", "may", "left", "price"])


def options_of(policy: Policy, book: pd.DataFrame) -> tuple[Options, tuple[Limit, ...]]:
    """Return what `plan` chooses from, and the limits that it keeps: for those who want to solve it otherwise."""
    offers = offers_of(policy, customers_of(policy, book))
    return offers.may, after(limits_of(policy), offers.must, policy.currency)
