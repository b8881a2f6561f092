"""Logistic regression with non-negative coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from riskml.errors import FitError
from riskml.runtime.frame import Floats

_ROUNDS = 50


@dataclass(frozen=True)
class Logistic:
    """A fitted regression."""

    intercept: float
    coefficient: Floats  # none is negative
    intercept_error: float
    standard_error: Floats  # naN for coefficients that lie on the bound 0

    @property
    def p_value(self) -> Floats:
        """Two-sided p-values of Wald's test that a coefficient is 0, shape (p,); NaN on the bound."""
        return np.asarray(2 * norm.sf(np.abs(self.coefficient / self.standard_error)))


def fit_logistic(
    X: Floats,
    event: NDArray[Any],
    weight: Floats | None = None,
    *,
    C: float = 1.0,
    l1: float = 0.0,
    nonnegative: bool = True,
) -> Logistic:
    """Return the L2-penalised maximum-likelihood fit with coefficients not below 0."""
    rows, count = X.shape
    weight = np.ones(rows) if weight is None else weight
    design = np.column_stack([np.ones(rows), X])
    ridge = np.diag([0.0, *np.full(count, 1.0 / C)])
    bounded = np.array([False, *np.full(count, nonnegative)])
    share = float(weight @ event / weight.sum())
    b = np.zeros(count + 1)
    b[0] = np.log(share / (1 - share))
    pull = np.concatenate([[0.0], np.full(count, l1)])
    loss = _loss(design, event, weight, b, ridge, pull)
    for _ in range(_ROUNDS):
        p = expit(design @ b)
        gradient = design.T @ (weight * (p - event)) + ridge @ b + pull
        hessian = (design * (weight * np.maximum(p * (1 - p), 1e-10))[:, None]).T @ design + ridge
        step = nonnegative_minimum(hessian, hessian @ b - gradient, bounded, b) - b
        # A full step can overshoot where the classes are nearly separate: halve it until the loss falls.
        scale, worst = 1.0, loss + 1e-12 * abs(loss)
        while (after := _loss(design, event, weight, b + scale * step, ridge, pull)) > worst and scale > 1e-8:
            scale /= 2
        b = b + scale * step
        done = np.abs(scale * step).max() < 1e-9
        loss = after
        if done:
            break
    else:
        if np.abs(step).max() > 1e-4:
            raise FitError(
                "the logistic regression does not converge: a characteristic separates the classes",
                fix="leave out characteristics that give the outcome away, or lower C",
            )
    free = ~bounded | (b > 0)
    p = expit(design @ b)
    information = (design[:, free] * (weight * p * (1 - p))[:, None]).T @ design[:, free]
    error = np.full(count + 1, np.nan)
    error[free] = np.sqrt(np.maximum(np.diag(np.linalg.pinv(information)), 0.0))
    return Logistic(float(b[0]), b[1:], float(error[0]), error[1:])


def nonnegative_minimum(hessian: Floats, linear: Floats, bounded: NDArray[np.bool_], start: Floats) -> Floats:
    """Return the minimum of ``x' H x / 2 - c' x`` where the bounded variables are not below 0."""
    scale = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    scaled = hessian / np.outer(scale, scale) + 1e-12 * np.eye(len(scale))
    target = linear / scale
    passive = ~bounded | (start > 0)
    fewest, patience = len(scale) + 1, 3
    for _ in range(100 + 5 * len(scale)):
        x = np.zeros(len(scale))
        x[passive] = np.linalg.solve(scaled[np.ix_(passive, passive)], target[passive])
        slope = scaled @ x - target
        wrong = bounded & np.where(passive, x < -1e-12, slope < -1e-10)
        count = int(wrong.sum())
        if not count:
            break
        if count < fewest:
            fewest, patience = count, 3
        elif patience:
            patience -= 1
        else:  # exchanging one at a time cannot cycle
            wrong[: np.flatnonzero(wrong)[-1]] = False
        passive ^= wrong
    return np.asarray(np.where(bounded, np.maximum(x, 0.0), x) / scale)


def _loss(design: Floats, event: NDArray[Any], weight: Floats, b: Floats, ridge: Floats, pull: Floats) -> float:
    margin = design @ b
    return float(weight @ (np.logaddexp(0.0, margin) - event * margin) + b @ ridge @ b / 2 + pull @ b)
