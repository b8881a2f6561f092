"""What an alert goes through: opened, raised, acknowledged, escalated, closed.

Pure: what stood before goes in, changes come out.
"""

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
    """One customer's alert.

    Parameters
    ----------
    key : str
        Follows from rule, customer and opening date.
    rule, customer : str
        The rules' name; the customer as text.
    opened : date
        The as-of date that opened it.
    cause, signs : str
        The indicator with the most points; all that warned.
    points, priority : float
        Priority is NaN where it is not known.
    role : str
        Who owns it.
    due : date
        The day by which it must be closed.
    plan : str
        The contingency plan.
    escalated_to : str
        A role, or another name of the mail's addresses.
    outcome : str
        One of ``OUTCOMES`` once closed.
    """

    key: str
    rule: str
    customer: str
    opened: dt.date
    level: Level
    state: State
    cause: str
    signs: str
    points: float
    priority: float
    role: str
    due: dt.date
    plan: str
    acknowledged: dt.date | None = None
    escalated: dt.date | None = None
    closed: dt.date | None = None
    escalated_to: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Event:
    """What happened to an alert; each thing happens to one alert once.

    Parameters
    ----------
    alert : str
        Its key.
    by, note : str
        Who did it, in what words; the role it went to, of an escalation.
    """

    alert: str
    what: What
    on: dt.date
    by: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """Its name: the same thing happens once."""
        return f"{self.alert}-{self.what}"


@dataclass(frozen=True)
class Change:
    """An alert as it stands now, and what made it so."""

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
    """What an as-of date does."""

    changes: tuple[Change, ...]  # alerts opened and raised, who comes first in front
    # customers who would have been alerted, had ``alerts.at_most`` not been reached. The next as-of date looks at them
    # anew
    held_back: int


def decide(
    rules: WarningRules, warned: pd.DataFrame, standing: Mapping[str, Alert], as_of: dt.date, customers: int
) -> Decision:
    """Return what a day's signals open and raise."""
    room = customers if rules.alerts.at_most is None else int(customers * rules.alerts.at_most + 1e-9)
    changes: list[Change] = []
    opened = held_back = 0
    columns = (warned[name].tolist() for name in ("level", "points", "priority", "cause", "signs"))
    for row in map(_Signal._make, zip(warned.index.tolist(), *columns, strict=True)):
        customer, level = row.customer, LEVELS[row.level - 1]
        last = standing.get(customer)
        if last is not None and last.closed is None:
            if level == "red" and last.level == "amber":
                changes.append(_raised(rules, last, row, as_of))
            continue
        if last is not None and blocked(last, level, as_of, rules.alerts.cooldown_days):
            continue
        if opened >= room:
            held_back += 1
            continue
        opened += 1
        changes.append(_opened(rules, row, as_of))
    return Decision(tuple(changes), held_back)


def blocked(last: Alert, level: Level, as_of: dt.date, cooldown_days: int) -> bool:
    """Return whether a customer's last alert keeps a new one away: it is open, or was closed a short time ago."""
    if last.closed is None:
        return True
    return (as_of - last.closed).days < cooldown_days and not (level == "red" and last.level == "amber")


def _opened(rules: WarningRules, row: _Signal, as_of: dt.date) -> Change:
    one, level = rules.indicators[row.cause], LEVELS[row.level - 1]
    key = alert_key(rules.name, row.customer, as_of)
    alert = Alert(
        key=key,
        rule=rules.name,
        customer=row.customer,
        opened=as_of,
        level=level,
        state="opened",
        cause=row.cause,
        signs=row.signs,
        points=row.points,
        priority=row.priority,
        role=one.role,
        due=as_of + _allowed(rules, row.cause, level),
        plan=in_language(one.plan, rules.language),
    )
    return Change(alert, Event(key, "opened", as_of, note=level))


def _raised(rules: WarningRules, alert: Alert, row: _Signal, as_of: dt.date) -> Change:
    """Return an amber alert that turned red: its owner stays, and has no more time than a red one gives."""
    due = min(alert.due, as_of + _allowed(rules, alert.cause, "red"))
    after = replace(alert, level="red", due=due, signs=row.signs, points=row.points, priority=row.priority)
    return Change(after, Event(alert.key, "raised", as_of, note=row.signs))


def _allowed(rules: WarningRules, cause: str, level: Level) -> dt.timedelta:
    one = rules.indicators.get(cause)
    due = (one.due_days if one is not None else None) or rules.alerts.due_days
    return dt.timedelta(days=getattr(due, level))


def acknowledge(alert: Alert, on: dt.date, by: str, note: str = "") -> Change:
    """Return the alert taken up by somebody."""
    _refuse_closed(alert)
    _refuse_earlier(alert, on)
    if alert.acknowledged is not None:
        raise InputError(f"it was acknowledged on {alert.acknowledged} already", where=f"alert {alert.key}")
    return Change(replace(alert, state="acknowledged", acknowledged=on), Event(alert.key, "acknowledged", on, by, note))


def close(alert: Alert, on: dt.date, by: str, outcome: str, note: str = "") -> Change:
    """Return the alert closed, with what came of it."""
    if outcome not in OUTCOMES:
        raise InputError(f"the outcome {outcome!r} is none of {', '.join(OUTCOMES)}", where=f"alert {alert.key}")
    _refuse_closed(alert)
    _refuse_earlier(alert, on)
    text = f"{outcome}: {note}" if note else outcome
    return Change(replace(alert, state="closed", closed=on, outcome=outcome), Event(alert.key, "closed", on, by, text))


def escalate(rules: WarningRules, alerts: Iterable[Alert], on: dt.date) -> tuple[Change, ...]:
    """Return the open alerts that are overdue for so long that they go to somebody else; each goes once."""
    rule = rules.alerts.escalation
    if rule is None:
        return ()
    late = (alert for alert in alerts if alert.closed is None and alert.escalated is None)
    return tuple(
        Change(
            replace(alert, state="escalated", escalated=on, escalated_to=rule.to),
            Event(alert.key, "escalated", on, note=rule.to),
        )
        for alert in late
        if overdue_days(alert, on) > rule.after_days
    )


def overdue_days(alert: Alert, on: dt.date) -> int:
    """Return the days by which an open alert is late; 0 where it is not."""
    return 0 if alert.closed is not None else max(0, (on - alert.due).days)


def _refuse_closed(alert: Alert) -> None:
    if alert.closed is not None:
        raise InputError(
            f"it was closed on {alert.closed} already ({alert.outcome})",
            where=f"alert {alert.key}",
            fix="a new alert is opened by a later as-of date",
        )


def _refuse_earlier(alert: Alert, on: dt.date) -> None:
    last = max(day for day in (alert.opened, alert.acknowledged, alert.escalated) if day is not None)
    if on < last:
        raise InputError(
            f"{on} lies before {last}, when the alert changed last: the clock would go backwards",
            where=f"alert {alert.key}",
            fix="check the date of this machine, or say --on",
        )
