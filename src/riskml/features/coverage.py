"""Coverage of the tables: records by day, those that cannot be used, and gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from riskml.config.panel import PanelConfig, TableConfig
from riskml.data.sources.tables import Stored, duplicated_rows
from riskml.errors import DataError, preview
from riskml.features.labels import Frames, Tables

MOST_ROWS = 2_000_000
"""Records of a table without a key up to which duplicates are looked for."""
_EPOCH = dt.date(1970, 1, 1)
_APART = 31  # days after nearly all records beyond which the last one is an error
_NEARLY_ALL = 0.999
_NEGATIVE = {
    "purchases": "negative: returns, which lower spending and are not purchases",
    "invoices": "negative: credit notes, omitted; what they settle belongs among the payments",
}
_MANY, _ENOUGH = 0.2, 100  # share of records without a partner that calls for action, of at least so many
_SPELLINGS = 10_000  # keys compared by their spelling
_FEW = 20  # days with a record below which distances between them are not evaluated


@dataclass(frozen=True)
class Coverage:
    """Records by day.

    Parameters
    ----------
    days : mapping of table to DataFrame
        ``day`` (days since 1970-01-01; missing where a record has no time), ``records``, ``nobody`` (without a
        customer; payments without an invoice), ``strangers`` (without a partner in another table), ``repeats`` (with
        the key of an earlier record), ``negative`` (purchases and invoices below 0), ``late`` (recorded after the day
        they happened), ``delay`` (by how many days, summed).
    """

    days: Mapping[str, pd.DataFrame]

    def to_frame(self) -> pd.DataFrame:
        """Return the days of all tables, with the column ``table``."""
        return pd.concat([days.assign(table=name) for name, days in self.days.items()], ignore_index=True)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Coverage:
        """Return the coverage of a frame that ``to_frame`` returned."""
        by_table = frame.groupby("table", sort=False)
        return cls({str(name): days.drop(columns="table").reset_index(drop=True) for name, days in by_table})

    def first(self, table: str) -> int:
        """Return the first day with a record."""
        return int(self.days[table]["day"].min())

    def last(self, table: str) -> int:
        """Return the last day with a record."""
        return int(self.days[table]["day"].max())

    def lateness(self, table: str) -> tuple[float, float]:
        """Return the share of records that were recorded later than they happened, and their mean delay in days."""
        days = self.days[table]
        late = float(days["late"].sum())
        return late / float(days["records"].sum()), float(days["delay"].sum()) / late if late else 0.0

    def between(self, table: str, first: int, end: int) -> int:
        """Return the number of records from the day ``first`` to before the day ``end``."""
        days = self.days[table]
        return int(days.loc[(days["day"] >= first) & (days["day"] < end), "records"].sum())


def identified_by(table: TableConfig) -> str:
    """Return the column that a record cannot do without: the customer, or the invoice of a payment."""
    return "invoice" if table.role == "payments" else "customer"


def coverage(panel: PanelConfig, tables: Tables, engine: Frames) -> Coverage:
    """Count the records of each table by day."""
    ranges = {}
    for name, table in tables.items():
        role = panel.tables[name].role
        nobody = nw.lit(False) if role == "market" else nw.col(identified_by(panel.tables[name])).is_null()
        stranger = nw.lit(False)
        if link := partner(panel, name):
            key, other = link
            known = tables[other].select(key).unique().with_columns(partner=nw.lit(True))
            table = table.join(known, on=key, how="left")
            stranger = nw.col("partner").is_null() & ~nw.col(key).is_null()
        negative = nw.col("amount") < 0 if role in _NEGATIVE else nw.lit(False)
        repeat = nw.col("repeats") if panel.tables[name].key else nw.lit(0)
        counted = table.with_columns(
            nobody=nobody.cast(nw.Int64),
            strangers=stranger.cast(nw.Int64),
            repeats=repeat.cast(nw.Int64),
            negative=negative.cast(nw.Int64).fill_null(0),
            late=(nw.col("known") > nw.col("day")).cast(nw.Int64),
            delay=nw.col("known") - nw.col("day"),
        )
        sums = [nw.col(column).sum() for column in ("nobody", "strangers", "repeats", "negative", "late", "delay")]
        by_day = counted.group_by("day").agg(nw.len().alias("records"), *sums)
        days = engine.frame(by_day).sort_values("day", ignore_index=True)
        if days["day"].notna().sum() == 0:
            raise DataError("the table has no record with a time", where=f"panel.tables.{name}", fix="check its source")
        if link and 0 < days["strangers"].sum() == days["records"].sum() - days["nobody"].sum():
            _refuse_other_spelling(name, *link, tables, engine)
        ranges[name] = days
    return Coverage(ranges)


def partner(panel: PanelConfig, name: str) -> tuple[str, str] | None:
    """Return the key by which a table's records are found in another table, and that table."""
    role = panel.tables[name].role
    if role == "payments":
        invoices = panel.of_role("invoices")
        return ("invoice", invoices[0]) if invoices else None
    other = next(iter(panel.of_role("attributes")), panel.outcome.table)
    return None if role == "market" or name == other else ("customer", other)


def _refuse_other_spelling(name: str, key: str, other: str, tables: Tables, engine: Frames) -> None:
    """Raise a DataError when keys that do not meet would meet without leading zeros and upper case."""
    mine, theirs = (
        engine.frame(tables[table].select(key).drop_nulls().unique().sort(key).head(_SPELLINGS))[key].map(str)
        for table in (name, other)
    )
    if set(mine.str.casefold().str.lstrip("0")) & set(theirs.str.casefold().str.lstrip("0")):
        raise DataError(
            f"no {key} of {name} is in {other}: {name} has {preview(mine, 3)}; {other} has {preview(theirs, 3)}",
            where=f"panel.tables.{name}, panel.tables.{other}",
            fix=f"write the {key} in the same way in both tables: text such as '0001' is not the number 1",
        )


def extract_day(panel: PanelConfig, coverage: Coverage) -> int:
    """Return the day of the extract: panel.until, or the day after the outcome's last record."""
    if panel.until is not None:
        return (panel.until - _EPOCH).days
    names = [panel.outcome.table]
    names += panel.of_role("payments") if panel.outcome.table in panel.of_role("invoices") else ()
    days = pd.concat([coverage.days[name] for name in names]).dropna(subset="day").sort_values("day")
    usual, last = _usual(days), int(days["day"].iloc[-1])
    if last > usual + _APART:
        raise DataError(
            f"the last record is of {_EPOCH + dt.timedelta(days=last)}, nearly all others are before "
            f"{_EPOCH + dt.timedelta(days=usual + 1)}: is it a date in the future?",
            where=f"panel.tables.{panel.outcome.table}",
            fix="set panel.until to the day of the extract; later records then do not count",
        )
    return last + 1


def _usual(days: pd.DataFrame) -> int:
    """Return the day by which nearly all records happened; for few records, which may be far apart, an early day."""
    share = days["records"].cumsum() / days["records"].sum()
    usual = int(days["day"].iloc[int(np.searchsorted(share.to_numpy(), _NEARLY_ALL))])
    numbers = days["day"].to_numpy()
    if len(numbers) >= _FEW and numbers[-1] - numbers[-2] > numbers[-2] - numbers[0]:
        return min(usual, int(numbers[-2]))  # the last day is farther away than all others together span
    return usual


def remarks(panel: PanelConfig, coverage: Coverage, until: int) -> Iterator[dict[str, object]]:
    """Yield remarks on the tables: ``table``, ``finding``, ``records``."""
    for name, days in coverage.days.items():
        future = days["day"] >= until
        counts = {
            "without a time: omitted": days.loc[days["day"].isna(), "records"].sum(),
            f"without {identified_by(panel.tables[name])}: omitted": days["nobody"].sum(),
            _strangers(panel, name, days): days["strangers"].sum(),
            "with the key of another record: only the first that was known counts": days["repeats"].sum(),
            _NEGATIVE.get(panel.tables[name].role, ""): days["negative"].sum(),
            f"on or after {_EPOCH + dt.timedelta(days=until)}, the day of the extract: omitted": days.loc[
                future, "records"
            ].sum(),
            "recorded later than they happened: known only from then on": days["late"].sum(),
        }
        for finding, records in counts.items():
            if records:
                yield {"table": name, "finding": finding, "records": int(records)}
        if panel.tables[name].role not in ("attributes", "statuses"):  # no window reads these
            yield from ({"table": name, "finding": finding, "records": 0} for finding in _gaps(panel, coverage, name))


def _strangers(panel: PanelConfig, name: str, days: pd.DataFrame) -> str:
    """Return the finding of records without a partner; many call for action."""
    if panel.tables[name].role == "payments":
        finding = "of invoices that are in no table"
    elif panel.of_role("attributes"):
        finding = "of customers without attributes: omitted"
    else:
        finding = f"of customers who are not in {panel.outcome.table}"
    records = days["records"].sum()
    share = days["strangers"].sum() / max(records, 1)
    if share <= _MANY or records < _ENOUGH:
        return finding
    return f"{finding}; act: {share:.0%} of the records, check how the key is written"


def repeats(panel: PanelConfig, tables: Mapping[str, Stored]) -> Iterator[dict[str, object]]:
    """Yield, as `remarks` does, the number of duplicate records of tables without a key."""
    for name, table in tables.items():
        if panel.tables[name].key is not None:
            continue
        if table.rows > MOST_ROWS:
            remark = f"no key and more than {MOST_ROWS:,} records: not checked for duplicates"
            yield {"table": name, "finding": remark, "records": 0}
        elif twice := duplicated_rows(table.files):
            remark = "equal to another in every column, and counted: set the table's key if they are duplicates"
            yield {"table": name, "finding": remark, "records": twice}


def _gaps(panel: PanelConfig, coverage: Coverage, name: str) -> Iterator[str]:
    """Yield the as-of dates at which the longest window is empty, or begins before the table."""
    longest, first = panel.windows[-1], coverage.first(name)
    numbers = [(date - _EPOCH).days for date in panel.dates()]
    empty = [number for number in numbers if coverage.between(name, number - longest, number) == 0]
    short = [number for number in numbers if number - longest < first and number not in empty]
    if empty:
        yield f"no record in the {longest} days before {_dates(empty)}"
    if short:
        begins = _EPOCH + dt.timedelta(days=first)
        yield f"begins on {begins}: shorter than the window of {longest} days at {_dates(short)}"


def _dates(numbers: list[int]) -> str:
    first, last = (_EPOCH + dt.timedelta(days=number) for number in (numbers[0], numbers[-1]))
    return f"{first}" if len(numbers) == 1 else f"{len(numbers)} as-of dates, {first} to {last}"
