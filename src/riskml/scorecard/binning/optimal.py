"""Exact optimal binning: a shortest path over (first pre-bin, last pre-bin) of the last bin.

A binning cuts p ordered pre-bins into runs. Its value is a sum over runs, and every constraint concerns either one run
(its size, its events) or two neighbours (their order, their difference), so the best binning that ends in the run
[i, j] is that run's value plus the best binning that ends in some run [h, i-1] that may precede it. Going through i
from left to right meets every feasible binning; only counts are needed, and no solver. Concave and convex trends
compare three neighbours, so their state is a pair of candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from riskml.runtime.frame import Floats
from riskml.scorecard.binning.candidates import TOLERANCE, Binning, CandidateBins, Constraints, Trend
from riskml.scorecard.binning.woe import Objective


def straight_path(
    candidates: CandidateBins, constraints: Constraints, trend: Trend, phases: tuple[int, ...]
) -> Binning | None:
    """Return the best path through the phases of a trend, each phase a direction of the rate."""
    worth = candidates.worth
    count, most = len(worth), min(constraints.max_bins, len(worth))
    # best[phase, j, k, i]: the best k + 1 bins that end in the run [i, j], the last step taken in that phase.
    best = np.full((len(phases), count, most, count), -np.inf)
    best[0, :, 0, 0] = worth[0]
    sorted_ = {
        direction: _by_rate(candidates, direction) for direction in phases if direction and candidates.least is not None
    }
    slack = (candidates.least or 0.0) - TOLERANCE
    for i in range(1, count):
        before = best[0, i - 1, :-1, :i]
        for phase, direction in enumerate(phases):
            if phase:
                before = np.maximum(before, best[phase, i - 1, :-1, :i])
            if before.max(initial=-np.inf) == -np.inf:
                continue
            if direction == 0 and candidates.least == 0:
                reach = before.max(axis=1, keepdims=True)
            elif direction in sorted_:
                rate, order = sorted_[direction]
                reach = _reach(before, rate[order[i - 1, :i], i - 1], order[i - 1, :i], rate[i, i:] - slack)
            else:
                good = candidates.may_follow(direction, i, np.arange(i), np.arange(i, count))
                reach = np.where(good, before[:, :, None], -np.inf).max(axis=1)
            best[phase, i:, 1:, i] = (reach + worth[i, i:]).T
    final = best[:, -1].max(axis=(0, 2))
    k = _fewest(final, constraints.min_bins)
    if k is None:
        return None
    return Binning(_walk_back(candidates, best, phases, k), float(final[k]), trend)


def _by_rate(candidates: CandidateBins, direction: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return the rates, turned so that they may rise, and for each j the order in which the runs [h, j] rise."""
    rate = direction * candidates.rates[0]
    inside = np.triu(np.ones(rate.shape, dtype=bool))
    return rate, np.where(inside, rate, np.inf).T.argsort(axis=1)


def _reach(before: Floats, rising: Floats, order: NDArray[np.intp], up_to: Floats) -> Floats:
    """Return the best of ``before``, shape (k, h), among the runs whose rate is not above a bound, shape (k, j)."""
    highest = np.empty((len(before), len(order) + 1))
    highest[:, 0] = -np.inf
    np.maximum.accumulate(before.take(order, axis=1), axis=1, out=highest[:, 1:])
    return np.asarray(highest.take(rising.searchsorted(up_to, side="right"), axis=1))


def _fewest(final: Floats, min_bins: int) -> int | None:
    """Return the position of the fewest bins that reach the highest worth."""
    final = final.copy()
    final[: min_bins - 1] = -np.inf
    if not len(final) or not np.isfinite(final.max()):
        return None
    return int(np.flatnonzero(final >= final.max() - TOLERANCE)[0])


def _walk_back(candidates: CandidateBins, best: Floats, phases: tuple[int, ...], k: int) -> tuple[int, ...]:
    """Return the starts of the bins on the best path of k + 1 bins."""
    count = best.shape[1]
    phase, i = divmod(int(best[:, -1, k].argmax()), count)
    j, starts = count - 1, [i]
    while k > 0:
        good = candidates.may_follow(phases[phase], i, np.arange(i), np.array([j]))[:, 0]
        before = np.where(good, best[: phase + 1, i - 1, k - 1, :i], -np.inf)
        phase, start = divmod(int(before.argmax()), i)
        k, i, j = k - 1, start, i - 1
        starts.append(i)
    return tuple(reversed(starts))


def bent_path(candidates: CandidateBins, constraints: Constraints, trend: Trend) -> Binning | None:
    """Return the best binning whose steps of the rate never grow (concave) or never shrink (convex)."""
    sign = 1.0 if trend == "concave" else -1.0
    worth = candidates.worth
    count, most = len(worth), min(constraints.max_bins, len(worth))
    # best[i][j - i, k, h]: the best k + 1 bins that end in the runs [h, i - 1] and [i, j].
    best = [np.full((count, most, 1), -np.inf)]
    best[0][:, 0, 0] = worth[0]
    for i in range(1, count):
        table = np.full((count - i, most, i), -np.inf)
        beside = candidates.may_follow(0, i, np.arange(i), np.arange(i, count))
        for h in np.flatnonzero(np.isfinite(worth[:i, i - 1])).tolist():
            before = best[h][i - 1 - h, :-1]
            if before.max(initial=-np.inf) == -np.inf:
                continue
            reach = _bent_reach(candidates, sign, h, i, before) if h else before
            table[:, 1:, h] = np.where(beside[h], reach + worth[i, i:], -np.inf).T
        best.append(table)
    final = np.max([table[-1].max(axis=1) for table in best], axis=0)
    k = _fewest(final, constraints.min_bins)
    if k is None:
        return None
    i = next(i for i, table in enumerate(best) if table[-1, k].max() == final[k])
    h, j, starts = int(best[i][-1, k].argmax()), count - 1, [i]
    for bins in range(k, 0, -1):
        starts.append(h)
        if bins > 1:
            before = np.where(_bends(candidates, sign, h, i, j)[:, 0], best[h][i - 1 - h, bins - 1], -np.inf)
            i, j, h = h, i - 1, int(before.argmax())
    return Binning(tuple(reversed(starts)), float(final[k]), trend)


def _bent_reach(candidates: CandidateBins, sign: float, h: int, i: int, before: Floats) -> Floats:
    """Return the best of ``before``, shape (k, g), that may stand before [h, i - 1] and each [i, j], shape (k, j)."""
    if len(candidates.rates) > 1:
        good = _bends(candidates, sign, h, i, None)
        return np.asarray(np.where(good, before[:, :, None], -np.inf).max(axis=1))
    rate = candidates.rates[0]
    into = sign * (rate[np.arange(h), h - 1] - rate[h, i - 1])
    order = into.argsort()
    return _reach(before, into[order], order, TOLERANCE + sign * (rate[h, i - 1] - rate[i, i:]))


def _bends(candidates: CandidateBins, sign: float, h: int, i: int, j: int | None) -> NDArray[np.bool_]:
    """Return whether the step of [g, h - 1] to [h, i - 1] bends into that to [i, j], shape (g, j), in every period."""
    good = np.ones((h, 1), dtype=bool)
    for rate in candidates.rates:
        after = rate[i, i:] if j is None else rate[i, [j]]
        bend = (after - rate[h, i - 1])[None, :] - (rate[h, i - 1] - rate[np.arange(h), h - 1])[:, None]
        # A period without rows in one of the runs says nothing: NaN compares false.
        good = good & ~(sign * bend > TOLERANCE)
    return good


# What "auto" compares, simplest first.
AUTO: tuple[Trend, ...] = ("ascending", "descending", "peak", "valley")


def optimal_binning(
    counts: Floats,
    trend: Trend = "none",
    constraints: Constraints | None = None,
    *,
    totals: Floats | None = None,
    objective: Objective = "iv",
    by_period: Floats | None = None,
) -> Binning | None:
    """Return the feasible binning of highest worth, the one with fewest bins where several share it."""
    constraints = constraints or Constraints()
    candidates = CandidateBins.of(np.asarray(counts, dtype=np.float64), constraints, totals, objective, by_period)
    return _solve(candidates, trend, constraints)


def _solve(candidates: CandidateBins, trend: Trend, constraints: Constraints) -> Binning | None:
    if trend in ("concave", "convex"):
        return bent_path(candidates, constraints, trend)
    directions: dict[str, tuple[int, ...]] = {
        "none": (0,),
        "ascending": (1,),
        "descending": (-1,),
        "peak": (1, -1),
        "valley": (-1, 1),
    }
    return straight_path(candidates, constraints, trend, directions[trend])


def choose_trend(
    counts: Floats,
    trends: tuple[Trend, ...],
    constraints: Constraints,
    *,
    totals: Floats | None = None,
    objective: Objective = "iv",
    by_period: Floats | None = None,
) -> Binning | None:
    """Return the best binning among trends, a bent one only where the data say so clearly."""
    candidates = CandidateBins.of(np.asarray(counts, dtype=np.float64), constraints, totals, objective, by_period)
    solutions = [_solve(candidates, trend, constraints) for trend in trends]
    feasible = [binning for binning in solutions if binning is not None]
    straight = [binning for binning in feasible if binning.trend in ("ascending", "descending")]
    bent = [binning for binning in feasible if binning.trend not in ("ascending", "descending")]
    simple = max(straight, key=lambda binning: binning.worth, default=None)
    other = max(bent, key=lambda binning: binning.worth, default=None)
    if simple is None or other is None:
        return simple or other
    turn_and_bins = 1 + max(len(other.starts) - len(simple.starts), 0)
    charge = np.log(max(float(counts.sum()), 2.0)) * turn_and_bins
    gain = 2 * (_log_likelihood(counts, other.starts) - _log_likelihood(counts, simple.starts))
    return other if gain > charge else simple


def _log_likelihood(counts: Floats, starts: tuple[int, ...]) -> float:
    bins = np.add.reduceat(counts, list(starts), axis=0)
    return float(xlogy(bins, bins / np.maximum(bins.sum(axis=1, keepdims=True), 1e-300)).sum())
