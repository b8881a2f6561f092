"""Intervals of a rate, used wherever an event rate is shown."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv

from riskml.validation._inputs import Floats


def rate_interval(hits: Floats, count: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the Jeffreys interval of a rate; it keeps its level when events are few (Brown, Cai, DasGupta, 2001)."""
    tail = (1 - level) / 2
    lower = np.where(hits > 0, betaincinv(hits + 0.5, count - hits + 0.5, tail), 0.0)
    upper = np.where(hits < count, betaincinv(hits + 0.5, count - hits + 0.5, 1 - tail), 1.0)
    return lower, upper
