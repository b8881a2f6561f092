"""Service records: tickets, contacts and logins."""

from __future__ import annotations

import numpy as np

from riskml.data.simulate.calendar import DAY, Calendar
from riskml.data.simulate.events import Rows, events, running_number
from riskml.data.simulate.hazards import MOOD_PERSISTENCE, Floats, expit
from riskml.data.simulate.orders import IDS
from riskml.data.simulate.trajectories import Trajectories

KINDS = ("complaint", "request")
CHANNELS = ("phone", "e-mail", "visit")
MISSING_TIME = np.iinfo(np.int64).min


def ticket_rows(trajectories: Trajectories, calendar: Calendar, number: int, rng: np.random.Generator) -> Rows:
    """Draw tickets: complaints follow bad experiences and low satisfaction, requests are equally likely for all."""
    before, after = trajectories.mood[:, :-1], trajectories.mood[:, 1:]
    experience = after - MOOD_PERSISTENCE * before
    complaints = 0.07 * np.exp(-0.9 * after - 0.8 * experience)
    requests = np.full_like(after, 0.15)
    opened = events(complaints + requests, *trajectories.active, calendar, rng)
    at = opened.customer, opened.month
    count = len(opened.day)
    complains = rng.random(count) < complaints[at] / (complaints[at] + requests[at])
    hours = np.exp(np.where(complains, 4.2, 2.8) - 0.2 * after[at] + 0.9 * rng.standard_normal(count))
    closed = opened.time + (hours * 3600).astype(np.int64) * 1_000_000
    return {
        "ticket": (number + opened.customer) * IDS + running_number(opened.customer),
        "customer": opened.customer,
        "opened": opened.time,
        "closed": np.where(closed < calendar.end * DAY, closed, MISSING_TIME),
        "kind": np.where(complains, 0, 1),
        "escalated": complains & (rng.random(count) < expit(-1.5 - 0.6 * after[at])),
    }


def contact_rows(trajectories: Trajectories, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Draw attempts to reach customers: more under stress; dissatisfied customers answer less."""
    stress, mood = trajectories.stress[:, 1:], trajectories.mood[:, 1:]
    contacts = events(0.3 * np.exp(0.25 * stress), *trajectories.active, calendar, rng)
    at = contacts.customer, contacts.month
    count = len(contacts.day)
    return {
        "customer": contacts.customer,
        "time": contacts.time,
        "channel": np.searchsorted([0.45, 0.9], rng.random(count), side="right"),
        "answered": rng.random(count) < expit(0.9 + 0.9 * mood[at] - 0.5 * stress[at]),
    }


def login_rows(trajectories: Trajectories, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Draw logins: about three a month; fewer by dissatisfied customers."""
    usual: Floats = rng.gamma(8.0, 0.375, len(trajectories.ended))[:, None]
    logins = events(usual * np.exp(0.7 * trajectories.mood[:, 1:] - 0.25), *trajectories.active, calendar, rng)
    return {"customer": logins.customer, "time": logins.time}
