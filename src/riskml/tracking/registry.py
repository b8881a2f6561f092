"""The registry: a new version is the challenger, and becomes the champion when it passes the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskml.tracking.items import Candidate

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger becomes the champion, and why."""

    passed: bool
    reason: str


def gate(candidate: Candidate, auc_cv: float | None, data_digest: str | None) -> Verdict:
    """Compare a candidate with the champion's cross-validated AUC.

    Parameters
    ----------
    candidate : Candidate
    auc_cv : float or None
        The champion's; None where there is no champion.
    data_digest : str or None
        Of the data that the champion was trained on.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> candidate = Candidate("riskml_loans", "blend", auc_cv=0.84, auc_cv_se=0.01, data_digest="d1")
    >>> gate(candidate, 0.86, "d1").reason
    'AUC 0.8400 is more than one standard error (0.0100) below the champion: 0.8600'
    >>> gate(candidate, None, None).passed
    True
    """
    if auc_cv is None:
        return Verdict(True, "the first version")
    if data_digest != candidate.data_digest:
        return Verdict(False, "trained on other data than the champion: their cross-validated AUCs do not compare")
    if candidate.auc_cv < auc_cv - candidate.auc_cv_se:
        return Verdict(
            False,
            f"AUC {candidate.auc_cv:.4f} is more than one standard error ({candidate.auc_cv_se:.4f}) "
            f"below the champion: {auc_cv:.4f}",
        )
    return Verdict(
        True,
        f"AUC {candidate.auc_cv:.4f} is not more than one standard error ({candidate.auc_cv_se:.4f}) "
        f"below the champion before it: {auc_cv:.4f}",
    )


def register(client: MlflowClient, candidate: Candidate, model_id: str, run_id: str) -> ModelVersion:
    """Register a logged model as challenger, and move the champion's alias when it passes the gate.

    Parameters
    ----------
    client : MlflowClient
    candidate : Candidate
    model_id : str
        Of the logged model.
    run_id : str
        Of the run that it was chosen in.

    Returns
    -------
    ModelVersion
    """
    from mlflow.exceptions import MlflowException

    if not client.search_registered_models(f"name = '{candidate.name}'"):
        client.create_registered_model(candidate.name)
    try:
        champion = client.get_model_version_by_alias(candidate.name, CHAMPION)
        known = champion.tags
    except MlflowException:
        champion, known = None, {}
    verdict = gate(
        candidate,
        float(known["riskml.auc_cv"]) if champion is not None and "riskml.auc_cv" in known else None,
        known.get("riskml.data_digest"),
    )
    version = client.create_model_version(
        candidate.name,
        source=f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags={
            "family": candidate.family,
            "riskml.auc_cv": repr(candidate.auc_cv),
            "riskml.data_digest": candidate.data_digest,
            "riskml.gate": "passed" if verdict.passed else "not passed",
            "riskml.gate_reason": verdict.reason,
        },
    )
    client.set_registered_model_alias(candidate.name, CHALLENGER, version.version)
    if verdict.passed:
        client.set_registered_model_alias(candidate.name, CHAMPION, version.version)
    return version
