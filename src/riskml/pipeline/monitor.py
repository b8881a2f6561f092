"""A month of a run's model: measured, written to its folder, and tracked beside the run."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment, read_experiment
from riskml.display.format import count
from riskml.errors import InputError, RiskmlError
from riskml.monitoring.findings import Finding, findings_of
from riskml.monitoring.history import history, of_months
from riskml.monitoring.month import MonthReport, PreviousMonth, month_of
from riskml.monitoring.outputs import PAGE, state_of, write_files
from riskml.monitoring.reference import Reference, reference_of
from riskml.monitoring.snapshot import Snapshot, read_snapshot, snapshot_of
from riskml.runs.months import MONITORING, MonthStore, StoredMonth
from riskml.runs.paths import experiment_file, notebook_file, runs_folder
from riskml.runs.run import Run
from riskml.tracking import monitoring_runs
from riskml.warning.cli_inputs import day

_log = logging.getLogger(__name__)
FOLDER = "monitoring"


@dataclass(frozen=True)
class MonitorRequest:
    """What a month is made from."""

    run: str | Path  # the run's folder
    # the month's customers, a CSV or Parquet file; "" for the run's own rows set aside: a first month, whose outcomes
    # are known
    data: str | Path = ""
    outcomes: str | Path | None = None  # A file of outcomes
    # the day monitored; that of the rows where they are dated, that of the run for its own rows, or today
    date: dt.date | None = None
    # the folder of an earlier month, or a file of scores with a tier for each customer; the last month before the date
    # where left out
    previous: str | Path | None = None
    folder: Path | None = None  # of all months; ``monitoring`` in the run's folder where left out
    customer: str | None = None  # the customer's column; the experiment's where left out
    segments: Sequence[str] = ()  # columns, beside those that the experiment names
    overrides: Sequence[str] = ()  # ``monitoring.key=value`` pairs that overrule the run's limits


@dataclass(frozen=True)
class MonitorResult:
    """A monitored month."""

    run: Run
    reference: Reference
    month: MonthReport
    findings: tuple[Finding, ...]  # the gravest first
    history: pd.DataFrame  # the months up to and with this one
    written: StoredMonth  # its folder

    def _repr_markdown_(self) -> str:
        # Markdown passes HTML on.
        said = f"{count(self.month.rows)} customers as of {self.month.as_of} ({escape(self.month.source)})"
        return f"**{escape(self.run.experiment.title)}**  \n{said}  \nnext step: **{self.written.state['next_step']}**"


def run_to_monitor(experiment: str, run: str = "") -> Path:
    """Return the folder of the run that the notebook monitors."""
    if run:
        return Path(run).expanduser()
    file = experiment_file(experiment)
    name = read_experiment(file).name
    for folder in sorted((runs_folder(file) / name).glob("[0-9]*"), reverse=True):
        if (folder / "run.json").is_file() and not Run.open(folder).lacking("2_models"):
            return folder
    from riskml.pipeline.stages import run_experiment

    _log.warning("%s was never run: executed now, first", name)
    return run_experiment(file).folder


def request_text(
    *,
    experiment: str,
    run: str,
    data: str,
    outcomes: str,
    date: str,
    previous: str,
    folder: str,
    customer: str,
    segments: str,
    limits: str,
) -> MonitorRequest:
    """Return what is asked, from the notebook's parameters: text, and empty where nothing is said."""
    return MonitorRequest(
        run=run_to_monitor(experiment, run),
        data=data,
        outcomes=outcomes or None,
        date=day(date, "date") if date else None,
        previous=previous or None,
        folder=Path(folder).expanduser() if folder else None,
        customer=customer or None,
        segments=tuple(filter(None, map(str.strip, segments.split(",")))),
        overrides=tuple(filter(None, map(str.strip, limits.split(";")))),
    )


def monitor(asked: MonitorRequest, *, today: dt.date, track: bool = True) -> MonitorResult:
    """Monitor a model on a month's customers.

    The same date monitored again takes the place of what was there, on disk and in MLflow. An MLflow that is away costs
    the record and not the result: ``monitoring.json`` says why (``mlflow_trouble``), and the next month writes both.

    Parameters
    ----------
    today : date
        The day monitored where neither the rows nor the caller tell.
    track : bool, default True
        Whether it is written to MLflow.

    Raises
    ------
    InputError
        When a file, a column, a limit or the date is wrong; nothing is written then.
    """
    run = Run.open(Path(asked.run).expanduser())
    experiment = _experiment(run, asked)
    reference = reference_of(run, experiment)
    book = _book(run, experiment, asked)
    as_of = asked.date or book.day() or (today if asked.data else dt.date.fromisoformat(run.state["created"][:10]))
    store = MonthStore((asked.folder or run.path(FOLDER)).absolute(), MONITORING)
    month = month_of(reference, book, as_of, _earlier(store, as_of, asked.previous))
    findings = findings_of(month, reference)
    past, trouble = _past(run, store, track)
    seen = history(past, {as_of: month.metrics()})
    seen = seen[[day <= as_of for day in seen.index]]
    state = state_of(run, reference, month, findings)
    written = store.write(state, lambda folder: write_files(folder, month, findings, reference, seen), replace=True)
    if track:
        written = _track_all(run, store, written, trouble)
    return MonitorResult(run, reference, month, tuple(findings), seen, written)


def _experiment(run: Run, asked: MonitorRequest) -> Experiment:
    wrong = [one for one in asked.overrides if not one.partition("=")[0].strip().startswith("monitoring.")]
    if wrong:
        raise InputError(
            f"a month can overrule monitoring's limits only; got {wrong[0]!r}",
            where="-p",
            fix="as -p monitoring.psi_act=0.3; to change the model, run the experiment",
        )
    experiment = read_experiment(run.path("experiment.yaml"), asked.overrides) if asked.overrides else run.experiment
    limits = experiment.monitoring
    names = (*limits.segments, *(name for name in asked.segments if name not in limits.segments))
    return experiment.model_copy(update={"monitoring": limits.model_copy(update={"segments": names})})


def _book(run: Run, experiment: Experiment, asked: MonitorRequest) -> Snapshot:
    if asked.data:
        return read_snapshot(asked.data, experiment, outcomes=asked.outcomes, customer=asked.customer)
    if asked.outcomes:
        raise InputError("outcomes belong to customers that are handed in", where="--outcomes", fix="add --data")
    features = run.features()
    rows = features.rows(features.holdout_part)
    data = experiment.data
    frame = rows.X.rename_axis(index=data.id or "customer").reset_index()
    frame[data.target] = rows.y.map({1: data.event, 0: "not the event"}).to_numpy()
    if data.date is not None and rows.date is not None:
        frame[data.date] = rows.date.to_numpy()
    return snapshot_of(
        frame, experiment, customer=asked.customer, source=f"the rows set aside ({features.holdout_part})"
    )


def _earlier(store: MonthStore, as_of: dt.date, previous: str | Path | None) -> PreviousMonth | None:
    if previous is None:
        followed = [
            month
            for month in store.months(upto=as_of - dt.timedelta(days=1))
            if month.state["scored"] and month.state["named"]
        ]
        return PreviousMonth(followed[-1].read("customers"), str(followed[-1].as_of)) if followed else None
    path = Path(previous).expanduser()
    if path.is_dir():
        month = store.open(path)
        if month.as_of >= as_of:
            raise InputError(
                f"the month before is of {month.as_of}, which is not before {as_of}",
                where=str(path),
                fix="name an earlier month with --previous, or the day with --date",
            )
        return PreviousMonth(month.read("customers"), str(month.as_of), asked=True)
    return PreviousMonth(_scores(path), path.name, asked=True)


def _scores(file: Path) -> pd.DataFrame:
    """Return the scores of a file, by customer: what `riskml score --id` writes."""
    from riskml.data.sources.source import read_table
    from riskml.runtime.frame import levels

    table = read_table(file)
    if "tier" not in table.columns or len(table.columns) < 2:
        raise InputError(
            "it holds no customers with a tier", where=str(file), fix="name a month's folder, or a file of scores"
        )
    first = next(name for name in table.columns if name not in ("tier", "probability", "points"))
    return table.set_axis(pd.Index(levels(table[first]), name="customer", dtype=object), axis=0)


def _past(run: Run, store: MonthStore, track: bool) -> tuple[dict[dt.date, dict[str, float]], str]:
    """Return the figures of earlier months, from MLflow and from disk, which counts; and why MLflow told nothing."""
    known, trouble = {}, ""
    if track:
        try:
            known = monitoring_runs.read_months(run)
        except RiskmlError as error:
            trouble = error.what
    return known | of_months(store.months()), trouble


def _track_all(run: Run, store: MonthStore, written: StoredMonth, trouble: str) -> StoredMonth:
    """Write the month to MLflow, and earlier ones that it was away for; return the month as it stands then."""
    for month in store.months():
        if month.state["run"] != run.folder.name or month.state["mlflow_run_id"]:
            continue
        try:
            if trouble:
                raise InputError(trouble)
            found = monitoring_runs.write_month(run, _record(month))
        except RiskmlError as error:
            month.update(mlflow_trouble=error.what)
            trouble = error.what  # a server that is away is not asked once more
        else:
            month.update(mlflow_run_id=found, mlflow_trouble=None)
    return store.open(written.folder)


def _record(month: StoredMonth) -> monitoring_runs.MonthRecord:
    state: Mapping[str, Any] = month.state
    said = [f"- {one['severity']}: {one['what']}" for one in state["findings"]]
    note = "\n".join([f"Monitored as of {state['as_of']}: next step **{state['next_step']}**.", "", *said])
    files = [month.folder / PAGE, month.folder / MONITORING, *sorted(month.folder.glob("*.csv"))]
    return monitoring_runs.MonthRecord(month.as_of, state["metrics"], state["next_step"], note, tuple(files))


NOTEBOOK = "6_monitoring"
_CELL_SECONDS = 3600.0


def execute_monitoring(asked: MonitorRequest, *, today: dt.date) -> StoredMonth:
    """Monitor a month by its notebook, which is kept in the month's folder, executed, as .ipynb and .html."""
    from riskml.pipeline.notebooks import Kernel, execute_notebook, to_html

    if not asked.data:
        raise InputError("the notebook is executed on a month's customers", where="--data", fix="name a file")
    run = Run.open(Path(asked.run).expanduser())
    book = read_snapshot(asked.data, run.experiment, outcomes=asked.outcomes, customer=asked.customer)
    day, place = asked.date or book.day() or today, (asked.folder or run.path(FOLDER)).absolute()
    source = notebook_file(NOTEBOOK, run.folder.parents[1])
    with tempfile.TemporaryDirectory(prefix="riskml-monitoring-") as folder:
        target = Path(folder) / f"{NOTEBOOK}.ipynb"
        execute_notebook(
            source,
            target,
            parameters(asked, run, day, place),
            kernel=Kernel(source, Path.cwd()),
            cell_seconds=_CELL_SECONDS,
            listen=lambda cell, cells, heading: None,
        )
        month = MonthStore(place, MONITORING).open(place / str(day))
        for file in (target, to_html(target)):
            shutil.copy(file, month.folder / file.name)
    return month


def parameters(asked: MonitorRequest, run: Run, day: dt.date, place: Path) -> dict[str, str]:
    """Return what the notebook is executed with."""
    return {
        "experiment": "",
        "run": str(run.folder),
        "data": _whole(asked.data),
        "outcomes": _whole(asked.outcomes),
        "date": str(day),
        "previous": _whole(asked.previous),
        "folder": str(place),
        "customer": asked.customer or "",
        "segments": ", ".join(asked.segments),
        "limits": "; ".join(asked.overrides),
    }


def _whole(path: str | Path | None) -> str:
    """Return a file's path in full: a kernel may stand elsewhere. A sample goes by its name."""
    if not path:
        return ""
    found = Path(path).expanduser()
    return str(found.absolute()) if found.exists() else str(path)
