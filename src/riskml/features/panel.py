"""One honest row per customer and as-of date: features of what was known before it, the outcome of what came after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import pandas as pd

from riskml.config.panel import BEHAVIOUR, PanelConfig, TableConfig
from riskml.data.sources.tables import Stored
from riskml.features.catalog import Catalog
from riskml.features.labels import Tables, before, events
from riskml.features.themes.contact import cases_at
from riskml.features.themes.financial import with_latest
from riskml.features.themes.market import series_at
from riskml.features.themes.payment import invoices_at
from riskml.features.themes.purchase import bought

_EPOCH = dt.date(1970, 1, 1)


def day_number(date: dt.date) -> int:
    """Return the days from 1970-01-01 to a date."""
    return (date - _EPOCH).days


def day_of(number: int) -> dt.date:
    """Return the date so many days after 1970-01-01."""
    return _EPOCH + dt.timedelta(days=int(number))


class Engine(Protocol):
    """What runs the expressions: `riskml.features.engines.duckdb.DuckDB` or `riskml.features.engines.spark.Spark`."""

    def read(self, table: TableConfig, panel: PanelConfig, stored: Stored, *, whole: bool) -> nw.LazyFrame[Any]:
        """Return a table in its canonical form."""
        ...

    def frame(self, lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Return a small result as a pandas frame."""
        ...

    def parts(self, rows: nw.LazyFrame[Any]) -> Sequence[nw.Expr]:
        """Return conditions on ``customer`` that split rows into parts, or none to take them at once."""
        ...

    def write(self, parts: Sequence[nw.LazyFrame[Any]], file: Path) -> None:
        """Write a result as Parquet, whole or not at all; of several parts a folder."""
        ...

    def holding(self, lazy: nw.LazyFrame[Any]) -> AbstractContextManager[nw.LazyFrame[Any]]:
        """Work a result out once, for use more than once, and let go of it afterwards."""
        ...


@dataclass(frozen=True)
class Book:
    """Tables in canonical form, and the day they were drawn."""

    panel: PanelConfig
    catalog: Catalog
    tables: Tables
    until: int  # days since 1970-01-01; records of that day and later do not count

    @property
    def longest(self) -> int:
        """Days of the longest window."""
        return self.panel.windows[-1]

    def of(self, *roles: Any) -> Iterator[nw.LazyFrame[Any]]:
        """Yield the tables of some roles."""
        return (self.tables[name] for name in self.panel.of_role(*roles))

    def part(self, condition: nw.Expr) -> Book:
        """Return the book of some customers; a payment belongs to an invoice, an index to nobody."""
        shared = self.panel.of_role("payments", "market")
        tables = {name: table if name in shared else table.filter(condition) for name, table in self.tables.items()}
        return replace(self, tables=tables)


def known(table: nw.LazyFrame[Any], as_of: int) -> nw.LazyFrame[Any]:
    """Return the records that were known on the morning of a day: they happened before, and were recorded before."""
    return table.filter((nw.col("day") < as_of) & (nw.col("known") < as_of))


def population(book: Book, as_of: int) -> nw.LazyFrame[Any]:
    """Return everyone known on a day: ``customer``, ``first`` (the day they were first seen)."""
    seen = list(book.of("attributes")) or list(book.of(*BEHAVIOUR))
    firsts = [
        known(table, as_of).filter(~nw.col("customer").is_null()).group_by("customer").agg(first=nw.col("day").min())
        for table in seen
    ]
    if len(firsts) == 1:
        return firsts[0]
    return nw.concat(firsts).group_by("customer").agg(nw.col("first").min())


def attributes(table: nw.LazyFrame[Any], columns: Sequence[str], as_of: int) -> nw.LazyFrame[Any]:
    """Return slowly changing attributes as last known on a day; of two of one day the greater value."""
    last = with_latest(known(table, as_of)).filter(nw.col("latest"))
    return last.group_by("customer").agg(*[nw.col(name).max() for name in columns])


def prepared(book: Book, name: str, as_of: int) -> nw.LazyFrame[Any]:
    """Return a table's records as they stood on a day, ready for its features."""
    table, config = book.tables[name], book.panel.tables[name]
    oldest = nw.col("day") >= as_of - book.longest
    if config.role == "invoices":
        payments = book.panel.of_role("payments")
        return invoices_at(table, book.tables[payments[0]] if payments else None, as_of)
    if config.role == "market":
        return series_at(table, as_of, book.longest)
    seen = known(table, as_of)
    if config.role == "service":  # an old case may be open still
        cases = cases_at(seen, as_of, config.complaint)
        return cases.filter(oldest | nw.col("unresolved")) if config.closed else cases.filter(oldest)
    seen = seen.filter(oldest)
    return with_latest(seen) if config.role in ("balances", "bureau") else seen


def aggregated(book: Book, name: str, as_of: int) -> nw.LazyFrame[Any]:
    """Return the features of a table, one row per customer (of a market: per ``by``) with a record."""
    key = "by" if book.panel.tables[name].role == "market" else "customer"
    records, columns = prepared(book, name, as_of), book.catalog.of(name)
    acts = bought(records) if book.panel.tables[name].role == "purchases" else records
    joined: nw.LazyFrame[Any] | None = None
    for per in dict.fromkeys(column.feature.per for column in columns):
        some = [column.expression(as_of) for column in columns if column.feature.per == per]
        one = (records if per is None else youngest(acts, key, per)).group_by(key).agg(*some)
        joined = one if joined is None else joined.join(one, on=key, how="left")
    assert joined is not None
    return joined


def youngest(records: nw.LazyFrame[Any], key: str, per: str) -> nw.LazyFrame[Any]:
    """Return the day of the youngest record of each value of a column."""
    if per == "day":
        return records.group_by(key, "day").agg(records=nw.len())
    return records.filter(~nw.col(per).is_null()).group_by(key, per).agg(nw.col("day").max())


def features(book: Book, as_of: int, rows: nw.LazyFrame[Any] | None = None) -> nw.LazyFrame[Any]:
    """Return the features of customers as they were known on a day."""
    panel, listed = book.panel, book.catalog
    rows = population(book, as_of) if rows is None else rows
    for name in panel.of_role("attributes"):
        rows = rows.join(attributes(book.tables[name], listed.attributes, as_of), on="customer", how="left")
    for name, table in panel.tables.items():
        if not listed.of(name):
            continue
        key = "by" if table.role == "market" else "customer"
        if table.role == "market":  # an industry may be a number among the attributes; a market's is text
            rows = rows.with_columns(nw.col(str(table.by)).cast(nw.String).alias("by"))
        rows = rows.join(aggregated(book, name, as_of), on=key, how="left")
        if table.role == "market":
            rows = rows.drop("by")
    filled = [
        nw.col(column.name).cast(nw.Float64).fill_null(float(column.feature.empty))
        if column.feature.empty is not None
        else nw.col(column.name).cast(nw.Float64)
        for column in listed.columns
    ]
    rows = rows.with_columns(*filled) if filled else rows
    changes = [change.expression() for change in listed.changes]
    return rows.with_columns(*changes) if changes else rows


# -- who is looked at, and what became of them

STATES = ("kept", "too new", "not active", "event before", "event in the gap", "nothing to fall from", "gone")


def judged(book: Book, as_of: int) -> nw.LazyFrame[Any]:
    """Return everyone known on a day with ``state`` (one of ``STATES``) and ``outcome`` (1: the event)."""
    panel, outcome = book.panel, book.panel.outcome
    begins = as_of + outcome.gap
    ends = begins + outcome.days
    rows = population(book, as_of).select("customer", "first")

    def flag(rows: nw.LazyFrame[Any], customers: nw.LazyFrame[Any] | None, name: str) -> nw.LazyFrame[Any]:
        if customers is None:
            return rows.with_columns(nw.lit(False).alias(name))
        flagged = customers.select("customer").with_columns(nw.lit(True).alias(name))
        return rows.join(flagged, on="customer", how="left").with_columns(nw.col(name).fill_null(False))

    active = panel.population.active_days
    acting = None
    if active is not None:
        acts = [*map(bought, book.of("purchases")), *book.of("activity")]
        recent = [known(table, as_of).filter(nw.col("day") >= as_of - active) for table in acts]
        acting = reduce(
            lambda one, other: nw.concat([one, other]), [table.select("customer") for table in recent]
        ).unique()
    rows = flag(rows, acting, "active")
    rows = flag(rows, before(panel, book.tables, as_of), "had")
    ended = [
        known(table, as_of).filter(nw.col("kind").is_in(list(panel.population.gone))) for table in book.of("statuses")
    ]
    left = nw.concat([table.select("customer") for table in ended]).unique() if panel.population.gone else None
    rows = flag(rows, left, "gone")
    spends = outcome.rule in ("no_purchase", "spending_fall")
    in_gap = events(panel, book.tables, as_of, begins) if outcome.gap and not spends else None
    rows = flag(rows, in_gap, "gap")
    after = events(panel, book.tables, begins, ends)
    if outcome.rule == "no_purchase":
        rows = flag(rows, after, "bought").with_columns(event=~nw.col("bought"), lacks=nw.lit(False))
    elif outcome.rule == "spending_fall":
        table = known(book.tables[outcome.table], as_of).filter(nw.col("day") >= as_of - outcome.days)
        rows = rows.join(after, on="customer", how="left")
        rows = rows.join(table.group_by("customer").agg(past=nw.col("amount").sum()), on="customer", how="left")
        spent, past = nw.col("spent").fill_null(0.0), nw.col("past").fill_null(0.0)
        rows = rows.with_columns(event=spent <= past * (1.0 - outcome.fall), lacks=past <= 0)
    else:
        rows = flag(rows, after, "event").with_columns(lacks=nw.lit(False))
    young = nw.col("first") > as_of - panel.population.min_history_days
    idle = ~nw.col("active") if active is not None else nw.lit(False)
    state = (
        nw.when(young if panel.population.min_history_days else nw.lit(False))
        .then(nw.lit(STATES[1]))
        .when(idle)
        .then(nw.lit(STATES[2]))
        .when(nw.col("gone"))
        .then(nw.lit(STATES[6]))
        .when(nw.col("had"))
        .then(nw.lit(STATES[3]))
        .when(nw.col("gap"))
        .then(nw.lit(STATES[4]))
        .when(nw.col("lacks"))
        .then(nw.lit(STATES[5]))
        .otherwise(nw.lit(STATES[0]))
    )
    return rows.select("customer", state=state, outcome=nw.col("event").cast(nw.Int64))
