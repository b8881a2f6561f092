"""Alert life cycle: opened, raised, acknowledged, escalated, closed; pure functions that return changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import pandas as pd

from riskml.config.warning import LEVELS, Level, WarningRules
from riskml.errors import InputError
from riskml.i18n import in_language
from riskml.warning.snapshot import alert_key

State = Literal["opened", "acknowledged", "escalated", "closed"]
What = Literal["opened", "raised", "acknowledged", "escalated", "closed"]
OUTCOMES = ("event", "averted", "false_alarm", "other")


@dataclass(frozen=True)
class Alert:
    """An alert for one customer."""

    key: str  # from rules, customer and opening date
    rule: str  # name of the rules
    customer: str
    opened: dt.date  # the as-of date that opened it
    level: Level
    state: State
    cause: str  # the indicator with the most points
    signs: str  # all indicators that warn
    points: float
    priority: float  # NaN where unknown
    role: str  # the owner
    due: dt.date  # to be closed by this date
    plan: str  # contingency plan
    acknowledged: dt.date | None = None
    escalated: dt.date | None = None
    closed: dt.date | None = None
    escalated_to: str = ""  # a role, or another name of the mail's addresses
    outcome: str = ""  # one of ``OUTCOMES`` once closed


@dataclass(frozen=True)
class Event:
    """An event of an alert; each kind occurs at most once per alert."""

    alert: str  # key of the alert
    what: What
    on: dt.date
    by: str = ""
    note: str = ""  # of an escalation: the role it goes to

    @property
    def key(self) -> str:
        """The key of the event."""
        return f"{self.alert}-{self.what}"


@dataclass(frozen=True)
class Change:
    """An alert after an event, and the event."""

    alert: Alert
    event: Event


class _Signal(NamedTuple):
    """A row of ``riskml.warning.indicators.signals``."""

    customer: str
    level: int
    points: float
    priority: float
    cause: str
    signs: str


@dataclass(frozen=True)
class Decision:
    """Alerts of an as-of date."""

    changes: tuple[Change, ...]  # alerts opened and raised, by level and priority
    held_back: int  # customers without an alert because ``alerts.at_most`` was reached; the next date decides again


def decide(
    rules: WarningRules, warned: pd.DataFrame, current: Mapping[str, Alert], as_of: dt.date, customers: int
) -> Decision:
    """Return the alerts that the signals of a date open and raise; ``current`` are the last alerts by customer."""
    most = customers if rules.alerts.at_most is None else int(customers * rules.alerts.at_most + 1e-9)
    changes: list[Change] = []
    opened = held_back = 0
    columns = (warned[name].tolist() for name in ("level", "points", "priority", "cause", "signs"))
    for signal in map(_Signal._make, zip(warned.index.tolist(), *columns, strict=True)):
        level, last = LEVELS[signal.level - 1], current.get(signal.customer)
        if last is not None and last.closed is None:
            if level == "red" and last.level == "amber":
                changes.append(_raised(rules, last, signal, as_of))
        elif last is not None and _in_cooldown(last, level, as_of, rules.alerts.cooldown_days):
            continue
        elif opened >= most:
            held_back += 1
        else:
            opened += 1
            changes.append(_opened(rules, signal, as_of))
    return Decision(tuple(changes), held_back)


def _in_cooldown(last: Alert, level: Level, as_of: dt.date, cooldown_days: int) -> bool:
    assert last.closed is not None
    return (as_of - last.closed).days < cooldown_days and not (level == "red" and last.level == "amber")


def _opened(rules: WarningRules, signal: _Signal, as_of: dt.date) -> Change:
    indicator, level = rules.indicators[signal.cause], LEVELS[signal.level - 1]
    key = alert_key(rules.name, signal.customer, as_of)
    alert = Alert(
        key=key,
        rule=rules.name,
        customer=signal.customer,
        opened=as_of,
        level=level,
        state="opened",
        cause=signal.cause,
        signs=signal.signs,
        points=signal.points,
        priority=signal.priority,
        role=indicator.role,
        due=as_of + _allowed(rules, signal.cause, level),
        plan=in_language(indicator.plan, rules.language),
    )
    return Change(alert, Event(key, "opened", as_of, note=level))


def _raised(rules: WarningRules, alert: Alert, signal: _Signal, as_of: dt.date) -> Change:
    """Return an amber alert that turned red: it keeps its owner, and is due no later than a red alert."""
    due = min(alert.due, as_of + _allowed(rules, alert.cause, "red"))
    after = replace(alert, level="red", due=due, signs=signal.signs, points=signal.points, priority=signal.priority)
    return Change(after, Event(alert.key, "raised", as_of, note=signal.signs))


def _allowed(rules: WarningRules, cause: str, level: Level) -> dt.timedelta:
    indicator = rules.indicators.get(cause)
    due = (indicator.due_days if indicator is not None else None) or rules.alerts.due_days
    return dt.timedelta(days=getattr(due, level))


def acknowledge(alert: Alert, on: dt.date, by: str, note: str = "") -> Change:
    """Return the alert, acknowledged."""
    _check_open(alert, on)
    if alert.acknowledged is not None:
        raise InputError(f"it was already acknowledged on {alert.acknowledged}", where=f"alert {alert.key}")
    return Change(replace(alert, state="acknowledged", acknowledged=on), Event(alert.key, "acknowledged", on, by, note))


def close(alert: Alert, on: dt.date, by: str, outcome: str, note: str = "") -> Change:
    """Return the alert, closed with an outcome."""
    if outcome not in OUTCOMES:
        raise InputError(f"unknown outcome {outcome!r}", where=f"alert {alert.key}", fix=f"use {', '.join(OUTCOMES)}")
    _check_open(alert, on)
    text = f"{outcome}: {note}" if note else outcome
    return Change(replace(alert, state="closed", closed=on, outcome=outcome), Event(alert.key, "closed", on, by, text))


def escalate(rules: WarningRules, alerts: Iterable[Alert], on: dt.date) -> tuple[Change, ...]:
    """Return the open alerts that are overdue long enough to be escalated; each is escalated once."""
    rule = rules.alerts.escalation
    if rule is None:
        return ()
    return tuple(
        Change(
            replace(alert, state="escalated", escalated=on, escalated_to=rule.to),
            Event(alert.key, "escalated", on, note=rule.to),
        )
        for alert in alerts
        if alert.closed is None and alert.escalated is None and overdue_days(alert, on) > rule.after_days
    )


def overdue_days(alert: Alert, on: dt.date) -> int:
    """Return the days by which an open alert is overdue; 0 if it is not."""
    return 0 if alert.closed is not None else max(0, (on - alert.due).days)


def _check_open(alert: Alert, on: dt.date) -> None:
    """Refuse a closed alert, and a date before its last change."""
    if alert.closed is not None:
        raise InputError(
            f"it was already closed on {alert.closed} ({alert.outcome})",
            where=f"alert {alert.key}",
            fix="a later as-of date opens a new alert",
        )
    last = max(day for day in (alert.opened, alert.acknowledged, alert.escalated) if day is not None)
    if on < last:
        raise InputError(
            f"the date {on} is before the last change of the alert, {last}",
            where=f"alert {alert.key}",
            fix="check the clock of this machine, or set --on",
        )
