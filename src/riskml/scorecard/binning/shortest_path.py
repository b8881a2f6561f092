"""The best path through runs of pre-bins, for trends that compare two neighbours and for those that compare three."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskml.runtime.frame import Floats
from riskml.scorecard.binning.candidates import TOLERANCE, Binning, CandidateBins, Constraints, Trend


def straight_path(
    runs: CandidateBins, constraints: Constraints, trend: Trend, phases: tuple[int, ...]
) -> Binning | None:
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


def _by_rate(runs: CandidateBins, direction: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return the rates, turned so that they may rise, and for each j the order in which the runs [h, j] rise."""
    rate = direction * runs.rates[0]
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


def _walk_back(runs: CandidateBins, best: Floats, phases: tuple[int, ...], k: int) -> tuple[int, ...]:
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


def bent_path(runs: CandidateBins, constraints: Constraints, trend: Trend) -> Binning | None:
    """Return the best binning whose steps of the rate never grow (concave) or never shrink (convex)."""
    sign = 1.0 if trend == "concave" else -1.0
    worth = runs.worth
    count, most = len(worth), min(constraints.max_bins, len(worth))
    # best[i][j - i, k, h]: the best k + 1 bins that end in the runs [h, i - 1] and [i, j].
    best = [np.full((count, most, 1), -np.inf)]
    best[0][:, 0, 0] = worth[0]
    for i in range(1, count):
        table = np.full((count - i, most, i), -np.inf)
        beside = runs.allowed(0, i, np.arange(i), np.arange(i, count))
        for h in np.flatnonzero(np.isfinite(worth[:i, i - 1])).tolist():
            before = best[h][i - 1 - h, :-1]
            if before.max(initial=-np.inf) == -np.inf:
                continue
            reach = _bent_reach(runs, sign, h, i, before) if h else before
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
            before = np.where(_bends(runs, sign, h, i, j)[:, 0], best[h][i - 1 - h, bins - 1], -np.inf)
            i, j, h = h, i - 1, int(before.argmax())
    return Binning(tuple(reversed(starts)), float(final[k]), trend)


def _bent_reach(runs: CandidateBins, sign: float, h: int, i: int, before: Floats) -> Floats:
    """Return the best of ``before``, shape (k, g), that may stand before [h, i - 1] and each [i, j], shape (k, j)."""
    if len(runs.rates) > 1:
        good = _bends(runs, sign, h, i, None)
        return np.asarray(np.where(good, before[:, :, None], -np.inf).max(axis=1))
    rate = runs.rates[0]
    into = sign * (rate[np.arange(h), h - 1] - rate[h, i - 1])
    order = into.argsort()
    return _reach(before, into[order], order, TOLERANCE + sign * (rate[h, i - 1] - rate[i, i:]))


def _bends(runs: CandidateBins, sign: float, h: int, i: int, j: int | None) -> NDArray[np.bool_]:
    """Return whether the step of [g, h - 1] to [h, i - 1] bends into that to [i, j], shape (g, j), in every period."""
    good = np.ones((h, 1), dtype=bool)
    for rate in runs.rates:
        after = rate[i, i:] if j is None else rate[i, [j]]
        bend = (after - rate[h, i - 1])[None, :] - (rate[h, i - 1] - rate[np.arange(h), h - 1])[:, None]
        # A period without rows in one of the runs says nothing: NaN compares false.
        good = good & ~(sign * bend > TOLERANCE)
    return good
