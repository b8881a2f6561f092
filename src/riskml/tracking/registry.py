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

    A challenger that is a little worse does not pass: of many such steps each would be small, and the next one would be
    compared with the lower bar.

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
    >>> candidate = Candidate("riskml_loans", "blend", auc_cv=0.84, auc_cv_se=0.01, data_digest="d1", run="r c1")
    >>> gate(candidate, 0.86, "d1").reason
    'AUC 0.8400 ± 0.0100 is below the champion: 0.8600'
    >>> gate(candidate, None, None).passed
    True
    """
    if candidate.by_hand:
        return Verdict(False, "made by hand: a person decides")
    if auc_cv is None:
        return Verdict(True, "the first champion")
    if data_digest != candidate.data_digest:
        return Verdict(
            False,
            "trained on other data than the champion: their cross-validated AUCs do not compare; "
            "the full gate (both models on the same later rows) or a person decides",
        )
    figures = f"AUC {candidate.auc_cv:.4f} ± {candidate.auc_cv_se:.4f}"
    if not candidate.auc_cv >= auc_cv:
        return Verdict(False, f"{figures} is below the champion: {auc_cv:.4f}")
    return Verdict(True, f"{figures} is not below the champion before it: {auc_cv:.4f}")


def registered(client: MlflowClient, name: str) -> list[ModelVersion]:
    """Return a model's versions, the newest first.

    Parameters
    ----------
    client : MlflowClient
    name : str
        Of the registered model; there need not be one.
    """
    found: list[ModelVersion] = []
    token: str | None = None
    while token is None or token:
        page = client.search_model_versions(f"name = '{name}'", page_token=token)
        found += page
        token = page.token or ""
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def register(client: MlflowClient, candidate: Candidate, model_id: str, run_id: str) -> ModelVersion:
    """Register a logged model as challenger, and move the champion's alias when it passes the gate.

    A model that its run has registered before is left as it is, and so are the aliases: since then a later version may
    have come, or a person decided.

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
    told = {
        "family": candidate.family,
        "riskml.run": candidate.run,
        "riskml.auc_cv": repr(candidate.auc_cv),
        "riskml.data_digest": candidate.data_digest,
    }
    for known in registered(client, candidate.name):
        if told.items() <= known.tags.items():
            return known
    try:
        champion = client.get_model_version_by_alias(candidate.name, CHAMPION)
    except MlflowException:
        verdict = gate(candidate, None, None)
    else:
        # A champion that a person has registered may have no figures: nothing compares with it.
        auc_cv = float(champion.tags.get("riskml.auc_cv", "nan"))
        verdict = gate(candidate, auc_cv, champion.tags.get("riskml.data_digest"))
    version = client.create_model_version(
        candidate.name,
        source=f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags=told
        | {
            "riskml.gate": "passed" if verdict.passed else "not passed",
            "riskml.gate_reason": verdict.reason,
        },
    )
    client.set_registered_model_alias(candidate.name, CHALLENGER, version.version)
    if verdict.passed:
        client.set_registered_model_alias(candidate.name, CHAMPION, version.version)
    return version
