"""The champion, fetched from the registry and asked about another run's rows."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from riskml.errors import InputError
from riskml.gate import Incumbent
from riskml.gate.holdout_rows import RowNames, row_names, table_rows
from riskml.runs.run import Run
from riskml.runtime.package import MANIFEST, Artifact, PackageError
from riskml.tracking.registry.aliases import AUC_LOST

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

ROWS, NAMED_BY, DATA = "learnt.parquet", "riskml.rows_named_by", "riskml.data_digest"


def load_incumbent(version: ModelVersion, run: Run) -> Incumbent:
    """Return what the champion gives the rows that a run has set aside, and which of them it has learnt from."""
    number = str(version.version)
    try:
        lost = float(version.tags.get(AUC_LOST, "0"))
        with tempfile.TemporaryDirectory(prefix="riskml-champion-") as folder:
            files = _fetched(version, Path(folder))
            artifact = Artifact.load(_only(files, MANIFEST).parent)
            keys = pd.read_parquet(_only(files, ROWS))["row"].to_numpy()
        features = run.features()
        aside = features.rows(features.holdout_part)
        names = RowNames(version.tags.get(NAMED_BY, ""), version.tags.get(DATA, ""), keys)
        learnt = row_names(run, aside).among(names)
        if learnt is None:
            return Incumbent(number, trouble="rows without identifiers, of another table: it may have learnt from them")
        return Incumbent(number, _scores(artifact, run, aside.X), learnt, auc_lost=lost)
    except (PackageError, InputError) as error:
        return Incumbent(number, trouble=getattr(error, "what", str(error)))


def _fetched(version: ModelVersion, folder: Path) -> Path:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    if not str(version.source).startswith("models:/"):
        raise PackageError("riskml has not registered it, and its package cannot be read")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        return Path(download_artifacts(artifact_uri=version.source, dst_path=str(folder)))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise  # a server that is away will be back
        raise PackageError(f"its files are gone: {error.message}") from None


def _only(folder: Path, name: str) -> Path:
    files = sorted(folder.rglob(name))
    if len(files) != 1:
        raise PackageError(
            f"it has no {name}"
            + (": it was registered before the gate was" if name == ROWS else ": its files are gone")
        )
    return files[0]


def _scores(artifact: Artifact, run: Run, X: pd.DataFrame) -> pd.Series:
    try:
        return artifact.score(X)["probability"]
    except PackageError as error:
        # It may read a column that the challenger has left out.
        try:
            return artifact.score(table_rows(run, X.index))["probability"]
        except (PackageError, InputError):
            raise error from None
