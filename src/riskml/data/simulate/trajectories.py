"""Trajectories of a block's customers: profile, latent states, and the end of the relation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskml.data.simulate.calendar import NEVER, Calendar
from riskml.data.simulate.events import Ints
from riskml.data.simulate.hazards import (
    INDUSTRIES,
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
from riskml.data.simulate.market import Market
from riskml.data.simulate.settings import BLOCK, Settings

STAYS, DEFAULTS, CANCELS = 0, 1, 2


@dataclass(frozen=True)
class Profile:
    """Constant attributes of customers: arrays of shape (n,)."""

    industry: Ints  # positions in ``hazards.INDUSTRIES`` and ``hazards.SEGMENTS``
    segment: Ints
    income: Floats  # yearly, at the start of the relation
    leverage: Floats  # debt relative to income, latent: mean 0, variance 1
    joined: Ints  # the day the relation began


@dataclass(frozen=True)
class Trajectories:
    """Latent states and endings of the customers."""

    profile: Profile
    # x, s and m at the start of each month, which decide the hazards of that month; the records of month t depend on
    # the states at its end, column t + 1
    stress: Floats
    mood: Floats
    cycle: Floats
    ended: Ints  # the day of default or cancellation, ``NEVER`` for those who stay
    ending: NDArray[np.int8]  # ``STAYS``, ``DEFAULTS`` or ``CANCELS``

    @property
    def active(self) -> tuple[Ints, Ints]:
        """The first day of every customer's relation, and the day after the last."""
        return self.profile.joined, self.ended


def draw_profiles(calendar: Calendar, rng: np.random.Generator) -> Profile:
    """Draw a block of customers."""
    industry = rng.integers(0, len(INDUSTRIES), BLOCK)
    segment = np.searchsorted([0.6, 0.9], rng.random(BLOCK), side="right")
    typical = np.array([40_000.0, 110_000.0, 350_000.0])[segment]
    income = typical * np.exp(0.45 * rng.standard_normal(BLOCK))
    leverage = rng.standard_normal(BLOCK)
    old = rng.random(BLOCK) < 0.65
    age = rng.random(BLOCK)
    before = calendar.start - 30 - (age * 1_800).astype(np.int64)
    during = calendar.start + (age * (calendar.end - calendar.start)).astype(np.int64)
    return Profile(industry, segment, income, leverage, np.where(old, before, during))


def draw_trajectories(
    settings: Settings, calendar: Calendar, market: Market, profile: Profile, rng: np.random.Generator
) -> Trajectories:
    """Draw the latent states of customers, and how their relations end."""
    months, n = calendar.months, len(profile.joined)
    strain = market.strain[profile.industry]
    # Customers at the start have survived earlier months: they are slightly better than average.
    stress, mood = np.empty((n, months + 1)), np.empty((n, months + 1))
    stress[:, 0] = -0.2 + 0.95 * rng.standard_normal(n)
    mood[:, 0] = 0.2 + 0.95 * rng.standard_normal(n)
    own = STRESS_SHOCK * rng.standard_normal((months, n))
    experience = MOOD_SHOCK * rng.standard_normal((months, n))
    for month in range(months):
        stress[:, month + 1] = PERSISTENCE * stress[:, month] + strain[:, month] + own[month]
        mood[:, month + 1] = MOOD_PERSISTENCE * mood[:, month] + experience[month]
    cycle = market.cycle[profile.industry]
    ended, ending = _endings(settings, calendar, profile, (stress, mood, cycle), rng)
    return Trajectories(profile, stress, mood, cycle, ended, ending)


def _endings(
    settings: Settings,
    calendar: Calendar,
    profile: Profile,
    states: tuple[Floats, Floats, Floats],
    rng: np.random.Generator,
) -> tuple[Ints, NDArray[np.int8]]:
    months, n = calendar.months, len(profile.joined)
    stress, mood, cycle = (state[:, :months] for state in states)
    default, churn = default_hazard(settings, calendar), ChurnHazard()
    hazards = (
        expit(
            default.base[:months]
            + default.stress[:months] * stress
            + default.leverage[:months] * profile.leverage[:, None]
            + default.segment[:, :months][profile.segment]
            - default.cycle * cycle
        ),
        expit(
            churn.base
            - churn.mood * mood
            + churn.newness * newness(calendar, profile.joined, months)
            + np.array(churn.segment)[profile.segment][:, None]
        ),
    )
    # A customer is at risk from the first month that begins after the relation did.
    at_risk = calendar.first[None, :months] > profile.joined[:, None]
    first = []
    for hazard in hazards:
        # The share of the month after which the event comes, at a constant intensity.
        share = np.log1p(-rng.random((n, months))) / np.log1p(-hazard)
        share[~at_risk | (share >= 1)] = np.inf
        first.append(share)
    share = np.minimum(*first)
    month = np.argmax(np.isfinite(share), axis=1)
    at = np.arange(n), month
    stays = ~np.isfinite(share[at])
    day = calendar.first[month] + (np.where(stays, 0, share[at]) * calendar.days[month]).astype(np.int64)
    ending = np.where(stays, STAYS, np.where(first[0][at] <= first[1][at], DEFAULTS, CANCELS))
    return np.where(stays, NEVER, day), ending.astype(np.int8)
