"""Output of `riskml alerts`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd
from rich.markup import escape

from riskml.cli.output import columns, console, print_text, print_wide
from riskml.display.format import count, number, percent
from riskml.warning.alerts import Alert, overdue_days
from riskml.warning.backtest import Backtest
from riskml.warning.daily import Recorded
from riskml.warning.outbox import Sent
from riskml.warning.tuner import Tuned

_MOST = 50


def show_recorded(recorded: Recorded) -> None:
    """Show the alerts of an as-of date."""
    day = recorded.day
    counts = {"customers": day.customers, "opened": day.opened, "raised": day.raised}
    print_text("alerts.recorded", as_of=day.as_of, **counts)
    if day.held_back:
        print_text("alerts.held_back", held_back=day.held_back)
    if not recorded.new:
        print_text("alerts.recorded_before")


def show_alerts(alerts: Sequence[Alert], on: dt.date) -> None:
    """Show alerts, highest priority first."""
    several = ["rules"] if len({alert.rule for alert in alerts}) > 1 else []
    table = columns(*several, "key", "level", "customer", "state", "due", "late", "role", "signs")
    for alert in alerts[:_MOST]:
        late = overdue_days(alert, on)
        cells = [alert.rule] if several else []
        cells += [alert.key[:10], alert.level, alert.customer, alert.state, str(alert.due), f"{late} d" if late else ""]
        table.add_row(*map(_cell, [*cells, str(alert.role), str(alert.signs)]))
    print_wide(table)
    if len(alerts) > _MOST:
        print_text("alerts.more", more=len(alerts) - _MOST)
    if not alerts:
        print_text("alerts.none")


def show_sent(sent: Sent) -> None:
    """Show the result of a delivery by one channel; its errors are raised by the caller."""
    counts = {"events": sent.events, "parcels": sent.parcels, "waiting": sent.waiting}
    print_text("alerts.sent", channel=sent.channel, **counts)


def show_backtest(result: Backtest, lead_days: int, horizon_days: int, exact: bool) -> None:
    """Show precision, recall, lead time and workload of alerts."""
    figures = result.figures
    leads = (figures[name] for name in ("lead_q1", "lead_median", "lead_q3"))
    counts = {name: count(figures[name]) for name in ("alerts", "judged", "events")}
    shares = ("precision", "recall_ahead", "recall", "mean_share_opened", "share_opened", "most_on_alert")
    quartiles = "/".join(number(lead, 0) for lead in leads)
    days = {"horizon": horizon_days, "lead": lead_days, "quartiles": quartiles}
    print_text("alerts.backtest", **counts, **days, **{name: percent(figures[name]) for name in shares})
    if not exact:
        print_text("alerts.inexact")
    _print_tables(result.by_role, result.by_cause)


def show_tuned(tuned: Tuned) -> None:
    """Show thresholds before and after the search, and their performance on later dates."""
    names = ["rules", "dates", "alerts", "events", "recall_ahead", "precision", "lead_median", "share_opened"]
    _print_tables(tuned.thresholds, tuned.compared[names])


def _print_tables(*tables: pd.DataFrame) -> None:
    for table in tables:
        console.print(escape(table.to_string(index=False, float_format="{:.3g}".format)))


def _cell(value: str) -> str:
    return escape("".join(sign if sign.isprintable() else "\ufffd" for sign in value))
