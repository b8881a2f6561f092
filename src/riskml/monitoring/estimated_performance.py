"""How well a model performs before its outcomes are known, were its probabilities right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, ndtri, xlogy

from riskml.errors import DataError
from riskml.metrics import AucInterval

Floats = NDArray[np.float64]

ASSUMPTION = (
    "Estimated from the scores alone, before outcomes are known. It holds as long as the probabilities mean what they "
    "meant: of customers with 10 %, one in ten has the event. It sees a changed mix of customers; it cannot see that "
    "the same customers have become riskier. The interval is that of chance in so many customers, and not of a wrong "
    "assumption."
)


@dataclass(frozen=True)
class Estimate:
    """A figure, and where outcomes would put it by chance in 95 of 100 books (or as the level says)."""

    value: float
    low: float
    high: float

    @classmethod
    def of_auc(cls, area: AucInterval) -> Estimate:
        """Return a measured AUC."""
        return cls(area.auc, area.lower, area.upper)

    @classmethod
    def of_ratio(cls, row: Mapping[Any, Any] | pd.Series) -> Estimate:
        """Return a measured ratio of observed to expected events."""
        return cls(float(row["ratio"]), float(row["lower"]), float(row["upper"]))


@dataclass(frozen=True)
class EstimatedPerformance:
    """What the scores of a book promise, were they right.

    Parameters
    ----------
    auc, brier, log_loss, event_rate : Estimate
        AUC is not a number where no two customers differ in outcome by any chance.
    level : float
        Of the intervals.
    """

    rows: int
    auc: Estimate
    brier: Estimate
    log_loss: Estimate
    event_rate: Estimate
    level: float


def estimated_performance(probability: ArrayLike, *, level: float = 0.95) -> EstimatedPerformance:
    """Estimate a model's performance on customers whose outcomes are not known.

    Each customer counts as an event with the weight of its probability, and as none with the rest: the idea of
    confidence-based performance estimation. Nothing is drawn at random: the interval's width follows from the variance
    of outcomes that are independent, and have these probabilities.

    Source: Guillory et al. (2021), Predicting with confidence on unseen distributions; NannyML's CBPE. The variance is
    that of the delta method.

    Parameters
    ----------
    probability : array of shape (n,)
        Calibrated probabilities of the event, higher is riskier.

    Raises
    ------
    DataError
        When there are no rows, or a value is missing or outside 0…1.

    Examples
    --------
    >>> found = estimated_performance([0.1] * 500 + [0.9] * 500)
    >>> round(found.auc.value, 3), round(found.brier.value, 3), round(found.event_rate.value, 3)
    (0.9, 0.09, 0.5)
    """
    p = np.asarray(probability, dtype=np.float64)
    if p.ndim != 1 or not p.size or not ((p >= 0) & (p <= 1)).all():
        raise DataError("probabilities between 0 and 1 are needed, none missing", where="probability")
    q, spread = 1 - p, p * (1 - p)
    reach = float(ndtri((1 + level) / 2))
    n = p.size

    def around(value: float, variance: float) -> Estimate:
        half = reach * float(np.sqrt(variance))
        return Estimate(value, value - half, value + half)

    # Brier score and log loss are linear in the outcomes, and so is the event rate.
    log_odds = xlogy(spread > 0, np.divide(p, q, out=np.ones(n), where=q > 0))
    brier = around(float(spread.mean()), float((spread * (1 - 2 * p) ** 2).sum()) / n**2)
    loss = around(float((entr(p) + entr(q)).mean()), float((spread * log_odds**2).sum()) / n**2)
    rate = around(float(p.mean()), float(spread.sum()) / n**2)
    area, variance = _auc(p)
    ranked = around(area, variance)
    return EstimatedPerformance(
        rows=n,
        auc=Estimate(area, max(ranked.low, 0.0), min(ranked.high, 1.0)),
        brier=Estimate(brier.value, max(brier.low, 0.0), brier.high),
        log_loss=Estimate(loss.value, max(loss.low, 0.0), loss.high),
        event_rate=Estimate(rate.value, max(rate.low, 0.0), min(rate.high, 1.0)),
        level=level,
    )


def _auc(p: Floats) -> tuple[float, float]:
    """Return the expected AUC and its variance: expected pairs in order, over expected pairs."""
    q = 1 - p
    values, place = np.unique(p, return_inverse=True)
    event, other = np.bincount(place, p, values.size), np.bincount(place, q, values.size)
    # Of each score: the others below it, and the events above it; ties count half.
    others_below = (np.cumsum(other) - other / 2)[place]
    events_above = (np.cumsum(event[::-1])[::-1] - event / 2)[place]
    events, others, itself = p.sum(), q.sum(), p * q
    pairs = float(events * others - itself.sum())  # nobody is paired with himself
    if pairs <= 0:
        return float("nan"), float("nan")
    area = float((p * others_below - itself / 2).sum()) / pairs
    # What one more event in a customer's place changes.
    slope = (others_below - q / 2 - (events_above - p / 2) - area * (others - events + 2 * p - 1)) / pairs
    return area, float((itself * slope**2).sum())
