"""Selection of the characteristics of a card, with the reason for each one that is dropped."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2

from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.frame import Floats
from riskml.scorecard.binning.options import Seed, is_number
from riskml.scorecard.card.flexible_regression import FlexibleFit, fit_flexible
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


Method = Literal["all", "stepwise", "l1"]


@dataclass(frozen=True)
class SelectionRules:
    """What a characteristic must satisfy to stay; None asks nothing."""

    min_iv: float = 0.01  # least information value
    # of two weights of evidence that correlate more, the one of lower information value goes
    max_correlation: float | None = 0.95
    max_vif: float | None = None  # highest variance inflation factor; the highest goes first
    # all that remain; or stepwise by Rao's score test (in) and Wald's test (out); or a lasso of lowest BIC
    method: Method = "all"
    p_value: float = 0.05  # the level of the stepwise tests
    # least share of five folds on which the coefficient is positive, of weights of evidence that were fitted on the
    # other folds, where it may be negative: noise is positive on about half of them
    min_stability: float | None = None
    # the characteristic with the lowest Wald statistic goes until so many are left
    max_characteristics: int | None = None
    # columns that no rule may drop, unless they have one bin only or would point against their weight of evidence; a
    # warning then says so
    always_keep: Sequence[str] = ()

    def check(self, columns: Sequence[str]) -> None:
        """Refuse rules that make no sense for these columns."""
        shares = {"min_iv": self.min_iv, "max_correlation": self.max_correlation, "min_stability": self.min_stability}
        numbers = shares | {"max_vif": self.max_vif, "selection_p_value": self.p_value}
        required = ("min_iv", "selection_p_value")
        problems = {
            name: f"{name} must be a number; got {value!r}"
            for name, value in numbers.items()
            if not (is_number(value) or (value is None and name not in required))
        }
        if isinstance(self.always_keep, str) or not isinstance(self.always_keep, Iterable):
            problems["always_keep"] = f"always_keep is a list of columns; got {self.always_keep!r}"
        if self.max_characteristics is not None and not is_number(self.max_characteristics, whole=True):
            problems["max_characteristics"] = (
                f"max_characteristics must be a whole number; got {self.max_characteristics!r}"
            )
        problems = problems or self._out_of_range(list(columns))
        if problems:
            raise ConfigError("\n".join(problems.values()), where=", ".join(problems), fix="correct these parameters")

    def _out_of_range(self, columns: Sequence[str]) -> dict[str, str]:
        ranges = (
            ("min_iv", self.min_iv, 0.0, np.inf),
            ("max_correlation", self.max_correlation, 0.0, 1.0),
            ("min_stability", self.min_stability, 0.0, 1.0),
        )
        problems = {
            name: f"{name} must lie between {low:g} and {high:g}; got {value}"
            for name, value, low, high in ranges
            if value is not None and not low <= value <= high
        }
        if not 0 < self.p_value < 1:
            problems["selection_p_value"] = f"selection_p_value must lie between 0 and 1; got {self.p_value}"
        if self.max_vif is not None and self.max_vif <= 1:
            problems["max_vif"] = f"max_vif must be above 1; got {self.max_vif}"
        if self.method not in get_args(Method):
            problems["selection"] = f"selection must be one of {', '.join(get_args(Method))}; got {self.method!r}"
        if self.max_characteristics is not None and self.max_characteristics < max(1, len(self.always_keep)):
            problems["max_characteristics"] = (
                f"max_characteristics must be at least 1 and leave room for always_keep; got {self.max_characteristics}"
            )
        unknown = [str(name) for name in self.always_keep if str(name) not in columns]
        if unknown:
            problems["always_keep"] = "\n".join(
                f"always_keep names {name!r}, which is no column; {did_you_mean(name, columns)}".rstrip("; ")
                for name in unknown
            )
        return problems


@dataclass(frozen=True)
class Selection:
    """The characteristics that stay."""

    kept: list[int]  # positions of the columns
    flexible: FlexibleFit  # their log-odds per bin
    fit: Logistic  # the regression on their weights of evidence
    table: pd.DataFrame  # ``column``, ``iv``, ``kept``, ``reason`` (empty for those that stay)


def select(
    woe: Floats,
    event: NDArray[Any],
    weight: Floats | None,
    summary: pd.DataFrame,
    rules: SelectionRules,
    *,
    woe_from: Callable[[NDArray[np.bool_]], Floats],
    notes: Sequence[str],
    C: float,
    flexibility: float,
    random_state: Seed = 0,
) -> Selection:
    """Return the characteristics that stay, after each rule in turn."""
    names = [str(name) for name in summary["column"]]
    iv = summary["iv"].to_numpy()
    safe = {i for i, name in enumerate(names) if name in map(str, rules.always_keep)}
    reasons: dict[int, str] = {}

    def drop(dropped: dict[int, str], *, even_safe: bool = False) -> None:
        for i in sorted(safe & set(dropped)) if even_safe else ():
            warnings.warn(f"always_keep: {names[i]!r} leaves all the same: {dropped[i]}", UserWarning, stacklevel=4)
        reasons.update({i: why for i, why in dropped.items() if even_safe or i not in safe})

    def left() -> list[int]:
        return [i for i in range(len(iv)) if i not in reasons]

    flat = [i for i in left() if np.ptp(woe[:, i]) == 0]
    drop({i: f"one bin only: {notes[i] or 'no cut is allowed'}" for i in flat}, even_safe=True)
    drop({i: f"information value {iv[i]:.4f} is below min_iv={rules.min_iv:g}" for i in left() if iv[i] < rules.min_iv})
    if rules.max_correlation is not None:
        drop(correlated(woe, weight, left(), iv, safe, rules.max_correlation, names))
    if rules.max_vif is not None:
        drop(inflated(woe, weight, left(), safe, rules.max_vif))
    if rules.method == "stepwise":
        drop(stepwise(woe, event, weight, left(), safe, rules.p_value, C))
    if rules.method == "l1":
        drop(lasso(woe, event, weight, left(), C))
    if rules.min_stability is not None:
        share = positive_share(woe_from, event, weight, left(), C, random_state)
        least = rules.min_stability
        drop({i: f"positive in {s:.0%} of folds, below min_stability={least:g}" for i, s in share.items() if s < least})
    kept, flexible, fit = _fitted(woe, event, weight, left, drop, safe, rules.max_characteristics, C, flexibility)
    table = pd.DataFrame(
        {
            "column": summary["column"],
            "iv": iv,
            "kept": [i not in reasons for i in range(len(iv))],
            "reason": [reasons.get(i, "") for i in range(len(iv))],
        }
    )
    return Selection(kept, flexible, fit, table)


def _fitted(
    woe: Floats,
    event: NDArray[Any],
    weight: Floats | None,
    left: Callable[[], list[int]],
    drop: Callable[..., None],
    safe: set[int],
    most: int | None,
    C: float,
    flexibility: float,
) -> tuple[list[int], FlexibleFit, Logistic]:
    """Return what stays when none points against its weight of evidence and there are not too many, with the fits."""
    while True:
        kept = left()
        fit = fit_logistic(woe[:, kept], event, weight, C=C)
        against = [i for i, b in zip(kept, fit.coefficient, strict=True) if b <= 0]
        if against:
            why = "beside the others it would point against its weight of evidence"
            drop(dict.fromkeys(against, why), even_safe=True)
            continue
        flexible = fit_flexible([woe[:, i] for i in kept], event, weight, C=C, flexibility=flexibility)
        if most is None or len(kept) <= most:
            return kept, flexible, fit
        weakest = min((i for i in kept if i not in safe), key=lambda i: flexible.wald[kept.index(i)])
        wald = flexible.wald[kept.index(weakest)]
        drop({weakest: f"weakest beyond max_characteristics={most} (Wald {wald:.1f})"})
