"""Panel: one row per customer and as-of date, features known before it and the outcome after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
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
    """An engine that runs the expressions: DuckDB or Spark, in `riskml.features.engines`."""

    def read(self, table: TableConfig, panel: PanelConfig, stored: Stored, *, integer_ids: bool) -> nw.LazyFrame[Any]:
        """Return a table in its canonical form."""
        ...

    def frame(self, lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Return a small result as a pandas frame."""
        ...

    def parts(self, rows: nw.LazyFrame[Any]) -> Sequence[nw.Expr]:
        """Return conditions on ``customer`` that split rows into parts, or none for all rows at once."""
        ...

    def write(self, parts: Sequence[nw.LazyFrame[Any]], file: Path) -> None:
        """Write a result as Parquet, atomically; several parts become a folder."""
        ...

    def holding(self, lazy: nw.LazyFrame[Any]) -> AbstractContextManager[nw.LazyFrame[Any]]:
        """Hold a result that is used more than once, and release it afterwards."""
        ...


@dataclass(frozen=True)
class PanelTables:
    """Tables in canonical form, and the day of the extract."""

    panel: PanelConfig
    catalog: Catalog
    by_name: Tables
    until: int  # days since 1970-01-01; records of that day and later do not count

    def __getitem__(self, name: str) -> nw.LazyFrame[Any]:
        """Return a table by name."""
        return self.by_name[name]

    @property
    def longest(self) -> int:
        """Days of the longest window."""
        return self.panel.windows[-1]

    def of(self, *roles: Any) -> Iterator[nw.LazyFrame[Any]]:
        """Yield the tables of some roles."""
        return (self[name] for name in self.panel.of_role(*roles))

    def part(self, condition: nw.Expr) -> PanelTables:
        """Return the tables of some customers; payments and market indices have no customer and are kept."""
        shared = self.panel.of_role("payments", "market")
        tables = {name: table if name in shared else table.filter(condition) for name, table in self.by_name.items()}
        return replace(self, by_name=tables)


def known(table: nw.LazyFrame[Any], as_of: int) -> nw.LazyFrame[Any]:
    """Return the records known on a day: those that happened and were recorded before it."""
    return table.filter((nw.col("day") < as_of) & (nw.col("known") < as_of))


def population(tables: PanelTables, as_of: int) -> nw.LazyFrame[Any]:
    """Return all customers known on a day: ``customer``, ``first`` (the day of the first record)."""
    firsts = [
        known(table, as_of).filter(~nw.col("customer").is_null()).group_by("customer").agg(first=nw.col("day").min())
        for table in list(tables.of("attributes")) or tables.of(*BEHAVIOUR)
    ]
    if len(firsts) == 1:
        return firsts[0]
    return nw.concat(firsts).group_by("customer").agg(nw.col("first").min())


def attributes(table: nw.LazyFrame[Any], columns: Sequence[str], as_of: int) -> nw.LazyFrame[Any]:
    """Return slowly changing attributes as last known on a day; of two of the same day the greater value."""
    last = with_latest(known(table, as_of)).filter(nw.col("latest"))
    return last.group_by("customer").agg(*[nw.col(name).max() for name in columns])


def prepared(tables: PanelTables, name: str, as_of: int) -> nw.LazyFrame[Any]:
    """Return a table's records as they were on a day, ready for its features."""
    table, config = tables[name], tables.panel.tables[name]
    oldest = nw.col("day") >= as_of - tables.longest
    if config.role == "invoices":
        payments = tables.panel.of_role("payments")
        return invoices_at(table, tables[payments[0]] if payments else None, as_of)
    if config.role == "market":
        return series_at(table, as_of, tables.longest)
    seen = known(table, as_of)
    if config.role == "service":  # an old case may still be open
        cases = cases_at(seen, as_of, config.complaint)
        return cases.filter(oldest | nw.col("unresolved")) if config.closed else cases.filter(oldest)
    seen = seen.filter(oldest)
    return with_latest(seen) if config.role in ("balances", "bureau") else seen


def aggregated(tables: PanelTables, name: str, as_of: int) -> nw.LazyFrame[Any]:
    """Return the features of a table, one row per customer (of a market: per ``by``) with a record."""
    key = "by" if tables.panel.tables[name].role == "market" else "customer"
    records, columns = prepared(tables, name, as_of), tables.catalog.of(name)
    actions = bought(records) if tables.panel.tables[name].role == "purchases" else records
    joined: nw.LazyFrame[Any] | None = None
    for per in dict.fromkeys(column.feature.per for column in columns):
        some = [column.expression(as_of) for column in columns if column.feature.per == per]
        one = (records if per is None else youngest(actions, key, per)).group_by(key).agg(*some)
        joined = one if joined is None else joined.join(one, on=key, how="left")
    assert joined is not None
    return joined


def youngest(records: nw.LazyFrame[Any], key: str, per: str) -> nw.LazyFrame[Any]:
    """Return the day of the youngest record of each value of a column."""
    if per == "day":
        return records.group_by(key, "day").agg(records=nw.len())
    return records.filter(~nw.col(per).is_null()).group_by(key, per).agg(nw.col("day").max())


def features(tables: PanelTables, as_of: int, rows: nw.LazyFrame[Any] | None = None) -> nw.LazyFrame[Any]:
    """Return the features of customers as they were known on a day."""
    panel, listed = tables.panel, tables.catalog
    rows = population(tables, as_of) if rows is None else rows
    for name in panel.of_role("attributes"):
        rows = rows.join(attributes(tables[name], listed.attributes, as_of), on="customer", how="left")
    for name, table in panel.tables.items():
        if not listed.of(name):
            continue
        if table.role == "market":  # an industry may be a number among the attributes; a market's is text
            rows = rows.with_columns(nw.col(str(table.by)).cast(nw.String).alias("by"))
            rows = rows.join(aggregated(tables, name, as_of), on="by", how="left").drop("by")
        else:
            rows = rows.join(aggregated(tables, name, as_of), on="customer", how="left")
    filled = []
    for column in listed.columns:
        number = nw.col(column.name).cast(nw.Float64)
        filled.append(number if column.feature.empty is None else number.fill_null(float(column.feature.empty)))
    rows = rows.with_columns(*filled) if filled else rows
    changes = [change.expression() for change in listed.changes]
    return rows.with_columns(*changes) if changes else rows


# -- eligibility and outcome

STATES = ("kept", "too new", "not active", "event before", "event in the gap", "nothing to fall from", "gone")


def eligibility(tables: PanelTables, as_of: int) -> nw.LazyFrame[Any]:
    """Return all customers known on a day with ``state`` (one of ``STATES``) and ``outcome`` (1: the event)."""
    panel, outcome = tables.panel, tables.panel.outcome
    begins = as_of + outcome.gap
    ends = begins + outcome.days
    rows = population(tables, as_of).select("customer", "first")

    def flag(rows: nw.LazyFrame[Any], customers: nw.LazyFrame[Any] | None, name: str) -> nw.LazyFrame[Any]:
        if customers is None:
            return rows.with_columns(nw.lit(False).alias(name))
        flagged = customers.select("customer").with_columns(nw.lit(True).alias(name))
        return rows.join(flagged, on="customer", how="left").with_columns(nw.col(name).fill_null(False))

    def customers_of(records: list[nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
        return nw.concat([table.select("customer") for table in records]).unique()

    active, ended = panel.population.active_days, list(panel.population.gone)
    actions = [*map(bought, tables.of("purchases")), *tables.of("activity")]
    recent = [known(table, as_of).filter(nw.col("day") >= as_of - active) for table in actions if active is not None]
    rows = flag(rows, customers_of(recent) if recent else None, "active")
    rows = flag(rows, before(panel, tables.by_name, as_of), "had")
    statuses = [known(table, as_of).filter(nw.col("kind").is_in(ended)) for table in tables.of("statuses") if ended]
    rows = flag(rows, customers_of(statuses) if statuses else None, "gone")
    spends = outcome.rule in ("no_purchase", "spending_fall")
    in_gap = events(panel, tables.by_name, as_of, begins) if outcome.gap and not spends else None
    rows = flag(rows, in_gap, "gap")
    after = events(panel, tables.by_name, begins, ends)
    if outcome.rule == "no_purchase":
        rows = flag(rows, after, "bought").with_columns(event=~nw.col("bought"), lacks=nw.lit(False))
    elif outcome.rule == "spending_fall":
        table = known(tables[outcome.table], as_of).filter(nw.col("day") >= as_of - outcome.days)
        rows = rows.join(after, on="customer", how="left")
        rows = rows.join(table.group_by("customer").agg(past=nw.col("amount").sum()), on="customer", how="left")
        spent, past = nw.col("spent").fill_null(0.0), nw.col("past").fill_null(0.0)
        rows = rows.with_columns(event=spent <= past * (1.0 - outcome.fall), lacks=past <= 0)
    else:
        rows = flag(rows, after, "event").with_columns(lacks=nw.lit(False))
    history = panel.population.min_history_days
    states = {
        "nothing to fall from": nw.col("lacks"),
        "event in the gap": nw.col("gap"),
        "event before": nw.col("had"),
        "gone": nw.col("gone"),
        "not active": ~nw.col("active") if active is not None else nw.lit(False),
        "too new": nw.col("first") > as_of - history if history else nw.lit(False),
    }
    state = nw.lit("kept")
    for name, condition in states.items():  # the last that holds decides
        state = nw.when(condition).then(nw.lit(name)).otherwise(state)
    return rows.select("customer", state=state, outcome=nw.col("event").cast(nw.Int64))
