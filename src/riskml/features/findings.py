"""Findings of a panel's checks, and the rows by as-of date that they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Severity = Literal["act", "watch", "info"]
Rows = NDArray[np.intp]

FEW = 20  # events, non-events or values below which a date is not evaluated
ROWS = (2_000, 20_000, 200_000)  # sample size: minimum and maximum of one date, and maximum of all dates
CHANCE = 4.0  # standard errors within which a difference counts as chance
_NOT_FEATURES = ("row", "customer", "as_of", "outcome")


@dataclass(frozen=True)
class Finding:
    """A line of the report."""

    check: str  # the name of the check
    column: str  # the column, or the table
    finding: str  # the finding and its meaning
    severity: Severity  # "act": do not trust a model before it is understood; "watch": possible; "info": no problem
    figure: float  # the figure that decides


@dataclass(frozen=True)
class Dates:
    """A panel's rows by as-of date, and a bounded sample of them."""

    days: tuple[pd.Timestamp, ...]  # in order
    rows: tuple[Rows, ...]  # positions of all rows of each date, in the frame's order
    sample: tuple[Rows, ...]  # positions of the rows on which columns are compared
    ranked: tuple[Rows, ...]  # positions of the rows for an AUC, events before others; empty where there are too few


def by_date(frame: pd.DataFrame, seed: int) -> Dates:
    """Return the rows of a panel by as-of date."""
    stamps = pd.to_datetime(frame["as_of"])
    codes, days = pd.factorize(stamps, sort=True)
    rows = tuple(np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(days)))[:-1]))
    most = int(np.clip(ROWS[2] // max(len(days), 1), *ROWS[:2]))
    event = frame["outcome"].to_numpy() == 1
    draw = np.random.default_rng(seed)

    def some(rows_of_day: Rows, most: int) -> Rows:
        return rows_of_day if len(rows_of_day) <= most else np.sort(draw.choice(rows_of_day, most, replace=False))

    def ranked(rows_of_day: Rows) -> Rows:
        events, others = rows_of_day[event[rows_of_day]], rows_of_day[~event[rows_of_day]]
        if min(len(events), len(others)) < FEW:
            return rows_of_day[:0]
        few = some(events, most // 2)
        return np.concatenate([few, some(others, most - len(few))])

    return Dates(tuple(days), rows, tuple(some(one, most) for one in rows), tuple(ranked(one) for one in rows))


def feature_names(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a panel that are features."""
    return [str(column) for column in frame.columns if column not in _NOT_FEATURES]


def written(stamp: Any) -> str:
    """Return a date as text."""
    return str(pd.Timestamp(stamp).date())
