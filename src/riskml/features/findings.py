"""What a check of a panel says, and the rows by as-of date that it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Severity = Literal["act", "watch", "info"]
Rows = NDArray[np.intp]

FEW = 20  # events, and others, or values, below which a date is not judged
ROWS = (2_000, 20_000, 200_000)  # that are looked at: at the least and at the most of one date, and of all together
CHANCE = 4.0  # standard errors within which nothing is told from chance
_NOT_FEATURES = ("row", "customer", "as_of", "outcome")


@dataclass(frozen=True)
class Finding:
    """A line of the report."""

    check: str  # what was looked for
    column: str  # the column, or the table
    finding: str  # what was found, and what it means
    # "act": do not trust a model before this is understood; "watch": it may be so; "info": as it should be, or cannot
    # be told
    severity: Severity
    figure: float  # the figure that decides


@dataclass(frozen=True)
class Dates:
    """A panel's rows by as-of date, and a bounded sample of them."""

    days: tuple[pd.Timestamp, ...]  # in order
    rows: tuple[Rows, ...]  # places of all rows of each date, in the frame's order
    sample: tuple[Rows, ...]  # places of the rows that columns are compared on
    # places of the rows on which columns rank the outcome, events before others; empty where there are too few. How
    # many of each are drawn does not matter to an AUC
    judged: tuple[Rows, ...]


def by_date(frame: pd.DataFrame, seed: int) -> Dates:
    """Return the rows of a panel by as-of date."""
    stamps = pd.to_datetime(frame["as_of"])
    codes, days = pd.factorize(stamps, sort=True)
    rows = tuple(np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(days)))[:-1]))
    most = int(np.clip(ROWS[2] // max(len(days), 1), *ROWS[:2]))
    event = frame["outcome"].to_numpy() == 1
    draw = np.random.default_rng(seed)

    def some(places: Rows, most: int) -> Rows:
        return places if len(places) <= most else np.sort(draw.choice(places, most, replace=False))

    def judged(places: Rows) -> Rows:
        events, others = places[event[places]], places[~event[places]]
        if min(len(events), len(others)) < FEW:
            return places[:0]
        few = some(events, most // 2)
        return np.concatenate([few, some(others, most - len(few))])

    return Dates(tuple(days), rows, tuple(some(one, most) for one in rows), tuple(judged(one) for one in rows))


def feature_names(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a panel that are features."""
    return [str(column) for column in frame.columns if column not in _NOT_FEATURES]


def written(stamp: Any) -> str:
    """Return a date as text."""
    return str(pd.Timestamp(stamp).date())
