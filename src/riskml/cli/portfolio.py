"""A book and its model from month to month."""

from __future__ import annotations

import datetime as dt
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskml.cli.runs import stop_by_signal

if TYPE_CHECKING:
    from riskml.pipeline.stages import Listener
    from riskml.runs.run import Run

app = typer.Typer()


@app.command()
def manage(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A run's folder, or a wheel.")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="The book: a CSV or Parquet file of customers.")],
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="As in experiments/policies/.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The day that the book is of.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Of the managed book: all its months.")],
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Of early warning, as in experiments/warnings/.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The column of the customer.")] = None,
    monitoring: Annotated[
        Path | None,
        typer.Option("--monitoring", metavar="FILE", help="A monitoring.json; the run's newest when left out."),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="FOLDER", help="Of `riskml feedback`; OUT/feedback by default."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or zh; that of the policy's messages when left out.")] = None,
) -> None:
    """Make Monday's folder: tiers, actions, alerts, a list for each role, and the pack for the risk meeting."""
    from riskml.cli.output.portfolio import Steps, show_month
    from riskml.io import parse_date
    from riskml.portfolio.inputs import read_customers, read_inputs
    from riskml.portfolio.manage import manage as manage_book

    earlier_results = results or (out / "feedback" if (out / "feedback" / "results.csv").is_file() else None)
    date = parse_date(as_of, "--as-of")
    inputs = read_inputs(model, policy, rules, monitoring, earlier_results, language, date)
    with Steps() as steps:
        done = manage_book(
            inputs, read_customers(model, data, customer), date, out, today=dt.date.today(), progress=steps.begin
        )
    show_month(done)


@app.command()
def feedback(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a managed book.")],
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="Whose effects are judged.")],
    events: Annotated[Path, typer.Option("--events", metavar="FILE", help="Who had the event, and when.")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Later events are not in the file yet.")],
    window: Annotated[
        int, typer.Option("--window", metavar="DAYS", min=1, help="An event counts within so many.")
    ] = 90,
    customer: Annotated[str, typer.Option("--customer", metavar="COLUMN", help="The customer in FILE.")] = "customer",
    date: Annotated[str, typer.Option("--date", metavar="COLUMN", help="The day in FILE.")] = "date",
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help='Which rows count: status == "default".')
    ] = None,
    decisions: Annotated[
        list[Path] | None,
        typer.Option("--decisions", metavar="FILE", help="Lists that officers filled in; may be said again."),
    ] = None,
    complaints: Annotated[
        Path | None, typer.Option("--complaints", metavar="FILE", help="Who complained, and when.")
    ] = None,
    complaint_date: Annotated[
        str, typer.Option("--complaint-date", metavar="COLUMN", help="The day in that file.")
    ] = "date",
    complaint_where: Annotated[
        str | None, typer.Option("--complaint-where", metavar="EXPR", help='Which rows count: kind == "complaint".')
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FOLDER", help="FOLDER/feedback by default.")
    ] = None,
) -> None:
    """Join outcomes to what was done: results of actions, labels for the next training, rules to reconsider."""
    from riskml.cli.output.portfolio import show_feedback
    from riskml.io import parse_date
    from riskml.portfolio.inputs import EventSource, feedback_of, write_feedback

    source = None if complaints is None else EventSource(complaints, customer, complaint_date, complaint_where)
    result = feedback_of(
        folder,
        policy,
        EventSource(events, customer, date, where),
        parse_date(until, "--until"),
        window,
        decisions=decisions or [],
        complaints=source,
    )
    show_feedback(result, write_feedback(result, out or folder / "feedback"))


@app.command()
def monitor(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    data: Annotated[str, typer.Option("--data", metavar="FILE", help="The month's customers: CSV or Parquet.")],
    outcomes: Annotated[
        Path | None, typer.Option("--outcomes", metavar="FILE", help="Customer and target; else the data's own column.")
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help="The day monitored; that of the rows, or today.")
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option("--previous", metavar="MONTH", help="An earlier month, or scores; the last one when left out."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FOLDER", help="Of all months; RUN/monitoring by default.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The column of the customer.")] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="COLUMN", help="Its groups are looked at too.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="A limit: -p monitoring.psi_act=0.3.")
    ] = None,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="Execute notebook 6 and keep it with the month, as .ipynb and .html.")
    ] = False,
) -> None:
    """Watch a model on new customers: data, drift, tiers, performance before and after outcomes; and what to do."""
    from riskml.cli.output.monitoring import show_monitored, show_month
    from riskml.io import parse_date
    from riskml.pipeline.monitor import MonitorRequest, execute_monitoring
    from riskml.pipeline.monitor import monitor as monitor_month

    request = MonitorRequest(
        run=run,
        data=data,
        outcomes=outcomes,
        date=parse_date(date, "--date") if date else None,
        previous=previous,
        folder=out,
        customer=customer,
        segments=by or (),
        overrides=overrides or (),
    )
    if notebook:
        show_month(execute_monitoring(request, today=dt.date.today()))
    else:
        show_monitored(monitor_month(request, today=dt.date.today()))


@app.command()
def retrain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run whose model is monitored.")],
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE", help="A table with outcomes.")] = None,
    outcomes: Annotated[
        Path | None, typer.Option("--outcomes", metavar="FILE", help="Customer and target, where the data have none.")
    ] = None,
    extend: Annotated[bool, typer.Option("--extend", help="Add the data to what the run has learnt from.")] = False,
    monitoring: Annotated[
        Path | None, typer.Option("--monitoring", metavar="FOLDER", help="Of all months; RUN/monitoring by default.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="Overrule the experiment: -p models.trials=5.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Although monitoring does not call for it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Train again if the newest month calls for it, and hand the new model to the gate as challenger."""
    from riskml.cli.output import runs
    from riskml.cli.output.monitoring import show_decision
    from riskml.pipeline.retrain import RetrainRequest, decide
    from riskml.pipeline.retrain import retrain as train_again
    from riskml.runs.run import STAGES

    request = RetrainRequest(run, data, outcomes, extend, monitoring, tuple(overrides or ()), force)
    decision = decide(request)
    show_decision(decision, dry_run=dry_run)
    if dry_run or not decision.needed:
        return
    before = signal.signal(signal.SIGTERM, stop_by_signal)
    try:
        with runs.StageLines(STAGES) as lines:

            def listen(begun: Run) -> Listener:
                runs.show_beginning(begun)
                return lines

            done = train_again(request, decision, at=dt.datetime.now(), begun=listen)
    finally:
        signal.signal(signal.SIGTERM, before)
    if done is not None:
        runs.show_results(done)


@app.command()
def pdf(
    page: Annotated[Path, typer.Argument(metavar="PAGE", help="A page such as pack.html or report.html.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE.pdf", help="Beside the page by default.")
    ] = None,
) -> None:
    """Print a page as PDF, with the Chromium of this machine."""
    from riskml.portfolio.pdf import print_pdf

    typer.echo(f"{print_pdf(page, out or page.with_suffix('.pdf'))} is written")
