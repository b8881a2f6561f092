"""Past as-of dates of a book, and what became of its customers: what a backtest is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from riskml.config.warning import WarningRules
from riskml.data.sources.source import read_table
from riskml.errors import DataError, did_you_mean
from riskml.warning.indicators import conditions, measures
from riskml.warning.snapshot import Reading, read_book, values

Book = tuple[dt.date, pd.DataFrame]


@dataclass(frozen=True)
class Replay:
    """As-of dates with what the rules' thresholds are held against; thresholds may change, the rest of the rules not.

    Parameters
    ----------
    dates : tuple of date
        In order.
    books, measures : tuple of DataFrame
        Of each date, as ``read_book`` and ``riskml.warning.indicators.measures`` return them.
    """

    dates: tuple[dt.date, ...]
    books: tuple[pd.DataFrame, ...]
    measures: tuple[pd.DataFrame, ...]
    conditions: tuple[dict[str, np.ndarray], ...]

    def between(self, first: dt.date | None = None, before: dt.date | None = None) -> Replay:
        """Return the dates from ``first`` on and before ``before``; their measures still know the dates before."""
        kept = [
            place
            for place, date in enumerate(self.dates)
            if (first is None or date >= first) and (before is None or date < before)
        ]
        return replace(
            self,
            dates=tuple(self.dates[place] for place in kept),
            books=tuple(self.books[place] for place in kept),
            measures=tuple(self.measures[place] for place in kept),
            conditions=tuple(self.conditions[place] for place in kept),
        )


@dataclass(frozen=True)
class Outcomes:
    """Which customers had the event, and when.

    Parameters
    ----------
    dates : Series of datetime64
        Index: the customer as text. The day of the first event.
    until : date or None
        Events from this day on are not known; None where every event is known that could follow on an as-of date.
    exact : bool
        False where the days are the last as-of dates before the events: the events came later than said.
    """

    dates: pd.Series
    until: dt.date | None
    exact: bool = True

    def before(self, day: dt.date) -> Outcomes:
        """Return what was known on the morning of a day."""
        until = day if self.until is None else min(day, self.until)
        return replace(self, dates=self.dates[self.dates < pd.Timestamp(day)], until=until)


def past(rules: WarningRules, books: Iterable[Book], customer: str = "customer") -> Replay:
    """Return past as-of dates as the rules read them."""
    dates: list[dt.date] = []
    read: list[pd.DataFrame] = []
    held: list[pd.DataFrame] = []
    met: list[dict[str, np.ndarray]] = []
    readings: list[Reading] = []
    for date, frame in books:
        if dates and date <= dates[-1]:
            raise DataError(f"the as-of date {date} follows on {dates[-1]}", fix="hand the books in by date, each once")
        book = read_book(rules, frame, customer)
        now = values(rules, book)
        dates.append(date)
        read.append(book)
        held.append(measures(rules, now, readings))
        met.append(conditions(rules, book))
        readings = [*readings, Reading(date, now, now[[]])][-max(rules.looks_back, 1) :]
    if not dates:
        raise DataError("there is no as-of date")
    return Replay(tuple(dates), tuple(read), tuple(held), tuple(met))


def panel_books(folder: Path, score: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> Iterator[Book]:
    """Yield the books of a panel's folder by as-of date: files such as ``as_of=2024-01-01.parquet``."""
    files = sorted(folder.glob("as_of=*.parquet"))
    if not files:
        raise DataError(
            "the folder holds no as-of date of a panel (as_of=2024-01-01.parquet, …)",
            where=str(folder),
            fix="name the folder experiments/runs/<experiment>/panel, or one that you filled",
        )
    for file in files:
        try:
            date = dt.date.fromisoformat(file.stem.removeprefix("as_of="))
        except ValueError:
            raise DataError(f"{file.name!r} holds no date", where=str(folder)) from None
        frame = read_table(file)
        if score is not None:
            scores = score(frame)
            frame = pd.concat([frame.drop(columns=scores.columns, errors="ignore"), scores], axis=1)
        yield date, frame


def event_dates(frame: pd.DataFrame, customer: str, date: str, until: dt.date | None, where: str = "") -> Outcomes:
    """Return outcomes from a table of events: the first of each customer."""
    firsts = all_dates(frame, customer, date, where).sort_values(kind="stable")
    firsts = firsts[~firsts.index.duplicated()]
    if until is None:
        until = (firsts.max() + pd.Timedelta(days=1)).date() if len(firsts) else None
    return Outcomes(firsts, until)


def all_dates(frame: pd.DataFrame, customer: str, date: str, where: str = "") -> pd.Series:
    """Return the days of a table of things that happened to customers, by customer as text; one may be there often."""
    absent = [name for name in (customer, date) if name not in frame.columns]
    if absent:
        raise DataError(
            f"the table has no column {absent[0]!r}",
            where=where,
            fix=did_you_mean(absent[0], list(map(str, frame.columns))) or "name it in the options",
        )
    days = pd.to_datetime(frame[date], errors="coerce")
    if days.isna().any():
        row = int(np.flatnonzero(days.isna())[0])
        raise DataError(f"{frame[date].iloc[row]!r} is no date", where=f"{where}, column {date!r}, row {row + 1}")
    if days.dt.tz is not None:
        days = days.dt.tz_localize(None)
    return pd.Series(days.to_numpy().astype("datetime64[ns]"), index=frame[customer].astype(str).to_numpy())


def outcomes_of_panel(books: Iterable[Book], customer: str = "customer") -> Outcomes:
    """Return outcomes from the column ``outcome`` of a panel's books."""
    last: dict[str, dt.date] = {}
    for date, frame in books:
        if "outcome" not in frame.columns:
            raise DataError("the panel has no outcome", where=f"as_of={date}", fix="hand in the events with --events")
        for name in frame.loc[frame["outcome"] == 1, customer].astype(str):
            last[name] = date
    dates = pd.Series(list(last.values()), index=pd.Index(list(last), dtype=object), dtype="datetime64[ns]")
    return Outcomes(dates, None, exact=False)
