"""What `riskml alerts` shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from riskml.warning.alerts import Alert, overdue_days
from riskml.warning.backtest import Backtest
from riskml.warning.daily import Recorded
from riskml.warning.outbox import Sent
from riskml.warning.tuner import Tuned

_console = Console(highlight=False, soft_wrap=True)
_MOST = 50


def show_recorded(recorded: Recorded) -> None:
    """Show what an as-of date came to."""
    day = recorded.day
    _console.print(
        f"{day.as_of}: {day.customers:,} customers, {day.opened:,} alerts opened, {day.raised:,} raised to red"
    )
    if day.held_back:
        _console.print(f"  {day.held_back:,} more would have been alerted: alerts.at_most was reached")
    if not recorded.new:
        _console.print("  it had been recorded already, with the same book: nothing was changed")


def show_alerts(alerts: Sequence[Alert], on: dt.date) -> None:
    """Show alerts, who comes first on top."""
    several = len({alert.rule for alert in alerts}) > 1
    table = Table(
        *(["rules"] if several else []),
        "key",
        "level",
        "customer",
        "state",
        "due",
        "late",
        "role",
        "signs",
        box=None,
        header_style="bold",
    )
    for alert in alerts[:_MOST]:
        late = overdue_days(alert, on)
        cells: tuple[object, ...] = (
            alert.key[:10],
            alert.level,
            alert.customer,
            alert.state,
            alert.due,
            f"{late} d" if late else "",
        )
        cells = (*([alert.rule] if several else []), *cells)
        table.add_row(*(_cell(cell) for cell in (*cells, alert.role, alert.signs)))
    # In a file or a pipe, a line for each alert.
    (_console if _console.is_terminal else Console(highlight=False, width=200)).print(table)
    if len(alerts) > _MOST:
        _console.print(f"… and {len(alerts) - _MOST:,} more; -o FILE.csv writes all")
    if not alerts:
        _console.print("no alerts")


def show_sent(sent: Sent) -> None:
    """Show what came of a send on one channel; troubles are told as an error by the caller."""
    _console.print(
        f"{sent.channel}: {sent.events:,} events in {sent.parcels:,} parcels sent, {sent.waiting:,} parcels waiting"
    )


def show_backtest(result: Backtest, lead_days: int, horizon_days: int, exact: bool) -> None:
    """Show how early, how many, how right."""
    one = result.figures
    _console.print(f"{one['alerts']:,.0f} alerts; {one['judged']:,.0f} are at least {horizon_days} days old")
    _console.print(f"  precision      {_share(one['precision'])} were followed by the event within {horizon_days} days")
    _console.print(
        f"  recall         {_share(one['recall_ahead'])} of {one['events']:,.0f} events came {lead_days} days or "
        f"more after an alert, {_share(one['recall'])} at all"
    )
    quartiles = "/".join(
        "-" if pd.isna(one[name]) else f"{one[name]:.0f}" for name in ("lead_q1", "lead_median", "lead_q3")
    )
    _console.print(f"  lead           {quartiles} days from the first alert to the event (quartiles)")
    _console.print(
        f"  newly alerted  {_share(one['mean_share_opened'])} of the book on an as-of date, "
        f"{_share(one['share_opened'])} at the most; on alert {_share(one['most_on_alert'])} at the most"
    )
    if not exact:
        _console.print(
            "  The panel tells in which window an event came, not when: leads are shorter here than they were."
        )
    for table in (result.by_role, result.by_cause):
        _console.print(escape(table.to_string(index=False, float_format="{:.3g}".format)))


def show_tuned(tuned: Tuned) -> None:
    """Show thresholds before and after, and what they came to on dates that the search did not see."""
    names = ["rules", "dates", "alerts", "events", "recall_ahead", "precision", "lead_median", "share_opened"]
    for table in (tuned.thresholds, tuned.compared[names]):
        _console.print(escape(table.to_string(index=False, float_format="{:.3g}".format)))


def _share(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.1%}"


def _cell(value: object) -> str:
    return escape("".join(sign if sign.isprintable() else "\ufffd" for sign in str(value)))
