"""Which action each customer gets: the greatest benefit in all within budgets and capacities.

The problem is a linear programme with one row for each customer ("at most one action") and one for each limit; HiGHS
solves it as it is for a small book, and over cells of like customers for a large one. Either way it gives the *price*
of each limit: what one more unit of it would bring. Each customer then takes the action that brings most after prices,
those who gain most first, as long as the limits last. Whose best and second best choice are close to one another is
undecided by prices; for these few customers the programme is solved once more, and the last of them are searched
through. By duality the prices also bound what any assignment could bring, so that the gap to the optimum is known
without solving the large programme.
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

EXACT = 4_000  # options up to which the programme has a row for each customer
_UPGRADED = 50_000  # options up to which what is left over is used up to the last
_ROUNDS = 60
_UNDECIDED = 1_500  # customers of a large book for whom the programme is solved once more
_CORE = 8  # customers, beside one for each limit, whose whole actions are searched for
_NODES = 4_000  # of that search; a limit on time would not be the same twice


@dataclass(frozen=True)
class Solution:
    """Which options are taken.

    Parameters
    ----------
    taken : ndarray of int
        Rows of the options, ascending.
    prices : ndarray of shape (limits,)
        What one more unit (cent, hundredth of an hour, action) would bring.
    net : ndarray of shape (m,)
        What each option brings after prices; minus infinity for one that is beyond a limit by itself.
    value : float
        Benefit of what is taken.
    bound : float
        No assignment within the limits could bring more.
    method : "exact" or "priced"
        Whether the linear programme had a row for each customer.
    """

    taken: Ints
    prices: Floats
    net: Floats
    value: float
    bound: float
    method: Literal["exact", "priced"]

    @property
    def gap(self) -> float:
        """How far the value may be beneath the optimum, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, 1 - self.value / self.bound)


def solve(options: Options, limits: Sequence[Limit], *, exact: int = EXACT) -> Solution:
    """Return the options that bring most in all, at most one for each customer, within every limit.

    Parameters
    ----------
    limits : sequence of Limit
        None below 0.
    exact : int, default 4000
        Options up to which the linear programme has a row for each customer.

    Returns
    -------
    Solution
        The same for the same input, and never beyond a limit.

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
        # Where customers are alike, several prices are as good as one another, and one may leave an easier rest.
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
    """Return the options that are taken while the limits last, by what they bring net."""
    left = np.array([limit.amount for limit in limits], dtype=np.int64)
    waiting = np.ones(int(options.customer[-1]) + 1, dtype=bool)
    taken: list[Ints] = []

    def take(rows: Ints) -> None:
        for place, limit in enumerate(limits):
            left[place] -= options.uses(limit, rows).sum()
        waiting[options.customer[rows]] = False
        taken.append(rows)

    if first is not None:
        take(first)
    # What is worth its prices comes before what is not, and is taken only where something is left over.
    for rows in (np.flatnonzero(net > 0), np.flatnonzero(net <= 0)):
        for _ in range(_ROUNDS):
            rows = rows[waiting[options.customer[rows]]]
            for place, limit in enumerate(limits):
                rows = rows[options.uses(limit, rows) <= left[place]]
            if not len(rows):
                break
            best = _best(options, net, rows)
            take(_within(options, limits, best, left))
    return np.sort(np.concatenate(taken)) if taken else np.zeros(0, np.int64)


def _within(options: Options, limits: Sequence[Limit], rows: Ints, left: npt.NDArray[np.int64]) -> Ints:
    """Return those rows, of the first ones on, that are within the limits together."""
    fits = np.ones(len(rows), dtype=bool)
    for place, limit in enumerate(limits):
        use = options.uses(limit, rows)
        # Who does not fit is counted as well: what is taken can only be less.
        fits &= (use == 0) | (np.cumsum(use) <= left[place])
    return rows[fits]


def _best(options: Options, net: Floats, rows: Ints) -> Ints:
    """Return of each customer the row that brings most, the first of equals; the customers in order of it."""
    customer = options.customer[rows]
    starts = np.flatnonzero(np.append(True, np.diff(customer) != 0))
    lengths = np.diff(np.append(starts, len(rows)))
    top = rows[net[rows] == np.repeat(np.maximum.reduceat(net[rows], starts), lengths)]
    top = top[np.append(True, np.diff(options.customer[top]) != 0)]
    return np.asarray(top[np.argsort(-net[top], kind="stable")])


def _decided(options: Options, limits: Sequence[Limit], prices: Floats, net: Floats, undecided: int) -> Ints:
    """Return an assignment in which the undecided customers are decided by the programme, where it is better."""
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
    whole = rows[share > 1 - 1e-6]
    # Of those that the programme decides, the closest calls are searched through together with those that it parts.
    parted = np.unique(options.customer[rows[(share > 1e-6) & (share <= 1 - 1e-6)]])
    close = options.customer[options.starts[order[: len(limits) + _CORE]]]
    core = pd.unique(np.concatenate([parted, close]))[: len(limits) + _CORE]
    candidates = [_filled(options, limits, net)]
    # The search may end before it is through: without it, what the programme does not part may be better still.
    for searched in (core[:0], core):
        rest = whole[~np.isin(options.customer[whole], searched)]
        rest = _within(options, limits, rest[np.argsort(-net[rest], kind="stable")], left)
        more = _searched(options, limits, prices, net, searched, left - _used(options, limits, rest))
        candidates.append(_filled(options, limits, net, first=np.concatenate([clear, rest, more])))
    best_found = max(candidates, key=lambda rows: float(options.benefit[rows].sum()))
    return _upgraded(options, limits, best_found)


def _upgraded(options: Options, limits: Sequence[Limit], taken: Ints) -> Ints:
    """Return an assignment in which what is left over is used to give customers something better, one by one."""
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
    """Return how far each customer's second best choice, of the options and nothing, is behind the best."""
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
    """Return the options of a few customers that bring most within what is left, by a search in depth."""
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
