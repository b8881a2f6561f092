"""Log-odds per bin, fitted jointly, in the order of the weights of evidence.

A weight of evidence knows one characteristic alone. Beside the others, part of a bin's evidence is already told, and
the classic card can only scale all bins of a characteristic by one coefficient. Here every step from one bin to the
next riskier one has its own slope: it may not be negative (no bin points against its weight of evidence), and it is
drawn towards the characteristic's common coefficient by a Gaussian prior on the step's departure in log-odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskml.errors import FitError
from riskml.runtime.frame import Floats
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.card.regression import nonnegative_minimum

_ROUNDS = 50


@dataclass(frozen=True)
class FlexibleFit:
    """A fitted card on the log-odds scale."""

    intercept: float
    weights: tuple[Floats, ...]  # the distinct weights of evidence of each characteristic, rising
    values: tuple[Floats, ...]  # log-odds at those weights; they never fall where the weights rise
    loss: float  # summed log-loss, penalty included
    wald: Floats  # wald's statistic of each characteristic: about twice the loss that leaving it out would add

    def value_at(self, characteristic: int, woe: float) -> float:
        """Return the log-odds of a bin, by interpolation for one that no row of the training had."""
        return float(np.interp(woe, self.weights[characteristic], self.values[characteristic]))


def fit_flexible(
    woe: Sequence[Floats],
    event: NDArray[Any],
    weight: Floats | None = None,
    *,
    C: float = 0.3,
    flexibility: float = 0.2,
) -> FlexibleFit:
    """Return the penalised maximum-likelihood log-odds of every bin."""
    problem = _Problem.of(woe, event, weight, C, flexibility)
    theta = np.zeros(len(problem.ridge))
    share = float(problem.weight @ event / problem.weight.sum())
    theta[0] = np.log(share / (1 - share))
    bounded = np.arange(len(theta)) > 0
    margin = problem.margin(theta)
    loss = problem.loss(margin, theta)
    for _ in range(_ROUNDS):
        gradient, hessian = problem.derivatives(margin, theta)
        step = nonnegative_minimum(hessian, hessian @ theta - gradient, bounded, theta) - theta
        move, scale = problem.margin(step), 1.0
        while (after := problem.loss(margin + scale * move, theta + scale * step)) > loss + 1e-10 * abs(loss):
            scale /= 2
            if scale < 1e-8:
                break
        theta, margin = theta + scale * step, margin + scale * move
        gained, loss = loss - after, after
        if gained < 1e-9 * abs(loss):
            break
    else:
        raise FitError(
            "the logistic regression does not converge: a characteristic separates the classes",
            fix="leave out characteristics that give the outcome away, or lower C",
        )
    values = problem.transform @ theta[1:]
    parts = tuple(np.split(values, problem.offsets[1:-1])) if len(problem.weights) else ()
    return FlexibleFit(float(theta[0]), problem.weights, parts, loss, problem.wald(margin, theta))


@dataclass(frozen=True)
class _Problem:
    weights: tuple[Floats, ...]
    codes: tuple[NDArray[np.intp], ...]  # of each characteristic: the position of each row's bin
    offsets: NDArray[np.intp]
    transform: Floats  # (bins, parameters): log-odds of all bins from coefficients and slopes
    ridge: Floats
    owner: NDArray[np.intp]  # (parameters,): the characteristic of each
    event: NDArray[Any]
    weight: Floats

    @classmethod
    def of(
        cls, woe: Sequence[Floats], event: NDArray[Any], weight: Floats | None, C: float, flexibility: float
    ) -> _Problem:
        weights, codes, blocks, ridges = [], [], [], []
        for column in woe:
            distinct, code = np.unique(column, return_inverse=True)
            weights.append(distinct)
            codes.append(code)
            block, ridge = _block(distinct, C, flexibility)
            blocks.append(block)
            ridges.append(ridge)
        return cls(
            tuple(weights),
            tuple(codes),
            np.cumsum([0, *map(len, weights)]),
            _diagonal(blocks),
            _diagonal([np.zeros((1, 1)), *ridges]),
            np.repeat(np.arange(len(ridges)), [len(ridge) for ridge in ridges]),
            event,
            np.ones(len(event)) if weight is None else weight,
        )

    def margin(self, theta: Floats) -> Floats:
        values = self.transform @ theta[1:]
        total = np.full(len(self.event), theta[0])
        for codes, offset in zip(self.codes, self.offsets, strict=False):
            total += values[offset + codes]
        return total

    def loss(self, margin: Floats, theta: Floats) -> float:
        fit = np.logaddexp(0.0, margin) - self.event * margin
        return float(self.weight @ fit + theta @ self.ridge @ theta / 2)

    def derivatives(self, margin: Floats, theta: Floats) -> tuple[Floats, Floats]:
        p = expit(margin)
        pull, curve = self.weight * (p - self.event), self.weight * np.maximum(p * (1 - p), 1e-10)
        bins, sizes = len(self.transform), np.diff(self.offsets)
        slope, bend = np.zeros(bins + 1), np.zeros((bins + 1, bins + 1))
        slope[0], bend[0, 0] = pull.sum(), curve.sum()
        for i, size in enumerate(sizes):
            rows = slice(1 + self.offsets[i], 1 + self.offsets[i + 1])
            slope[rows] = np.bincount(self.codes[i], pull, minlength=size)
            own = np.bincount(self.codes[i], curve, minlength=size)
            bend[rows, rows] = np.diag(own)
            bend[0, rows] = bend[rows, 0] = own
            for j in range(i):
                pairs = np.bincount(self.codes[i] * sizes[j] + self.codes[j], curve, minlength=size * sizes[j])
                columns = slice(1 + self.offsets[j], 1 + self.offsets[j + 1])
                bend[rows, columns] = pairs.reshape(size, sizes[j])
                bend[columns, rows] = bend[rows, columns].T
        whole = np.zeros((bins + 1, len(theta)))
        whole[0, 0], whole[1:, 1:] = 1.0, self.transform
        return whole.T @ slope + self.ridge @ theta, whole.T @ bend @ whole + self.ridge

    def wald(self, margin: Floats, theta: Floats) -> Floats:
        _, hessian = self.derivatives(margin, theta)
        # Parameters on their bound are not estimates: the others' curvature is taken with these held fixed.
        free = np.flatnonzero(np.concatenate([[True], theta[1:] > 0]))
        covariance = np.linalg.pinv(hessian[np.ix_(free, free)], hermitian=True)
        owner = np.concatenate([[-1], self.owner])[free]
        out = np.zeros(len(self.codes))
        for i in range(len(out)):
            own = np.flatnonzero(owner == i)
            if len(own):
                estimate = theta[free[own]]
                out[i] = estimate @ np.linalg.solve(covariance[np.ix_(own, own)], estimate)
        return out


def _block(distinct: Floats, C: float, flexibility: float) -> tuple[Floats, Floats]:
    """Return one characteristic's log-odds as a matrix of its parameters, and the penalty on these."""
    if flexibility <= 0 or len(distinct) < 2:
        return distinct[:, None], np.array([[1.0 / C]])
    gaps = np.diff(distinct)
    # Log-odds of bin k: b * lowest weight + the slopes times gaps up to k.
    block = np.column_stack([np.full(len(distinct), distinct[0]), np.tri(len(distinct), len(gaps), -1) * gaps])
    pull = (gaps / flexibility) ** 2
    ridge = np.diag([1.0 / C + pull.sum(), *pull])
    ridge[0, 1:] = ridge[1:, 0] = -pull
    return block, ridge


def _diagonal(blocks: Sequence[Floats]) -> Floats:
    rows, columns = np.cumsum([(0, 0), *(block.shape for block in blocks)], axis=0).T
    out = np.zeros((rows[-1], columns[-1]))
    for block, row, column in zip(blocks, rows, columns, strict=False):
        out[row : row + block.shape[0], column : column + block.shape[1]] = block
    return out


def log_odds(fit: FlexibleFit, characteristic: int, bins: ColumnBins, *, classic: bool) -> list[float]:
    """Return the log-odds of each slot; one that no row of the training fell into, and no option weighs, is average."""
    values = np.array([fit.value_at(characteristic, weight) for weight in bins.shape.value])
    if classic:
        return list(map(float, values))
    rows = bins.counts.sum(axis=1)
    silent = (rows == 0) & (np.asarray(bins.shape.value) == 0)
    return list(map(float, np.where(silent, rows @ values / rows.sum(), values)))
