"""Commands on monitoring and retraining."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskml.cli.runs import stopped_as_interrupt

if TYPE_CHECKING:
    from riskml.pipeline.stages import Listener
    from riskml.runs.run import Run

app = typer.Typer()
_Outcomes = Annotated[
    Path | None, typer.Option("--outcomes", metavar="FILE", help="Customers and target (default: column of the data).")
]


@app.command()
def monitor(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    data: Annotated[str, typer.Option("--data", metavar="FILE", help="The month's customers: CSV or Parquet.")],
    outcomes: _Outcomes = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help="Date of the month (default: the rows', or today).")
    ] = None,
    previous: Annotated[
        Path | None, typer.Option("--previous", metavar="MONTH", help="Earlier month, or scores (default: the last).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FOLDER", help="Folder of all months (default: RUN/monitoring)."),
    ] = None,
    customer: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Customer ID column.")] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="COLUMN", help="Column of segments; may be repeated.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="Limit: -p monitoring.psi_act=0.3.")
    ] = None,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="Execute notebook 6 and keep it with the month, as .ipynb and .html.")
    ] = False,
) -> None:
    """Monitor a model on new customers: data, drift, tiers, estimated and realised performance, next step."""
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
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the monitored run.")],
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE", help="Table with outcomes.")] = None,
    outcomes: _Outcomes = None,
    extend: Annotated[bool, typer.Option("--extend", help="Add the data to the run's own table.")] = False,
    monitoring: Annotated[
        Path | None, typer.Option("--monitoring", metavar="FOLDER", help="All months (default: RUN/monitoring).")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("-p", metavar="KEY=VALUE", help="Setting to override: -p models.trials=5.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train even if monitoring does not call for it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the decision only.")] = False,
) -> None:
    """Retrain if the newest month calls for it; the new model goes to the gate as challenger."""
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
    with stopped_as_interrupt(), runs.StageLines(STAGES) as lines:

        def listen(begun: Run) -> Listener:
            runs.show_beginning(begun)
            return lines

        done = train_again(request, decision, at=dt.datetime.now(), begun=listen)
    if done is not None:
        runs.show_results(done)
