"""Assignment of actions to customers: maximum benefit within budgets and capacities.

The linear programme has one row per customer ("at most one action") and one per limit. HiGHS solves it directly for a
small portfolio, and over cells of similar customers for a large one; both give the shadow price of each limit. Each
customer then takes the action with the greatest benefit after prices, the greatest first, while the limits last.
Customers whose best and second best action are close are decided by a second programme and a search in depth. By
duality the prices bound the benefit of any assignment, so the gap to the optimum is known without the large programme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskml.policy.options import Floats, Ints, Limit, Options
from riskml.policy.shadow_prices import bound_at, optimum, priced

EXACT = 4_000  # options up to which the programme has one row per customer
_UPGRADED = 50_000  # options up to which the rest of the limits is used up greedily
_ROUNDS = 60
_UNDECIDED = 1_500  # customers of a large portfolio in the second programme
_CORE = 8  # customers, in addition to one per limit, in the search
_NODES = 4_000  # of the search; a time limit would not be reproducible


@dataclass(frozen=True)
class Solution:
    """An assignment: the options that are taken."""

    taken: Ints  # rows of the options, ascending
    prices: Floats  # shadow price of one more unit (cent, hundredth of an hour, action) of each limit
    net: Floats  # benefit of each option after prices; minus infinity for options beyond a limit
    value: float  # benefit of the options taken
    bound: float  # upper bound of the benefit of any assignment
    method: Literal["exact", "priced"]  # whether the linear programme had one row per customer

    @property
    def gap(self) -> float:
        """Maximum distance of the value from the optimum, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, 1 - self.value / self.bound)


def solve(options: Options, limits: Sequence[Limit], *, exact: int = EXACT) -> Solution:
    """Return the assignment of maximum benefit, at most one option per customer, within every limit.

    Parameters
    ----------
    limits : sequence of Limit
        With non-negative amounts.
    exact : int, default 4000
        Options up to which the linear programme has one row per customer.

    Raises
    ------
    RunError
        When the solver fails.
    """
    fits = np.ones(len(options), dtype=bool)
    for limit in limits:
        fits &= options.uses(limit) <= limit.amount
    possible = options.at(fits)
    net = np.full(len(options), -np.inf)
    small = len(possible) <= exact
    method: Literal["exact", "priced"] = "exact" if small else "priced"
    if not len(possible):
        return Solution(np.zeros(0, np.int64), np.zeros(len(limits)), net, 0.0, 0.0, method)
    if not limits:
        net[fits] = possible.benefit
        taken = _filled(possible, limits, possible.benefit)
        prices, bound = np.zeros(0), float(possible.benefit[taken].sum())
    else:
        # Similar customers allow several optimal prices, of which one may give a better assignment.
        price_sets = [priced(possible, limits)]
        if small:
            price_sets.insert(0, optimum(possible, limits).prices)
        undecided = len(possible) if small else _UNDECIDED
        candidates = [_decided(possible, limits, by, possible.net(limits, by), undecided) for by in price_sets]
        taken = max(candidates, key=lambda rows: float(possible.benefit[rows].sum()))
        prices = price_sets[0]
        bound = min(bound_at(possible, limits, by)[0] for by in price_sets)
        net[fits] = possible.net(limits, prices)
    value = float(possible.benefit[taken].sum())
    return Solution(np.flatnonzero(fits)[taken], prices, net, value, max(bound, value), method)


def _filled(options: Options, limits: Sequence[Limit], net: Floats, first: Ints | None = None) -> Ints:
    """Return the options that are taken while the limits last, by benefit after prices."""
    left = np.array([limit.amount for limit in limits], dtype=np.int64)
    waiting = np.ones(int(options.customer[-1]) + 1, dtype=bool)
    taken: list[Ints] = []

    def take(rows: Ints) -> None:
        left[:] -= _used(options, limits, rows)
        waiting[options.customer[rows]] = False
        taken.append(rows)

    if first is not None:
        take(first)
    # Options with a negative net benefit are taken only from what is left.
    for rows in (np.flatnonzero(net > 0), np.flatnonzero(net <= 0)):
        for _ in range(_ROUNDS):
            rows = rows[waiting[options.customer[rows]]]
            for limit, rest in zip(limits, left, strict=True):
                rows = rows[options.uses(limit, rows) <= rest]
            if not len(rows):
                break
            take(_within(options, limits, _best(options, net, rows), left))
    return np.sort(np.concatenate(taken)) if taken else np.zeros(0, np.int64)


def _within(options: Options, limits: Sequence[Limit], rows: Ints, left: npt.NDArray[np.int64]) -> Ints:
    """Return the first rows that are within the limits together."""
    fits = np.ones(len(rows), dtype=bool)
    for limit, rest in zip(limits, left, strict=True):
        use = options.uses(limit, rows)
        # Rows that do not fit are counted too, so the use is overestimated at worst.
        fits &= (use == 0) | (np.cumsum(use) <= rest)
    return rows[fits]


def _best(options: Options, net: Floats, rows: Ints) -> Ints:
    """Return the best row of each customer, the first of equals, by net benefit."""
    customer = options.customer[rows]
    starts = np.flatnonzero(np.append(True, np.diff(customer) != 0))
    lengths = np.diff(np.append(starts, len(rows)))
    top = rows[net[rows] == np.repeat(np.maximum.reduceat(net[rows], starts), lengths)]
    top = top[np.append(True, np.diff(options.customer[top]) != 0)]
    return np.asarray(top[np.argsort(-net[top], kind="stable")])


def _decided(options: Options, limits: Sequence[Limit], prices: Floats, net: Floats, undecided: int) -> Ints:
    """Return the best of several assignments, in which a programme or a search decides the undecided customers."""
    best = _best(options, net, np.arange(len(options)))
    regret = _regret(options, net)
    order = np.argsort(regret, kind="stable")
    open_ = np.zeros(len(regret), dtype=bool)
    open_[order[:undecided]] = True
    is_open = np.zeros(int(options.customer[-1]) + 1, dtype=bool)
    is_open[options.customer[options.starts[open_]]] = True
    clear = best[~is_open[options.customer[best]] & (net[best] > 0)]
    left = np.array([limit.amount for limit in limits], dtype=np.int64)
    clear = _within(options, limits, clear, left)
    left -= _used(options, limits, clear)
    rows = np.flatnonzero(is_open[options.customer])
    remaining = [replace(limit, amount=int(amount)) for limit, amount in zip(limits, left, strict=True)]
    share = optimum(options.at(rows), remaining).share
    integral = rows[share > 1 - 1e-6]
    # The search covers the customers that the programme splits, and the closest calls among the others.
    split = np.unique(options.customer[rows[(share > 1e-6) & (share <= 1 - 1e-6)]])
    close = options.customer[options.starts[order[: len(limits) + _CORE]]]
    core = pd.unique(np.concatenate([split, close]))[: len(limits) + _CORE]
    candidates = [_filled(options, limits, net)]
    # The search may end early, so the assignment without it is a candidate too.
    for searched in (core[:0], core):
        rest = integral[~np.isin(options.customer[integral], searched)]
        rest = _within(options, limits, rest[np.argsort(-net[rest], kind="stable")], left)
        more = _searched(options, limits, prices, net, searched, left - _used(options, limits, rest))
        candidates.append(_filled(options, limits, net, first=np.concatenate([clear, rest, more])))
    best_found = max(candidates, key=lambda rows: float(options.benefit[rows].sum()))
    return _upgraded(options, limits, best_found)


def _upgraded(options: Options, limits: Sequence[Limit], taken: Ints) -> Ints:
    """Return an assignment in which the rest of the limits improves customers greedily, one by one."""
    if len(options) > _UPGRADED or not len(taken):
        return taken
    uses = np.array([options.uses(limit) for limit in limits])
    left = np.array([limit.amount for limit in limits], dtype=np.int64) - uses[:, taken].sum(axis=1)
    now = np.full(int(options.customer[-1]) + 1, -1)
    now[options.customer[taken]] = taken
    while True:
        before = now[options.customer]
        more = options.benefit - np.where(before >= 0, options.benefit[before], 0.0)
        extra = uses - np.where(before >= 0, uses[:, before], 0)
        more[(extra > left[:, None]).any(axis=0)] = 0.0
        best = int(np.argmax(more))
        if more[best] <= 1e-9:
            return np.sort(now[now >= 0])
        left -= extra[:, best]
        now[options.customer[best]] = best


def _regret(options: Options, net: Floats) -> Floats:
    """Return the regret of each customer: the best choice minus the second best, among the options and none."""
    first = np.maximum.reduceat(net, options.starts)
    others = net.copy()
    top = np.flatnonzero(net == np.repeat(first, options.lengths))
    others[top[np.append(True, np.diff(options.customer[top]) != 0)]] = -np.inf
    second = np.maximum.reduceat(others, options.starts)
    return np.where(first > 0, first - np.maximum(second, 0), -first)


def _used(options: Options, limits: Sequence[Limit], rows: Ints) -> npt.NDArray[np.int64]:
    return np.array([options.uses(limit, rows).sum() for limit in limits], dtype=np.int64)


def _searched(
    options: Options, limits: Sequence[Limit], prices: Floats, net: Floats, core: Ints, left: npt.NDArray[np.int64]
) -> Ints:
    """Return the best options of a few customers within the rest of the limits, by a search in depth."""
    choices = []
    for customer in core.tolist():
        rows = range(*np.searchsorted(options.customer, [customer, customer + 1]).tolist())
        choices.append([*sorted((row for row in rows if net[row] > -np.inf), key=lambda row: -net[row]), -1])
    use = {row: np.array([int(options.uses(one, np.array([row]))[0]) for one in limits]) for row in sum(choices, [])}
    hopes = [max(float(net[rows[0]]), 0.0) if rows[0] >= 0 else 0.0 for rows in choices]
    hope = np.append(np.cumsum(hopes[::-1])[::-1], 0.0)
    best: tuple[float, list[int]] = (-1.0, [])
    nodes = 0

    def descend(depth: int, left: npt.NDArray[np.int64], brings: float, rows: list[int]) -> None:
        nonlocal best, nodes
        nodes += 1
        if depth == len(choices):
            best = max(best, (brings, rows), key=lambda one: one[0])
            return
        if nodes > _NODES or brings + hope[depth] + float(prices @ left) <= best[0] * (1 + 1e-9):
            return
        for row in choices[depth]:
            if row < 0:
                descend(depth + 1, left, brings, rows)
            elif (use[row] <= left).all():
                descend(depth + 1, left - use[row], brings + float(options.benefit[row]), [*rows, row])

    descend(0, left, 0.0, [])
    return np.array(best[1], dtype=np.int64)
