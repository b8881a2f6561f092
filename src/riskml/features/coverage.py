"""What the tables hold over time, and what of it cannot count: told in numbers before anything is built on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import narwhals as nw
import numpy as np
import pandas as pd

from riskml.errors import DataError
from riskml.features.outcome import Tables
from riskml.panel_config import PanelConfig

_EPOCH = dt.date(1970, 1, 1)
_APART = 31  # days between nearly all records and the last one, beyond which the last one is taken for a mistake
_NEARLY_ALL = 0.999


class Frames(Protocol):
    """What brings a small result into memory."""

    def frame(self, lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Return a small result as a pandas frame."""
        ...


@dataclass(frozen=True)
class Coverage:
    """Records by day.

    Parameters
    ----------
    days : mapping of table to DataFrame
        ``day`` (days since 1970-01-01; missing where a record has no time), ``records``, ``nobody`` (without a
        customer), ``late`` (recorded after the day they happened).
    """

    days: Mapping[str, pd.DataFrame]

    def first(self, table: str) -> int:
        """Return the first day with a record."""
        return int(self.days[table]["day"].min())

    def last(self, table: str) -> int:
        """Return the last day with a record."""
        return int(self.days[table]["day"].max())

    def between(self, table: str, first: int, end: int) -> int:
        """Return the records from a day to another, the latter not included."""
        found = self.days[table]
        return int(found.loc[(found["day"] >= first) & (found["day"] < end), "records"].sum())


def coverage(panel: PanelConfig, tables: Tables, engine: Frames) -> Coverage:
    """Count the records of each table by day.

    Raises
    ------
    DataError
        When a table has no record with a time.
    """
    found = {}
    for name, table in tables.items():
        nobody = nw.col("customer").is_null() if panel.tables[name].role != "market" else nw.lit(False)
        counted = table.with_columns(
            nobody=nobody.cast(nw.Int64), late=(nw.col("known") > nw.col("day")).cast(nw.Int64)
        )
        by_day = counted.group_by("day").agg(records=nw.len(), nobody=nw.col("nobody").sum(), late=nw.col("late").sum())
        days = engine.frame(by_day).sort_values("day", ignore_index=True)
        if days["day"].notna().sum() == 0:
            raise DataError(
                "the table has no record with a time", where=f"panel.tables.{name}", mend="check its source"
            )
        found[name] = days
    return Coverage(found)


def drawn_on(panel: PanelConfig, found: Coverage) -> int:
    """Return the day the tables were drawn: what the experiment says, else the day after the outcome's last record.

    Raises
    ------
    DataError
        When it is not stated, and the last record lies so far after all others that it must be a mistake.
    """
    if panel.until is not None:
        return (panel.until - _EPOCH).days
    names = [
        panel.outcome.table,
        *(panel.of_role("payments") if panel.outcome.table in panel.of_role("invoices") else ()),
    ]
    days = pd.concat([found.days[name] for name in names]).dropna(subset="day").sort_values("day")
    share = days["records"].cumsum() / days["records"].sum()
    usual = int(days["day"].iloc[int(np.searchsorted(share.to_numpy(), _NEARLY_ALL))])
    last = int(days["day"].iloc[-1])
    if last > usual + _APART:
        raise DataError(
            f"the last record is of {_EPOCH + dt.timedelta(days=last)}, nearly all others lie before "
            f"{_EPOCH + dt.timedelta(days=usual + 1)}: is it a stamp in the future?",
            where=f"panel.tables.{panel.outcome.table}",
            mend="say in panel.until on which day the tables were drawn; later records then do not count",
        )
    return last + 1


def remarks(panel: PanelConfig, found: Coverage, until: int) -> Iterator[dict[str, object]]:
    """Yield what a reader should know of the tables: ``table``, ``finding``, ``records``."""
    for name, days in found.days.items():

        def say(finding: str, records: int, name: str = name) -> dict[str, object]:
            return {"table": name, "finding": finding, "records": int(records)}

        undated = int(days.loc[days["day"].isna(), "records"].sum())
        if undated:
            yield say("without a time: left out", undated)
        if days["nobody"].sum():
            yield say("without a customer: left out", days["nobody"].sum())
        future = int(days.loc[days["day"] >= until, "records"].sum())
        if future:
            yield say(
                f"on or after {_EPOCH + dt.timedelta(days=until)}, when the tables were drawn: never known", future
            )
        if days["late"].sum():
            yield say("recorded later than they happened: known only from then on", days["late"].sum())
        if panel.tables[name].role == "attributes":
            continue
        for date in panel.dates():
            as_of = (date - _EPOCH).days
            if found.between(name, as_of - panel.windows[-1], as_of) == 0:
                yield say(f"no record in the {panel.windows[-1]} days before {date}", 0)
            elif found.first(name) > as_of - panel.windows[-1]:
                begins = _EPOCH + dt.timedelta(days=found.first(name))
                yield say(f"begins on {begins}: shorter than the window of {panel.windows[-1]} days at {date}", 0)
