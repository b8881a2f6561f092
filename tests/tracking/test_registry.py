"""The registry: a new version challenges, and becomes the champion when it passes the gate."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from riskml.tracking.items import Candidate
from riskml.tracking.registry import gate, register


def candidate(auc_cv: float, data_digest: str = "d1") -> Candidate:
    return Candidate("riskml_loans", "tree", auc_cv=auc_cv, auc_cv_se=0.01, data_digest=data_digest)


def test_the_first_version_passes() -> None:
    assert gate(candidate(0.6), None, None).passed


@pytest.mark.parametrize(("auc_cv", "passed"), [(0.86, True), (0.85, True), (0.841, True), (0.839, False)])
def test_up_to_one_standard_error_below_the_champion_passes(auc_cv: float, passed: bool) -> None:
    assert gate(candidate(auc_cv), 0.85, "d1").passed is passed


def test_what_learnt_from_other_data_does_not_replace_the_champion() -> None:
    verdict = gate(candidate(0.99, "d2"), 0.85, "d1")
    assert not verdict.passed
    assert "other data" in verdict.reason


def test_the_aliases_move_as_the_gate_says(
    mlflow_uri: str, artifacts: dict[str, Path], loans: pd.DataFrame, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    from riskml.tracking.model import log_model

    client = MlflowClient()
    experiment = client.create_experiment("default/loans", artifact_location=tmp_path.as_uri())
    run_id = client.create_run(experiment).info.run_id
    model = log_model(artifacts["tree"], name="tree", run_id=run_id, input_example=loans.head(2))
    versions = [register(client, candidate(auc_cv), model, run_id) for auc_cv in (0.85, 0.80, 0.86)]

    aliases = client.get_registered_model("riskml_loans").aliases
    assert {name: int(version) for name, version in aliases.items()} == {"champion": 3, "challenger": 3}
    refused = client.get_model_version("riskml_loans", versions[1].version)
    assert refused.tags["riskml.gate"] == "not passed"
    assert "more than one standard error" in refused.tags["riskml.gate_reason"]
