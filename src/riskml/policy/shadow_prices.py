"""Shadow prices: the benefit of one more unit of each budget and capacity.

Prices solve the dual of the linear programme: they minimise ``sum(price * limit) + sum of each customer's best option
after prices``, which is convex. At any prices it is an upper bound of the benefit of any assignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, vstack

from riskml.errors import RunError
from riskml.policy.options import Floats, Ints, Limit, Options

_CELLS = 5_000
_STEPS = 40
_ENOUGH = 1e-4  # tolerance, as a share of the bound


@dataclass(frozen=True)
class Optimum:
    """The optimum of the linear programme."""

    prices: Floats  # money for a cent, a hundredth of an hour, or an action
    share: Floats  # taken part of each option: 0 or 1 for all but a few customers


def optimum(options: Options, limits: Sequence[Limit]) -> Optimum:
    """Return the optimum of the linear programme with one row per customer; RunError if the solver fails."""
    starts = options.starts
    cell = np.repeat(np.arange(len(starts)), options.lengths)
    return _programme(options, limits, _Cells(np.ones(len(starts)), np.arange(len(options)), cell))


def priced(options: Options, limits: Sequence[Limit]) -> Floats:
    """Return the shadow prices of the limits: over cells of similar customers, then refined on all of them."""
    amounts = np.array([limit.amount for limit in limits], dtype=float)
    prices = _programme(options, limits, _similar(options)).prices
    bound, slope = bound_at(options, limits, prices)
    cuts = [(bound, slope, prices)]
    # Typical prices: those that move the bound by a share of itself.
    typical = bound / np.maximum(amounts, 1) / len(limits)
    reach = 0.3
    for _ in range(_STEPS):
        low, high = np.maximum(prices - reach * np.maximum(prices, typical), 0), prices + reach * (prices + typical)
        trial, promised = _least(cuts, low, high, bound)
        if bound - promised <= _ENOUGH * bound:
            # No better prices within reach.
            if reach < 0.05:
                break
            reach /= 4
            continue
        value, slope = bound_at(options, limits, trial)
        cuts.append((value, slope, trial))
        if value < bound:
            good = bound - value > 0.5 * (bound - promised)
            prices, bound, reach = trial, value, reach * (1.5 if good else 1.0)
        else:
            reach /= 2
    return prices


def bound_at(options: Options, limits: Sequence[Limit], prices: Floats) -> tuple[float, Floats]:
    """Return the upper bound of any assignment at some prices, and its gradient."""
    amounts = np.array([limit.amount for limit in limits], dtype=float)
    net = options.net(limits, prices)
    best = np.maximum.reduceat(net, options.starts)
    chosen = np.flatnonzero((net == np.repeat(best, options.lengths)) & (net > 0))
    chosen = chosen[np.append(True, np.diff(options.customer[chosen]) != 0)] if len(chosen) else chosen
    return float(prices @ amounts + net[chosen].sum()), amounts - options.total(limits, chosen)


def _least(
    cuts: Sequence[tuple[float, Floats, Floats]], low: Floats, high: Floats, scale: float
) -> tuple[Floats, float]:
    """Return the minimum of the maximum of the cuts within a box, and its value."""
    unit = np.maximum(high, 1e-300)  # prices of hours and of cents differ a thousandfold
    slopes = np.array([slope for _, slope, _ in cuts]) * unit / scale
    ends = np.array([slope @ at - value for value, slope, at in cuts]) / scale
    width = len(low)
    solution = linprog(
        np.append(np.zeros(width), 1.0),
        A_ub=np.column_stack([slopes, -np.ones(len(cuts))]),
        b_ub=ends,
        bounds=[*zip(low / unit, high / unit, strict=True), (None, None)],
        method="highs",
    )
    if solution.status != 0:
        return low, np.inf
    return np.clip(solution.x[:width] * unit, low, high), float(solution.x[width] * scale)


@dataclass(frozen=True)
class _Cells:
    """Cells of similar customers: their sizes, and the (cell, option) column of each option."""

    size: Floats
    column: Ints
    cell: Ints  # of each column


def _similar(options: Options) -> _Cells:
    """Return cells of customers with the same options and a similar likeness."""
    starts, kinds = options.starts, len(options.hours)
    sets = np.bitwise_or.reduceat(np.left_shift(np.int64(1), options.treatment), starts)
    _, group, sizes = np.unique(sets, return_inverse=True, return_counts=True)
    bands = max(3, int(np.sqrt(_CELLS / len(sizes))))
    code = group.astype(np.int64)
    first = np.append(0, np.cumsum(sizes))[:-1]
    for likeness in options.likeness[starts].T:
        order = np.lexsort((likeness, group))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order)) - first[group[order]]
        code = code * bands + rank * bands // sizes[group]
    _, cell, size = np.unique(code, return_inverse=True, return_counts=True)
    key, column = np.unique(np.repeat(cell, options.lengths) * kinds + options.treatment, return_inverse=True)
    return _Cells(size.astype(float), column, key // kinds)


def _programme(options: Options, limits: Sequence[Limit], cells: _Cells) -> Optimum:
    width = len(cells.cell)
    count = np.bincount(cells.column, minlength=width)

    def mean(values: npt.NDArray[np.float64] | Ints) -> Floats:
        return np.bincount(cells.column, weights=values, minlength=width) / count

    once = csr_matrix((np.ones(width), (cells.cell, np.arange(width))), (len(cells.size), width))
    # Scaled to about 1, as money may be in the millions.
    scale = np.array([max(float(limit.amount), 1.0) for limit in limits])
    uses = np.array([mean(options.uses(limit)) / by for limit, by in zip(limits, scale, strict=True)])
    gain = mean(options.benefit)
    most = float(gain.max())
    ends = np.concatenate([[limit.amount / by for limit, by in zip(limits, scale, strict=True)], cells.size])
    solution = linprog(-gain / most, A_ub=vstack([csr_matrix(uses), once]), b_ub=ends, bounds=(0, None), method="highs")
    if solution.status != 0:
        raise RunError(f"the prices of the limits cannot be computed: {solution.message}", where="the solver")
    return Optimum(np.maximum(-solution.ineqlin.marginals[: len(limits)], 0) * most / scale, solution.x)
