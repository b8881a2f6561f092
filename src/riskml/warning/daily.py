"""An as-of date is recorded once: its book, its alerts, its history, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from riskml.config.warning import WarningRules
from riskml.errors import InputError
from riskml.warning.alerts import Alert, Change, decide, escalate
from riskml.warning.indicators import judge_book, signals
from riskml.warning.snapshot import Reading, book_digest, read_book
from riskml.warning.store import Day, Store


@dataclass(frozen=True)
class Recorded:
    """What an update came to."""

    day: Day
    new: bool  # false where the day had been recorded already, with the same book: nothing was changed


def update(
    store: Store, rules: WarningRules, frame: pd.DataFrame, as_of: dt.date, today: dt.date, customer: str = "customer"
) -> Recorded:
    """Record a day's book: open alerts, raise those that became worse, escalate those that are overdue.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
        The scored book, one row per customer.
    as_of : date
        The day the book is of.
    today : date
        The day it is by the clock.
    customer : str
        The column, or the index, that names the customers.

    Raises
    ------
    InputError
        When the day lies before the last one that was recorded, or after today; or was recorded with another book or
        under other rules.
    """
    if as_of > today:
        raise InputError(
            f"the as-of date {as_of} lies after today, {today}: no later day could be recorded before it",
            where="--as-of",
            fix="check the date, and the clock of this machine",
        )
    book = read_book(rules, frame, customer)
    digest = book_digest(book)
    with store.transaction():
        last = store.last_day(rules.name)
        if last is not None and as_of <= last.as_of:
            return Recorded(_same(store, rules, as_of, digest, last), new=False)
        judged = judge_book(rules, book, store.readings(rules.name, rules.looks_back))
        warned = signals(rules, judged.levels, book)
        standing = store.standing(rules.name, as_of - dt.timedelta(days=rules.alerts.cooldown_days))
        decision = decide(rules, warned, standing, as_of, len(book))
        store.write(decision.changes)
        store.write(escalate(rules, store.overdue(rules.name, as_of), as_of))
        what = [change.event.what for change in decision.changes]
        counts = (len(book), what.count("opened"), what.count("raised"), decision.held_back)
        day = Day(rules.name, as_of, digest, rules.digest(), *counts)
        reading = Reading(as_of, judged.values, judged.own).to_bytes() if rules.looks_back else None
        store.add_day(day, reading, max(rules.looks_back, 1))
    return Recorded(day, new=True)


def _same(store: Store, rules: WarningRules, as_of: dt.date, digest: str, last: Day) -> Day:
    """Return the day as it was recorded, or refuse what would change the past."""
    recorded = next((day for day in store.days(rules.name) if day.as_of == as_of), None)
    if recorded is None:
        raise InputError(
            f"the as-of date {as_of} lies before {last.as_of}, which was recorded already",
            where=f"{store.path}, rules {rules.name}",
            fix="record days in order; use another store to look back (`riskml alerts backtest`)",
        )
    if recorded.rules != rules.digest():
        raise InputError(
            f"the as-of date {as_of} was recorded under other rules ({recorded.rules}, these are {rules.digest()})",
            where=f"{store.path}, rules {rules.name}",
            fix="changed rules hold from the next as-of date on",
        )
    if recorded.digest != digest:
        raise InputError(
            f"the as-of date {as_of} was recorded with another book ({recorded.digest[:12]}, this is {digest[:12]})",
            where=f"{store.path}, rules {rules.name}",
            fix="alerts of that day are out already: give the corrected book with the next as-of date",
        )
    return recorded


def change(store: Store, key: str, made: Callable[[Alert], Change]) -> Alert:
    """Change one alert, and return it as it stands now."""
    with store.transaction():
        done = made(store.alert(key))
        store.write([done])
    return done.alert


def escalate_overdue(store: Store, rules: WarningRules, on: dt.date) -> list[Alert]:
    """Escalate what is overdue on a day, and return it; what was escalated already stays as it is."""
    with store.transaction():
        changes = escalate(rules, store.overdue(rules.name, on), on)
        store.write(changes)
    return [one.alert for one in changes]
