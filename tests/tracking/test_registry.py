"""The registry: a new version challenges, and becomes the champion when it passes the gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from riskml.tracking.items import Candidate
from riskml.tracking.registry import gate, register


def candidate(auc_cv: float, data_digest: str = "d1", run: str = "20260101-120000 c1", **more: bool) -> Candidate:
    return Candidate("riskml_loans", "tree", auc_cv, auc_cv_se=0.01, data_digest=data_digest, run=run, **more)


def test_the_first_version_passes() -> None:
    assert gate(candidate(0.6), None, None).passed


@pytest.mark.parametrize(("auc_cv", "passed"), [(0.86, True), (0.85, True), (0.8499, False), (0.841, False)])
def test_what_is_not_below_the_champion_passes(auc_cv: float, passed: bool) -> None:
    assert gate(candidate(auc_cv), 0.85, "d1").passed is passed


@pytest.mark.parametrize("champion", [None, 0.5])
def test_what_was_made_by_hand_never_passes(champion: float | None) -> None:
    verdict = gate(candidate(0.99, by_hand=True), champion, "d1")
    assert not verdict.passed
    assert "a person decides" in verdict.reason


def test_what_learnt_from_other_data_does_not_replace_the_champion() -> None:
    verdict = gate(candidate(0.99, "d2"), 0.85, "d1")
    assert not verdict.passed
    assert "other data" in verdict.reason
    assert "the full gate" in verdict.reason
    assert "a person decides" in verdict.reason


Register = Callable[[Candidate], ModelVersion]


@pytest.fixture
def client(mlflow_uri: str) -> MlflowClient:
    return MlflowClient(mlflow_uri, mlflow_uri)


@pytest.fixture
def registers(client: MlflowClient, artifacts: dict[str, Path], loans: pd.DataFrame, tmp_path: Path) -> Register:
    """Return a function that registers a candidate, with a model that is always the same."""
    from riskml.tracking.model import log_model

    experiment = client.create_experiment("default/loans", artifact_location=tmp_path.as_uri())
    run_id = client.create_run(experiment).info.run_id
    model = log_model(artifacts["tree"], name="tree", run_id=run_id, input_example=loans.head(2))
    return lambda candidate: register(client, candidate, model, run_id)


def aliases(client: MlflowClient) -> dict[str, int]:
    return {name: int(version) for name, version in client.get_registered_model("riskml_loans").aliases.items()}


def test_the_aliases_move_as_the_gate_says(registers: Register, client: MlflowClient) -> None:
    versions = [registers(candidate(auc_cv, run=f"{auc_cv} c1")) for auc_cv in (0.85, 0.80, 0.86)]
    assert aliases(client) == {"champion": 3, "challenger": 3}
    refused = client.get_model_version("riskml_loans", versions[1].version)
    assert refused.tags["riskml.gate"] == "not passed"
    assert "below the champion: 0.8500" in refused.tags["riskml.gate_reason"]


def test_small_steps_down_never_move_the_champion(registers: Register, client: MlflowClient) -> None:
    for step in range(4):
        registers(candidate(0.85 - 0.009 * step, run=f"{step} c1"))
    assert aliases(client) == {"champion": 1, "challenger": 4}


def test_a_run_s_model_is_registered_once_and_later_decisions_stay(registers: Register, client: MlflowClient) -> None:
    first = registers(candidate(0.85))
    registers(candidate(0.86, run="20260102-120000 c1"))
    assert registers(candidate(0.85)).version == first.version
    assert len(client.search_model_versions("name = 'riskml_loans'")) == 2
    assert aliases(client) == {"champion": 2, "challenger": 2}


def test_a_champion_without_figures_is_not_replaced(registers: Register, client: MlflowClient) -> None:
    client.create_registered_model("riskml_loans")
    client.create_model_version("riskml_loans", source="file:///elsewhere")
    client.set_registered_model_alias("riskml_loans", "champion", "1")
    registers(candidate(0.99))
    assert aliases(client) == {"champion": 1, "challenger": 2}
