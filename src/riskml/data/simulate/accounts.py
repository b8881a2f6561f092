"""What a bank sees: who the customers are, their limits, balances and bureau scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskml.data.simulate.calendar import Calendar
from riskml.data.simulate.events import Ints, Rows
from riskml.data.simulate.hazards import Floats, expit
from riskml.data.simulate.trajectories import Trajectories

REGIONS = ("north", "east", "south", "west", "centre", "coast")


@dataclass(frozen=True)
class Accounts:
    """Attributes that change, month by month: arrays of shape (n, months)."""

    changed: NDArray[np.bool_]  # whether the income or the region changed on the first day of the month
    income: Floats  # yearly, as known in the month
    region: Ints  # position in ``REGIONS``
    limit: Floats  # of the credit, in the month


def draw_accounts(lives: Trajectories, calendar: Calendar, rng: np.random.Generator) -> Accounts:
    """Draw how income, region and limit of every customer change."""
    months, traits = calendar.months, lives.traits
    n = len(traits.joined)
    began = calendar.first[None, :months] > traits.joined[:, None]
    changed = (rng.random((n, months)) < 0.025) & began
    raises = np.where(changed, 0.04 + 0.12 * rng.standard_normal((n, months)), 0.0)
    income = (traits.income[:, None] * np.exp(np.cumsum(raises, axis=1))).round(-2)
    moved = changed & (rng.random((n, months)) < 0.2)
    last = np.maximum.accumulate(np.where(moved, np.arange(months), -1), axis=1)
    new, old = rng.integers(0, len(REGIONS), (n, months)), rng.integers(0, len(REGIONS), (n, 1))
    region = np.where(last >= 0, np.take_along_axis(new, np.maximum(last, 0), axis=1), old)
    first_limit = traits.income * 0.15 * np.exp(0.3 * rng.standard_normal(n))
    # A bank cuts the limits of customers under stress, and raises those of the others.
    before = lives.stress[:, :months]
    factor = np.select([before > 0.8, before < 0], [0.8, 1.25], 1.1)
    set_anew = (rng.random((n, months)) < 0.02) & began
    growth = np.cumprod(np.where(set_anew, factor, 1.0), axis=1)
    limit = np.maximum((first_limit[:, None] * growth).round(-2), 100.0)
    return Accounts(changed, income, region, limit)


def customer_rows(lives: Trajectories, accounts: Accounts, calendar: Calendar) -> Rows:
    """Return one row for the start of each relation, and one for each later change of an attribute."""
    traits = lives.traits
    months = calendar.months
    changed = accounts.changed & (calendar.first[None, :months] < lives.ended[:, None])
    # The row of the start stands in a column of its own, before those of the months.
    known = np.column_stack([np.ones(len(changed), dtype=bool), changed])
    customer, column = np.nonzero(known)
    starts = column == 0
    month = np.where(starts, calendar.month(traits.joined)[customer], column - 1)
    return {
        "customer": customer,
        "valid_from": np.where(starts, traits.joined[customer], calendar.first[month]),
        "industry": traits.industry[customer],
        "region": accounts.region[customer, month],
        "segment": traits.segment[customer],
        "yearly_income": accounts.income[customer, month],
    }


def limit_rows(lives: Trajectories, accounts: Accounts, calendar: Calendar) -> Rows:
    """Return the first limit of each customer, and one row for each change."""
    traits, limit = lives.traits, accounts.limit
    months = calendar.months
    changed = np.diff(limit, axis=1, prepend=limit[:, :1]) != 0
    # A change in the book's first month is the limit that the book begins with.
    changed &= calendar.first[None, :months] > traits.joined[:, None]
    changed &= calendar.first[None, :months] < lives.ended[:, None]
    customer, column = np.nonzero(np.column_stack([np.ones(len(changed), dtype=bool), changed]))
    starts = column == 0
    month = np.where(starts, calendar.month(traits.joined)[customer], column - 1)
    return {
        "customer": customer,
        "date": np.where(starts, traits.joined[customer], calendar.first[month]),
        "limit": limit[customer, month],
    }


def balance_rows(lives: Trajectories, accounts: Accounts, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Return the state of each customer's account at the end of each month."""
    months, traits = calendar.months, lives.traits
    shape = (len(traits.joined), months)
    stress, leverage = lives.stress[:, 1:], traits.leverage[:, None]
    noise = rng.standard_normal((4, *shape))
    used = expit(-0.8 + 0.6 * leverage + 0.55 * stress + 0.12 * noise[0])
    monthly = accounts.income / 12
    season = 1 + 0.06 * np.cos(2 * np.pi * (calendar.of_year[:months] - 11) / 12)
    inflow = monthly * season * np.exp(-0.1 * stress + 0.05 * noise[1])
    outflow = inflow * (0.94 + 0.05 * stress + 0.05 * noise[2])
    service = monthly * 0.12 * np.exp(0.45 * leverage + 0.08 * noise[3])
    lasts = calendar.first[1 : months + 1] - 1
    customer, month = np.nonzero((lasts >= traits.joined[:, None]) & (lasts < lives.ended[:, None]))
    return {
        "customer": customer,
        "date": lasts[month],
        "balance": (used * accounts.limit)[customer, month].round(2),
        "limit": accounts.limit[customer, month],
        "inflow": inflow[customer, month].round(2),
        "outflow": np.maximum(outflow, 0)[customer, month].round(2),
        "debt_service": service[customer, month].round(2),
    }


def bureau_rows(lives: Trajectories, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Return scores that were pulled from a credit bureau, about one a quarter; a higher score is better."""
    months, traits = calendar.months, lives.traits
    n = len(traits.joined)
    turn = rng.integers(0, 3, n)
    day = calendar.first[:months] + (rng.random((n, months)) * calendar.days[:months]).astype(np.int64)
    noise = rng.standard_normal((n, months))
    score = 680 - 45 * lives.stress[:, 1:] - 18 * traits.leverage[:, None] + 9 * noise
    pulled = (np.arange(months) + turn[:, None]) % 3 == 0
    pulled &= (day >= traits.joined[:, None]) & (day < lives.ended[:, None])
    customer, month = np.nonzero(pulled)
    return {
        "customer": customer,
        "pulled": day[customer, month],
        "score": np.clip(score[customer, month].round(), 300, 900).astype(np.int64),
    }


def status_rows(lives: Trajectories, calendar: Calendar) -> Rows:
    """Return the ends of relations."""
    customer = np.flatnonzero(lives.ended < calendar.end)
    return {"customer": customer, "date": lives.ended[customer], "status": lives.ending[customer].astype(np.int64) - 1}
