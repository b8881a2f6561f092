"""Intervals of a rate and of a ratio of rates, used wherever one is shown."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtri

from riskml.metrics._inputs import Floats


def rate_interval(hits: Floats, count: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the Jeffreys interval of a rate; it keeps its level when events are few (Brown, Cai, DasGupta, 2001)."""
    tail = (1 - level) / 2
    lower = np.where(hits > 0, betaincinv(hits + 0.5, count - hits + 0.5, tail), 0.0)
    upper = np.where(hits < count, betaincinv(hits + 0.5, count - hits + 0.5, 1 - tail), 1.0)
    return lower, upper


def wilson_interval(hits: Floats, count: Floats, level: float) -> tuple[Floats, Floats]:
    """Return Wilson's score interval of a rate, of which Newcombe's interval of a difference is made."""
    z2 = float(ndtri((1 + level) / 2)) ** 2
    rows = np.where(count > 0, count, np.nan)
    centre = (hits + z2 / 2) / (rows + z2)
    reach = np.sqrt(z2 * (hits * (rows - hits) / rows + z2 / 4)) / (rows + z2)
    return np.clip(centre - reach, 0, 1), np.clip(centre + reach, 0, 1)


def ratio_interval(
    hits: Floats, count: Floats, reference_hits: float, reference_count: float, level: float
) -> tuple[Floats, Floats, Floats]:
    """Return each rate over a reference rate, with the log-normal interval of Katz et al. (1978)."""
    if reference_hits == 0:
        unknown = np.full(hits.size, np.nan)
        return unknown, unknown.copy(), unknown.copy()
    reference_rate = reference_hits / reference_count
    inside = np.clip(hits, 0.5, count - 0.5)
    reference_inside = min(reference_hits, reference_count - 0.5)
    ratio = hits / count / reference_rate
    error = np.sqrt(1 / inside - 1 / count + 1 / reference_inside - 1 / reference_count)
    spread = np.exp(float(ndtri((1 + level) / 2)) * error)
    around = np.maximum(hits, 0.5) / count / reference_rate
    return ratio, np.where(hits > 0, around / spread, 0.0), around * spread
