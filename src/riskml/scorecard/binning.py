"""The best bins, exactly: a shortest path over (first pre-bin, last pre-bin) of the last bin.

A binning cuts p ordered pre-bins into runs. Its worth is a sum over runs, and every constraint is either about one run
(its size, its events) or about two neighbours (their order, their difference), so the best binning that ends in the run
[i, j] is that run's worth plus the best binning that ends in some run [h, i-1] which may stand beside it. Going through
i from left to right meets every feasible binning; only counts are needed, and no solver. Concave and convex trends
compare three neighbours, so their state is a pair of runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import norm

from riskml.errors import FitError
from riskml.runtime.frame import Floats

Objective = Literal["iv", "js", "log_likelihood"]
Trend = Literal["none", "ascending", "descending", "peak", "valley", "concave", "convex"]
OBJECTIVES: tuple[Objective, ...] = ("iv", "js", "log_likelihood")
TRENDS: tuple[Trend, ...] = ("none", "ascending", "descending", "peak", "valley", "concave", "convex")
# What "auto" compares, simplest first.
AUTO: tuple[Trend, ...] = ("ascending", "descending", "peak", "valley")


@dataclass(frozen=True)
class Constraints:
    """What a binning must satisfy.

    Parameters
    ----------
    min_bins, max_bins : int
        How many bins, missing values and special codes not counted.
    min_size, min_event, min_nonevent : float
        What each bin holds at the least, in rows (sums of weights where rows have weights).
    min_rate_difference : float
        By how much the event rates of neighbours differ at the least.
    max_p_value : float
        The highest p-value, two-sided, of the two-proportion z-test of neighbours; 1 asks nothing.
    """

    min_bins: int = 1
    max_bins: int = 6
    min_size: float = 0.0
    min_event: float = 0.0
    min_nonevent: float = 0.0
    min_rate_difference: float = 0.0
    max_p_value: float = 1.0


@dataclass(frozen=True)
class Binning:
    """The best binning of some pre-bins.

    Parameters
    ----------
    starts : tuple of int
        The first pre-bin of each bin; the first is 0.
    worth : float
        The objective's value, summed over the bins.
    trend : str
        The trend that was asked of it.
    """

    starts: tuple[int, ...]
    worth: float
    trend: Trend


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

    Parameters
    ----------
    counts : ndarray of shape (p, 2)
        Non-events and events of each pre-bin, in order.
    trend : str
        How the event rate may go from bin to bin: see `TRENDS`. A peak rises and then falls, either part may be empty.
    constraints : Constraints, optional
    totals : ndarray of shape (2,), optional
        Non-events and events of all rows, missing values and special codes included; the pre-bins' sum by default.
    objective : {"iv", "js", "log_likelihood"}
        Information value, Jensen-Shannon divergence (nats), or gain of log-likelihood per row (nats).
    by_period : ndarray of shape (periods, p, 2), optional
        The counts of each period: the trend must hold in every one of them.

    Returns
    -------
    Binning or None
        None when no binning satisfies the constraints.

    Examples
    --------
    >>> counts = np.array([[90, 10], [85, 15], [60, 40], [50, 50]])
    >>> optimal_binning(counts, "ascending", Constraints(max_bins=2)).starts
    (0, 2)
    """
    constraints = constraints or Constraints()
    problem = _Problem.of(np.asarray(counts, dtype=np.float64), constraints, totals, objective, by_period)
    if trend in ("concave", "convex"):
        return _bent(problem, constraints, trend)
    phases: tuple[int, ...] = {
        "none": (0,),
        "ascending": (1,),
        "descending": (-1,),
        "peak": (1, -1),
        "valley": (-1, 1),
    }[trend]
    return _path(problem, constraints, trend, phases)


def diagnose(
    counts: Floats, trend: Trend, constraints: Constraints, *, objective: Objective = "iv", totals: Floats | None = None
) -> str:
    """Return which constraint has to give way for a binning to exist, as a phrase for a message."""
    loosened = {
        "min_bin_size": replace(constraints, min_size=0.0),
        "min_events": replace(constraints, min_event=0.0),
        "min_nonevents": replace(constraints, min_nonevent=0.0),
        "min_rate_difference": replace(constraints, min_rate_difference=0.0),
        "max_p_value": replace(constraints, max_p_value=1.0),
        "min_bins": replace(constraints, min_bins=1),
    }
    binding = [
        name
        for name, looser in loosened.items()
        if looser != constraints and optimal_binning(counts, trend, looser, objective=objective, totals=totals)
    ]
    if trend != "none" and optimal_binning(counts, "none", constraints, objective=objective, totals=totals):
        binding.append(f"monotonic={trend!r}")
    return " or ".join(binding) or "several constraints together"


def worth_of(event: Floats, nonevent: Floats, totals: Floats, objective: Objective) -> Floats:
    """Return what bins with these counts add to the objective; a bin without events or non-events counts half a row.

    Parameters
    ----------
    event, nonevent : ndarray of any one shape
    totals : ndarray of shape (2,)
        All non-events and events.
    objective : {"iv", "js", "log_likelihood"}

    References
    ----------
    Siddiqi (2006), Credit Risk Scorecards, p. 81 (information value). Lin (1991), Divergence measures based on the
    Shannon entropy.
    """
    all_nonevent, all_event = totals
    if objective == "log_likelihood":
        rows = event + nonevent
        base = xlogy(event, all_event / (all_event + all_nonevent)) + xlogy(
            nonevent, all_nonevent / (all_event + all_nonevent)
        )
        own = xlogy(event, event / np.maximum(rows, 1e-300)) + xlogy(nonevent, nonevent / np.maximum(rows, 1e-300))
        return np.asarray((own - base) / (all_event + all_nonevent))
    p_event, p_nonevent = event / all_event, nonevent / all_nonevent
    if objective == "js":
        middle = np.maximum((p_event + p_nonevent) / 2, 1e-300)
        return np.asarray((xlogy(p_event, p_event / middle) + xlogy(p_nonevent, p_nonevent / middle)) / 2)
    return (p_event - p_nonevent) * woe(event, nonevent, totals)


def woe(event: Floats, nonevent: Floats, totals: Floats) -> Floats:
    """Return the weight of evidence ``ln((event / all events) / (non-event / all non-events))``; higher is riskier.

    Where one of a bin's counts is zero both get half a row more, so that the logarithm stays finite; an empty bin
    says nothing, and has weight 0.

    Parameters
    ----------
    event, nonevent : ndarray of any one shape
    totals : ndarray of shape (2,)
        All non-events and events.

    References
    ----------
    Good (1950), Probability and the Weighing of Evidence. Zdravevski et al. (2011) for the adjustment.

    Examples
    --------
    >>> woe(np.array([30.0, 10.0, 0.0]), np.array([10.0, 30.0, 0.0]), np.array([40.0, 40.0])).round(3)
    array([ 1.099, -1.099,  0.   ])
    """
    event, nonevent = np.asarray(event, dtype=np.float64), np.asarray(nonevent, dtype=np.float64)
    half = np.where((event <= 0) | (nonevent <= 0), 0.5, 0.0)
    all_nonevent, all_event = totals
    odds = (event + half) / (nonevent + half)
    return np.where(event + nonevent > 0, np.log(odds * (all_nonevent / all_event)), 0.0)


@dataclass(frozen=True)
class _Problem:
    """Every run [i, j] of pre-bins: its worth (-inf where not allowed), and its counts."""

    worth: Floats  # (p, p)
    event: Floats  # (p, p)
    rows: Floats  # (p, p)
    rates: Floats  # (1 + periods, p, p); NaN where a period has no row
    allowed: Callable[[int, int, NDArray[np.intp], NDArray[np.intp]], NDArray[np.bool_]]

    @classmethod
    def of(
        cls,
        counts: Floats,
        constraints: Constraints,
        totals: Floats | None,
        objective: Objective,
        by_period: Floats | None,
    ) -> _Problem:
        nonevent, event = _runs(counts[:, 0]), _runs(counts[:, 1])
        rows = event + nonevent
        all_rows = np.asarray(counts.sum(axis=0) if totals is None else totals, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = worth_of(event, nonevent, np.maximum(all_rows, 1e-300), objective)
            rates = [event / rows]
            for period in [] if by_period is None else by_period:
                period_event = _runs(period[:, 1])
                rates.append(period_event / (period_event + _runs(period[:, 0])))
        # Sums of weights carry rounding, which must not decide whether a bin is large enough.
        slack = 1e-9 * max(1.0, float(rows.max(initial=0.0)))
        fits = (
            (rows >= constraints.min_size - slack)
            & (event >= constraints.min_event - slack)
            & (nonevent >= constraints.min_nonevent - slack)
            & (rows > 0)
        )
        worth = np.where(fits & np.triu(np.ones_like(fits)), worth, -np.inf)
        return cls(worth, event, rows, np.stack(rates), _neighbours(event, rows, np.stack(rates), constraints))


def _runs(values: Floats) -> Floats:
    """Return the sums of values[i..j] at [i, j]; what lies below the diagonal means nothing."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.maximum(total[None, 1:] - total[:-1, None], 0.0)


def _neighbours(
    event: Floats, rows: Floats, rates: Floats, constraints: Constraints
) -> Callable[[int, int, NDArray[np.intp], NDArray[np.intp]], NDArray[np.bool_]]:
    """Return the test whether runs [h, i-1] and [i, j] may be neighbours where the rate goes in a direction."""
    least, z_least = constraints.min_rate_difference, float(norm.isf(constraints.max_p_value / 2))

    def allowed(direction: int, i: int, h: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.bool_]:
        before, after = rates[0, h, i - 1][:, None], rates[0, i, j][None, :]
        step = after - before
        # One part in 1e12 is rounding: two runs of equal rate are neighbours of equal rate.
        good = np.abs(step) >= least - 1e-12 if direction == 0 else direction * step >= least - 1e-12
        if constraints.max_p_value < 1:
            good &= _z(event[h, i - 1], rows[h, i - 1], event[i, j], rows[i, j]) >= z_least
        if direction:
            for period in rates[1:]:
                # A period without rows in one of the two runs says nothing: NaN compares false.
                good &= ~(direction * (period[i, j][None, :] - period[h, i - 1][:, None]) < -1e-12)
        return good

    return allowed


def _z(event_before: Floats, rows_before: Floats, event_after: Floats, rows_after: Floats) -> Floats:
    """Return |z| of the two-proportion test with pooled variance, every run before against every run after."""
    e0, n0, e1, n1 = event_before[:, None], rows_before[:, None], event_after[None, :], rows_after[None, :]
    pooled = (e0 + e1) / (n0 + n1)
    variance = pooled * (1 - pooled) * (1 / n0 + 1 / n1)
    return np.asarray(np.abs(e1 / n1 - e0 / n0) / np.sqrt(np.maximum(variance, 1e-300)))


def _path(problem: _Problem, constraints: Constraints, trend: Trend, phases: tuple[int, ...]) -> Binning | None:
    """Return the best path through the phases of a trend, each phase a direction of the rate."""
    worth = problem.worth
    count, most = len(worth), min(constraints.max_bins, len(worth))
    # best[phase, k, i, j]: the best k + 1 bins that end in the run [i, j], the last step taken in that phase.
    best = np.full((len(phases), most, count, count), -np.inf)
    best[0, 0, 0] = worth[0]
    for i in range(1, count):
        j = i + np.flatnonzero(np.isfinite(worth[i, i:]))
        h = np.flatnonzero(np.isfinite(best[:, :-1, :i, i - 1]).any(axis=(0, 1)))
        if not len(j) or not len(h):
            continue
        for phase, direction in enumerate(phases):
            before = best[: phase + 1, :-1, h, i - 1].max(axis=0)
            reach = np.where(problem.allowed(direction, i, h, j), before[:, :, None], -np.inf).max(axis=1)
            best[phase, 1:, i, j] = (reach + worth[i, j]).T
    final = best[:, :, :, -1].max(axis=(0, 2))
    k = _fewest(final, constraints.min_bins)
    if k is None:
        return None
    return Binning(_walk_back(problem, best, phases, k), float(final[k]), trend)


def _fewest(final: Floats, min_bins: int) -> int | None:
    """Return the position of the fewest bins that reach the highest worth."""
    final = final.copy()
    final[: min_bins - 1] = -np.inf
    if not len(final) or not np.isfinite(final.max()):
        return None
    return int(np.flatnonzero(final >= final.max() - 1e-12)[0])


def _walk_back(problem: _Problem, best: Floats, phases: tuple[int, ...], k: int) -> tuple[int, ...]:
    """Return the starts of the bins on the best path of k + 1 bins."""
    phase, i = divmod(int(best[:, k, :, -1].argmax()), best.shape[2])
    j, starts = best.shape[3] - 1, [i]
    while k > 0:
        h = np.arange(i)
        good = problem.allowed(phases[phase], i, h, np.array([j]))[:, 0]
        before = np.where(good, best[: phase + 1, k - 1, :i, i - 1], -np.inf)
        phase, start = divmod(int(before.argmax()), i)
        k, i, j = k - 1, start, i - 1
        starts.append(i)
    return tuple(reversed(starts))


def _bent(problem: _Problem, constraints: Constraints, trend: Trend) -> Binning | None:
    """Return the best binning whose steps of the rate never grow (concave) or never shrink (convex)."""
    sign = 1.0 if trend == "concave" else -1.0
    worth, rate = problem.worth, problem.rates[0]
    count, most = len(worth), min(constraints.max_bins, len(worth))
    single = np.full((most, count, count), -np.inf)
    single[0, 0] = worth[0]
    # best[i, j][k, h]: the best k + 1 bins that end in the runs [h, i-1], [i, j].
    best: dict[tuple[int, int], Floats] = {}
    ends: list[tuple[float, int, int, int]] = [(worth[0, -1], 0, 0, -1)]
    for i in range(1, count):
        h = np.arange(i)
        for j in i + np.flatnonzero(np.isfinite(worth[i, i:])):
            beside = problem.allowed(0, i, h, np.array([j]))[:, 0]
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
                bends = sign * (step - steps) <= 1e-12
                reach = np.where(bends, earlier[:-1], -np.inf).max(axis=1)
                table[1:, start] = reach + worth[i, j]
            if np.isfinite(table).any():
                best[i, int(j)] = table
                if j == count - 1:
                    ends.extend((table[k, h_], k, i, h_) for k, h_ in zip(*np.nonzero(np.isfinite(table)), strict=True))
    final = np.full(most, -np.inf)
    for value, k, _, _ in ends:
        final[k] = max(final[k], value)
    chosen = _fewest(final, constraints.min_bins)
    if chosen is None:
        return None
    _, k, i, h_ = next(end for end in ends if end[1] == chosen and end[0] == final[chosen])
    starts, j = [i], count - 1
    while k > 0:
        starts.append(int(h_))
        if k > 1:
            step = rate[i, j] - rate[h_, i - 1]
            steps = rate[h_, i - 1] - rate[np.arange(h_), h_ - 1]
            before = np.where(sign * (step - steps) <= 1e-12, best[int(h_), i - 1][k - 1], -np.inf)
            i, j, h_ = int(h_), i - 1, int(before.argmax())
        k -= 1
    return Binning(tuple(reversed(starts)), float(final[chosen]), trend)


def choose_trend(
    counts: Floats,
    candidates: tuple[Trend, ...],
    constraints: Constraints,
    *,
    totals: Floats | None = None,
    objective: Objective = "iv",
    by_period: Floats | None = None,
) -> Binning | None:
    """Return the best binning among trends, a bent one only where the data say so clearly.

    Ascending and descending compete by worth. A peak or a valley must beat the better of them in log-likelihood by
    more than the Bayesian information criterion charges for a turning point and its added bins.

    Parameters
    ----------
    counts, constraints, totals, objective, by_period
        As for `optimal_binning`.
    candidates : tuple of str
        Trends to choose from.

    Returns
    -------
    Binning or None
        None when no trend has a feasible binning.
    """
    found = [
        optimal_binning(counts, trend, constraints, totals=totals, objective=objective, by_period=by_period)
        for trend in candidates
    ]
    feasible = [binning for binning in found if binning is not None]
    straight = [binning for binning in feasible if binning.trend in ("ascending", "descending")]
    bent = [binning for binning in feasible if binning.trend not in ("ascending", "descending")]
    best = max(straight, key=lambda binning: binning.worth, default=None)
    rows = max(float(counts.sum()), 2.0)
    for binning in bent:
        if best is None or _deviance_gain(counts, best, binning) > np.log(rows) * (
            1 + max(len(binning.starts) - len(best.starts), 0)
        ):
            best = binning
    return best


def _deviance_gain(counts: Floats, simple: Binning, other: Binning) -> float:
    return 2 * (_log_likelihood(counts, other.starts) - _log_likelihood(counts, simple.starts))


def _log_likelihood(counts: Floats, starts: tuple[int, ...]) -> float:
    bins = np.add.reduceat(counts, list(starts), axis=0)
    return float(xlogy(bins, bins / np.maximum(bins.sum(axis=1, keepdims=True), 1e-300)).sum())


def infeasible(column: str, counts: Floats, trend: Trend, constraints: Constraints) -> FitError:
    """Return the error that says which constraint leaves a column without any binning."""
    return FitError(
        f"no binning with {constraints.min_bins} to {constraints.max_bins} bins satisfies the constraints; "
        f"what binds is {diagnose(counts, trend, constraints)}",
        where=f"column {column!r}",
        mend="loosen that constraint for this column (overrides), or ask for fewer bins",
    )
