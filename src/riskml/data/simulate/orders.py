"""Sales records: orders, invoices and payments."""

from __future__ import annotations

import numpy as np

from riskml.data.simulate.calendar import DAY, NEVER, Calendar
from riskml.data.simulate.events import Rows, events, running_number, take
from riskml.data.simulate.hazards import Floats, expit
from riskml.data.simulate.trajectories import DEFAULTS, Trajectories

CATEGORIES = ("equipment", "food", "garden", "gifts", "heating", "supplies")
_SHARE = np.array([0.10, 0.28, 0.12, 0.12, 0.10, 0.28])
_PRICE = np.array([3.0, 0.6, 0.9, 0.7, 1.6, 0.5])
_PEAK, _SWING = np.array([8, 11, 4, 11, 0, 2]), np.array([0.15, 0.1, 0.9, 0.9, 0.8, 0.05])  # month of year, amplitude
IDS = 100_000  # more records than a customer has of any kind


def seasons() -> Floats:
    """Return the demand for each category in each month of the year, shape (12, categories).

    Examples
    --------
    >>> garden = seasons()[:, CATEGORIES.index("garden")]
    >>> bool(garden[4] > 5 * garden[10])
    True
    """
    angle = 2 * np.pi * (np.arange(12)[:, None] - _PEAK) / 12
    result: Floats = _SHARE * (1 + _SWING * np.cos(angle))
    return result


def order_rows(trajectories: Trajectories, calendar: Calendar, number: int, rng: np.random.Generator) -> Rows:
    """Draw orders: about 1.5 a month; fewer and smaller under stress, fewer by dissatisfied customers."""
    n, months = len(trajectories.profile.joined), calendar.months
    demand = seasons()
    stress, mood = trajectories.stress[:, 1:], trajectories.mood[:, 1:]
    usual = rng.gamma(2.5, 0.6, n)[:, None]
    rate = usual * demand.sum(axis=1)[calendar.of_year[:months]] * np.exp(-0.25 * stress + 0.45 * mood - 0.13)
    placed = events(rate, *trajectories.active, calendar, rng)
    shares = np.cumsum(demand, axis=1) / demand.sum(axis=1, keepdims=True)
    limits = shares[calendar.of_year[placed.month], :-1]
    category = (rng.random((len(placed.day), 1)) > limits).sum(axis=1)
    level = trajectories.profile.income**0.7 * 0.1 * np.exp(0.4 * rng.standard_normal(n))
    noise = rng.standard_normal(len(placed.day))
    size = np.exp(-0.08 * stress[placed.customer, placed.month] + 0.35 * noise)
    return {
        "order": (number + placed.customer) * IDS + running_number(placed.customer),
        "customer": placed.customer,
        "time": placed.time,
        "amount": np.maximum(level[placed.customer] * _PRICE[category] * size, 1).round(2),
        "category": category,
    }


def invoice_rows(orders: Rows, trajectories: Trajectories, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Return one invoice per order, with the same number, issued up to two days later."""
    customer, day = orders["customer"], orders["time"] // DAY
    terms = np.array([14, 30, 30, 60])[rng.integers(0, 4, len(trajectories.ended))][customer]
    # Orders shortly before the end of a relation are billed at once.
    issued = np.minimum(day + rng.integers(0, 3, len(day)), np.maximum(trajectories.ended[customer] - 1, day))
    rows = {
        "invoice": orders["order"],
        "customer": customer,
        "issued": issued,
        "due": issued + terms,
        "amount": orders["amount"],
    }
    return take(rows, issued < calendar.end)


def payment_rows(
    invoices: Rows, trajectories: Trajectories, calendar: Calendar, late_payers: float, rng: np.random.Generator
) -> Rows:
    """Draw payments: later under stress, and more often in two parts; none after default."""
    n, customer = len(trajectories.ended), invoices["customer"]
    habit = 2.5 * rng.standard_normal(n) + np.where(rng.random(n) < late_payers, 15.0, 0.0)
    stress = trajectories.stress[customer, calendar.month(invoices["due"]) + 1]
    count = len(customer)
    over = np.maximum(stress - 0.7, 0)
    delay = -3 + habit[customer] + 4 * stress + 7 * over**1.5 + 3 * rng.standard_normal(count)
    paid = np.maximum(invoices["issued"] + 1, invoices["due"] + delay.round().astype(np.int64))
    in_parts = rng.random(count) < expit(-4 + 1.5 * stress)
    share = np.where(in_parts, rng.uniform(0.3, 0.8, count), 1.0)
    first = (invoices["amount"] * share).round(2)
    rest = paid + 10 + rng.exponential(20, count).astype(np.int64)
    two = np.array([0, 1])
    rows = {
        "payment": (invoices["invoice"][:, None] * 10 + two + 1).ravel(),
        "invoice": np.repeat(invoices["invoice"], 2),
        "customer": np.repeat(customer, 2),
        "paid": np.column_stack([paid, rest]).ravel(),
        "amount": np.column_stack([first, (invoices["amount"] - first).round(2)]).ravel(),
    }
    last = np.where(trajectories.ending == DEFAULTS, trajectories.ended, NEVER)[rows["customer"]]
    return take(rows, (rows["amount"] > 0) & (rows["paid"] < np.minimum(last, calendar.end)))
