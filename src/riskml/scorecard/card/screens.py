"""Screens of characteristics: correlation, inflation, stepwise tests, the lasso, stability over folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2

from riskml.runtime.frame import Floats
from riskml.scorecard.binning.options import Seed
from riskml.scorecard.card.regression import Logistic, fit_logistic

_FOLDS = 5


def correlated(
    woe: Floats, weight: Floats | None, pool: list[int], iv: Floats, safe: set[int], most: float, names: Sequence[str]
) -> dict[int, str]:
    """Return the columns that correlate with a stronger one, by information value, and with which."""
    if len(pool) < 2:
        return {}
    correlation = np.abs(_correlation(woe[:, pool], weight))
    dropped: dict[int, str] = {}
    # Strongest first, so that each is compared with what stays.
    order = sorted(range(len(pool)), key=lambda k: (pool[k] not in safe, -iv[pool[k]], pool[k]))
    for place, k in enumerate(order):
        for stronger in order[:place]:
            if pool[stronger] not in dropped and correlation[k, stronger] > most:
                dropped[pool[k]] = (
                    f"correlation {correlation[k, stronger]:.3f} with {names[pool[stronger]]!r} "
                    f"is above max_correlation={most:g}"
                )
                break
    return dropped


def variance_inflation(woe: Floats, weight: Floats | None = None) -> Floats:
    """Return the variance inflation factor of each column, shape (p,)."""
    if woe.shape[1] < 2:
        return np.ones(woe.shape[1])
    correlation = _correlation(woe, weight)
    return np.asarray(np.diag(np.linalg.inv(correlation + 1e-10 * np.eye(len(correlation)))))


def inflated(woe: Floats, weight: Floats | None, pool: list[int], safe: set[int], most: float) -> dict[int, str]:
    """Return the columns of too high a variance inflation, the highest taken out first."""
    dropped: dict[int, str] = {}
    left = list(pool)
    while len(left) > 1:
        factors = variance_inflation(woe[:, left], weight)
        candidates = [k for k in range(len(left)) if left[k] not in safe]
        if not candidates:
            break
        worst = max(candidates, key=lambda k: factors[k])
        if factors[worst] <= most:
            break
        dropped[left[worst]] = f"variance inflation {factors[worst]:.1f} is above max_vif={most:g}"
        left.pop(worst)
    return dropped


def _correlation(woe: Floats, weight: Floats | None) -> Floats:
    covariance = np.cov(woe, rowvar=False, aweights=weight)
    scale = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(scale, scale), dtype=np.float64)


def stepwise(
    woe: Floats, event: NDArray[Any], weight: Floats | None, pool: list[int], safe: set[int], level: float, C: float
) -> dict[int, str]:
    """Return the columns that do not enter by Rao's score test, or leave again by Wald's, and by what figures."""
    chosen = [i for i in pool if i in safe]
    rows = np.ones(len(event)) if weight is None else weight
    threshold = float(chi2.isf(level, 1))
    out: dict[int, str] = {}
    while rest := [i for i in pool if i not in chosen and i not in out]:
        fit = fit_logistic(woe[:, chosen], event, weight, C=C)
        gain = score_gain(woe, chosen, rest, event, rows, fit)
        if gain.max() <= threshold:
            candidates = zip(rest, gain, chi2.sf(gain, 1), strict=True)
            out |= {
                i: f"stepwise: adds too little beside the others (score test {g:.1f}, p {p:.3g})"
                for i, g, p in candidates
            }
            break
        chosen.append(rest[int(gain.argmax())])
        fit = fit_logistic(woe[:, chosen], event, weight, C=C)
        wald = (fit.coefficient / fit.standard_error) ** 2
        gone = {i: w for i, w in zip(chosen, wald, strict=True) if i not in safe and not w > threshold}
        # What has left once stays out: otherwise two characteristics could take turns for ever.
        out |= {
            i: f"stepwise: left again when others had entered (Wald's test {0.0 if np.isnan(w) else w:.1f})"
            for i, w in gone.items()
        }
        chosen = [i for i in chosen if i not in gone]
    return out


def score_gain(
    woe: Floats, chosen: list[int], rest: list[int], event: NDArray[Any], weight: Floats, fit: Logistic
) -> Floats:
    """Return Rao's score statistic of adding each further column, shape (rest,); 0 where it would point downwards."""
    design = np.column_stack([np.ones(len(woe)), woe[:, chosen]])
    p = expit(fit.intercept + woe[:, chosen] @ fit.coefficient)
    w = weight * p * (1 - p)
    new = woe[:, rest]
    weighted = (design * w[:, None]).T
    shared = weighted @ new
    within = np.linalg.solve(weighted @ design + 1e-9 * np.eye(design.shape[1]), shared)
    score = new.T @ (weight * (event - p))
    variance = np.einsum("ij,i,ij->j", new, w, new) - np.einsum("ij,ij->j", shared, within)
    return np.asarray(np.where(score > 0, score**2 / np.maximum(variance, 1e-12), 0.0))


def lasso(woe: Floats, event: NDArray[Any], weight: Floats | None, pool: list[int], C: float) -> dict[int, str]:
    """Return the columns whose coefficient is zero where the lasso's path has its lowest BIC."""
    if not pool:
        return {}
    X, rows = woe[:, pool], np.ones(len(event)) if weight is None else weight
    residual = rows * (event - rows @ event / rows.sum())
    highest = float(np.abs(X.T @ residual).max())
    best: tuple[float, list[int]] = (np.inf, list(pool))
    for strength in highest * np.geomspace(1.0, 1e-3, 25):
        fit = fit_logistic(X, event, weight, C=C, l1=float(strength))
        support = np.flatnonzero(fit.coefficient > 0)
        # The criterion is that of the chosen columns' own fit: the lasso's shrinkage is for choosing only.
        own = fit_logistic(X[:, support], event, weight, C=C)
        margin = own.intercept + X[:, support] @ own.coefficient
        deviance = 2 * float(rows @ (np.logaddexp(0.0, margin) - event * margin))
        criterion = deviance + len(support) * np.log(rows.sum())
        if criterion < best[0] - 1e-9:
            best = (criterion, [pool[k] for k in support])
    why = f"lasso: its coefficient is zero where the path has the lowest BIC ({best[0]:.1f})"
    return {i: why for i in pool if i not in best[1]}


def positive_share(
    woe_from: Callable[[NDArray[np.bool_]], Floats],
    event: NDArray[Any],
    weight: Floats | None,
    pool: list[int],
    C: float,
    seed: Seed,
) -> dict[int, float]:
    """Return on which share of folds a column's coefficient is positive, of bins that were fitted on the others."""
    fold = np.random.default_rng(seed).permutation(len(event)) % _FOLDS
    positive = np.zeros(len(pool))
    used = 0
    for number in range(_FOLDS):
        rows = fold == number
        if len(np.unique(event[rows])) < 2 or len(np.unique(event[~rows])) < 2:
            continue
        own = None if weight is None else weight[rows]
        woe = woe_from(~rows)[rows][:, pool]
        positive += fit_logistic(woe, event[rows], own, C=C, nonnegative=False).coefficient > 0
        used += 1
    return {i: float(count) / max(used, 1) for i, count in zip(pool, positive, strict=True)}
