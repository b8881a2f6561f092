"""What the tables hold over time, and what of it cannot count: told in numbers before anything is built on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from riskml.config.panel import PanelConfig, TableConfig
from riskml.data.sources.tables import Stored, duplicated_rows
from riskml.errors import DataError
from riskml.features.labels import Frames, Tables

MOST_ROWS = 2_000_000
"""Of a table without a key that are looked at for duplicates; of a larger one a key has to tell."""
_EPOCH = dt.date(1970, 1, 1)
_APART = 31  # days between nearly all records and the last one, beyond which the last one is taken for a mistake
_NEARLY_ALL = 0.999
_NEGATIVE = {
    "purchases": "of less than nought: returns, which lower spending and are no purchases",
    "invoices": "of less than nought: credit notes, left out; what they settle belongs among the payments",
}
_FEW = 20  # days with a record, below which nothing is told from how far they are apart


@dataclass(frozen=True)
class Coverage:
    """Records by day.

    Parameters
    ----------
    days : mapping of table to DataFrame
        ``day`` (days since 1970-01-01; missing where a record has no time), ``records``, ``nobody`` (without a
        customer; a payment, without an invoice), ``strangers`` (of customers of whom no attributes are known),
        ``repeats`` (with a key that was there before), ``negative`` (purchases and invoices of less than nought),
        ``late`` (recorded after the day they happened), ``delay`` (by how many days, all of these together).
    """

    days: Mapping[str, pd.DataFrame]

    def to_frame(self) -> pd.DataFrame:
        """Return all tables' days below one another, with the column ``table``."""
        return pd.concat([days.assign(table=name) for name, days in self.days.items()], ignore_index=True)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Coverage:
        """Return what ``to_frame`` made a frame of."""
        by_table = frame.groupby("table", sort=False)
        return cls({str(name): days.drop(columns="table").reset_index(drop=True) for name, days in by_table})

    def first(self, table: str) -> int:
        """Return the first day with a record."""
        return int(self.days[table]["day"].min())

    def last(self, table: str) -> int:
        """Return the last day with a record."""
        return int(self.days[table]["day"].max())

    def lateness(self, table: str) -> tuple[float, float]:
        """Return the share of records that were recorded later than they happened, and by how many days in the mean."""
        days = self.days[table]
        late = float(days["late"].sum())
        return late / float(days["records"].sum()), float(days["delay"].sum()) / late if late else 0.0

    def between(self, table: str, first: int, end: int) -> int:
        """Return the records from a day to another, the latter not included."""
        days = self.days[table]
        return int(days.loc[(days["day"] >= first) & (days["day"] < end), "records"].sum())


def identified_by(table: TableConfig) -> str:
    """Return the column without which a record belongs to nobody: a payment belongs to its invoice."""
    return "invoice" if table.role == "payments" else "customer"


def coverage(panel: PanelConfig, tables: Tables, engine: Frames) -> Coverage:
    """Count the records of each table by day."""
    ranges = {}
    described = panel.of_role("attributes")
    for name, table in tables.items():
        role = panel.tables[name].role
        nobody = nw.lit(False) if role == "market" else nw.col(identified_by(panel.tables[name])).is_null()
        stranger = nw.lit(False)
        if described and role not in ("market", "payments", "attributes"):
            book = tables[described[0]].select("customer").unique().with_columns(told=nw.lit(True))
            table = table.join(book, on="customer", how="left")
            stranger = nw.col("told").is_null() & ~nw.col("customer").is_null()
        negative = nw.col("amount") < 0 if role in _NEGATIVE else nw.lit(False)
        repeats = nw.col("repeats") if panel.tables[name].key else nw.lit(0)
        counted = table.with_columns(
            nobody=nobody.cast(nw.Int64),
            strangers=stranger.cast(nw.Int64),
            repeats=repeats.cast(nw.Int64),
            negative=negative.cast(nw.Int64).fill_null(0),
            late=(nw.col("known") > nw.col("day")).cast(nw.Int64),
            delay=nw.col("known") - nw.col("day"),
        )
        sums = [nw.col(column).sum() for column in ("nobody", "strangers", "repeats", "negative", "late", "delay")]
        by_day = counted.group_by("day").agg(nw.len().alias("records"), *sums)
        days = engine.frame(by_day).sort_values("day", ignore_index=True)
        if days["day"].notna().sum() == 0:
            raise DataError("the table has no record with a time", where=f"panel.tables.{name}", fix="check its source")
        ranges[name] = days
    return Coverage(ranges)


def drawn_on(panel: PanelConfig, held: Coverage) -> int:
    """Return the day the tables were drawn: what the experiment says, else the day after the outcome's last record."""
    if panel.until is not None:
        return (panel.until - _EPOCH).days
    names = [
        panel.outcome.table,
        *(panel.of_role("payments") if panel.outcome.table in panel.of_role("invoices") else ()),
    ]
    days = pd.concat([held.days[name] for name in names]).dropna(subset="day").sort_values("day")
    usual, last = _usual(days), int(days["day"].iloc[-1])
    if last > usual + _APART:
        raise DataError(
            f"the last record is of {_EPOCH + dt.timedelta(days=last)}, nearly all others lie before "
            f"{_EPOCH + dt.timedelta(days=usual + 1)}: is it a stamp in the future?",
            where=f"panel.tables.{panel.outcome.table}",
            fix="say in panel.until on which day the tables were drawn; later records then do not count",
        )
    return last + 1


def _usual(days: pd.DataFrame) -> int:
    """Return the day by which nearly all records lie; of few records, which may be far apart, a cautious guess."""
    share = days["records"].cumsum() / days["records"].sum()
    usual = int(days["day"].iloc[int(np.searchsorted(share.to_numpy(), _NEARLY_ALL))])
    numbers = days["day"].to_numpy()
    if len(numbers) >= _FEW and numbers[-1] - numbers[-2] > numbers[-2] - numbers[0]:
        return min(usual, int(numbers[-2]))  # one day alone, further off than all others are long
    return usual


def remarks(panel: PanelConfig, held: Coverage, until: int) -> Iterator[dict[str, object]]:
    """Yield what a reader should know of the tables: ``table``, ``finding``, ``records``; a line for each finding."""
    for name, days in held.days.items():
        future = days["day"] >= until
        drawn = _EPOCH + dt.timedelta(days=until)
        counted = {
            "without a time: left out": days.loc[days["day"].isna(), "records"].sum(),
            f"without {'an' if identified_by(panel.tables[name]) == 'invoice' else 'a'} "
            f"{identified_by(panel.tables[name])}: left out": days["nobody"].sum(),
            "of customers without attributes: left out": days["strangers"].sum(),
            "with a key that another record has: only the first that was known counts": days["repeats"].sum(),
            _NEGATIVE.get(panel.tables[name].role, ""): days["negative"].sum(),
            f"on or after {drawn}, when the tables were drawn: never known": days.loc[future, "records"].sum(),
            "recorded later than they happened: known only from then on": days["late"].sum(),
        }
        yield from (
            {"table": name, "finding": finding, "records": int(records)}
            for finding, records in counted.items()
            if records
        )
        if panel.tables[name].role not in ("attributes", "statuses"):  # no window looks at these
            yield from ({"table": name, "finding": finding, "records": 0} for finding in _gaps(panel, held, name))


def repeats(panel: PanelConfig, tables: Mapping[str, Stored]) -> Iterator[dict[str, object]]:
    """Yield, as `remarks` does, how many records of a table without a key are there twice, or that nobody looked."""
    for name, table in tables.items():
        if panel.tables[name].key is not None:
            continue
        if table.rows > MOST_ROWS:
            remark = f"has no key, and more than {MOST_ROWS:,} records: not looked at for duplicates"
            yield {"table": name, "finding": remark, "records": 0}
        elif twice := duplicated_rows(table.files):
            remark = "equal to another in every column, and counted: where they are duplicates, name the table's key"
            yield {"table": name, "finding": remark, "records": twice}


def _gaps(panel: PanelConfig, held: Coverage, name: str) -> Iterator[str]:
    """Yield at which as-of dates the longest window holds nothing, or reaches back before the table begins."""
    longest, first = panel.windows[-1], held.first(name)
    numbers = [(date - _EPOCH).days for date in panel.dates()]
    empty = [number for number in numbers if held.between(name, number - longest, number) == 0]
    short = [number for number in numbers if number - longest < first and number not in empty]
    if empty:
        yield f"no record in the {longest} days before {_dates(empty)}"
    if short:
        begins = _EPOCH + dt.timedelta(days=first)
        yield f"begins on {begins}: shorter than the window of {longest} days at {_dates(short)}"


def _dates(numbers: list[int]) -> str:
    first, last = (_EPOCH + dt.timedelta(days=number) for number in (numbers[0], numbers[-1]))
    return f"{first}" if len(numbers) == 1 else f"{len(numbers)} as-of dates, {first} to {last}"
