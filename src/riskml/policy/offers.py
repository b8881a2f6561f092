"""Offers: mandatory and optional actions of each customer, with their benefits and costs, and the limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskml.config.policy import Policy, Treatment
from riskml.errors import ConfigError
from riskml.expressions import parse
from riskml.i18n import ROLES
from riskml.policy.customers import Customers, computed_amounts
from riskml.policy.options import UNIT, Floats, Ints, Limit, Options

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Offers:
    """Mandatory and optional actions."""

    must: Options  # benefits may be negative; those of ``may`` are positive
    may: Options
    names: tuple[str, ...]  # of the treatments, in the order of the options
    negotiated: Flags  # customers who get a negotiation instead
    choice: Flags  # whether a rule of the policy has optional actions


def offers_of(policy: Policy, customers: Customers) -> Offers:
    """Return the mandatory and optional actions of each customer."""
    names = tuple(policy.treatments)
    negotiation = policy.negotiation
    valuable = np.zeros(len(customers.rule), dtype=bool)
    if negotiation is not None:
        valuable = parse(negotiation.only, where="negotiation.only").holds(customers.portfolio).to_numpy()
    never = set(negotiation.never) if negotiation else set()
    instead = set(negotiation.instead) if negotiation else set()
    spared = np.array([bool(never & {*rule.must, *rule.may}) for rule in policy.rules])
    negotiated = valuable & spared[customers.rule]
    must: dict[str, Flags] = {}
    may: dict[str, Flags] = {}
    for name, one in policy.treatments.items():
        must_by = np.array([name in rule.must for rule in policy.rules])
        may_by = np.array([name in rule.may for rule in policy.rules])
        allowed = ~negotiated if name in never else np.ones(len(negotiated), dtype=bool)
        must[name] = must_by[customers.rule] & allowed
        may[name] = may_by[customers.rule] & allowed & ~must[name] & ~customers.held_out
        if name in instead:
            may[name] |= negotiated & ~must[name] & ~customers.held_out
        if one.only is not None:
            for flags in (must[name], may[name]):
                rows = np.flatnonzero(flags)
                if len(rows):
                    condition = parse(one.only, where=f"treatments.{name}.only")
                    flags[rows] = condition.holds(customers.portfolio.iloc[rows]).to_numpy()
    hours = np.array([_up(one.hours) for one in policy.treatments.values()], dtype=np.int64)
    # Optional actions work on the risk that mandatory ones leave.
    rest = {"effect": np.ones(len(valuable)), "keeps": np.ones(len(valuable))}
    mandatory = _options(policy, customers, must, hours, rest)
    for name, one in policy.treatments.items():
        rest["effect"] -= np.where(must[name], rest["effect"] * one.effect, 0.0)
        rest["keeps"] -= np.where(must[name], rest["keeps"] * one.keeps, 0.0)
    optional = _options(policy, customers, may, hours, rest)
    choice = np.array([bool(rule.may) for rule in policy.rules])
    return Offers(mandatory, optional.at(optional.benefit > 0), names, negotiated, choice)


def limits_of(policy: Policy) -> Iterator[Limit]:
    """Yield the budgets and capacities of a policy."""
    owners = np.array([one.owner for one in policy.treatments.values()], dtype=object)
    everyone = np.ones(len(owners), dtype=bool)
    limits = policy.limits
    if limits.budget is not None:
        yield Limit("limits.budget", "money", everyone, _down(limits.budget))
    if limits.actions is not None:
        yield Limit("limits.actions", "actions", everyone, limits.actions)
    for owner in ROLES:
        role = limits.roles.get(owner)
        if role is not None and role.budget is not None:
            yield Limit(f"limits.roles.{owner}.budget", "money", owners == owner, _down(role.budget))
        if role is not None and role.hours is not None:
            yield Limit(f"limits.roles.{owner}.hours", "hours", owners == owner, _down(role.hours))
    for number, (name, one) in enumerate(policy.treatments.items()):
        only = np.arange(len(owners)) == number
        if one.budget is not None:
            yield Limit(f"treatments.{name}.budget", "money", only, _down(one.budget))
        if one.capacity is not None:
            yield Limit(f"treatments.{name}.capacity", "actions", only, one.capacity)


def after(limits: tuple[Limit, ...], must: Options, currency: str) -> tuple[Limit, ...]:
    """Return the limits that mandatory actions leave."""
    left = []
    for limit in limits:
        used = int(must.uses(limit).sum())
        if used > limit.amount:
            needed, allowed = (_amount_text(limit, amount, currency) for amount in (used, limit.amount))
            raise ConfigError(
                f"mandatory actions need {needed}, the limit is {allowed}",
                where=limit.name,
                fix="raise the limit, or move treatments from must to may",
            )
        left.append(Limit(limit.name, limit.measure, limit.treatments, limit.amount - used))
    return tuple(left)


def _amount_text(limit: Limit, amount: int, currency: str) -> str:
    if limit.measure == "actions":
        return f"{amount:,} actions"
    return f"{amount / UNIT:,.2f} {'hours' if limit.measure == 'hours' else currency}".strip()


def _options(
    policy: Policy, customers: Customers, flags: dict[str, Flags], hours: Ints, rest: dict[str, Floats]
) -> Options:
    chance, value, loss = (customers.amount(name) for name in ("probability", "value", "expected_loss"))
    stake = chance * value
    parts: list[tuple[Ints, Ints, Floats, Ints]] = []
    for number, (name, one) in enumerate(policy.treatments.items()):
        rows = np.flatnonzero(flags[name])
        if not len(rows):
            continue
        p, v = chance[rows], value[rows]
        spent = _costs(name, one, customers.portfolio, rows)
        works = one.effect * rest["effect"][rows]
        if policy.task == "default":
            gains = loss[rows] * works + stake[rows] * one.keeps * rest["keeps"][rows]
        else:
            gains = stake[rows] * works
            spent = spent + one.incentive * (p * works + 1 - p)
        # Rounded up to cents, but not for a last digit of the arithmetic.
        cost = np.ceil(np.round(spent * UNIT, 6)).astype(np.int64)
        benefit = gains - (1 - p) * v * one.strains - cost / UNIT
        parts.append((rows, np.full(len(rows), number), benefit, cost))
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Options(nothing, nothing, np.zeros(0), nothing, hours, np.zeros((0, 2)))
    customer, treatment, benefits, costs = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(customer, kind="stable")
    customer = customer[order]
    likeness = np.column_stack([loss[customer], stake[customer]])
    return Options(customer, treatment[order], benefits[order], costs[order], hours, likeness)


def _costs(name: str, treatment: Treatment, portfolio: pd.DataFrame, rows: Ints) -> Floats:
    if not isinstance(treatment.cost, str):
        return np.full(len(rows), float(treatment.cost))
    where, fix = f"treatments.{name}.cost", "correct the expression, or the column that it reads"
    return computed_amounts(treatment.cost, portfolio.iloc[rows], where, fix)


def _up(amount: float) -> int:
    return int(np.ceil(round(amount * UNIT, 6)))


def _down(limit: float) -> int:
    return int(np.floor(round(limit * UNIT, 6)))
