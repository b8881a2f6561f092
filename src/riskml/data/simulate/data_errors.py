"""Data errors of a simulation: records that arrive late, and rows with errors."""

from __future__ import annotations

from collections import Counter

import numpy as np

from riskml.data.simulate.calendar import DAY, Calendar
from riskml.data.simulate.events import Rows, take
from riskml.data.simulate.settings import BLOCK, Late

# The column of the event's time, by table: days in ``DATED``, microseconds in the others.
HAPPENED = {
    "orders": "time",
    "invoices": "issued",
    "payments": "paid",
    "tickets": "opened",
    "contacts": "time",
    "logins": "time",
}
DATED = {"invoices", "payments"}
RECORDED = ("orders", "invoices", "payments", "tickets")
# Positions in a block of a customer that the table of customers lacks, and of no customer.
UNKNOWN, NOBODY = BLOCK, BLOCK + 1
_TEN_YEARS = 3_652


def with_delays(table: str, rows: Rows, late: Late | None, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Return rows with the time when they became known, without those not known at the end of the simulation."""
    time = rows[HAPPENED[table]] * (DAY if table in DATED else 1)
    if late is not None:
        delayed = rng.random(len(time)) < late.share
        # An hour at least.
        seconds = 3_600 + (rng.exponential(late.days, len(time)) * 86_400).astype(np.int64)
        time = time + np.where(delayed, seconds, 0) * 1_000_000
    return take({**rows, "recorded": time}, time < calendar.end * DAY)


def with_errors(
    table: str, rows: Rows, share: float, present: int, rng: np.random.Generator
) -> tuple[Rows, Counter[str]]:
    """Return the rows of the first ``present`` customers, a share of them with errors, and the errors by kind."""
    kinds = ["duplicate", "missing customer", "unknown customer", "future"]
    kinds += ["negative amount"] if "amount" in rows else []
    count = len(rows["customer"])
    kind = np.where(rng.random(count) < share, rng.integers(0, len(kinds), count), -1)
    kept = rows["customer"] < present
    rows, kind = take(rows, kept), kind[kept]  # a mask copies: the argument does not change
    rows["customer"][kind == 1] = NOBODY
    rows["customer"][kind == 2] = UNKNOWN
    rows[HAPPENED[table]][kind == 3] += _TEN_YEARS * (1 if table in DATED else DAY)
    if "amount" in rows:
        rows["amount"][kind == 4] *= -1
    twice = np.repeat(np.arange(len(kind)), np.where(kind == 0, 2, 1))
    counts = Counter({name: int((kind == code).sum()) for code, name in enumerate(kinds)})
    return take(rows, twice), counts
