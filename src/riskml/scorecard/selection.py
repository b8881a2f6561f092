"""Which characteristics the card keeps, and why each of the others went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2

from riskml.errors import ConfigError
from riskml.runtime.frame import Floats
from riskml.schema import near
from riskml.scorecard.logistic import Logistic, fit_logistic
from riskml.scorecard.steps import Steps, fit_steps

Method = Literal["all", "stepwise", "l1"]
_FOLDS = 5


@dataclass(frozen=True)
class SelectionRules:
    """What a characteristic must satisfy to stay; None asks nothing.

    Parameters
    ----------
    min_iv : float
        Least information value.
    max_correlation : float, optional
        Of two weights of evidence that correlate more, the one of lower information value goes.
    max_vif : float, optional
        Highest variance inflation factor; the highest goes first.
    method : {"all", "stepwise", "l1"}
        All that remain; or stepwise by Rao's score test (in) and Wald's test (out); or a lasso of lowest BIC.
    p_value : float
        The level of the stepwise tests.
    min_stability : float, optional
        Least share of five folds on whose rows alone the coefficient is positive.
    max_characteristics : int, optional
        The characteristic with the lowest Wald statistic goes until so many are left.
    always_keep : sequence of str
        Columns that no rule may drop, unless they are constant or would point against their weight of evidence.
    """

    min_iv: float = 0.01
    max_correlation: float | None = 0.95
    max_vif: float | None = None
    method: Method = "all"
    p_value: float = 0.05
    min_stability: float | None = None
    max_characteristics: int | None = None
    always_keep: Sequence[str] = ()

    def check(self, columns: Sequence[str]) -> None:
        """Refuse rules that make no sense for these columns."""
        problems = []
        if self.method not in get_args(Method):
            problems.append(f"selection must be one of {', '.join(get_args(Method))}; got {self.method!r}")
        if not 0 < self.p_value < 1:
            problems.append(f"selection_p_value must lie between 0 and 1; got {self.p_value}")
        if self.max_characteristics is not None and self.max_characteristics < max(1, len(self.always_keep)):
            problems.append(
                f"max_characteristics must be at least 1 and leave room for always_keep; got {self.max_characteristics}"
            )
        if self.max_vif is not None and self.max_vif <= 1:
            problems.append(f"max_vif must be above 1; got {self.max_vif}")
        for name in self.always_keep:
            if name not in columns:
                problems.append(f"always_keep names {name!r}, which is no column; {near(name, columns)}")
        if problems:
            raise ConfigError("\n".join(problems), where="Scorecard", mend="correct these parameters")


@dataclass(frozen=True)
class Selection:
    """The characteristics that stay.

    Parameters
    ----------
    kept : list of int
        Positions of the columns.
    steps : Steps
        Their log-odds per bin.
    fit : Logistic
        The regression on their weights of evidence.
    table : DataFrame
        ``column``, ``iv``, ``kept``, ``reason`` (empty for those that stay).
    """

    kept: list[int]
    steps: Steps
    fit: Logistic
    table: pd.DataFrame


def select(
    woe: Floats,
    event: NDArray[Any],
    weight: Floats | None,
    summary: pd.DataFrame,
    rules: SelectionRules,
    *,
    C: float,
    flexibility: float,
    random_state: int = 0,
) -> Selection:
    """Return the characteristics that stay, after each rule in turn.

    Parameters
    ----------
    woe : ndarray of shape (n, p)
    event : ndarray of shape (n,)
    weight : ndarray of shape (n,), optional
    summary : DataFrame
        ``column`` and ``iv`` of the p columns.
    rules : SelectionRules
    C, flexibility : float
        As for `fit_steps`.
    random_state : int
        Seed of the folds.
    """
    rules.check([str(name) for name in summary["column"]])
    iv = summary["iv"].to_numpy()
    safe = {i for i, name in enumerate(summary["column"]) if name in rules.always_keep}
    reasons: dict[int, str] = {}

    def drop(found: dict[int, str], *, even_safe: bool = False) -> None:
        reasons.update({i: why for i, why in found.items() if even_safe or i not in safe})

    def left() -> list[int]:
        return [i for i in range(len(iv)) if i not in reasons]

    drop({i: "one bin only: constant, or no cut is allowed" for i in left() if np.ptp(woe[:, i]) == 0}, even_safe=True)
    drop({i: f"information value {iv[i]:.4f} is below min_iv={rules.min_iv:g}" for i in left() if iv[i] < rules.min_iv})
    if rules.max_correlation is not None:
        drop(_correlated(woe, left(), iv, safe, rules.max_correlation, list(summary["column"])))
    if rules.max_vif is not None:
        drop(_inflated(woe, left(), safe, rules.max_vif))
    choose: dict[str, Callable[[], list[int]]] = {
        "all": left,
        "stepwise": lambda: _stepwise(woe, event, weight, left(), safe, rules.p_value, C),
        "l1": lambda: _lasso(woe, event, weight, left(), C),
    }
    chosen = choose[rules.method]()
    drop({i: f"not chosen by selection={rules.method!r}" for i in left() if i not in chosen})
    if rules.min_stability is not None:
        share = _positive_share(woe, event, weight, left(), C, random_state)
        least = rules.min_stability
        drop({i: f"positive in {s:.0%} of folds, below min_stability={least:g}" for i, s in share.items() if s < least})
    while True:
        kept = left()
        fit = fit_logistic(woe[:, kept], event, weight, C=C)
        against = [i for i, b in zip(kept, fit.coefficient, strict=True) if b <= 0]
        if against:
            drop(
                dict.fromkeys(against, "beside the others it would point against its weight of evidence"),
                even_safe=True,
            )
            continue
        steps = fit_steps([woe[:, i] for i in kept], event, weight, C=C, flexibility=flexibility)
        if rules.max_characteristics is None or len(kept) <= rules.max_characteristics:
            break
        weakest = min((i for i in kept if i not in safe), key=lambda i: steps.wald[kept.index(i)])
        wald = steps.wald[kept.index(weakest)]
        drop({weakest: f"weakest beyond max_characteristics={rules.max_characteristics} (Wald {wald:.1f})"})
    table = pd.DataFrame(
        {
            "column": summary["column"],
            "iv": iv,
            "kept": [i not in reasons for i in range(len(iv))],
            "reason": [reasons.get(i, "") for i in range(len(iv))],
        }
    )
    return Selection(kept, steps, fit, table)


def _correlated(
    woe: Floats, pool: list[int], iv: Floats, safe: set[int], most: float, names: list[str]
) -> dict[int, str]:
    if len(pool) < 2:
        return {}
    correlation = np.abs(np.corrcoef(woe[:, pool], rowvar=False))
    found: dict[int, str] = {}
    # Strongest first, so that each is compared with what stays.
    order = sorted(range(len(pool)), key=lambda k: (pool[k] not in safe, -iv[pool[k]], pool[k]))
    for place, k in enumerate(order):
        for stronger in order[:place]:
            if pool[stronger] not in found and correlation[k, stronger] > most:
                found[pool[k]] = (
                    f"correlation {correlation[k, stronger]:.3f} with {names[pool[stronger]]!r} "
                    f"is above max_correlation={most:g}"
                )
                break
    return found


def variance_inflation(woe: Floats) -> Floats:
    """Return the variance inflation factor of each column, shape (p,).

    Parameters
    ----------
    woe : ndarray of shape (n, p)
        No column constant.

    References
    ----------
    Marquardt (1970): the diagonal of the inverse correlation matrix.
    """
    if woe.shape[1] < 2:
        return np.ones(woe.shape[1])
    correlation: Floats = np.asarray(np.corrcoef(woe, rowvar=False), dtype=np.float64)
    return np.asarray(np.diag(np.linalg.inv(correlation + 1e-10 * np.eye(len(correlation)))))


def _inflated(woe: Floats, pool: list[int], safe: set[int], most: float) -> dict[int, str]:
    found: dict[int, str] = {}
    left = list(pool)
    while len(left) > 1:
        factors = variance_inflation(woe[:, left])
        candidates = [k for k in range(len(left)) if left[k] not in safe]
        if not candidates:
            break
        worst = max(candidates, key=lambda k: factors[k])
        if factors[worst] <= most:
            break
        found[left[worst]] = f"variance inflation {factors[worst]:.1f} is above max_vif={most:g}"
        left.pop(worst)
    return found


def _stepwise(
    woe: Floats, event: NDArray[Any], weight: Floats | None, pool: list[int], safe: set[int], level: float, C: float
) -> list[int]:
    """Return the characteristics that enter by Rao's score test and do not leave by Wald's."""
    chosen = [i for i in pool if i in safe]
    rows = np.ones(len(event)) if weight is None else weight
    threshold = float(chi2.isf(level, 1))
    left_once: set[int] = set()
    while rest := [i for i in pool if i not in chosen and i not in left_once]:
        fit = fit_logistic(woe[:, chosen], event, weight, C=C)
        gain = score_gain(woe, chosen, rest, event, rows, fit)
        if gain.max() <= threshold:
            break
        chosen.append(rest[int(gain.argmax())])
        fit = fit_logistic(woe[:, chosen], event, weight, C=C)
        gone = [
            i
            for i, b, error in zip(chosen, fit.coefficient, fit.standard_error, strict=True)
            if i not in safe and not (b > 0 and (b / error) ** 2 > threshold)
        ]
        # What has left once stays out: otherwise two characteristics could take turns for ever.
        left_once.update(gone)
        chosen = [i for i in chosen if i not in gone]
    return chosen


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


def _lasso(woe: Floats, event: NDArray[Any], weight: Floats | None, pool: list[int], C: float) -> list[int]:
    """Return the characteristics that are not zero where the lasso's path has its lowest BIC."""
    if not pool:
        return []
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
    return best[1]


def _positive_share(
    woe: Floats, event: NDArray[Any], weight: Floats | None, pool: list[int], C: float, seed: int
) -> dict[int, float]:
    """Return in which share of folds, each fitted alone, a characteristic's coefficient is positive."""
    fold = np.random.default_rng(seed).permutation(len(event)) % _FOLDS
    positive = np.zeros(len(pool))
    used = 0
    for number in range(_FOLDS):
        rows = fold == number
        if len(np.unique(event[rows])) < 2:
            continue
        fit = fit_logistic(woe[rows][:, pool], event[rows], None if weight is None else weight[rows], C=C)
        positive += fit.coefficient > 0
        used += 1
    return {i: float(count) / max(used, 1) for i, count in zip(pool, positive, strict=True)}
