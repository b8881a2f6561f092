"""Which characteristics the card keeps, and why each of the others went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from riskml.runtime.frame import Floats
from riskml.scorecard.logistic import Logistic, fit_logistic


@dataclass(frozen=True)
class Selection:
    """The characteristics that stay.

    Parameters
    ----------
    kept : list of int
        Positions of the columns.
    table : DataFrame
        ``column``, ``iv``, ``kept``, ``reason`` (empty for those that stay).
    """

    kept: list[int]
    table: pd.DataFrame


def select(
    woe: Floats,
    event: NDArray[np.int8],
    weight: Floats | None,
    summary: pd.DataFrame,
    *,
    min_iv: float,
    max_characteristics: int | None,
    C: float,
) -> Selection:
    """Return the characteristics that stay, after each test in turn."""
    reasons: dict[int, str] = {}
    iv = summary["iv"].to_numpy()
    for i, value in enumerate(iv):
        if summary["n_bins"].iloc[i] < 2 and value <= 0:
            reasons[i] = "constant: one bin only"
        elif value < min_iv:
            reasons[i] = f"information value {value:.4f} is below min_iv={min_iv:g}"
    left = [i for i in range(len(iv)) if i not in reasons]
    if max_characteristics is not None and len(left) > max_characteristics:
        chosen = _forward(woe, event, weight, left, max_characteristics, C)
        for i in left:
            if i not in chosen:
                reasons[i] = f"not among the best max_characteristics={max_characteristics} by gain of likelihood"
        left = [i for i in left if i in chosen]
    while left:
        fit = fit_logistic(woe[:, left], event, weight, C=C)
        against = [i for i, b in zip(left, fit.coefficient, strict=True) if b <= 0]
        if not against:
            break
        for i in against:
            reasons[i] = "beside the others it would point against its weight of evidence"
        left = [i for i in left if i not in against]
    table = pd.DataFrame(
        {
            "column": summary["column"],
            "iv": iv,
            "kept": [i in left for i in range(len(iv))],
            "reason": [reasons.get(i, "") for i in range(len(iv))],
        }
    )
    return Selection(left, table)


def _forward(
    woe: Floats, event: NDArray[np.int8], weight: Floats | None, pool: list[int], most: int, C: float
) -> list[int]:
    """Return the characteristics taken one by one, each the one whose score test promises the largest gain."""
    chosen: list[int] = []
    rows = np.ones(len(event)) if weight is None else weight
    while len(chosen) < most:
        fit = fit_logistic(woe[:, chosen], event, weight, C=C)
        rest = [i for i in pool if i not in chosen]
        gain = score_gain(woe, chosen, rest, event, rows, fit)
        if not len(gain) or gain.max() <= 0:
            break
        chosen.append(rest[int(gain.argmax())])
    return chosen


def score_gain(
    woe: Floats, chosen: list[int], rest: list[int], event: NDArray[np.int8], weight: Floats, fit: Logistic
) -> Floats:
    """Return Rao's score statistic of adding each further column; 0 where its coefficient would be negative."""
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
