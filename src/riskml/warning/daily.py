"""Daily update: each as-of date is recorded once, with its alerts and events, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from riskml.config.warning import WarningRules
from riskml.errors import InputError
from riskml.warning.alerts import Alert, Change, decide, escalate
from riskml.warning.indicators import indicator_levels, signals
from riskml.warning.snapshot import Snapshot, portfolio_digest, rule_columns
from riskml.warning.store import Day, Store


@dataclass(frozen=True)
class Recorded:
    """Result of an update."""

    day: Day
    new: bool  # False where the date was already recorded with the same portfolio: nothing was changed


def update(
    store: Store, rules: WarningRules, frame: pd.DataFrame, as_of: dt.date, today: dt.date, customer: str = "customer"
) -> Recorded:
    """Record a date: open alerts, raise those that became worse, escalate those that are overdue.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
        The scored portfolio, one row per customer.
    as_of : date
        The date of the portfolio.
    today : date
        The current date.
    customer : str
        Name of the column or the index with the customers' IDs.

    Raises
    ------
    InputError
        When the date is before the last recorded one or after today, or was recorded with another portfolio or rules.
    """
    if as_of > today:
        raise InputError(
            f"the as-of date {as_of} is after today, {today}",
            where="--as-of",
            fix="check the date, and the clock of this machine",
        )
    portfolio = rule_columns(rules, frame, customer)
    digest = portfolio_digest(portfolio)
    with store.transaction():
        last = store.last_day(rules.name)
        if last is not None and as_of <= last.as_of:
            return Recorded(_recorded(store, rules, as_of, digest, last), new=False)
        indicators = indicator_levels(rules, portfolio, store.snapshots(rules.name, rules.looks_back))
        warned = signals(rules, indicators.levels, portfolio)
        current = store.current(rules.name, as_of - dt.timedelta(days=rules.alerts.cooldown_days))
        decision = decide(rules, warned, current, as_of, len(portfolio))
        store.write(decision.changes)
        store.write(escalate(rules, store.overdue(rules.name, as_of), as_of))
        what = [change.event.what for change in decision.changes]
        counts = (len(portfolio), what.count("opened"), what.count("raised"), decision.held_back)
        day = Day(rules.name, as_of, digest, rules.digest(), *counts)
        snapshot = Snapshot(as_of, indicators.values, indicators.own).to_bytes() if rules.looks_back else None
        store.add_day(day, snapshot, max(rules.looks_back, 1))
    return Recorded(day, new=True)


def _recorded(store: Store, rules: WarningRules, as_of: dt.date, digest: str, last: Day) -> Day:
    """Return the recorded date; refuse one that was not recorded, or with other rules or another portfolio."""
    where = f"{store.path}, rules {rules.name}"
    day = next((day for day in store.days(rules.name) if day.as_of == as_of), None)
    if day is None:
        raise InputError(
            f"the as-of date {as_of} is before the last recorded one, {last.as_of}",
            where=where,
            fix="record dates in order; replay earlier dates with `riskml alerts backtest`",
        )
    if day.rules != rules.digest():
        raise InputError(
            f"the as-of date {as_of} was recorded with other rules ({day.rules}, these are {rules.digest()})",
            where=where,
            fix="use changed rules from the next as-of date on",
        )
    if day.digest != digest:
        raise InputError(
            f"the as-of date {as_of} was recorded with another portfolio ({day.digest[:12]}, this is {digest[:12]})",
            where=where,
            fix="its alerts are already raised: record the corrected portfolio with the next as-of date",
        )
    return day


def change(store: Store, key: str, changed: Callable[[Alert], Change]) -> Alert:
    """Change one alert, and return it."""
    with store.transaction():
        result = changed(store.alert(key))
        store.write([result])
    return result.alert


def escalate_overdue(store: Store, rules: WarningRules, on: dt.date) -> list[Alert]:
    """Escalate the alerts that are overdue on a date and not escalated yet, and return them."""
    with store.transaction():
        changes = escalate(rules, store.overdue(rules.name, on), on)
        store.write(changes)
    return [one.alert for one in changes]
