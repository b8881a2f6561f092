"""Commands on a portfolio's monthly cycle."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
_Policy = Annotated[Path, typer.Option("--policy", metavar="FILE", help="Policy file, as in experiments/policies/.")]


@app.command()
def manage(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a run, or a wheel.")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="Portfolio: a CSV or Parquet file.")],
    policy: _Policy,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Date of the portfolio.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Folder of all months.")],
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Early warning rules, as in experiments/warnings/.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Customer ID column.")] = None,
    monitoring: Annotated[
        Path | None, typer.Option("--monitoring", metavar="FILE", help="monitoring.json (default: the run's newest).")
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", metavar="FOLDER", help="Feedback folder (default: OUT/feedback).")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or zh (default: that of the policy's messages).")] = None,
) -> None:
    """Produce the monthly action package: tiers, actions, alerts, worklists and the risk committee report."""
    from riskml.cli.output.portfolio import show_month, step_line
    from riskml.io import parse_date
    from riskml.portfolio.inputs import read_customers, read_inputs
    from riskml.portfolio.manage import manage as make_month

    default = out / "feedback" if (out / "feedback" / "results.csv").is_file() else None
    date = parse_date(as_of, "--as-of")
    inputs = read_inputs(model, policy, rules, monitoring, results or default, language, date)
    with step_line() as progress:
        customers = read_customers(model, data, customer)
        done = make_month(inputs, customers, date, out, today=dt.date.today(), progress=progress)
    show_month(done)


@app.command()
def feedback(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of all months.")],
    policy: _Policy,
    events: Annotated[Path, typer.Option("--events", metavar="FILE", help="Customers with an event, and its date.")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Last date of the events in FILE.")],
    window: Annotated[int, typer.Option("--window", metavar="DAYS", min=1, help="Performance window in days.")] = 90,
    customer: Annotated[str, typer.Option("--customer", metavar="COLUMN", help="Customer ID column.")] = "customer",
    date: Annotated[str, typer.Option("--date", metavar="COLUMN", help="Column of the event date.")] = "date",
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help='Rows of FILE to use: status == "default".')
    ] = None,
    decisions: Annotated[
        list[Path] | None, typer.Option("--decisions", metavar="FILE", help="Completed worklist; may be repeated.")
    ] = None,
    complaints: Annotated[
        Path | None, typer.Option("--complaints", metavar="FILE", help="Customers with a complaint, and its date.")
    ] = None,
    complaint_date: Annotated[
        str, typer.Option("--complaint-date", metavar="COLUMN", help="Column of the complaint's date.")
    ] = "date",
    complaint_where: Annotated[
        str | None, typer.Option("--complaint-where", metavar="EXPR", help='Complaints to use: kind == "complaint".')
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FOLDER", help="Folder to write (default: FOLDER/feedback).")
    ] = None,
) -> None:
    """Join outcomes to earlier actions: their results, labels for the next training, and actions to reconsider."""
    from riskml.cli.output.portfolio import show_feedback
    from riskml.io import parse_date
    from riskml.portfolio.inputs import EventSource, feedback_of, write_feedback

    result = feedback_of(
        folder,
        policy,
        EventSource(events, customer, date, where),
        parse_date(until, "--until"),
        window,
        decisions=decisions or [],
        complaints=EventSource(complaints, customer, complaint_date, complaint_where) if complaints else None,
    )
    show_feedback(result, write_feedback(result, out or folder / "feedback"))


@app.command()
def pdf(
    page: Annotated[Path, typer.Argument(metavar="PAGE", help="HTML page, such as pack.html or report.html.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE.pdf", help="PDF file (default: beside the page).")
    ] = None,
) -> None:
    """Print a page to PDF with the installed Chromium."""
    from riskml.portfolio.pdf import print_pdf

    typer.echo(f"{print_pdf(page, out or page.with_suffix('.pdf'))} is written")
