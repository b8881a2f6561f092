"""Penalised logistic regression on piecewise-linear features: smooth, additive, and robust to outliers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy import linalg, sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from riskml.base import RiskEstimator, SpecialValues
from riskml.errors import FitError
from riskml.models.family import Family, directions
from riskml.runtime.additive import Additive
from riskml.runtime.frame import Floats, codes
from riskml.runtime.shapes import Levels, Line, Shape
from riskml.schema import Column


@dataclass(eq=False, repr=False)
class Logistic(RiskEstimator):
    """Logistic regression with an L2 penalty, in which each number enters as a bent line and each level as a value.

    The knots lie at quantiles, so that an outlier moves nothing; beyond the outer knots (the 1st and 99th percentile)
    the line is level. Missing values and special codes have values of their own; where training saw none, they count
    as average. Every shape is centred on the training rows: ``model_.base`` is the average customer's log-odds.

    Parameters
    ----------
    knots : int, default=6
        Knots per numeric column.
    C : float, default=1.0
        Inverse strength of the penalty.
    min_level_count : int, default=10
        Levels with fewer training rows are pooled into "other".
    special_values : mapping of column name to codes, optional
        Numbers that are no quantities.
    max_iter : int, default=500
        Iterations of the solver at the most.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where a numeric column rises; missing values and special codes have no place in it.

    Attributes
    ----------
    model_ : Additive
        An intercept and a shape per column.

    Notes
    -----
    A bent line is a linear B-spline; see Eilers and Marx (1996), "Flexible smoothing with B-splines and penalties".

    Examples
    --------
    >>> X = pd.DataFrame({"debt": [0.0, 1.0, 2.0, 3.0] * 10, "home": ["own", "own", "rent", None] * 10})
    >>> model = Logistic().fit(X, [0, 0, 1, 1] * 10)
    >>> model.predict(X.head(4)).tolist()
    [0, 0, 1, 1]
    """

    knots: int = 6
    C: float = 1.0
    min_level_count: int = 10
    special_values: SpecialValues | None = None
    max_iter: int = 500
    monotone: Mapping[str, str] | None = None
    model_: Additive = field(init=False)

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the shapes; the greater class of y is the event."""
        frame = self._learn_schema(X, self.special_values)
        target = self._learn_target(frame, y)
        shapes, blocks = [], []
        for column in self.schema_:
            shape, block = self._basis(column, frame[column.name])
            shapes.append(shape)
            blocks.append(block)
        matrix = sparse.hstack(blocks, format="csr")
        widths = [block.shape[1] for block in blocks]
        first = np.cumsum([0, *widths])
        runs = [
            (slice(int(start), int(start) + len(shape.knots)), sign)
            for start, shape, sign in zip(
                first[:-1], shapes, directions(self.schema_, self.monotone or {}), strict=True
            )
            if sign and isinstance(shape, Line)
        ]
        intercept, coefficients = self._solved(matrix, target, runs)
        parts = np.split(coefficients, first[1:-1])
        ordered = {run.start for run, _ in runs}
        centred = []
        for shape, block, part, start in zip(shapes, blocks, parts, first[:-1], strict=True):
            share = np.asarray(block.mean(axis=0)).ravel()
            seen = share > 0
            if start in ordered and isinstance(shape, Line):
                seen[: len(shape.knots)] = True  # a knot between two clusters of values keeps its place in the order
            filled, mean = _centred(shape, share, part, seen)
            centred.append(filled)
            intercept += mean
        self.model_ = Additive(intercept, tuple(centred))
        return self

    def _solved(
        self, matrix: sparse.csr_matrix, target: NDArray[np.int8], runs: Sequence[tuple[slice, int]]
    ) -> tuple[float, Floats]:
        """Return the intercept and the coefficients."""
        if runs:
            solution = ordered_logistic(matrix, target, self.C, runs, self.max_iter)
            self.n_iter_ = solution.iterations
            return solution.intercept, solution.coefficients
        # Second-order steps: the lines' columns overlap, on which first-order solvers crawl.
        fitted = LogisticRegression(C=self.C, solver="newton-cg", max_iter=self.max_iter, tol=1e-6).fit(matrix, target)
        self.n_iter_ = int(fitted.n_iter_[0])
        return float(fitted.intercept_[0]), fitted.coef_[0]

    def _basis(self, column: Column, values: pd.Series) -> tuple[Shape, sparse.csr_matrix]:
        """Return a column's shape with nothing filled in, and its matrix with one column for each of its values."""
        if column.kind == "numeric":
            special = tuple(float(code) for code in column.special)
            return _line(column.name, values.to_numpy(dtype=np.float64), self.knots, special)
        return _levels(column.name, values.to_numpy(dtype=object), self.min_level_count)


def _line(name: str, values: Floats, count: int, special: tuple[float, ...]) -> tuple[Line, sparse.csr_matrix]:
    plain = ~np.isnan(values) & ~np.isin(values, special)
    knots = _knots(values[plain], count)
    at = np.clip(values[plain], knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, max(len(knots) - 2, 0))
    right = np.minimum(left + 1, len(knots) - 1)
    gap = np.where(right > left, knots[right] - knots[left], 1.0)
    share = np.where(right > left, (at - knots[left]) / gap, 0.0)
    own = np.full(len(values), len(knots))
    for position, code in enumerate(special):
        own[values == code] = len(knots) + 1 + position
    rows, odd = np.flatnonzero(plain), np.flatnonzero(~plain)
    matrix = sparse.csr_matrix(
        (
            np.concatenate([1.0 - share, share, np.ones(len(odd))]),
            (np.concatenate([rows, rows, odd]), np.concatenate([left, right, own[odd]])),
        ),
        shape=(len(values), len(knots) + 1 + len(special)),
    )
    return Line(name, tuple(knots.tolist()), special, ()), matrix


def _knots(values: Floats, count: int) -> Floats:
    if not len(values):
        return np.zeros(1)
    return np.unique(np.quantile(values, np.linspace(0.01, 0.99, max(count, 2))))


def _levels(name: str, values: NDArray[np.object_], least: int) -> tuple[Levels, sparse.csr_matrix]:
    counts = pd.Series(values).value_counts()
    kept = sorted(counts.index[counts >= least])
    index = {level: slot for slot, level in enumerate(kept)}
    slots = codes(values, index, missing=len(kept), other=len(kept) + 1)
    shape = (len(values), len(kept) + 2)
    matrix = sparse.csr_matrix((np.ones(len(values)), (np.arange(len(values)), slots)), shape=shape)
    return Levels(name, index, ()), matrix


def _centred(shape: Shape, share: Floats, value: Floats, seen: NDArray[np.bool_]) -> tuple[Shape, float]:
    """Return the shape filled with its values less their mean, and that mean; what training never saw counts as 0."""
    mean = float(share @ value)
    filled = tuple(np.where(seen, value - mean, 0.0).tolist())
    return type(shape)(**{**vars(shape), "value": filled}), mean


FAMILY = Family(
    "logistic",
    label="logistic regression",
    description="a penalised logistic regression on piecewise-linear features",
    colour="#56b4e9",
    estimator=Logistic,
    space={
        "knots": IntDistribution(3, 12),
        "C": FloatDistribution(0.02, 20.0, log=True),
        "min_level_count": IntDistribution(5, 50, log=True),
    },
    defaults={"knots": 6, "C": 0.5, "min_level_count": 10},
    complexity=2,
    interpretable=True,
    time_share=0.2,
)


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
