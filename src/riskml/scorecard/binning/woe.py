"""Weight of evidence, and the objectives of the binning."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import xlogy

from riskml.runtime.frame import Floats

Objective = Literal["iv", "js", "log_likelihood"]
OBJECTIVES: tuple[Objective, ...] = ("iv", "js", "log_likelihood")


def worth_of(event: Floats, nonevent: Floats, totals: Floats, objective: Objective) -> Floats:
    """Return what bins with these counts add to the objective; a bin without events or non-events counts half a row."""
    all_nonevent, all_event = totals
    if objective == "log_likelihood":
        rows = event + nonevent
        base = xlogy(event, all_event / (all_event + all_nonevent)) + xlogy(
            nonevent, all_nonevent / (all_event + all_nonevent)
        )
        own = xlogy(event, event / np.maximum(rows, 1e-300)) + xlogy(nonevent, nonevent / np.maximum(rows, 1e-300))
        return np.asarray((own - base) / (all_event + all_nonevent))
    p_event, p_nonevent = event / all_event, nonevent / all_nonevent
    if objective == "js":
        middle = np.maximum((p_event + p_nonevent) / 2, 1e-300)
        return np.asarray((xlogy(p_event, p_event / middle) + xlogy(p_nonevent, p_nonevent / middle)) / 2)
    return np.asarray((p_event - p_nonevent) * woe(event, nonevent, totals))


def woe(event: Floats, nonevent: Floats, totals: Floats) -> Floats:
    """Return the weight of evidence ``ln((event / all events) / (non-event / all non-events))``; higher is riskier.

    Examples
    --------
    >>> woe(np.array([30.0, 10.0, 0.0]), np.array([10.0, 30.0, 0.0]), np.array([40.0, 40.0])).round(3)
    array([ 1.099, -1.099,  0.   ])
    """
    event, nonevent = np.asarray(event, dtype=np.float64), np.asarray(nonevent, dtype=np.float64)
    half = np.where((event <= 0) | (nonevent <= 0), 0.5, 0.0)
    all_nonevent, all_event = totals
    odds = (event + half) / (nonevent + half)
    return np.where(event + nonevent > 0, np.log(odds * (all_nonevent / all_event)), 0.0)
