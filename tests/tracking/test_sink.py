"""What a reviewer finds in MLflow after a run: the question, the data, every family, and why one was chosen."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as Record

from riskml.cli import main
from riskml.errors import InputError
from riskml.pipeline.stages import begin, execute, run_experiment, track
from riskml.runs.run import Run
from riskml.tracking.client import tracking_uri, without_secrets
from riskml.tracking.log_items import Metrics, of_stage
from riskml.tracking.sink import Sink

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


def test_the_first_line_of_the_description_is_the_answer(parent: Record, quick_run: Run) -> None:
    note = parent.data.tags["mlflow.note.content"]
    auc = quick_run.read_json("validation.json")["metrics"]["auc"]
    first = note.splitlines()[0]
    assert f"Champion: **{quick_run.champion}**" in first
    assert f"{auc['value']:.4f}" in first
    assert f"{auc['low']:.4f} to {auc['high']:.4f}" in first
    assert f"get-artifact?path=figures/leaderboard.png&run_uuid={parent.info.run_id}" in note
    assert "`report.html`" in note


def test_an_experiment_opens_on_a_table_with_the_figures_that_matter(client: MlflowClient, parent: Record) -> None:
    tags = client.get_experiment(parent.info.experiment_id).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert "viewStateShareKey=riskml" in tags["mlflow.note.content"]
    view = json.loads(tags["mlflow.sharedViewState.riskml"])
    figures = [f"metrics.`{part}.{name}`" for part in ("test", "oot") for name in ("auc", "ks", "brier", "ece")]
    gate = ["attributes.`Description`", "tags.`family`", "tags.`riskml.gate`"]
    assert set(view["selectedColumns"]) == {"metrics.`cv.auc_mean`", *figures, *gate}
    (found,) = client.search_runs([parent.info.experiment_id], view["searchFilter"])
    assert found.info.run_id == parent.info.run_id


def test_the_table_of_runs_is_brought_up_to_date_and_what_people_wrote_stays(tiny: Path) -> None:
    run = begin(tiny)
    execute(run, to="1_features")
    client = MlflowClient(run.state["mlflow_uri"])
    (experiment,) = (found for found in client.search_experiments() if found.name == "default/tiny")
    client.set_experiment_tag(experiment.experiment_id, "mlflow.sharedViewState.riskml", "{}")
    client.set_experiment_tag(experiment.experiment_id, "mlflow.note.content", "ours")
    track(run)
    tags = client.get_experiment(experiment.experiment_id).tags
    assert json.loads(tags["mlflow.sharedViewState.riskml"])["selectedColumns"]
    assert tags["mlflow.note.content"] == "ours"


def test_a_family_tells_its_place_its_figures_and_its_settings(children: dict[str, Record], quick_run: Run) -> None:
    for family, child in children.items():
        note = child.data.tags["mlflow.note.content"]
        assert f"{family}: " in note
        assert f"of {len(FAMILIES)} by cross-validated AUC" in note
        assert f"{child.data.metrics['test.auc_low']:.4f} to {child.data.metrics['test.auc_high']:.4f}" in note
        assert child.data.tags["champion"] == str(family == quick_run.champion).lower()
        assert child.data.tags["riskml.data_digest"] == quick_run.state["data_digest"]


def test_the_search_is_one_table_and_three_pictures(parent: Record, client: MlflowClient) -> None:
    found = artifacts(client, parent.info.run_id)
    pictures = {f"figures/{name}.png" for name in ("search", "search_settings", "search_seconds")}
    assert {"tables/search.csv"} | pictures <= found


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


def test_the_blend_s_params_are_its_weights(children: dict[str, Record], quick_run: Run) -> None:
    weights = {f"weight.{name}": f"{weight:.4f}" for name, weight in quick_run.fit["weights"].items()}
    assert children["blend"].data.params == weights != {}


def test_the_figure_of_the_choice_itself_is_told(parent: Record, quick_run: Run) -> None:
    nested = quick_run.fit["nested_auc"]
    assert parent.data.metrics["cv.auc_nested"] == pytest.approx(nested)
    assert f"{nested:.4f}" in parent.data.tags["mlflow.note.content"]


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


def test_the_gate_stays_in_the_first_line_whatever_is_written_after_it(tiny: Path) -> None:
    run = run_experiment(tiny, overrides=["gate.promote=by_hand"])
    client = MlflowClient(run.state["mlflow_uri"])

    def lines() -> list[str]:
        return str(client.get_run(run.state["mlflow_run_id"]).data.tags["mlflow.note.content"]).splitlines()

    passed = "passed" if run.read_json("gate.json")["passed"] else "not passed"
    assert lines()[0].startswith(f"{run.champion}, gate {passed} (")
    assert "Champion: " in lines()[2]
    assert "`report.html`" in "\n".join(lines())
    assert main(["promote", "riskml_tiny", "1", "--force", "--by", "Ann", "--why", "a test"]) == 0
    before = lines()
    assert "by Ann" in before[0]
    track(run)
    assert lines() == before


def test_a_quick_look_is_no_candidate_for_the_registry(quick_run: Run, client: MlflowClient) -> None:
    assert client.search_registered_models(f"name = 'riskml_{quick_run.experiment.name}'") == []


def test_a_whole_run_registers_its_champion(tiny: Path) -> None:
    run = run_experiment(tiny, to="4_export")
    client = MlflowClient(run.state["mlflow_uri"], run.state["mlflow_uri"])
    assert run.state["mlflow_trouble"] is None
    version = client.get_model_version_by_alias("riskml_tiny", "champion")
    assert version.tags["family"] == run.champion
    assert version.tags["riskml.gate_reason"] == "the first champion"
    assert client.get_model_version_by_alias("riskml_tiny", "challenger").version == version.version
    assert run.read_json("gate.json")["version"] == str(version.version)


def test_tracking_twice_makes_one_version_whose_model_and_run_are_there(tiny: Path) -> None:
    run = run_experiment(tiny, to="4_export")
    client = MlflowClient(run.state["mlflow_uri"], run.state["mlflow_uri"])
    first = client.get_model_version_by_alias("riskml_tiny", "champion")
    track(run)
    assert run.state["mlflow_trouble"] is None
    (version,) = client.search_model_versions("name = 'riskml_tiny'")
    assert version.source == first.source
    model = client.get_logged_model(version.source.removeprefix("models:/"))
    assert client.get_run(model.source_run_id).info.lifecycle_stage == "active"
    assert len(families(client, run)) == 2


def test_a_family_that_was_fitted_anew_is_written_anew_and_the_registered_one_stays(tiny: Path) -> None:
    run = run_experiment(tiny, to="4_export")
    client = MlflowClient(run.state["mlflow_uri"], run.state["mlflow_uri"])
    version = client.get_model_version_by_alias("riskml_tiny", "champion")
    before = families(client, run)
    for family in before:
        run.path("models", family, "README.md").write_text("fitted anew", encoding="utf-8")
    sink = Sink(run)
    sink._drop_stale_children()
    model = client.get_logged_model(version.source.removeprefix("models:/"))
    kept = families(client, run)
    assert list(kept) == [run.champion]
    assert kept[run.champion].info.run_id == model.source_run_id
    assert kept[run.champion].data.tags["riskml.replaced"] == "true"
    assert Sink(run)._children == {}


def families(client: MlflowClient, run: Run) -> dict[str, Record]:
    record = client.get_run(run.state["mlflow_run_id"])
    mine = f"tags.`mlflow.parentRunId` = '{record.info.run_id}'"
    return {child.data.tags["family"]: child for child in client.search_runs([record.info.experiment_id], mine)}


def test_figures_of_a_later_period_are_not_called_test(quick_run: Run, tmp_path: Path) -> None:
    shutil.copytree(quick_run.folder, tmp_path / "later")
    later = Run.open(tmp_path / "later")
    features = later.features()
    later.write_features(replace(features, part=features.part.replace("test", "oot")))
    names = {name for item in of_stage(later, "2_models") if isinstance(item, Metrics) for name in item.values}
    assert {"oot.auc", "oot.gini", "oot.ks", "oot.brier", "oot.logloss", "cv.auc_mean"} <= names
    assert not [name for name in names if name.startswith("test.")]


def test_a_failed_run_is_marked_failed(tiny: Path) -> None:
    run = begin(tiny)
    (tiny.parents[1] / "tiny.csv").unlink()
    with pytest.raises(InputError, match="does not exist"):
        execute(run, to="1_features")
    record = MlflowClient(run.state["mlflow_uri"]).get_run(run.state["mlflow_run_id"])
    assert run.state["mlflow_trouble"] is None
    assert record.info.status == "FAILED"
    assert record.data.tags["status"] == "failed"
    assert "does not exist" in record.data.tags["mlflow.note.content"]


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


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("postgresql://me:secret@db/risk", "postgresql://db/risk"),
        ("postgresql://me:sec/r@t@db:5432/risk", "postgresql://db:5432/risk"),
        ("https://me:a/b@one.example,https://me:c@two.example/x", "https://one.example,https://two.example/x"),
        ("http://mlflow.example/path", "http://mlflow.example/path"),
        ("sqlite:////book/me@risk/mlflow.db", "sqlite:////book/me@risk/mlflow.db"),
    ],
)
def test_no_user_and_no_password_is_written_down(uri: str, said: str) -> None:
    assert without_secrets(uri) == said
