"""Labels: the event in the performance window after an as-of date, and events before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import narwhals as nw
import pandas as pd

from riskml.config.panel import PanelConfig
from riskml.errors import ConfigError, preview
from riskml.features.themes.payment import invoices_at
from riskml.features.themes.purchase import bought

Tables = Mapping[str, nw.LazyFrame[Any]]


class Frames(Protocol):
    """An engine that brings a small result into memory."""

    def frame(self, lazy: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Return a small result as a pandas frame."""
        ...


def _between(first: int, end: int) -> nw.Expr:
    return (nw.col("day") >= first) & (nw.col("day") < end)


def settled(panel: PanelConfig, tables: Tables, day: int, *, hindsight: bool) -> nw.LazyFrame[Any]:
    """Return the invoices of the outcome's table as they were on a day."""

    def seen(name: str) -> nw.LazyFrame[Any]:
        return tables[name].with_columns(known=nw.col("day")) if hindsight else tables[name]

    payments = panel.of_role("payments")
    return invoices_at(seen(panel.outcome.table), seen(payments[0]) if payments else None, day)


def events(panel: PanelConfig, tables: Tables, first: int, end: int) -> nw.LazyFrame[Any]:
    """Return the customers who had the event from the day ``first`` to before the day ``end``."""
    outcome, table = panel.outcome, tables[panel.outcome.table]
    if outcome.rule in ("no_purchase", "spending_fall"):
        inside = table.filter(_between(first, end))
        inside = bought(inside) if outcome.rule == "no_purchase" else inside  # a return only lowers spending
        return inside.group_by("customer").agg(spent=nw.col("amount").sum())
    if outcome.rule in ("status", "cancellation"):
        inside = table.filter(_between(first, end) & nw.col("kind").is_in(list(outcome.values)))
        return inside.select("customer").unique()
    assert outcome.over is not None
    if outcome.rule == "days_past_due":
        # Past due by more than the threshold on a day of the window: from the first such day until it is settled.
        crossed, until = nw.col("day") + int(outcome.over) + 1, nw.col("day") + nw.col("dpd")
        late = settled(panel, tables, end, hindsight=True).filter(
            (nw.col("dpd") > outcome.over) & (crossed < end) & (until >= first)
        )
        return late.select("customer").unique()
    overdue = settled(panel, tables, end, hindsight=True).filter(nw.col("open") & (nw.col("day") < end))
    owing = overdue.group_by("customer").agg(owed=nw.col("owed").sum())
    return owing.filter(nw.col("owed") > outcome.over).select("customer")


def before(panel: PanelConfig, tables: Tables, as_of: int) -> nw.LazyFrame[Any] | None:
    """Return the customers who have had the event before, as known on the as-of date; None if the rule has none."""
    outcome, table = panel.outcome, tables[panel.outcome.table]
    if not panel.population.already or outcome.rule == "spending_fall":
        return None
    known = table.filter((nw.col("day") < as_of) & (nw.col("known") < as_of))
    if outcome.rule in ("status", "cancellation"):
        return known.filter(nw.col("kind").is_in(list(outcome.values))).select("customer").unique()
    if outcome.rule == "no_purchase":
        return None  # covered by population.active_days
    now = settled(panel, tables, as_of, hindsight=False).filter(nw.col("open") & (nw.col("day") < as_of))
    assert outcome.over is not None
    if outcome.rule == "days_past_due":
        return now.filter(nw.lit(as_of) - nw.col("day") > outcome.over).select("customer").unique()
    owing = now.group_by("customer").agg(owed=nw.col("owed").sum())
    return owing.filter(nw.col("owed") > outcome.over).select("customer")


def check_kinds(panel: PanelConfig, tables: Tables, engine: Frames) -> None:
    """Refuse an outcome whose kinds have no record: they are misspelt, or the column is wrong."""
    outcome = panel.outcome
    if not outcome.values:
        return
    kinds = set(engine.frame(tables[outcome.table].select("kind").unique())["kind"].dropna())
    if kinds.isdisjoint(outcome.values):
        raise ConfigError(
            f"no record of {outcome.table} is of the kind {' or '.join(map(repr, outcome.values))}",
            where="panel.outcome.values",
            fix=f"the kinds are {preview(sorted(kinds))}" if kinds else "no record has a kind",
        )
