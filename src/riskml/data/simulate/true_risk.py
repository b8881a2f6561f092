"""True probabilities of default and churn, given the latent states of the simulation."""

from __future__ import annotations

import numpy as np

from riskml.data.simulate.calendar import Calendar
from riskml.data.simulate.events import Rows
from riskml.data.simulate.hazards import (
    CYCLE_SHOCK,
    CYCLE_TO_STRESS,
    MOOD_PERSISTENCE,
    MOOD_SHOCK,
    PERSISTENCE,
    STRESS_SHOCK,
    ChurnHazard,
    Floats,
    default_hazard,
    expit,
    newness,
)
from riskml.data.simulate.settings import Settings
from riskml.data.simulate.trajectories import Trajectories

# Gauss-Hermite nodes for a standard normal variable.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def true_probabilities(settings: Settings, calendar: Calendar, trajectories: Trajectories) -> tuple[Floats, Floats]:
    """Return the probabilities of default and of churn within the horizon, each of shape (customers, months)."""
    months, profile = calendar.months, trajectories.profile
    default, churn = default_hazard(settings, calendar), ChurnHazard()
    newcomer = newness(calendar, profile.joined, len(calendar.days))
    churn_segment = np.array(churn.segment)[profile.segment][:, None]
    stress, mood, cycle = (state[:, :months] for state in (trajectories.stress, trajectories.mood, trajectories.cycle))
    alive = np.ones_like(stress)
    totals = np.zeros_like(stress), np.zeros_like(stress)
    lean, lean_mood = np.zeros_like(stress), np.zeros_like(stress)
    variance, variance_mood = np.zeros(months), 0.0
    left = np.full(months, settings.horizon_days)
    step = 0
    while left.any():
        at = slice(step, step + months)
        logit = (
            default.base[at]
            + default.stress[at] * stress * PERSISTENCE**step
            + default.leverage[at] * profile.leverage[:, None]
            + default.segment[:, at][profile.segment]
            - default.cycle * cycle * PERSISTENCE**step
            - lean
        )
        logit_churn = (
            churn.base
            - churn.mood * mood * MOOD_PERSISTENCE**step
            + churn.newness * newcomer[:, at]
            + churn_segment
            - lean_mood
        )
        hazards = _expected(logit, variance), _expected(logit_churn, variance_mood)
        days = np.minimum(left, calendar.days[at])
        rates = -np.log1p(-hazards[0]), -np.log1p(-hazards[1])
        gone = -np.expm1(-(rates[0] + rates[1]) * days / calendar.days[at])
        for total, rate in zip(totals, rates, strict=True):
            total += alive * gone * rate / (rates[0] + rates[1])
        alive *= 1 - gone
        left = left - days
        lean = PERSISTENCE * (lean + variance * hazards[0])
        lean_mood = MOOD_PERSISTENCE * (lean_mood + variance_mood * hazards[1])
        step += 1
        ahead = default.stress[np.minimum(np.arange(step, step + months), len(default.stress) - 1)]
        moved = (ahead * STRESS_SHOCK) ** 2 + ((ahead * CYCLE_TO_STRESS + default.cycle) * CYCLE_SHOCK) ** 2
        variance = PERSISTENCE**2 * variance + moved
        variance_mood = MOOD_PERSISTENCE**2 * variance_mood + (churn.mood * MOOD_SHOCK) ** 2
    return totals


def _expected(logit: Floats, variance: Floats | float) -> Floats:
    """Return the mean of a hazard whose logit is normal."""
    if not np.any(variance):
        return expit(logit)
    spread = np.sqrt(variance)
    mean = np.zeros_like(logit)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        mean += weight * expit(logit + node * spread)
    return mean


def truth_rows(settings: Settings, calendar: Calendar, trajectories: Trajectories) -> Rows:
    """Return the true risk of every customer on the first day of each month after the relation began."""
    default, churn = true_probabilities(settings, calendar, trajectories)
    first = calendar.first[: calendar.months]
    customer, month = np.nonzero(first[None, :] > trajectories.profile.joined[:, None])
    alive = first[month] <= trajectories.ended[customer]
    return {
        "customer": customer,
        "month": first[month],
        "default_probability": np.where(alive, default[customer, month], np.nan),
        "churn_probability": np.where(alive, churn[customer, month], np.nan),
        "alive": alive,
    }
