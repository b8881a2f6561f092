"""What a reviewer finds in MLflow after a run: the question, the data, every family, and why one was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as Record

from riskml.pipeline import run_experiment
from riskml.run import Run
from riskml.tracking.uri import tracking_uri

FAMILIES = {"scorecard", "logistic", "tree", "boosting", "blend"}


@pytest.fixture
def client(quick_run: Run) -> MlflowClient:
    uri = quick_run.state["mlflow_uri"]
    return MlflowClient(uri, uri)


@pytest.fixture
def parent(quick_run: Run, client: MlflowClient) -> Record:
    return client.get_run(quick_run.state["mlflow_run_id"])


@pytest.fixture
def children(parent: Record, client: MlflowClient) -> dict[str, Record]:
    mine = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    return {child.data.tags["family"]: child for child in client.search_runs([parent.info.experiment_id], mine)}


def artifacts(client: MlflowClient, run_id: str, folder: str = "") -> set[str]:
    found = client.list_artifacts(run_id, folder or None)
    inner = {path for file in found if file.is_dir for path in artifacts(client, run_id, file.path)}
    return {file.path for file in found if not file.is_dir} | inner


def test_the_parent_is_finished_and_can_be_found(parent: Record, quick_run: Run) -> None:
    tags, state = parent.data.tags, quick_run.state
    assert parent.info.status == "FINISHED"
    assert tags["task"] == state["task"]
    assert tags["family"] == state["champion"]["family"]
    assert tags["riskml.config_digest"] == state["config_digest"]
    assert tags["riskml.data_digest"] == state["data_digest"]
    assert tags["status"] == "finished"


def test_the_description_tells_how_the_champion_was_chosen(parent: Record, quick_run: Run) -> None:
    note = parent.data.tags["mlflow.note.content"]
    assert quick_run.experiment.title.split("?")[0] in note
    assert all(family in note for family in FAMILIES)
    assert f"{quick_run.champion} was chosen" in note


def test_settings_are_params(parent: Record) -> None:
    assert parent.data.params["models.trials"] == "1"
    assert parent.data.params["split.folds"] == "3"


def test_the_data_are_inputs(parent: Record) -> None:
    contexts = {(entry.tags[0].value, entry.dataset.name.split(", ")[1]) for entry in parent.inputs.dataset_inputs}
    assert contexts == {("training", "train"), ("validation", "test")}


def test_every_family_is_a_child_with_its_figures(children: dict[str, Record], quick_run: Run) -> None:
    assert set(children) == FAMILIES
    for row in quick_run.leaderboard().to_dict(orient="records"):
        metrics = children[row["family"]].data.metrics
        assert metrics["cv.auc_mean"] == pytest.approx(row["auc_cv"])
        assert {"cv.auc_se", "test.auc", "test.gini", "test.ks", "test.brier", "test.logloss"} <= set(metrics)
        assert children[row["family"]].info.status == "FINISHED"


def test_a_familys_settings_are_params(children: dict[str, Record]) -> None:
    assert all(children[family].data.params["trials"] == "1" for family in FAMILIES - {"blend"})


def test_every_family_has_a_model_that_scores(children: dict[str, Record], client: MlflowClient) -> None:
    for child in children.values():
        model = client.get_logged_model(child.data.tags["riskml.model_id"])
        assert model.source_run_id == child.info.run_id
        assert {metric.key for metric in model.metrics} >= {"cv.auc_mean", "test.auc"}


def test_the_champions_model_gives_the_runs_probabilities(
    children: dict[str, Record], quick_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    mlflow.set_tracking_uri(quick_run.state["mlflow_uri"])
    model = mlflow.pyfunc.load_model(f"models:/{children[quick_run.champion].data.tags['riskml.model_id']}")
    scores = quick_run.read_parquet("scores.parquet")
    given = model.predict(quick_run.features().X.loc[scores.index])
    assert (given["probability"] - scores["probability"]).abs().max() <= 1e-9


def test_what_a_reviewer_reads_is_there(parent: Record, client: MlflowClient) -> None:
    found = artifacts(client, parent.info.run_id)
    assert {"report.html", "notebooks/2_models.ipynb", "notebooks/2_models.html", "figures/roc.png"} <= found
    assert {"tables/leaderboard.csv", "tables/validation.json", "experiment.yaml"} <= found
    assert any(path.startswith("dist/") for path in found)


def test_a_quick_look_is_no_candidate_for_the_registry(quick_run: Run, client: MlflowClient) -> None:
    assert client.search_registered_models(f"name = 'riskml_{quick_run.experiment.name}'") == []


def test_a_whole_run_registers_its_champion(tiny: Path) -> None:
    run = run_experiment(tiny, to="4_export")
    client = MlflowClient(run.state["mlflow_uri"], run.state["mlflow_uri"])
    assert run.state["mlflow_trouble"] is None
    version = client.get_model_version_by_alias("riskml_tiny", "champion")
    assert version.tags["family"] == run.champion
    assert version.tags["riskml.gate_reason"] == "the first version"
    assert client.get_model_version_by_alias("riskml_tiny", "challenger").version == version.version


def test_a_failed_run_is_marked_failed(tiny: Path) -> None:
    with pytest.raises(Exception, match="baad"):
        run_experiment(tiny, to="1_features", overrides=["data.target=baad"])
    (folder,) = (tiny.parent / "runs" / "tiny").glob("[0-9]*")
    run = Run.open(folder)
    record = MlflowClient(run.state["mlflow_uri"]).get_run(run.state["mlflow_run_id"])
    assert run.state["mlflow_trouble"] is None
    assert record.info.status == "FAILED"
    assert record.data.tags["status"] == "failed"
    assert "baad" in record.data.tags["mlflow.note.content"]


def test_a_server_that_is_away_costs_no_result(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from riskml.cli import main

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["run", "tiny", "--to", "1_features"]) == 0
    (folder,) = (tiny.parent / "runs" / "tiny").glob("[0-9]*")
    assert "not tracked" in capsys.readouterr().out
    assert Run.open(folder).path("features.parquet").is_file()

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert main(["track", str(folder)]) == 0
    run = Run.open(folder)
    assert run.state["mlflow_trouble"] is None
    assert MlflowClient(run.state["mlflow_uri"]).get_run(run.state["mlflow_run_id"]).info.status == "FINISHED"


def test_records_go_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")
    assert tracking_uri(tmp_path) == "http://mlflow.example"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    assert tracking_uri(Path("/elsewhere")) == f"sqlite:///{tmp_path}/mine.db"
