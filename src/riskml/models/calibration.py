"""Platt calibration of log-odds, where the out-of-fold rows show a need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from riskml.runtime.frame import Floats

_SLOPE_PULL = 1e-3  # towards 1, per row: a handful of rows must not turn a ranking round


@dataclass(frozen=True)
class Platt:
    """``intercept + slope * margin``; the slope is positive, so that the ranking stays."""

    intercept: float
    slope: float

    def margin(self, margin: Floats) -> Floats:
        """Return calibrated log-odds, shape (n,)."""
        return np.asarray(self.intercept + self.slope * margin)


def platt(margin: Floats, target: NDArray[np.int8]) -> Platt:
    """Return the slope and the intercept of least log loss."""

    def loss(free: Floats) -> tuple[float, Floats]:
        away = free[1] - 1.0
        total = free[0] + free[1] * margin
        value = float(np.mean(np.logaddexp(0.0, total) - target * total)) + _SLOPE_PULL * away**2 / 2
        residual = (expit(total) - target) / len(target)
        return value, np.array([residual.sum(), residual @ margin + _SLOPE_PULL * away])

    solution = minimize(loss, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[(None, None), (0.05, None)])
    return Platt(float(solution.x[0]), float(solution.x[1]))


def needed(margin: Floats, target: NDArray[np.int8], fold: NDArray[np.int_], folds: Sequence[int]) -> Floats | None:
    """Return the log-odds of each fold calibrated on the other folds, or None where that makes them no better."""
    out = np.empty_like(margin)
    for number in folds:
        inside = fold == number
        out[inside] = platt(margin[~inside], target[~inside]).margin(margin[inside])
    gain = 2 * (_loss(margin, target) - _loss(out, target))
    return out if gain > 2 * np.log(len(target)) else None


def _loss(margin: Floats, target: NDArray[np.int8]) -> float:
    return float(np.sum(np.logaddexp(0.0, margin) - target * margin))
