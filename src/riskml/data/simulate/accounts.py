"""Bank records: customers, credit limits, balances, bureau scores and endings."""

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
    """Attributes that change by month: arrays of shape (n, months)."""

    changed: NDArray[np.bool_]  # whether the income or the region changed on the first day of the month
    income: Floats  # yearly, as known in the month
    region: Ints  # position in ``REGIONS``
    limit: Floats  # of the credit, in the month


def draw_accounts(trajectories: Trajectories, calendar: Calendar, rng: np.random.Generator) -> Accounts:
    """Draw the changes of every customer's income, region and limit."""
    months, profile = calendar.months, trajectories.profile
    n = len(profile.joined)
    began = calendar.first[None, :months] > profile.joined[:, None]
    changed = (rng.random((n, months)) < 0.025) & began
    raises = np.where(changed, 0.04 + 0.12 * rng.standard_normal((n, months)), 0.0)
    income = (profile.income[:, None] * np.exp(np.cumsum(raises, axis=1))).round(-2)
    moved = changed & (rng.random((n, months)) < 0.2)
    last = np.maximum.accumulate(np.where(moved, np.arange(months), -1), axis=1)
    new, old = rng.integers(0, len(REGIONS), (n, months)), rng.integers(0, len(REGIONS), (n, 1))
    region = np.where(last >= 0, np.take_along_axis(new, np.maximum(last, 0), axis=1), old)
    first_limit = profile.income * 0.15 * np.exp(0.3 * rng.standard_normal(n))
    # The bank cuts the limits of customers under stress and raises others.
    before = trajectories.stress[:, :months]
    factor = np.select([before > 0.8, before < 0], [0.8, 1.25], 1.1)
    set_anew = (rng.random((n, months)) < 0.02) & began
    growth = np.cumprod(np.where(set_anew, factor, 1.0), axis=1)
    limit = np.maximum((first_limit[:, None] * growth).round(-2), 100.0)
    return Accounts(changed, income, region, limit)


def customer_rows(trajectories: Trajectories, accounts: Accounts, calendar: Calendar) -> Rows:
    """Return one row for the start of each relation, and one for each later change of an attribute."""
    profile = trajectories.profile
    customer, month, day = _changes(trajectories, accounts.changed, calendar)
    return {
        "customer": customer,
        "valid_from": day,
        "industry": profile.industry[customer],
        "region": accounts.region[customer, month],
        "segment": profile.segment[customer],
        "yearly_income": accounts.income[customer, month],
    }


def limit_rows(trajectories: Trajectories, accounts: Accounts, calendar: Calendar) -> Rows:
    """Return the first limit of each customer, and one row for each change."""
    limit, joined = accounts.limit, trajectories.profile.joined
    changed = np.diff(limit, axis=1, prepend=limit[:, :1]) != 0
    # A change in the first month of a relation is its initial limit.
    changed &= calendar.first[None, : calendar.months] > joined[:, None]
    customer, month, day = _changes(trajectories, changed, calendar)
    return {"customer": customer, "date": day, "limit": limit[customer, month]}


def _changes(trajectories: Trajectories, changed: NDArray[np.bool_], calendar: Calendar) -> tuple[Ints, Ints, Ints]:
    """Return customer, month and day of the start of each relation and of the changes before its end."""
    joined, months = trajectories.profile.joined, calendar.months
    changed = changed & (calendar.first[None, :months] < trajectories.ended[:, None])
    # The start of the relation is an additional first column.
    customer, column = np.nonzero(np.column_stack([np.ones(len(changed), dtype=bool), changed]))
    starts = column == 0
    month = np.where(starts, calendar.month(joined)[customer], column - 1)
    return customer, month, np.where(starts, joined[customer], calendar.first[month])


def balance_rows(trajectories: Trajectories, accounts: Accounts, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Return the state of each customer's account at the end of each month."""
    months, profile = calendar.months, trajectories.profile
    shape = (len(profile.joined), months)
    stress, leverage = trajectories.stress[:, 1:], profile.leverage[:, None]
    noise = rng.standard_normal((4, *shape))
    used = expit(-0.8 + 0.6 * leverage + 0.55 * stress + 0.12 * noise[0])
    monthly = accounts.income / 12
    season = 1 + 0.06 * np.cos(2 * np.pi * (calendar.of_year[:months] - 11) / 12)
    inflow = monthly * season * np.exp(-0.1 * stress + 0.05 * noise[1])
    outflow = inflow * (0.94 + 0.05 * stress + 0.05 * noise[2])
    service = monthly * 0.12 * np.exp(0.45 * leverage + 0.08 * noise[3])
    lasts = calendar.first[1 : months + 1] - 1
    customer, month = np.nonzero((lasts >= profile.joined[:, None]) & (lasts < trajectories.ended[:, None]))
    return {
        "customer": customer,
        "date": lasts[month],
        "balance": (used * accounts.limit)[customer, month].round(2),
        "limit": accounts.limit[customer, month],
        "inflow": inflow[customer, month].round(2),
        "outflow": np.maximum(outflow, 0)[customer, month].round(2),
        "debt_service": service[customer, month].round(2),
    }


def bureau_rows(trajectories: Trajectories, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Return scores from a credit bureau, about one a quarter; a higher score is better."""
    months, profile = calendar.months, trajectories.profile
    n = len(profile.joined)
    turn = rng.integers(0, 3, n)
    day = calendar.first[:months] + (rng.random((n, months)) * calendar.days[:months]).astype(np.int64)
    noise = rng.standard_normal((n, months))
    score = 680 - 45 * trajectories.stress[:, 1:] - 18 * profile.leverage[:, None] + 9 * noise
    pulled = (np.arange(months) + turn[:, None]) % 3 == 0
    pulled &= (day >= profile.joined[:, None]) & (day < trajectories.ended[:, None])
    customer, month = np.nonzero(pulled)
    return {
        "customer": customer,
        "pulled": day[customer, month],
        "score": np.clip(score[customer, month].round(), 300, 900).astype(np.int64),
    }


def status_rows(trajectories: Trajectories, calendar: Calendar) -> Rows:
    """Return the ends of relations."""
    customer = np.flatnonzero(trajectories.ended < calendar.end)
    return {
        "customer": customer,
        "date": trajectories.ended[customer],
        "status": trajectories.ending[customer].astype(np.int64) - 1,
    }
