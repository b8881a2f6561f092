"""Registration of a run's model: challenger, judged by the gate, champion if it passes."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from riskml.errors import InputError
from riskml.gate import Incumbent, Verdict, judge
from riskml.gate.holdout_rows import RowNames, evidence_of, row_names, table_rows
from riskml.io import write_json
from riskml.runs.run import Run
from riskml.runtime.package import MANIFEST, Artifact, PackageError
from riskml.tracking.log_items import Candidate
from riskml.tracking.registry import aliases, status

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_ATTEMPTS = 5
_TAG_LENGTH = 4000
_FOLDER = "gate"
ROWS, NAMED_BY, DATA = "learnt.parquet", "riskml.rows_named_by", "riskml.data_digest"


def register(
    client: MlflowClient, run: Run, candidate: Candidate, model_id: str, run_id: str, *, at: dt.datetime
) -> ModelVersion:
    """Register a run's chosen model as challenger, judge it, and make it champion where the gate says so."""
    version = _enrolled(client, candidate, model_id, run_id)
    if aliases.GATE in version.tags:
        return version
    _keep_rows(client, run, version, model_id)
    verdict = _judged(client, run, version)
    # The tag that says it is judged comes last: whatever breaks off before is done again.
    aliases.tag(client, version, {aliases.AUC_LOST: repr(verdict.auc_lost), aliases.REASON: _cut(verdict.reason)})
    client.update_model_version(candidate.name, version.version, description=verdict.to_markdown())
    challenger = aliases.aliases(client, version.name).get(aliases.CHALLENGER, "")
    aliases.challenge(client, version.name)
    crowned = verdict.passed and run.experiment.gate.promote == "automatic"
    if crowned and not _is_champion(client, version):
        aliases.make_champion(client, version, aliases.Decision(aliases.BY_THE_GATE, _cut(verdict.reason), at))
    result = aliases.PASSED if verdict.passed else aliases.NOT_PASSED
    _keep_verdict(client, run, verdict, version, model_id, run_id, crowned=crowned)
    for key, value in ((aliases.GATE, result), (aliases.REASON, _cut(verdict.reason))):
        client.set_tag(run_id, key, value)
    aliases.tag(client, version, {aliases.GATE: result})
    status.refresh_descriptions(client, version.name, str(version.version), *{challenger, verdict.against} - {""})
    return client.get_model_version(candidate.name, version.version)


def _enrolled(client: MlflowClient, candidate: Candidate, model_id: str, run_id: str) -> ModelVersion:
    """Return the version of a candidate: the one that its run has registered before, or a new one."""
    from mlflow.exceptions import MlflowException

    # Another run may register the first model of this name at the same time.
    with suppress(MlflowException):
        client.create_registered_model(candidate.name)
    tags = {
        "family": candidate.family,
        "riskml.run": candidate.run,
        "riskml.auc_cv": repr(candidate.auc_cv),
        "riskml.data_digest": candidate.data_digest,
    }
    for known in aliases.registered(client, candidate.name):
        if tags.items() <= known.tags.items():
            return known
    return client.create_model_version(
        candidate.name, source=f"models:/{model_id}", run_id=run_id, model_id=model_id, tags=tags
    )


def _judged(client: MlflowClient, run: Run, version: ModelVersion) -> Verdict:
    """Judge a version against the champion, and again where there is another one by then."""
    evidence, rule = evidence_of(run), run.experiment.gate
    before = _other_champion(client, version)
    for _ in range(_ATTEMPTS):
        verdict = judge(evidence, rule, None if before is None else load_incumbent(before, run))
        now = _other_champion(client, version)
        if verdict.against == ("" if now is None else str(now.version)):
            break
        before = now
    return verdict


def _other_champion(client: MlflowClient, version: ModelVersion) -> ModelVersion | None:
    champion = aliases.champion(client, version.name)
    return None if champion is None or champion.version == version.version else champion


def _is_champion(client: MlflowClient, version: ModelVersion) -> bool:
    return aliases.aliases(client, version.name).get(aliases.CHAMPION) == str(version.version)


def _keep_rows(client: MlflowClient, run: Run, version: ModelVersion, model_id: str) -> None:
    """Keep the names of the training rows, so that no later model is compared with this one on them."""
    names = row_names(run, run.features().rows("train"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ROWS
        pd.DataFrame({"row": sorted(names.keys)}).to_parquet(file)
        client.log_model_artifact(model_id, str(file), _FOLDER)
    aliases.tag(client, version, {NAMED_BY: names.named_by})


def _keep_verdict(
    client: MlflowClient,
    run: Run,
    verdict: Verdict,
    version: ModelVersion,
    model_id: str,
    run_id: str,
    *,
    crowned: bool,
) -> None:
    content = {"model": version.name, "version": str(version.version), "champion": crowned, **verdict.to_dict()}
    write_json(run.path("gate.json"), content)
    run.write_csv("gate.csv", verdict.table())
    for name in ("gate.json", "gate.csv"):
        client.log_model_artifact(model_id, str(run.path(name)), _FOLDER)
        client.log_artifact(run_id, str(run.path(name)), _FOLDER)


def _cut(text: str) -> str:
    return text if len(text) <= _TAG_LENGTH else text[:_TAG_LENGTH] + "…"


def load_incumbent(version: ModelVersion, run: Run) -> Incumbent:
    """Return the champion's probabilities for a run's test set, and which of its rows it was trained on."""
    number = str(version.version)
    try:
        lost = float(version.tags.get(aliases.AUC_LOST, "0"))
        with tempfile.TemporaryDirectory(prefix="riskml-champion-") as folder:
            files = _fetched(version, Path(folder))
            artifact = Artifact.load(_only(files, MANIFEST).parent)
            keys = pd.read_parquet(_only(files, ROWS))["row"].to_numpy()
        features = run.features()
        holdout = features.rows(features.holdout_part)
        names = RowNames(version.tags.get(NAMED_BY, ""), version.tags.get(DATA, ""), keys)
        trained_on = row_names(run, holdout).among(names)
        if trained_on is None:
            trouble = "rows without identifiers, of another table: it may have been trained on them"
            return Incumbent(number, trouble=trouble)
        return Incumbent(number, _scores(artifact, run, holdout.X), trained_on, auc_lost=lost)
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
