"""Economic cycle of every industry, and its market index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskml.data.simulate.calendar import Calendar
from riskml.data.simulate.events import Rows
from riskml.data.simulate.hazards import (
    COMMON,
    CYCLE_SHOCK,
    CYCLE_TO_STRESS,
    EXPOSURE,
    INDUSTRIES,
    PERSISTENCE,
    SHOCK_CYCLE,
    SHOCK_STRESS,
    Floats,
)
from riskml.data.simulate.settings import Settings


@dataclass(frozen=True)
class Market:
    """The industries' cycles, shape (industries, months)."""

    cycle: Floats  # m at the start of each month, and at the end of the last
    strain: Floats  # each month's addition to the stress of the industry's customers


def draw_market(settings: Settings, calendar: Calendar, rng: np.random.Generator) -> Market:
    """Draw the cycle of every industry."""
    months, shock = calendar.months, settings.switches.shock
    common, own = rng.standard_normal((months, 1)), rng.standard_normal((months, len(INDUSTRIES)))
    moves = CYCLE_SHOCK * (np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own).T
    strain = -CYCLE_TO_STRESS * moves
    if shock is not None:
        at = settings.month_of(shock.date)
        moves[:, at] -= SHOCK_CYCLE * shock.size * EXPOSURE
        strain[:, at] += SHOCK_STRESS * shock.size * EXPOSURE
    cycle = np.zeros((len(INDUSTRIES), months + 1))
    for month in range(months):
        cycle[:, month + 1] = PERSISTENCE * cycle[:, month] + moves[:, month]
    return Market(cycle, strain)


def market_rows(market: Market, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Draw the index of each industry on business days."""
    days = np.arange(calendar.start, calendar.end)
    days = days[(days + 3) % 7 < 5]  # 1970-01-01 was a Thursday
    positions = (days - calendar.start + 1.0), (calendar.first[: calendar.months + 1] - calendar.start).astype(float)
    cycle = np.array([np.interp(*positions, line) for line in market.cycle])
    turbulent = _regimes(len(days), rng)
    volatility = 0.006 * np.where(turbulent, 2.5, 1.0) * np.exp(-0.25 * cycle)
    steps = volatility * (
        np.sqrt(COMMON) * rng.standard_normal(len(days)) + np.sqrt(1 - COMMON) * rng.standard_normal(cycle.shape)
    )
    noise = np.zeros_like(cycle)
    for day in range(1, len(days)):
        noise[:, day] = 0.96 * noise[:, day - 1] + steps[:, day]
    level = 100 * np.exp(0.12 * cycle + noise + 0.0001 * np.arange(len(days)))
    return {
        "industry": np.repeat(np.arange(len(INDUSTRIES)), len(days)),
        "date": np.tile(days, len(INDUSTRIES)),
        "index": level.ravel().round(3),
    }


def _regimes(days: int, rng: np.random.Generator) -> np.ndarray:
    draws, state = rng.random(days), False
    states = np.zeros(days, dtype=bool)
    for day, draw in enumerate(draws):
        state = draw >= 0.03 if state else draw < 0.01
        states[day] = state
    return states
