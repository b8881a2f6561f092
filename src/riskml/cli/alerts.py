"""Commands on early warning: alerts from a scored portfolio."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskml.errors import InputError, RunError

if TYPE_CHECKING:
    import pandas as pd

    from riskml.warning.alerts import Alert, Change

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Early warning: alerts from a scored portfolio.")
_Rules = Annotated[Path, typer.Argument(metavar="RULES", help="Rules file, as in experiments/warnings/.")]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the alert, or its beginning.")]
_Store = Annotated[Path, typer.Option("--store", metavar="FILE", help="File with the alerts.")]
_On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="Today's date (default: today).")]
_By = Annotated[str, typer.Option("--by", metavar="WHO", help="Name of the officer (default: the user's name).")]
_Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Note to keep with the alert.")]
_Panel = Annotated[Path, typer.Option("--panel", metavar="FOLDER", help="Past portfolios: as_of=….parquet.")]
_Model = Annotated[Path | None, typer.Option("--model", metavar="MODEL", help="Model to score them, as for `score`.")]
_Events = Annotated[
    Path | None, typer.Option("--events", metavar="FILE", help="Customers and event dates (default: panel's outcome).")
]
_Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last date of the events in FILE.")]
_Customer = Annotated[str, typer.Option("--customer", metavar="COLUMN", help="Customer ID column.")]
_Date = Annotated[str, typer.Option("--date", metavar="COLUMN", help="Column of the event date.")]
_Horizon = Annotated[int, typer.Option("--horizon", metavar="DAYS", min=1, help="Days within which an event follows.")]
_Lead = Annotated[int, typer.Option("--lead", metavar="DAYS", min=0, help="Minimum lead time in days.")]


@app.command("update")
def alerts_update(
    rules: _Rules,
    book: Annotated[
        list[Path], typer.Option("--book", metavar="FILE", help="Scored portfolio; repeat to add columns.")
    ],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Date of the portfolio.")],
    store: _Store,
    customer: _Customer = "customer",
) -> None:
    """Record a portfolio: open alerts, raise worse ones to red, escalate overdue ones."""
    from riskml.cli.output.alerts import show_recorded
    from riskml.config.warning import read_rules
    from riskml.io import parse_date
    from riskml.warning.cli_inputs import read_files
    from riskml.warning.daily import update
    from riskml.warning.snapshot import rule_columns
    from riskml.warning.store import Store

    rule_set, date = read_rules(rules), parse_date(as_of, "--as-of")
    # Before the store is made: a wrong portfolio leaves nothing behind.
    frame = rule_columns(rule_set, read_files(book, date, customer), customer)
    with Store(store) as opened:
        show_recorded(update(opened, rule_set, frame, date, dt.date.today()))


@app.command("list")
def alerts_list(
    store: _Store,
    role: Annotated[str | None, typer.Option("--role", help="sales, finance, service or risk.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Include closed alerts.")] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE.csv", help="CSV file for all alerts.")
    ] = None,
    on: _On = None,
) -> None:
    """List alerts: red before amber, then by priority."""
    from dataclasses import asdict

    from riskml.cli.output.alerts import show_alerts
    from riskml.io import replacing
    from riskml.warning.cli_inputs import known_role
    from riskml.warning.delivery.table import alerts_table, csv_text
    from riskml.warning.store import Store

    with Store(store, create=False) as opened:
        alerts = opened.alerts(open_only=not every, role=None if role is None else known_role(role))
    if out is None:
        show_alerts(alerts, _today(on))
        return
    with replacing(out) as temporary:
        temporary.write_text(csv_text(alerts_table([asdict(alert) for alert in alerts])), "utf-8-sig", newline="")
    typer.echo(f"{len(alerts)} alerts: {out}")


@app.command("ack")
def alerts_ack(key: _Key, store: _Store, by: _By = "", note: _Note = "", on: _On = None) -> None:
    """Acknowledge an alert: an officer works on it."""
    from riskml.warning.alerts import acknowledge

    done = _change(store, key, by, lambda alert, who: acknowledge(alert, _today(on), who, note))
    typer.echo(f"alert {done.key} of customer {done.customer} is acknowledged; it is due on {done.due}")


@app.command("close")
def alerts_close(
    key: _Key,
    outcome: Annotated[str, typer.Option("--outcome", help="event, averted, false_alarm or other.")],
    store: _Store,
    by: _By = "",
    note: _Note = "",
    on: _On = None,
) -> None:
    """Close an alert with its outcome."""
    from riskml.warning.alerts import close

    done = _change(store, key, by, lambda alert, who: close(alert, _today(on), who, outcome, note))
    typer.echo(f"alert {done.key} of customer {done.customer} is closed: {outcome}")


def _change(store: Path, key: str, by: str, action: Callable[[Alert, str], Change]) -> Alert:
    import getpass

    from riskml.warning.daily import change
    from riskml.warning.store import Store

    with Store(store, create=False) as opened:
        return change(opened, key, lambda alert: action(alert, by or getpass.getuser()))


@app.command("overdue")
def alerts_overdue(rules: _Rules, store: _Store, on: _On = None) -> None:
    """Escalate alerts that are overdue for too long, and list all overdue ones."""
    from riskml.cli.output.alerts import show_alerts
    from riskml.config.warning import read_rules
    from riskml.warning.alerts import overdue_days
    from riskml.warning.daily import escalate_overdue
    from riskml.warning.store import Store

    rule_set, today = read_rules(rules), _today(on)
    with Store(store, create=False) as opened:
        escalated = escalate_overdue(opened, rule_set, today)
        late = [alert for alert in opened.alerts(rule_set.name, open_only=True) if overdue_days(alert, today)]
    show_alerts(late, today)
    typer.echo(f"{len(late)} overdue, {len(escalated)} escalated now")


@app.command("send")
def alerts_send(
    rules: _Rules,
    store: _Store,
    only: Annotated[str | None, typer.Option("--only", help="table, mail or webhook (default: all).")] = None,
    on: _On = None,
) -> None:
    """Deliver new alerts as the rules configure: lists by role, mail, webhook. Each alert is sent once."""
    import time

    from riskml.cli.output.alerts import show_sent
    from riskml.config.warning import read_rules
    from riskml.warning.cli_inputs import channels
    from riskml.warning.delivery.table import write_tables
    from riskml.warning.outbox import send
    from riskml.warning.store import Store

    rule_set = read_rules(rules)
    ways = channels(rule_set, time.time, only)
    troubles: list[str] = []
    with Store(store, create=False) as opened:
        if rule_set.delivery.table is not None and only in (None, "table"):
            for path in write_tables(
                rule_set.delivery.table, rule_set, opened.alerts(rule_set.name, open_only=True), _today(on)
            ):
                typer.echo(f"{path} is written")
        for way in ways:
            sent = send(opened, rule_set.name, way, time.time)
            show_sent(sent)
            troubles += sent.troubles
    if troubles:
        raise RunError(
            "\n".join(troubles), where=str(store), fix="waiting alerts are sent with the next `riskml alerts send`"
        )


@app.command("backtest")
def alerts_backtest(
    rules: _Rules,
    panel: _Panel,
    model: _Model = None,
    events: _Events = None,
    until: _Until = None,
    customer: _Customer = "customer",
    date: _Date = "date",
    horizon: _Horizon = 180,
    lead: _Lead = 30,
    officers: Annotated[
        list[str] | None, typer.Option("--officers", metavar="ROLE=N", help="Number of officers of a role: risk=3.")
    ] = None,
) -> None:
    """Measure precision, recall and lead time of alerts on past portfolios."""
    from riskml.cli.output.alerts import show_backtest
    from riskml.config.warning import read_rules
    from riskml.io import parse_date
    from riskml.warning import cli_inputs
    from riskml.warning.backtest import backtest
    from riskml.warning.replay import panel_portfolios, prepare_replay

    rule_set, shared = read_rules(rules), cli_inputs.officers(officers or [])
    known = cli_inputs.outcomes(panel, events, customer, date, parse_date(until, "--until") if until else None)
    dates = prepare_replay(rule_set, panel_portfolios(panel, _scorer(model)))
    result = backtest(rule_set, dates, known, horizon_days=horizon, lead_days=lead, officers=shared)
    show_backtest(result, lead, horizon, known.exact)


@app.command("tune")
def alerts_tune(
    rules: _Rules,
    panel: _Panel,
    at_most: Annotated[
        float, typer.Option("--at-most", metavar="SHARE", help="Largest share of customers with a new alert per date.")
    ],
    judge_from: Annotated[str, typer.Option("--judge-from", metavar="DATE", help="First date of the test period.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE.yaml", help="Rules file to write.")],
    model: _Model = None,
    events: _Events = None,
    until: _Until = None,
    customer: _Customer = "customer",
    date: _Date = "date",
    horizon: _Horizon = 180,
    lead: _Lead = 30,
) -> None:
    """Search thresholds with the highest recall within a workload limit, and test them on later dates."""
    from riskml.cli.output.alerts import show_tuned
    from riskml.config.warning import read_rules
    from riskml.io import parse_date, replacing
    from riskml.warning import cli_inputs
    from riskml.warning.replay import panel_portfolios, prepare_replay
    from riskml.warning.tuner import tune

    if not 0 < at_most <= 1:
        raise InputError(
            f"--at-most must be between 0 and 1, got {at_most:g}", fix="--at-most 0.05 is 5 % of the portfolio"
        )
    rule_set, judging = read_rules(rules), parse_date(judge_from, "--judge-from")
    known = cli_inputs.outcomes(panel, events, customer, date, parse_date(until, "--until") if until else None)
    dates = prepare_replay(rule_set, panel_portfolios(panel, _scorer(model)))
    tuned = tune(rule_set, dates, known, at_most=at_most, judge_from=judging, horizon_days=horizon, lead_days=lead)
    with replacing(out) as temporary:
        temporary.write_text(tuned.rules.to_yaml(), encoding="utf-8")
    show_tuned(tuned)
    typer.echo(f"{out} is written")


def _today(text: str | None) -> dt.date:
    if text is None:
        return dt.date.today()
    from riskml.io import parse_date

    return parse_date(text, "--on")


def _scorer(model: Path | None) -> Callable[[pd.DataFrame], pd.DataFrame] | None:
    from riskml.runs.model_loading import load_model

    return None if model is None else load_model(model).score
