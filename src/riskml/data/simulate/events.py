"""Events over time, and rows of a table as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskml.data.simulate.calendar import Calendar
from riskml.data.simulate.hazards import Floats
from riskml.data.simulate.settings import BLOCK

Ints = NDArray[np.int64]
# Days and microseconds since 1970 and positions in lists of names as integers; ``tables`` gives them their types.
Rows = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Events:
    """Events of one kind, sorted by customer and time."""

    customer: Ints  # position in the block
    month: Ints
    day: Ints
    time: Ints  # microseconds


def take(rows: Rows, which: NDArray[Any]) -> Rows:
    """Return some of the rows, by a mask or by position."""
    return {name: values[which] for name, values in rows.items()}


def first_customers(rows: Rows, present: int) -> Rows:
    """Return the rows of the first ``present`` customers of a block."""
    return rows if present == BLOCK else take(rows, rows["customer"] < present)


def events(rate: Floats, since: Ints, until: Ints, calendar: Calendar, rng: np.random.Generator) -> Events:
    """Draw events at a rate per customer and month, between 8 a.m. and 8 p.m."""
    counts = rng.poisson(rate).ravel()
    cell = np.repeat(np.arange(len(counts)), counts)
    customer, month = np.divmod(cell, rate.shape[1])
    day = calendar.first[month] + (rng.random(len(cell)) * calendar.days[month]).astype(np.int64)
    second = day * 86_400 + rng.integers(8 * 3600, 20 * 3600, len(cell))
    kept = np.flatnonzero((day >= since[customer]) & (day < until[customer]))
    # One sort key for both: the seconds until the year 2200 need 33 bits.
    order = kept[np.argsort((customer[kept] << 34) + second[kept], kind="stable")]
    return Events(customer[order], month[order], day[order], second[order] * 1_000_000)


def running_number(customer: Ints) -> Ints:
    """Return 1, 2, 3 … for the rows of each customer, which are contiguous.

    Examples
    --------
    >>> running_number(np.array([4, 4, 9])).tolist()
    [1, 2, 1]
    """
    begins = np.flatnonzero(np.diff(customer, prepend=-1))
    lengths = np.diff(np.append(begins, len(customer)))
    numbers: Ints = np.arange(len(customer)) - np.repeat(begins, lengths) + 1
    return numbers
