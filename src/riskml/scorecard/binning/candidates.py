"""Candidate bins: runs of neighbouring pre-bins with their values, counts and neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from riskml.runtime.frame import Floats
from riskml.scorecard.binning.woe import Objective, worth_of

Trend = Literal["none", "ascending", "descending", "peak", "valley", "concave", "convex"]
TRENDS: tuple[Trend, ...] = ("none", "ascending", "descending", "peak", "valley", "concave", "convex")
# Event rates that differ by less are the same: what differs is the order of summation.
TOLERANCE = 1e-12
MayFollow = Callable[[int, int, NDArray[np.intp], NDArray[np.intp]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Constraints:
    """What a binning must satisfy."""

    min_bins: int = 1  # how many bins, missing values and special codes not counted
    max_bins: int = 6
    min_size: float = 0.0  # what each bin holds at the least, in rows (sums of weights where rows have weights)
    min_event: float = 0.0
    min_nonevent: float = 0.0
    min_rate_difference: float = 0.0  # by how much the event rates of neighbours differ at the least
    # the highest p-value, two-sided, of the two-proportion z-test of neighbours; 1 asks nothing
    max_p_value: float = 1.0
    smoothing: float = 0.0  # with so many rows of average risk added to each bin, the trend must hold as well


@dataclass(frozen=True)
class Binning:
    """The best binning of some pre-bins."""

    starts: tuple[int, ...]  # the first pre-bin of each bin; the first is 0
    worth: float  # the objective's value, summed over the bins
    trend: Trend  # the requested trend


@dataclass(frozen=True)
class CandidateBins:
    """Every run [i, j] of pre-bins: its worth (-inf where not allowed), and its counts."""

    worth: Floats  # (p, p)
    event: Floats  # (p, p)
    rows: Floats  # (p, p)
    rates: Floats  # (1 + periods, p, p); NaN where a period has no row
    may_follow: MayFollow  # (direction, i, h, j): whether [h, i-1] may stand before [i, j]
    least: float | None  # where neighbours need only differ in rate by so much: a sorted search then finds the best

    @classmethod
    def of(
        cls,
        counts: Floats,
        constraints: Constraints,
        totals: Floats | None,
        objective: Objective,
        by_period: Floats | None,
    ) -> CandidateBins:
        """Return the runs of some pre-bins; for the parameters see `optimal_binning`."""
        nonevent, event = _runs(counts[:, 0]), _runs(counts[:, 1])
        rows = event + nonevent
        all_rows = np.asarray(counts.sum(axis=0) if totals is None else totals, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = worth_of(event, nonevent, np.maximum(all_rows, 1e-300), objective)
            rates = [event / rows]
            for period in [] if by_period is None else by_period:
                period_event = _runs(period[:, 1])
                rates.append(period_event / (period_event + _runs(period[:, 0])))
        if constraints.smoothing:
            average = all_rows[1] / all_rows.sum()
            rates.append((event + constraints.smoothing * average) / (rows + constraints.smoothing))
        # Sums of weights carry rounding, which must not decide whether a bin is large enough.
        rounding = 8 * np.finfo(np.float64).eps * float(rows.max(initial=0.0))

        def reached(values: Floats, least: float) -> NDArray[np.bool_]:
            return np.asarray(values >= least * (1 - 1e-9) - rounding)

        fits = (
            reached(rows, constraints.min_size)
            & reached(event, constraints.min_event)
            & reached(nonevent, constraints.min_nonevent)
            & (rows > 0)
        )
        worth = np.where(fits & np.triu(np.ones_like(fits)), worth, -np.inf)
        may_follow = _may_follow(event, rows, np.stack(rates), constraints)
        plain = constraints.max_p_value >= 1 and len(rates) == 1
        return cls(worth, event, rows, np.stack(rates), may_follow, constraints.min_rate_difference if plain else None)


def _runs(values: Floats) -> Floats:
    """Return the sums of values[i..j] at [i, j]; what lies below the diagonal means nothing."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(np.maximum(total[None, 1:] - total[:-1, None], 0.0))


def _may_follow(event: Floats, rows: Floats, rates: Floats, constraints: Constraints) -> MayFollow:
    """Return the test whether runs [h, i-1] and [i, j] may be neighbours where the rate goes in a direction."""
    least, z_least = constraints.min_rate_difference, float(norm.isf(constraints.max_p_value / 2))

    def may_follow(direction: int, i: int, h: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.bool_]:
        before, after = rates[0, h, i - 1][:, None], rates[0, i, j][None, :]
        step = after - before
        # One part in 1e12 is rounding: two runs of equal rate are neighbours of equal rate.
        good = np.abs(step) >= least - TOLERANCE if direction == 0 else direction * step >= least - TOLERANCE
        if constraints.max_p_value < 1:
            good &= _z(event[h, i - 1], rows[h, i - 1], event[i, j], rows[i, j]) >= z_least
        if direction:
            for period in rates[1:]:
                # A period without rows in one of the two runs says nothing: NaN compares false.
                good &= ~(direction * (period[i, j][None, :] - period[h, i - 1][:, None]) < -TOLERANCE)
        return np.asarray(good)

    return may_follow


def _z(event_before: Floats, rows_before: Floats, event_after: Floats, rows_after: Floats) -> Floats:
    """Return |z| of the two-proportion test with pooled variance, every run before against every run after."""
    e0, n0, e1, n1 = event_before[:, None], rows_before[:, None], event_after[None, :], rows_after[None, :]
    pooled = (e0 + e1) / (n0 + n1)
    variance = pooled * (1 - pooled) * (1 / n0 + 1 / n1)
    return np.asarray(np.abs(e1 / n1 - e0 / n0) / np.sqrt(np.maximum(variance, 1e-300)))
