"""Logistic regression in which some neighbouring values may not fall: Newton's steps, projected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.special import expit

from riskml.errors import FitError
from riskml.runtime.frame import Floats

_CLOSE = 1e-7  # largest slope per row that is left, as a share of a row's
_STEPS = 40  # halvings of a step


@dataclass(frozen=True)
class Solution:
    """An intercept, and a coefficient per column of the matrix."""

    intercept: float
    coefficients: Floats
    iterations: int


def ordered_logistic(
    matrix: sparse.csr_matrix,
    target: NDArray[np.int8],
    C: float,
    runs: Sequence[tuple[slice, int]] = (),
    max_iter: int = 500,
) -> Solution:
    """Return the coefficients of least penalised log loss among those that keep to an order."""
    width = matrix.shape[1]
    # Within a run: a first value, and steps that are not negative.
    change, least = np.eye(width), np.full(width + 1, -np.inf)
    for run, sign in runs:
        size = run.stop - run.start
        change[run, run] = sign * np.tril(np.ones((size, size)))
        least[run.start + 2 : run.stop + 1] = 0.0
    table = sparse.hstack([np.ones((len(target), 1)), matrix @ sparse.csr_matrix(change)], format="csr")
    pull = np.zeros((width + 1, width + 1))
    pull[1:, 1:] = change.T @ change / C

    def loss(free: Floats) -> float:
        margin = table @ free
        return float(np.sum(np.logaddexp(0.0, margin) - target * margin) + free @ pull @ free / 2)

    free, now = np.zeros(width + 1), loss(np.zeros(width + 1))
    for iteration in range(1, max_iter + 1):
        chance = expit(table @ free)
        slope = table.T @ (chance - target) + pull @ free
        moves = ~((free <= least) & (slope > 0))
        if np.abs(slope[moves]).max(initial=0.0) < _CLOSE * len(target):
            return Solution(float(free[0]), change @ free[1:], iteration)
        part = table[:, moves]
        curve = (part.T @ part.multiply((chance * (1.0 - chance))[:, None])).toarray() + pull[np.ix_(moves, moves)]
        step = np.zeros(width + 1)
        step[moves] = -linalg.solve(curve + 1e-12 * np.eye(len(curve)), slope[moves], assume_a="pos")
        for halving in range(_STEPS):
            candidate = np.maximum(free + step * 0.5**halving, least)
            then = loss(candidate)
            if then <= now + 1e-4 * slope @ (candidate - free):
                break
        else:  # as near as the numbers' precision allows
            return Solution(float(free[0]), change @ free[1:], iteration)
        free, now = candidate, then
    raise FitError(f"the logistic has not converged in {max_iter} iterations", fix="raise max_iter, or lower C")
