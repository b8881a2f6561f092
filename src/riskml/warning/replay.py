"""Replay: past as-of dates of a portfolio and the outcomes of its customers, for backtests."""

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
from riskml.warning.snapshot import Snapshot, rule_columns, values

DatedPortfolio = tuple[dt.date, pd.DataFrame]


@dataclass(frozen=True)
class Replay:
    """Past as-of dates in order, with what the rules' thresholds are compared with.

    Thresholds may change between uses of a replay, other parts of the rules not.
    """

    dates: tuple[dt.date, ...]
    portfolios: tuple[pd.DataFrame, ...]  # ``riskml.warning.snapshot.rule_columns``
    measures: tuple[pd.DataFrame, ...]  # ``riskml.warning.indicators.measures``
    conditions: tuple[dict[str, np.ndarray], ...]

    def between(self, first: dt.date | None = None, before: dt.date | None = None) -> Replay:
        """Return the dates from ``first`` to before ``before``; their measures still use earlier dates."""
        start = 0 if first is None else sum(date < first for date in self.dates)
        end = len(self.dates) if before is None else sum(date < before for date in self.dates)
        dates = slice(start, end)
        return Replay(self.dates[dates], self.portfolios[dates], self.measures[dates], self.conditions[dates])


@dataclass(frozen=True)
class Outcomes:
    """Dates of the events."""

    dates: pd.Series  # datetime64 by customer as text: the first event
    until: dt.date | None  # events from this date on are unknown; None where every event in reach is known
    exact: bool = True  # False where the dates are the last as-of dates before the events, which came later

    def before(self, day: dt.date) -> Outcomes:
        """Return the outcomes known at the beginning of a day."""
        until = day if self.until is None else min(day, self.until)
        return replace(self, dates=self.dates[self.dates < pd.Timestamp(day)], until=until)


def prepare_replay(rules: WarningRules, portfolios: Iterable[DatedPortfolio], customer: str = "customer") -> Replay:
    """Return a replay of scored portfolios, in order of their as-of dates."""
    rows: list[tuple[dt.date, pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]] = []
    snapshots: list[Snapshot] = []
    for date, frame in portfolios:
        if rows and date <= rows[-1][0]:
            raise DataError(
                f"the as-of date {date} follows {rows[-1][0]}", fix="sort the portfolios by date, each once"
            )
        portfolio = rule_columns(rules, frame, customer)
        now = values(rules, portfolio)
        rows.append((date, portfolio, measures(rules, now, snapshots), conditions(rules, portfolio)))
        snapshots = [*snapshots, Snapshot(date, now, now[[]])][-max(rules.looks_back, 1) :]
    if not rows:
        raise DataError("there is no as-of date")
    dates, read, measured, met = zip(*rows, strict=True)
    return Replay(dates, read, measured, met)


def panel_portfolios(
    folder: Path, score: Callable[[pd.DataFrame], pd.DataFrame] | None = None
) -> Iterator[DatedPortfolio]:
    """Yield the portfolios of a panel's folder by as-of date: files such as ``as_of=2024-01-01.parquet``."""
    files = sorted(folder.glob("as_of=*.parquet"))
    if not files:
        raise DataError(
            "the folder has no as-of date of a panel (as_of=2024-01-01.parquet, …)",
            where=str(folder),
            fix="name a panel's folder, such as experiments/runs/<experiment>/panel",
        )
    for file in files:
        try:
            date = dt.date.fromisoformat(file.stem.removeprefix("as_of="))
        except ValueError:
            raise DataError(f"the name {file.name!r} has no date", where=str(folder)) from None
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
    """Return the dates of a table of events by customer as text; a customer may have several."""
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
        raise DataError(f"{frame[date].iloc[row]!r} is not a date", where=f"{where}, column {date!r}, row {row + 1}")
    if days.dt.tz is not None:
        days = days.dt.tz_localize(None)
    return pd.Series(days.to_numpy().astype("datetime64[ns]"), index=frame[customer].astype(str).to_numpy())


def outcomes_of_panel(portfolios: Iterable[DatedPortfolio], customer: str = "customer") -> Outcomes:
    """Return outcomes from the column ``outcome`` of a panel's portfolios."""
    last: dict[str, dt.date] = {}
    for date, frame in portfolios:
        if "outcome" not in frame.columns:
            raise DataError("the panel has no outcome", where=f"as_of={date}", fix="name the events with --events")
        last |= dict.fromkeys(frame.loc[frame["outcome"] == 1, customer].astype(str), date)
    dates = pd.Series(list(last.values()), index=pd.Index(list(last), dtype=object), dtype="datetime64[ns]")
    return Outcomes(dates, None, exact=False)
