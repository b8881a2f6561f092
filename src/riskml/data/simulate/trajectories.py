"""The customers of a block: what they are, the states that nobody sees, and how their relation ends."""

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
    ChurnLaw,
    Floats,
    default_law,
    expit,
    newness,
)
from riskml.data.simulate.market import Market
from riskml.data.simulate.settings import BLOCK, Book

STAYS, DEFAULTS, CANCELS = 0, 1, 2


@dataclass(frozen=True)
class Profile:
    """What customers are, for good: arrays of shape (n,)."""

    industry: Ints  # positions in ``law.INDUSTRIES`` and ``law.SEGMENTS``
    segment: Ints
    income: Floats  # yearly, at the start of the relation
    leverage: Floats  # how much is owed for the income: mean 0, variance 1. Nobody sees it
    joined: Ints  # the day the relation began


@dataclass(frozen=True)
class Trajectories:
    """What becomes of the customers."""

    traits: Profile
    # x, s and m on the first morning of each month, which is what the hazards of that month follow; what is done in
    # month t shows the states of its end, column t + 1
    stress: Floats
    mood: Floats
    cycle: Floats
    ended: Ints  # the day of default or cancellation, ``NEVER`` for those who stay to the end of the book
    ending: NDArray[np.int8]  # ``STAYS``, ``DEFAULTS`` or ``CANCELS``

    @property
    def active(self) -> tuple[Ints, Ints]:
        """The first day of every customer's relation, and the day after its last."""
        return self.traits.joined, self.ended


def draw_traits(calendar: Calendar, rng: np.random.Generator) -> Profile:
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


def live(book: Book, calendar: Calendar, drawn: Market, traits: Profile, rng: np.random.Generator) -> Trajectories:
    """Draw what becomes of customers."""
    months, n = calendar.months, len(traits.joined)
    strain = drawn.strain[traits.industry]
    # Those who are there at the start have come through earlier months: they are a little better off than the average.
    stress, mood = np.empty((n, months + 1)), np.empty((n, months + 1))
    stress[:, 0] = -0.2 + 0.95 * rng.standard_normal(n)
    mood[:, 0] = 0.2 + 0.95 * rng.standard_normal(n)
    own = STRESS_SHOCK * rng.standard_normal((months, n))
    experience = MOOD_SHOCK * rng.standard_normal((months, n))
    for month in range(months):
        stress[:, month + 1] = PERSISTENCE * stress[:, month] + strain[:, month] + own[month]
        mood[:, month + 1] = MOOD_PERSISTENCE * mood[:, month] + experience[month]
    cycle = drawn.cycle[traits.industry]
    ended, ending = _endings(book, calendar, traits, (stress, mood, cycle), rng)
    return Trajectories(traits, stress, mood, cycle, ended, ending)


def _endings(
    book: Book,
    calendar: Calendar,
    traits: Profile,
    states: tuple[Floats, Floats, Floats],
    rng: np.random.Generator,
) -> tuple[Ints, NDArray[np.int8]]:
    months, n = calendar.months, len(traits.joined)
    stress, mood, cycle = (state[:, :months] for state in states)
    law, churn = default_law(book, calendar), ChurnLaw()
    hazards = (
        expit(
            law.base[:months]
            + law.stress[:months] * stress
            + law.leverage[:months] * traits.leverage[:, None]
            + law.segment[:, :months][traits.segment]
            - law.cycle * cycle
        ),
        expit(
            churn.base
            - churn.mood * mood
            + churn.newness * newness(calendar, traits.joined, months)
            + np.array(churn.segment)[traits.segment][:, None]
        ),
    )
    # A customer is at risk from the first month that begins after the relation did.
    at_risk = calendar.first[None, :months] > traits.joined[:, None]
    first = []
    for hazard in hazards:
        # The share of the month after which the event comes, when the intensity is the same on all days.
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
