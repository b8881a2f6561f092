"""Monitored months in MLflow: one record for each model and date."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from riskml.runs.paths import project_folder
from riskml.runs.run import Run
from riskml.tracking.client import DATABASES, mlflow_client, tracking_uri, without_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as Record

KIND, MODEL_RUN, DATE = "riskml.kind", "riskml.run", "riskml.monitored_date"
_TEXT_LENGTH = 4000


@dataclass(frozen=True)
class MonthRecord:
    """What is written of a month."""

    as_of: dt.date
    metrics: Mapping[str, float]  # by the names that every month has them under
    next_step: str  # what it calls for, and the findings in words
    note: str
    files: tuple[Path, ...]  # the page, its state and its tables


def write_month(run: Run, month: MonthRecord) -> str:
    """Write a month beside the run whose model was monitored, in place of an earlier record of that date."""
    with mlflow_client(_project(run)) as client:
        experiment = _experiment(client, run) or _made(client, run)
        earlier = [known.info.run_id for known in _records(client, experiment, run) if _date(known) == month.as_of]
        state = run.state
        tags = {
            KIND: "monitoring",
            MODEL_RUN: run.folder.name,
            DATE: str(month.as_of),
            "riskml.experiment": run.experiment.name,
            "riskml.model_run_id": str(state["mlflow_run_id"] or ""),
            "riskml.next_step": month.next_step,
            "task": run.experiment.task,
            "mlflow.note.content": month.note[:_TEXT_LENGTH],
        }
        name = f"{run.experiment.name} monitored {month.as_of}"
        record: str = client.create_run(experiment, run_name=name, tags=tags).info.run_id
        _metrics(client, record, month.metrics)
        for file in month.files:
            client.log_artifact(record, str(file))
        client.set_terminated(record, "FINISHED")
        # Only now: whatever breaks off before leaves the earlier record in place.
        for known in earlier:
            client.delete_run(known)
        return record


def read_months(run: Run) -> dict[dt.date, dict[str, float]]:
    """Return the figures of a model's months by date, as MLflow knows them."""
    with mlflow_client(_project(run)) as client:
        months: dict[dt.date, dict[str, float]] = {}
        experiment = _experiment(client, run)
        # The newest record comes first; it is the one that counts.
        for record in _records(client, experiment, run) if experiment else ():
            day = _date(record)
            if day is not None and record.info.status == "FINISHED":
                figures = {name: value for name, value in record.data.metrics.items() if name.startswith("monitor.")}
                months.setdefault(day, figures)
        return months


def where(run: Run) -> str:
    """Return where the months of a run are tracked, without a password."""
    return without_secrets(tracking_uri(_project(run)))


def _project(run: Run) -> Path:
    return project_folder(run.folder.parents[1])


def _experiment(client: MlflowClient, run: Run) -> str | None:
    """Return the experiment of the model's own record, so that its months stand beside it; None where there is none."""
    from mlflow.exceptions import MlflowException

    known = run.state["mlflow_run_id"]
    if known and run.state["mlflow_uri"] == where(run):
        try:
            return str(client.get_run(known).info.experiment_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
    experiment = client.get_experiment_by_name(_name(run))
    return None if experiment is None else str(experiment.experiment_id)


def _made(client: MlflowClient, run: Run) -> str:
    """Return the experiment that a run would be written to, made where it is missing."""
    # By default artifacts would lie wherever the process happens to stand.
    project = _project(run)
    beside = (project / "mlartifacts").as_uri() if tracking_uri(project).startswith(DATABASES) else None
    return str(client.create_experiment(_name(run), artifact_location=beside))


def _name(run: Run) -> str:
    return f"{run.experiment.task}/{Path(run.experiment.data.source).stem}"


def _records(client: MlflowClient, experiment: str, run: Run) -> list[Record]:
    query = f"tags.`{KIND}` = 'monitoring' and tags.`{MODEL_RUN}` = '{run.folder.name}'"
    query += f" and tags.`riskml.experiment` = '{run.experiment.name}'"
    records, token = [], None
    while True:
        page = client.search_runs([experiment], query, order_by=["attributes.start_time DESC"], page_token=token)
        records += list(page)
        token = page.token
        if not token:
            return records


def _date(record: Record) -> dt.date | None:
    try:
        return dt.date.fromisoformat(record.data.tags[DATE])
    except (KeyError, ValueError):
        return None


def _metrics(client: MlflowClient, record: str, values: Mapping[str, float]) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    client.log_batch(record, metrics=[Metric(name, value, now, 0) for name, value in values.items()])
