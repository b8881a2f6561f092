"""What a policy allows for each customer: what must be done, what may be done, and what each would bring and cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskml.config.policy import Policy, Treatment
from riskml.errors import ConfigError, DataError
from riskml.expressions import parse
from riskml.i18n import ROLES
from riskml.policy.customers import Customers
from riskml.policy.options import UNIT, Floats, Ints, Limit, Options

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Offers:
    """What must and what may be done."""

    must: Options  # benefits of ``must`` may be below 0; those of ``may`` are above
    may: Options
    names: tuple[str, ...]  # of the treatments, in the order that the options number them
    negotiated: Flags  # customers with whom one talks instead
    choice: Flags  # whether a rule of the policy leaves something to choose


def offers_of(policy: Policy, customers: Customers) -> Offers:
    """Return what a policy allows for each customer of a book."""
    names = tuple(policy.treatments)
    negotiation = policy.negotiation
    valuable = np.zeros(len(customers.rule), dtype=bool)
    if negotiation is not None:
        valuable = parse(negotiation.only, where="negotiation.only").holds(customers.book).to_numpy()
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
                    flags[rows] = condition.holds(customers.book.iloc[rows]).to_numpy()
    hours = np.array([_units(one.hours) for one in policy.treatments.values()], dtype=np.int64)
    # What must be done has its effect first: what may be done works on what is left.
    rest = {"effect": np.ones(len(valuable)), "keeps": np.ones(len(valuable))}
    duties = _options(policy, customers, must, hours, rest)
    for name, one in policy.treatments.items():
        rest["effect"] -= np.where(must[name], rest["effect"] * one.effect, 0.0)
        rest["keeps"] -= np.where(must[name], rest["keeps"] * one.keeps, 0.0)
    choices = _options(policy, customers, may, hours, rest)
    choice = np.array([bool(rule.may) for rule in policy.rules])
    return Offers(duties, choices.at(choices.benefit > 0), names, negotiated, choice)


def limits_of(policy: Policy) -> tuple[Limit, ...]:
    """Return the budgets and capacities that a policy states."""
    return tuple(_limits(policy))


def _limits(policy: Policy) -> Iterator[Limit]:
    owners = np.array([one.owner for one in policy.treatments.values()], dtype=object)
    everyone = np.ones(len(owners), dtype=bool)
    limits = policy.limits
    if limits.budget is not None:
        yield Limit("limits.budget", "money", everyone, _whole(limits.budget))
    if limits.actions is not None:
        yield Limit("limits.actions", "actions", everyone, limits.actions)
    for owner in ROLES:
        role = limits.roles.get(owner)
        if role is not None and role.budget is not None:
            yield Limit(f"limits.roles.{owner}.budget", "money", owners == owner, _whole(role.budget))
        if role is not None and role.hours is not None:
            yield Limit(f"limits.roles.{owner}.hours", "hours", owners == owner, _whole(role.hours))
    for place, (name, one) in enumerate(policy.treatments.items()):
        only = np.arange(len(owners)) == place
        if one.budget is not None:
            yield Limit(f"treatments.{name}.budget", "money", only, _whole(one.budget))
        if one.capacity is not None:
            yield Limit(f"treatments.{name}.capacity", "actions", only, one.capacity)


def after(limits: tuple[Limit, ...], must: Options, currency: str) -> tuple[Limit, ...]:
    """Return what the limits leave when all that must be done is done."""
    left = []
    for limit in limits:
        used = int(must.uses(limit).sum())
        if used > limit.amount:
            needed, allowed = (_amount_text(limit, amount, currency) for amount in (used, limit.amount))
            raise ConfigError(
                f"what the rules say must be done needs {needed} for this book, and the limit is {allowed}",
                where=limit.name,
                fix="raise the limit, or move treatments from must to may, where they are done as far as it lasts",
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
    for place, (name, one) in enumerate(policy.treatments.items()):
        rows = np.flatnonzero(flags[name])
        if not len(rows):
            continue
        p, v = chance[rows], value[rows]
        spent = _costs(name, one, customers.book.iloc[rows] if isinstance(one.cost, str) else None, len(rows))
        works = one.effect * rest["effect"][rows]
        if policy.task == "default":
            gains = loss[rows] * works + stake[rows] * one.keeps * rest["keeps"][rows]
        else:
            gains = stake[rows] * works
            spent = spent + one.incentive * (p * works + 1 - p)
        cost = _cents(spent)
        benefit = gains - (1 - p) * v * one.strains - cost / UNIT
        parts.append((rows, np.full(len(rows), place), benefit, cost))
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Options(nothing, nothing, np.zeros(0), nothing, hours, np.zeros((0, 2)))
    customer, treatment, benefits, costs = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(customer, kind="stable")
    customer = customer[order]
    likeness = np.column_stack([loss[customer], stake[customer]])
    return Options(customer, treatment[order], benefits[order], costs[order], hours, likeness)


def _costs(name: str, one: Treatment, book: pd.DataFrame | None, rows: int) -> Floats:
    if not isinstance(one.cost, str) or book is None:
        return np.full(rows, float(one.cost))
    values = parse(one.cost, where=f"treatments.{name}.cost").amounts(book).to_numpy(dtype=np.float64)
    wrong = ~(values >= 0) | ~np.isfinite(values)
    if wrong.any():
        raise DataError(
            f"the cost is missing, infinite or below 0 for {int(wrong.sum())} customers, the first of them "
            f"{book.index[wrong][0]!r}",
            where=f"treatments.{name}.cost, {one.cost!r}",
            fix="mend the expression, or the column that it reads",
        )
    return values


def _cents(money: Floats) -> Ints:
    # Rounded up, and not for a last digit that only the arithmetic made.
    return np.ceil(np.round(money * UNIT, 6)).astype(np.int64)


def _units(amount: float) -> int:
    return int(np.ceil(round(amount * UNIT, 6)))


def _whole(limit: float) -> int:
    return int(np.floor(round(limit * UNIT, 6)))
