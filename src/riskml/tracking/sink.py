"""Writer of a run's records to MLflow."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from riskml.runs.paths import project_folder
from riskml.runs.run import Run
from riskml.tracking import descriptions, log_items
from riskml.tracking.client import DATABASES, quiet_client, tracking_uri, without_secrets
from riskml.tracking.log_items import Item, ModelFiles, Rows, TableFile
from riskml.tracking.registry import aliases, register
from riskml.tracking.registry import status as standing

if TYPE_CHECKING:
    from mlflow.entities import Dataset

_PARENT = "mlflow.parentRunId"
_MODEL = "riskml.model_id"
_FILES = "riskml.model_digest"
_REPLACED = "riskml.replaced"
_PARAM_LENGTH = 6000


class Sink:
    """A run's records in MLflow: a parent, and a child for each family."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._project = project_folder(run.folder.parents[1])
        self.uri = tracking_uri(self._project)
        self._client = quiet_client(self.uri)
        import mlflow

        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        self._experiment = self._experiment_id()
        self._children: dict[str, str] = {}
        self._models: dict[str, str] = {}
        self._datasets: dict[str, Dataset] = {}
        self.run_id = self._opened()

    def begin(self) -> None:
        """Write the settings of the run, before its first stage."""
        page = descriptions.page(self._experiment, self.run_id)
        self._run.update(mlflow_run_id=self.run_id, mlflow_uri=without_secrets(self.uri), mlflow_page=page)
        self._write([log_items.Tags(_git(self._project)), *log_items.beginning(self._run)])

    def stage(self, stage: str) -> None:
        """Write the results of a stage."""
        if stage == "2_models":
            self._drop_stale_children()
        self._write(log_items.of_stage(self._run, stage))

    def failure(self, stage: str) -> None:
        """Write the files of a stage that failed."""
        self._write(log_items.of_stage(self._run, stage, failed=True))

    def end(self, status: str) -> None:
        """Set the run's status: FINISHED, FAILED or KILLED."""
        for family_run in self._children.values():
            self._client.set_terminated(family_run, "FINISHED")
        self._write(log_items.ending(self._run, status))
        self._client.set_terminated(self.run_id, status)

    # -- the runs

    def _experiment_id(self) -> str:
        source = Path(self._run.experiment.data.source).stem
        name = f"{self._run.experiment.task}/{source}"
        known = self._client.get_experiment_by_name(name)
        if known is None:
            # By default artifacts would lie wherever the process happens to stand.
            beside = (self._project / "mlartifacts").as_uri() if self.uri.startswith(DATABASES) else None
            known = self._client.get_experiment(self._client.create_experiment(name, artifact_location=beside))
        id = str(known.experiment_id)
        for key, value in descriptions.experiment_tags(self._run.experiment.title, id).items():
            # What people have written there stays; the table of runs is brought up to date.
            if key not in known.tags or (key.startswith(descriptions.VIEW) and known.tags[key] != value):
                self._client.set_experiment_tag(id, key, value)
        return id

    def _opened(self) -> str:
        from mlflow.exceptions import MlflowException

        known = self._run.state["mlflow_run_id"]
        if known and self._run.state["mlflow_uri"] == without_secrets(self.uri):
            try:
                self._client.update_run(known, status="RUNNING")
            except MlflowException:
                pass  # deleted: a new one is begun
            else:
                self._recall(known)
                return str(known)
        name = f"{self._run.experiment.name} {self._run.folder.name}"
        return str(self._client.create_run(self._experiment, run_name=name).info.run_id)

    def _child(self, family: str) -> str:
        if family not in self._children:
            tags = {_PARENT: self.run_id, "mlflow.runName": family, "family": family}
            self._children[family] = self._client.create_run(self._experiment, tags=tags).info.run_id
        return self._children[family]

    def _recall(self, parent: str) -> None:
        """Find the families that an earlier process has written."""
        for child in self._client.search_runs([self._experiment], f"tags.`{_PARENT}` = '{parent}'"):
            tags = child.data.tags
            if _REPLACED in tags:
                continue
            self._children[tags["family"]] = child.info.run_id
            if _MODEL in tags:
                self._models[tags["family"]] = tags[_MODEL]

    def _drop_stale_children(self) -> None:
        """Delete the families that were refitted since they were written: MLflow does not overwrite parameters."""
        name = log_items.registered_name(self._run.experiment)
        versions = {version.source for version in aliases.registered(self._client, name)}
        for family, run_id in list(self._children.items()):
            known = self._client.get_run(run_id).data.tags.get(_FILES)
            if family in self._models and known == _digest(self._run.path("models", family)):
                continue
            model = self._models.pop(family, None)
            del self._children[family]
            if model is not None and f"models:/{model}" in versions:
                self._client.set_tag(run_id, _REPLACED, "true")
                self._client.set_terminated(run_id, "FINISHED")
            else:
                self._client.delete_run(run_id)

    def _at(self, family: str | None) -> str:
        return self.run_id if family is None else self._child(family)

    # -- the items

    def _write(self, items: Iterable[Item]) -> None:
        from mlflow.entities import Param, RunTag

        for item in items:
            match item:
                case log_items.Params():
                    params = [Param(key, value[:_PARAM_LENGTH]) for key, value in item.values.items()]
                    self._client.log_batch(self._at(item.family), params=params)
                case log_items.Tags():
                    tags = [RunTag(key, value) for key, value in item.values.items()]
                    self._client.log_batch(self._at(item.family), tags=tags)
                case log_items.Metrics():
                    self._metrics(item)
                case Rows():
                    self._rows(item)
                case log_items.ArtifactFile():
                    self._client.log_artifact(self.run_id, str(item.path), item.folder or None)
                case TableFile():
                    self._table(item)
                case ModelFiles():
                    self._model(item)
                case log_items.Note():
                    self._note(item)
                case log_items.Candidate():
                    model, now = self._models[item.family], dt.datetime.now(dt.UTC)
                    register.register(self._client, self._run, item, model, self.run_id, at=now)

    def _note(self, item: log_items.Note) -> None:
        text = item.text if item.family else standing.with_standing(self._client, self.run_id, item.text)
        self._client.set_tag(self._at(item.family), standing.NOTE, text)

    def _metrics(self, item: log_items.Metrics) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        run_id = self._at(item.family)
        model = self._models.get(item.family or "")
        rows = self._datasets.get(item.part or "")
        metrics = [
            Metric(
                key,
                float(value),
                now,
                0,
                model_id=model,
                dataset_name=rows.name if rows and model else None,
                dataset_digest=rows.digest if rows and model else None,
                run_id=run_id,
            )
            for key, value in item.values.items()
            if math.isfinite(value)
        ]
        self._client.log_batch(run_id, metrics=metrics)

    def _rows(self, item: Rows) -> None:
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.entities import DatasetInput, InputTag

        name = f"{Path(item.source).stem}, {item.part}"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"mlflow\.")  # of sources and whole numbers, for no reason
            rows = from_pandas(item.frame, source=item.source, name=name, targets=item.target)._to_mlflow_entity()
        self._datasets[item.part] = rows
        context = InputTag("mlflow.data.context", item.context)
        self._client.log_inputs(self.run_id, [DatasetInput(rows, [context])])

    def _table(self, item: TableFile) -> None:
        path = PurePosixPath(item.path)
        with tempfile.TemporaryDirectory() as folder:
            item.frame.to_parquet(Path(folder, path.name))
            self._client.log_artifact(self.run_id, str(Path(folder, path.name)), str(path.parent))

    def _model(self, item: ModelFiles) -> None:
        from riskml.tracking.model import log_model

        if item.family in self._models:
            return  # the very files, as _drop_stale_children has seen
        run_id = self._child(item.family)
        model = log_model(item.folder, name=item.family, run_id=run_id, input_example=item.example)
        self._models[item.family] = model
        self._client.set_tag(run_id, _MODEL, model)
        self._client.set_tag(run_id, _FILES, _digest(item.folder))


def _digest(folder: Path) -> str:
    """Return a digest of a folder's files and their names; that of nothing where there is no folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _git(project: Path) -> Mapping[str, str]:
    """Return the commit that the project stands at, and whether it was changed since."""

    def ask(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(project), *words], capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()

    try:
        return {
            "mlflow.source.git.commit": ask("rev-parse", "HEAD"),
            "riskml.git_dirty": str(bool(ask("status", "--porcelain"))).lower(),
        }
    except (OSError, subprocess.SubprocessError):
        return {}
