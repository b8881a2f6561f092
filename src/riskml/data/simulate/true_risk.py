"""The true probabilities of default and of churn, as nobody outside a simulation can know them."""

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
    ChurnLaw,
    Floats,
    default_law,
    expit,
    newness,
)
from riskml.data.simulate.settings import Book
from riskml.data.simulate.trajectories import Trajectories

# Gauss and Hermite's nodes for a standard normal variable.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def outlook(book: Book, calendar: Calendar, lives: Trajectories) -> tuple[Floats, Floats]:
    """Return the probability that the next days bring default, and that they bring churn."""
    months, traits = calendar.months, lives.traits
    law, churn = default_law(book, calendar), ChurnLaw()
    newcomer = newness(calendar, traits.joined, len(calendar.days))
    churn_segment = np.array(churn.segment)[traits.segment][:, None]
    stress, mood, cycle = (state[:, :months] for state in (lives.stress, lives.mood, lives.cycle))
    alive = np.ones_like(stress)
    found = np.zeros_like(stress), np.zeros_like(stress)
    lean, lean_mood = np.zeros_like(stress), np.zeros_like(stress)
    variance, variance_mood = np.zeros(months), 0.0
    left = np.full(months, book.horizon_days)
    step = 0
    while left.any():
        at = slice(step, step + months)
        logit = (
            law.base[at]
            + law.stress[at] * stress * PERSISTENCE**step
            + law.leverage[at] * traits.leverage[:, None]
            + law.segment[:, at][traits.segment]
            - law.cycle * cycle * PERSISTENCE**step
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
        for total, rate in zip(found, rates, strict=True):
            total += alive * gone * rate / (rates[0] + rates[1])
        alive *= 1 - gone
        left = left - days
        lean = PERSISTENCE * (lean + variance * hazards[0])
        lean_mood = MOOD_PERSISTENCE * (lean_mood + variance_mood * hazards[1])
        step += 1
        ahead = law.stress[np.minimum(np.arange(step, step + months), len(law.stress) - 1)]
        moved = (ahead * STRESS_SHOCK) ** 2 + ((ahead * CYCLE_TO_STRESS + law.cycle) * CYCLE_SHOCK) ** 2
        variance = PERSISTENCE**2 * variance + moved
        variance_mood = MOOD_PERSISTENCE**2 * variance_mood + (churn.mood * MOOD_SHOCK) ** 2
    return found


def _expected(logit: Floats, variance: Floats | float) -> Floats:
    """Return the mean of a hazard whose logit is normal."""
    if not np.any(variance):
        return expit(logit)
    spread = np.sqrt(variance)
    mean = np.zeros_like(logit)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        mean += weight * expit(logit + node * spread)
    return mean


def truth_rows(book: Book, calendar: Calendar, lives: Trajectories) -> Rows:
    """Return the true risk of every customer on the first day of each month after its start."""
    default, churn = outlook(book, calendar, lives)
    mornings = calendar.first[: calendar.months]
    customer, month = np.nonzero(mornings[None, :] > lives.traits.joined[:, None])
    alive = mornings[month] <= lives.ended[customer]
    return {
        "customer": customer,
        "month": mornings[month],
        "default_probability": np.where(alive, default[customer, month], np.nan),
        "churn_probability": np.where(alive, churn[customer, month], np.nan),
        "alive": alive,
    }
