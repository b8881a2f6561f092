"""Reader of runs from MLflow, those of other machines included."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from riskml.errors import InputError, RiskmlError, RunError
from riskml.runs.paths import project_folder
from riskml.runs.run import Run
from riskml.runs.summary import ARTIFACTS, SETTINGS, RunSummary
from riskml.tracking.client import quiet_client, tracking_uri, without_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as Record

_ID = re.compile(r"(?:runs:/)?([0-9a-f]{32})/?")
_FOLDER = "tables"  # where a run's tables lie among its artifacts


def fetch(run: str | Path) -> RunSummary:
    """Return a run, from its folder or from MLflow.

    Parameters
    ----------
    run : str or path
        A run's folder, or a run's id in MLflow, ``runs:/<id>``, or its name there (``credit_default 20260102-030405``,
        also with a slash). MLflow is where MLFLOW_TRACKING_URI says, or the project's own file.

    Raises
    ------
    InputError
        When there is no such run, its name is not unique, or it was not written by riskml.
    RunError
        When MLflow cannot be reached.
    """
    folder = Path(run).expanduser()
    if folder.is_dir():
        opened = Run.open(folder)
        name = f"{opened.experiment.name}/{opened.folder.name}"
        return RunSummary.of_folder(opened.folder, name=name, where=str(opened.folder))
    return _from_mlflow(str(run))


def _from_mlflow(run: str) -> RunSummary:
    uri = tracking_uri(project_folder(Path.cwd() / "experiments" / "any.yaml"))
    server = without_secrets(uri)
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).is_file():
        raise _unknown(run, f"there is no {server}")  # MLflow would make one
    client = quiet_client(uri)
    try:
        record = _record(client, run, server)
        with tempfile.TemporaryDirectory(prefix="riskml-review-") as folder:
            _download(client, record.info.run_id, Path(folder))
            name = str(record.info.run_name or record.info.run_id).replace(" ", "/", 1)
            return RunSummary.of_folder(Path(folder), name=name, where=f"runs:/{record.info.run_id} at {server}")
    except RiskmlError:
        raise
    except Exception as error:  # whatever a server, a database or a store of files may raise
        raise RunError(
            f"MLflow cannot be read: {without_secrets(f'{type(error).__name__}: {error}').splitlines()[0]}",
            where=server,
            fix="check MLFLOW_TRACKING_URI, and that the server is there",
        ) from error


def _record(client: MlflowClient, run: str, server: str) -> Record:
    from mlflow.exceptions import MlflowException

    by_id = _ID.fullmatch(run)
    if by_id:
        try:
            record = client.get_run(by_id[1])
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise _unknown(run, f"not in {server} either") from None
    else:
        record = _named(client, run, server)
    parent = record.data.tags.get("mlflow.parentRunId")
    if parent:
        raise InputError(
            f"{run} is one family of a run, not the run", where=server, fix=f"name the run itself: runs:/{parent}"
        )
    return record


def _named(client: MlflowClient, run: str, server: str) -> Record:
    name = run.strip("/").replace("/", " ", 1)
    if "'" in name:
        raise _unknown(run, f"not in {server} either")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = list(client.search_runs(experiments, f"attributes.run_name = '{name}'", max_results=10))
    if not runs:
        raise _unknown(run, f"not in {server} either")
    if len(runs) > 1:
        ids = ", ".join(f"runs:/{record.info.run_id}" for record in runs)
        raise InputError(f"{len(runs)} runs are named {name!r}", where=server, fix=f"name one by its id: {ids}")
    return runs[0]


def _download(client: MlflowClient, run_id: str, folder: Path) -> None:
    """Lay the artifacts of a run out as its folder has them, as far as they are there."""
    there = {file.path for place in (None, _FOLDER) for file in client.list_artifacts(run_id, place)}
    names = [SETTINGS, *(f"{_FOLDER}/{name}" for name in ARTIFACTS)]
    for path in names:
        if path in there:
            got = Path(client.download_artifacts(run_id, path, str(folder)))
            got.replace(folder / got.name)


def _unknown(run: str, besides: str) -> InputError:
    return InputError(
        f"there is no run {run!r}: no such folder, and {besides}",
        fix="name a folder in experiments/runs/<experiment>/, or a run's id or name in MLflow "
        "(MLFLOW_TRACKING_URI says where that is)",
    )


def fetch_all(runs: Sequence[str | Path]) -> list[RunSummary]:
    """Return runs in the order they are named, two at least.

    Raises
    ------
    InputError
        As ``fetch``, when there are fewer than two, and when a run is named twice.
    """
    if len(runs) < 2:
        raise InputError("a comparison needs two runs at least", fix="riskml compare RUN RUN")
    views = [fetch(run) for run in runs]
    known = [_identity(view) for view in views]
    for at, name in enumerate(known):
        first = known.index(name)
        if first < at:
            twice = f"is {runs[first]} once more" if str(runs[first]) != str(runs[at]) else "is named twice"
            raise InputError(f"the run {runs[at]} {twice}: nothing can differ", fix="riskml compare RUN ANOTHER")
    return views


def _identity(view: RunSummary) -> str:
    """Return what a run is known by, from its folder and from MLflow alike."""
    folder = Path(view.where)
    known = Run.open(folder).state["mlflow_run_id"] if folder.is_dir() else None
    return f"runs:/{known}" if known else view.where.partition(" at ")[0]
