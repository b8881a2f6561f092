"""The best bins, exactly: a shortest path over (first pre-bin, last pre-bin) of the last bin.

A binning cuts p ordered pre-bins into runs. Its worth is a sum over runs, and every constraint is either about one run
(its size, its events) or about two neighbours (their order, their difference), so the best binning that ends in the run
[i, j] is that run's worth plus the best binning that ends in some run [h, i-1] which may stand beside it. Going through
i from left to right meets every feasible binning; only counts are needed, and no solver. Concave and convex trends
compare three neighbours, so their state is a pair of runs.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from riskml.runtime.frame import Floats
from riskml.scorecard.binning.candidates import Binning, CandidateBins, Constraints, Trend
from riskml.scorecard.binning.shortest_path import bent_path, straight_path
from riskml.scorecard.binning.woe import Objective

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
    """Return the feasible binning of highest worth, the one with fewest bins where several share it.

    Examples
    --------
    >>> counts = np.array([[90, 10], [85, 15], [60, 40], [50, 50]])
    >>> optimal_binning(counts, "ascending", Constraints(max_bins=2)).starts
    (0, 2)
    """
    constraints = constraints or Constraints()
    runs = CandidateBins.of(np.asarray(counts, dtype=np.float64), constraints, totals, objective, by_period)
    return _solve(runs, trend, constraints)


def _solve(runs: CandidateBins, trend: Trend, constraints: Constraints) -> Binning | None:
    if trend in ("concave", "convex"):
        return bent_path(runs, constraints, trend)
    directions: dict[str, tuple[int, ...]] = {
        "none": (0,),
        "ascending": (1,),
        "descending": (-1,),
        "peak": (1, -1),
        "valley": (-1, 1),
    }
    return straight_path(runs, constraints, trend, directions[trend])


def choose_trend(
    counts: Floats,
    candidates: tuple[Trend, ...],
    constraints: Constraints,
    *,
    totals: Floats | None = None,
    objective: Objective = "iv",
    by_period: Floats | None = None,
) -> Binning | None:
    """Return the best binning among trends, a bent one only where the data say so clearly."""
    runs = CandidateBins.of(np.asarray(counts, dtype=np.float64), constraints, totals, objective, by_period)
    solutions = [_solve(runs, trend, constraints) for trend in candidates]
    feasible = [binning for binning in solutions if binning is not None]
    straight = [binning for binning in feasible if binning.trend in ("ascending", "descending")]
    bent = [binning for binning in feasible if binning.trend not in ("ascending", "descending")]
    simple = max(straight, key=lambda binning: binning.worth, default=None)
    other = max(bent, key=lambda binning: binning.worth, default=None)
    if simple is None or other is None:
        return simple or other
    turn_and_bins = 1 + max(len(other.starts) - len(simple.starts), 0)
    charge = np.log(max(float(counts.sum()), 2.0)) * turn_and_bins
    return other if _deviance_gain(counts, simple, other) > charge else simple


def _deviance_gain(counts: Floats, simple: Binning, other: Binning) -> float:
    return 2 * (_log_likelihood(counts, other.starts) - _log_likelihood(counts, simple.starts))


def _log_likelihood(counts: Floats, starts: tuple[int, ...]) -> float:
    bins = np.add.reduceat(counts, list(starts), axis=0)
    return float(xlogy(bins, bins / np.maximum(bins.sum(axis=1, keepdims=True), 1e-300)).sum())
