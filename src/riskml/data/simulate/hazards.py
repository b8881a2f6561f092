"""Hazards of default and churn, and the dynamics of the latent states.

With x the stress of a customer (higher is worse), m the cycle of its industry (higher is better) and s its
satisfaction, all of about unit variance, in month t::

    m(t+1) = φ m(t) + e(t)                      e: the industry's shock, in part common to all industries
    x(t+1) = φ x(t) - κ e(t) + ε(t)             ε: the customer's own shock
    s(t+1) = φs s(t) + ζ(t)                     ζ: good and bad experiences, visible in complaints

    hazard of default in month t = expit(a + b x(t) + c leverage + segment - d m(t))
    hazard of churn in month t   = expit(A - g s(t) + h exp(-years as a customer) + segment)

Within a month the hazard is spread evenly over its days, and the two causes compete.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskml.data.simulate.calendar import Calendar
from riskml.data.simulate.settings import Settings

Floats = NDArray[np.float64]

INDUSTRIES = ("construction", "crafts", "health", "logistics", "manufacturing", "retail", "services", "tourism")
# Exposure of an industry's customers to an economic shock.
EXPOSURE = np.array([1.2, 0.9, 0.5, 1.0, 1.1, 1.1, 0.8, 1.4])
SEGMENTS = ("small", "medium", "large")

PERSISTENCE = 0.94  # φ, the same for stress and cycle, so that their sum in the hazard is again an AR(1) process
CYCLE_SHOCK = 0.341  # the standard deviation of e; with φ, a variance of 1
COMMON = 0.4  # the share of that variance that is common to all industries
CYCLE_TO_STRESS = 0.12  # κ
STRESS_SHOCK = 0.339  # the standard deviation of ε
MOOD_PERSISTENCE = 0.9  # φs
MOOD_SHOCK = 0.436  # the standard deviation of ζ
SHOCK_STRESS, SHOCK_CYCLE = 0.65, 1.5  # of a Shock of size 1


@dataclass(frozen=True)
class DefaultHazard:
    """Coefficients of the hazard of default by month; a drift changes them."""

    base: Floats  # a, b and c
    stress: Floats
    leverage: Floats
    segment: Floats  # of small, medium and large customers
    cycle: float = 0.12  # d


@dataclass(frozen=True)
class ChurnHazard:
    """Coefficients of the hazard of churn, the same in all months."""

    base: float = -5.4  # A, g and h
    mood: float = 1.3
    newness: float = 0.6
    segment: tuple[float, float, float] = (0.15, 0.0, -0.2)  # of small, medium and large customers


def default_hazard(settings: Settings, calendar: Calendar) -> DefaultHazard:
    """Return the hazard of default for the months of the simulation and those of the horizon."""
    drift = settings.switches.drift
    size = np.zeros(len(calendar.days))
    if drift is not None:
        size[settings.month_of(drift.date) :] = drift.size
    segment = np.array([0.25, 0.0, -0.4])[:, None] + np.array([-0.4, 0.0, 0.8])[:, None] * size
    # The base compensates for the lower weight of stress, which alone would lower the default rate.
    return DefaultHazard(-6.9 + 0.6 * size, 1.7 - 0.6 * size, 0.5 + 0.5 * size, segment)


def expit(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x))."""
    result: Floats = 1.0 / (1.0 + np.exp(-x))
    return result


def newness(calendar: Calendar, joined: NDArray[np.int64], months: int) -> Floats:
    """Return exp(-years as a customer) on the first day of each of the first months, shape (n, months)."""
    days = np.maximum(calendar.first[None, :months] - joined[:, None], 0)
    result: Floats = np.exp(-days / 365.25)
    return result
