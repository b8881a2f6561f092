"""The best path through runs of pre-bins, for trends that compare two neighbours and for those that compare three."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskml.runtime.frame import Floats
from riskml.scorecard.runs import TOLERANCE, Binning, Constraints, Runs, Trend


def straight_path(runs: Runs, constraints: Constraints, trend: Trend, phases: tuple[int, ...]) -> Binning | None:
    """Return the best path through the phases of a trend, each phase a direction of the rate."""
    worth = runs.worth
    count, most = len(worth), min(constraints.max_bins, len(worth))
    # best[phase, j, k, i]: the best k + 1 bins that end in the run [i, j], the last step taken in that phase.
    best = np.full((len(phases), count, most, count), -np.inf)
    best[0, :, 0, 0] = worth[0]
    sorted_ = {direction: _by_rate(runs, direction) for direction in phases if direction and runs.least is not None}
    slack = (runs.least or 0.0) - TOLERANCE
    for i in range(1, count):
        before = best[0, i - 1, :-1, :i]
        for phase, direction in enumerate(phases):
            if phase:
                before = np.maximum(before, best[phase, i - 1, :-1, :i])
            if before.max(initial=-np.inf) == -np.inf:
                continue
            if direction == 0 and runs.least == 0:
                reach = before.max(axis=1, keepdims=True)
            elif direction in sorted_:
                rate, order = sorted_[direction]
                reach = _reach(before, rate[order[i - 1, :i], i - 1], order[i - 1, :i], rate[i, i:] - slack)
            else:
                good = runs.allowed(direction, i, np.arange(i), np.arange(i, count))
                reach = np.where(good, before[:, :, None], -np.inf).max(axis=1)
            best[phase, i:, 1:, i] = (reach + worth[i, i:]).T
    final = best[:, -1].max(axis=(0, 2))
    k = _fewest(final, constraints.min_bins)
    if k is None:
        return None
    return Binning(_walk_back(runs, best, phases, k), float(final[k]), trend)


def _by_rate(runs: Runs, direction: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return the rates, turned so that they may rise, and for each j the order in which the runs [h, j] rise."""
    rate = direction * runs.rates[0]
    inside = np.triu(np.ones(rate.shape, dtype=bool))
    return rate, np.where(inside, rate, np.inf).T.argsort(axis=1)


def _reach(before: Floats, rising: Floats, order: NDArray[np.intp], up_to: Floats) -> Floats:
    """Return the best of ``before``, shape (k, h), among the runs whose rate is not above a bound, shape (k, j).

    In the order of the rate, the best so far is a running maximum.
    """
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


def _walk_back(runs: Runs, best: Floats, phases: tuple[int, ...], k: int) -> tuple[int, ...]:
    """Return the starts of the bins on the best path of k + 1 bins."""
    count = best.shape[1]
    phase, i = divmod(int(best[:, -1, k].argmax()), count)
    j, starts = count - 1, [i]
    while k > 0:
        good = runs.allowed(phases[phase], i, np.arange(i), np.array([j]))[:, 0]
        before = np.where(good, best[: phase + 1, i - 1, k - 1, :i], -np.inf)
        phase, start = divmod(int(before.argmax()), i)
        k, i, j = k - 1, start, i - 1
        starts.append(i)
    return tuple(reversed(starts))


def bent_path(runs: Runs, constraints: Constraints, trend: Trend) -> Binning | None:
    """Return the best binning whose steps of the rate never grow (concave) or never shrink (convex)."""
    sign = 1.0 if trend == "concave" else -1.0
    worth, rate = runs.worth, runs.rates[0]
    count, most = len(worth), min(constraints.max_bins, len(worth))
    # best[i, j][k, h]: the best k + 1 bins that end in the runs [h, i-1], [i, j].
    best: dict[tuple[int, int], Floats] = {}
    ends: list[tuple[float, int, int, int]] = [(float(worth[0, -1]), 0, 0, -1)]
    for i in range(1, count):
        h = np.arange(i)
        for j in (i + np.flatnonzero(np.isfinite(worth[i, i:]))).tolist():
            beside = runs.allowed(0, i, h, np.array([j]))[:, 0]
            table = np.full((most, i), -np.inf)
            for start in np.flatnonzero(beside & np.isfinite(worth[:i, i - 1])):
                if start == 0:
                    if most > 1:
                        table[1, 0] = worth[0, i - 1] + worth[i, j]
                    continue
                earlier = best.get((int(start), i - 1))
                if earlier is None:
                    continue
                step = rate[i, j] - rate[start, i - 1]
                steps = rate[start, i - 1] - rate[np.arange(start), start - 1]
                bends = sign * (step - steps) <= TOLERANCE
                reach = np.where(bends, earlier[:-1], -np.inf).max(axis=1)
                table[1:, start] = reach + worth[i, j]
            if np.isfinite(table).any():
                best[i, j] = table
                if j == count - 1:
                    ends.extend((table[k, h_], k, i, h_) for k, h_ in zip(*np.nonzero(np.isfinite(table)), strict=True))
    final = np.full(most, -np.inf)
    for value, k, _, _ in ends:
        final[k] = max(final[k], value)
    chosen = _fewest(final, constraints.min_bins)
    if chosen is None:
        return None
    _, k, i, h_ = next(end for end in ends if end[1] == chosen and end[0] == final[chosen])
    starts, j = [int(i)], count - 1
    while k > 0:
        starts.append(int(h_))
        if k > 1:
            step = rate[i, j] - rate[h_, i - 1]
            steps = rate[h_, i - 1] - rate[np.arange(h_), h_ - 1]
            before = np.where(sign * (step - steps) <= TOLERANCE, best[int(h_), i - 1][k - 1], -np.inf)
            i, j, h_ = int(h_), i - 1, int(before.argmax())
        k -= 1
    return Binning(tuple(reversed(starts)), float(final[chosen]), trend)
