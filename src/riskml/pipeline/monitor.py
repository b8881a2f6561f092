"""Monitoring of a run's model for one month: measured, written to the month's folder, tracked in MLflow."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment, read_experiment
from riskml.data.sources.source import read_table
from riskml.display.format import count, markdown
from riskml.errors import InputError, RiskmlError
from riskml.monitoring.findings import Finding, findings_of
from riskml.monitoring.month import MonthReport, PreviousMonth, history, month_of
from riskml.monitoring.outputs import PAGE, state_of, write_files
from riskml.monitoring.reference import Reference, reference_of
from riskml.monitoring.snapshot import Snapshot, read_snapshot, snapshot_of
from riskml.runs.months import MONITORING, MonthStore, StoredMonth
from riskml.runs.paths import experiment_file, notebook_file, runs_folder
from riskml.runs.run import Run
from riskml.runtime.frame import levels
from riskml.tracking import monitoring_runs

_log = logging.getLogger(__name__)
FOLDER = "monitoring"
_NOTEBOOK = "6_monitoring"
_CELL_SECONDS = 3600.0


@dataclass(frozen=True)
class MonitorRequest:
    """Inputs of one month of monitoring."""

    run: str | Path  # the run's folder
    data: str | Path = ""  # customers of the month, a CSV or Parquet file; "" for the run's own hold-out rows
    outcomes: str | Path | None = None  # a file of outcomes
    date: dt.date | None = None  # default: the rows' as-of date; for the hold-out rows that of the run; else today
    previous: str | Path | None = None  # folder of an earlier month, or a file of scores; default: the month before
    folder: Path | None = None  # folder of all months; default: ``monitoring`` in the run's folder
    customer: str | None = None  # customer ID column; default: that of the experiment
    segments: Sequence[str] = ()  # columns, in addition to those of the experiment
    overrides: Sequence[str] = ()  # ``monitoring.key=value`` pairs that override the experiment's limits


@dataclass(frozen=True)
class MonitorResult:
    """A monitored month."""

    run: Run
    reference: Reference
    month: MonthReport
    findings: tuple[Finding, ...]  # most severe first
    history: pd.DataFrame  # the months up to and including this one
    written: StoredMonth

    def _repr_markdown_(self) -> str:
        summary = f"{count(self.month.rows)} customers as of {self.month.as_of} ({markdown(self.month.source)})"
        step = self.written.state["next_step"]
        return f"**{markdown(self.run.experiment.title)}**  \n{summary}  \nnext step: **{step}**"


def run_to_monitor(experiment: str, run: str = "") -> Path:
    """Return the folder of the run to monitor: the one named, else the experiment's newest one with a model."""
    if run:
        return Path(run).expanduser()
    file = experiment_file(experiment)
    name = read_experiment(file).name
    for folder in sorted((runs_folder(file) / name).glob("[0-9]*"), reverse=True):
        if (folder / "run.json").is_file() and not Run.open(folder).lacking("2_models"):
            return folder
    from riskml.pipeline.stages import run_experiment

    _log.warning("%s has no run yet: executing it first", name)
    return run_experiment(file).folder


def monitor(request: MonitorRequest, *, today: dt.date, track: bool = True) -> MonitorResult:
    """Monitor a model on a month's customers.

    A month that is monitored again replaces the earlier result, on disk and in MLflow. Where MLflow cannot be reached,
    ``monitoring.json`` holds the reason (``mlflow_trouble``), and the next month writes the missing records.

    Parameters
    ----------
    today : date
        The month's date where neither the rows nor the request have one.
    track : bool, default True
        Whether the month is written to MLflow.

    Raises
    ------
    InputError
        When a file, a column, a limit or the date is wrong; nothing is written then.
    """
    run = Run.open(Path(request.run).expanduser())
    experiment = monitored_experiment(run, request.segments, request.overrides)
    reference = reference_of(run, experiment)
    customers = customers_of_month(run, experiment, request.data, request.outcomes, request.customer)
    as_of = date_of_month(run, customers, request.date, today=today if request.data else None)
    store = month_store(run, request.folder)
    month = month_of(reference, customers, as_of, previous_month(store, as_of, request.previous))
    return save_month(run, store, reference, month, track=track)


def save_month(
    run: Run, store: MonthStore, reference: Reference, month: MonthReport, *, track: bool = True
) -> MonitorResult:
    """Write a measured month to its folder and, if ``track``, to MLflow."""
    findings = findings_of(month, reference)
    past, trouble = _past_metrics(run, store, track)
    metrics = history(past | {month.as_of: month.metrics()})
    metrics = metrics[[day <= month.as_of for day in metrics.index]]
    state = state_of(run, reference, month, findings)
    written = store.write(state, lambda folder: write_files(folder, month, findings, reference, metrics), replace=True)
    if track:
        written = _track(run, store, written, trouble)
    return MonitorResult(run, reference, month, tuple(findings), metrics, written)


def month_store(run: Run, folder: str | Path | None = None) -> MonthStore:
    """Return the store of all monitored months: by default ``monitoring`` in the run's folder."""
    return MonthStore((Path(folder).expanduser() if folder else run.path(FOLDER)).absolute(), MONITORING)


def date_of_month(
    run: Run, customers: Snapshot, date: dt.date | None = None, *, today: dt.date | None = None
) -> dt.date:
    """Return the date given, else the latest as-of date of the customers, else today, else the run's date."""
    created = dt.date.fromisoformat(run.state["created"][:10])
    return date or customers.day() or today or created


def monitored_experiment(run: Run, segments: Sequence[str] = (), overrides: Sequence[str] = ()) -> Experiment:
    """Return the run's settings with the segments and limits of one month."""
    wrong = [pair for pair in overrides if not pair.partition("=")[0].strip().startswith("monitoring.")]
    if wrong:
        raise InputError(
            f"only limits of monitoring can be overridden here; got {wrong[0]!r}",
            where="-p",
            fix="write -p monitoring.psi_act=0.3; to change the model, run the experiment",
        )
    experiment = read_experiment(run.path("experiment.yaml"), overrides) if overrides else run.experiment
    limits = experiment.monitoring
    names = tuple(dict.fromkeys((*limits.segments, *segments)))
    return experiment.model_copy(update={"monitoring": limits.model_copy(update={"segments": names})})


def customers_of_month(
    run: Run,
    experiment: Experiment,
    data: str | Path = "",
    outcomes: str | Path | None = None,
    customer: str | None = None,
) -> Snapshot:
    """Return the customers of a file with their outcomes; without a file, those of the run's test set."""
    if data:
        return read_snapshot(data, experiment, outcomes=outcomes or None, customer=customer or None)
    if outcomes:
        raise InputError("outcomes need the customers they belong to", where="--outcomes", fix="add --data")
    features = run.features()
    rows = features.rows(features.holdout_part)
    columns = experiment.data
    frame = rows.X.rename_axis(index=columns.id or "customer").reset_index()
    frame[columns.target] = rows.y.map({1: columns.event, 0: "not the event"}).to_numpy()
    if columns.date is not None and rows.date is not None:
        frame[columns.date] = rows.date.to_numpy()
    return snapshot_of(
        frame, experiment, customer=customer or None, source=f"the hold-out rows ({features.holdout_part})"
    )


def previous_month(store: MonthStore, as_of: dt.date, previous: str | Path | None = None) -> PreviousMonth | None:
    """Return the month to compare customers with: the requested one, else the last one with scored customers."""
    if not previous:
        months = store.months(upto=as_of - dt.timedelta(days=1))
        months = [month for month in months if month.state["scored"] and month.state["named"]]
        return PreviousMonth(months[-1].read("customers"), str(months[-1].as_of)) if months else None
    path = Path(previous).expanduser()
    if path.is_dir():
        month = store.open(path)
        if month.as_of >= as_of:
            raise InputError(
                f"the previous month is of {month.as_of}, which is not before {as_of}",
                where=str(path),
                fix="name an earlier month with --previous, or another date with --date",
            )
        return PreviousMonth(month.read("customers"), str(month.as_of), requested=True)
    return PreviousMonth(_read_scores(path), path.name, requested=True)


def _read_scores(file: Path) -> pd.DataFrame:
    """Read scores by customer, as `riskml score --id` writes them."""
    table = read_table(file)
    if "tier" not in table.columns or len(table.columns) < 2:
        raise InputError(
            "the file has no customers with a tier", where=str(file), fix="name a month's folder, or a file of scores"
        )
    customer = next(name for name in table.columns if name not in ("tier", "probability", "points"))
    return table.set_axis(pd.Index(levels(table[customer]), name="customer", dtype=object), axis=0)


def _past_metrics(run: Run, store: MonthStore, track: bool) -> tuple[dict[dt.date, dict[str, float]], str]:
    """Return the metrics of earlier months, from MLflow and from disk, which prevails; and why MLflow failed."""
    metrics, trouble = {}, ""
    if track:
        try:
            metrics = monitoring_runs.read_months(run)
        except RiskmlError as error:
            trouble = error.what
    return metrics | {month.as_of: dict(month.state["metrics"]) for month in store.months()}, trouble


def _track(run: Run, store: MonthStore, written: StoredMonth, trouble: str) -> StoredMonth:
    """Write to MLflow every month that is missing there; return the current month with its updated state."""
    for month in store.months():
        if month.state["run"] != run.folder.name or month.state["mlflow_run_id"]:
            continue
        try:
            if trouble:  # a server that cannot be reached is not tried again
                raise InputError(trouble)
            run_id = monitoring_runs.write_month(run, _record(month))
        except RiskmlError as error:
            month.update(mlflow_trouble=error.what)
            trouble = error.what
        else:
            month.update(mlflow_run_id=run_id, mlflow_trouble=None)
    return store.open(written.folder)


def _record(month: StoredMonth) -> monitoring_runs.MonthRecord:
    state: Mapping[str, Any] = month.state
    findings = [f"- {finding['severity']}: {finding['what']}" for finding in state["findings"]]
    note = "\n".join([f"Monitored as of {state['as_of']}: next step **{state['next_step']}**.", "", *findings])
    files = [month.folder / PAGE, month.folder / MONITORING, *sorted(month.folder.glob("*.csv"))]
    return monitoring_runs.MonthRecord(month.as_of, state["metrics"], state["next_step"], note, tuple(files))


def execute_monitoring(request: MonitorRequest, *, today: dt.date) -> StoredMonth:
    """Monitor a month with the monitoring notebook, kept in the month's folder as .ipynb and .html."""
    from riskml.pipeline.notebooks import Kernel, execute_notebook, to_html

    if not request.data:
        raise InputError("the notebook needs the month's customers", where="--data", fix="name a file")
    run = Run.open(Path(request.run).expanduser())
    snapshot = read_snapshot(request.data, run.experiment, outcomes=request.outcomes, customer=request.customer)
    as_of, store = date_of_month(run, snapshot, request.date, today=today), month_store(run, request.folder)
    source = notebook_file(_NOTEBOOK, run.folder.parents[1])
    with tempfile.TemporaryDirectory(prefix="riskml-monitoring-") as folder:
        target = Path(folder) / f"{_NOTEBOOK}.ipynb"
        execute_notebook(
            source,
            target,
            parameters(request, run, as_of, store.folder),
            kernel=Kernel(source, Path.cwd()),
            cell_seconds=_CELL_SECONDS,
            listen=lambda cell, cells, heading: None,
        )
        month = store.open(store.folder / str(as_of))
        for file in (target, to_html(target)):
            shutil.copy(file, month.folder / file.name)
    return month


def parameters(request: MonitorRequest, run: Run, as_of: dt.date, folder: Path) -> dict[str, str]:
    """Return the parameters that the notebook is executed with."""
    return {
        "experiment": "",
        "run": str(run.folder),
        "data": _absolute(request.data),
        "outcomes": _absolute(request.outcomes),
        "date": str(as_of),
        "previous": _absolute(request.previous),
        "folder": str(folder),
        "customer": request.customer or "",
        "segments": ", ".join(request.segments),
        "limits": "; ".join(request.overrides),
    }


def _absolute(path: str | Path | None) -> str:
    """Return a file's absolute path, as the kernel's folder may differ; a sample keeps its name."""
    if not path:
        return ""
    file = Path(path).expanduser()
    return str(file.absolute()) if file.exists() else str(path)
