"""Events and non-events at each distinct score: what every rank measure, band and profit curve is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from riskml.metrics._inputs import Flags, Floats

Rows = NDArray[np.intp]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Steps:
    """Counts at the distinct scores, the riskiest first."""

    score: Floats  # distinct scores, descending
    events: Floats  # events and non-events with that score
    others: Floats

    @property
    def count(self) -> Floats:
        """Rows at each distinct score."""
        return self.events + self.others


def descending(score: Floats) -> tuple[Rows, Rows]:
    """Return the rows from the highest score down, and where in that order each distinct score begins."""
    order = np.argsort(score)[::-1]
    ranked = score[order]
    return order, np.append(0, np.flatnonzero(ranked[1:] != ranked[:-1]) + 1)


def spread(values: NDArray[T], order: Rows, first: Rows) -> NDArray[T]:
    """Repeat a value per distinct score for each of its rows, still from the highest score down."""
    return np.repeat(values, np.diff(np.append(first, order.size)))


def to_rows(values: NDArray[T], order: Rows, first: Rows) -> NDArray[T]:
    """Hand a value per distinct score back to the rows, in the rows' own order."""
    result = np.empty(order.size, dtype=values.dtype)
    result[order] = spread(values, order, first)
    return result


def steps(y: Flags, score: Floats, ranks: tuple[Rows, Rows] | None = None) -> Steps:
    """Return the events and non-events at each distinct score, the riskiest first; ``ranks`` spares a second sort."""
    order, first = descending(score) if ranks is None else ranks
    events = np.add.reduceat(y[order], first, dtype=np.float64)
    count = np.diff(np.append(first, score.size))
    return Steps(score[order[first]], events, count - events)


def hull(parts: Steps) -> Steps:
    """Merge neighbouring scores until the event rate falls from band to band: the convex hull of the ROC curve."""
    fitted = isotonic_regression(parts.events / parts.count, weights=parts.count, increasing=False)
    first = fitted.blocks[:-1]
    last = fitted.blocks[1:] - 1
    return Steps(parts.score[last], np.add.reduceat(parts.events, first), np.add.reduceat(parts.others, first))


def bands(count: Floats, n_bands: int) -> Rows:
    """Return the band, from 0, of each distinct score, so that bands hold about as many rows as one another."""
    middle = np.cumsum(count) - count / 2
    position = np.minimum((middle / count.sum() * n_bands).astype(np.intp), n_bands - 1)
    # Empty bands are closed up; the wanted ones never fall.
    return np.cumsum(np.append(0, position[1:] != position[:-1]))


def row_bands(score: Floats, n_bands: int) -> Rows:
    """Return each row's band, from 0 for the lowest scores, of about equal size and with ties kept together."""
    order, first = descending(score)
    count = np.diff(np.append(first, score.size)).astype(np.float64)
    band = bands(count, n_bands)
    return to_rows(band.max() - band, order, first)
