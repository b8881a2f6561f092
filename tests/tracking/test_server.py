"""A real tracking server: what a run leaves there is all that a reviewer on another machine needs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from riskml.cli import main
from riskml.errors import InputError, RunError
from riskml.pipeline.stages import begin, execute
from riskml.runs import compare
from riskml.runs.run import Run
from riskml.tracking.reader import fetch, fetch_all

Capture = pytest.CaptureFixture[str]


def test_runs_are_compared_from_the_server_alone(tracked: tuple[str, str], capsys: Capture) -> None:
    first, second = tracked
    assert main(["compare", first, f"runs:/{second}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "All 60 customers of the test set are the same in every run." in said
    assert "models.trials 1 3" in said
    assert "moved riskier" in said
    assert "PSI" in said

    assert main(["compare", first, second, "-o", "page.html"]) == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "B ranks worse than A" in page
    assert page.count("<img") >= 3
    assert [path.name for path in Path.cwd().iterdir()] == ["page.html"]


def test_what_the_server_has_is_what_the_folder_has(tracked: tuple[str, str], two_runs: tuple[Run, Run]) -> None:
    view, run = fetch(tracked[0]), two_runs[0]
    predicted = run.read_parquet("predictions.parquet")
    aside = predicted[predicted["_part"] != "train"]
    pd.testing.assert_frame_equal(
        view.holdout, aside[["_target", "probability", "tier"]], check_index_type=False, check_dtype=False
    )
    assert view.lacking() == []
    assert view.data["digest"] == run.read_json("data.json")["digest"]
    assert view.name == f"small/{run.folder.name}"


def test_customers_are_named_only_where_they_were_set_aside(tracked: tuple[str, str]) -> None:
    frame = fetch(tracked[0]).of("predictions.parquet")
    assert list(frame.columns) == ["_part", "_target", "probability", "tier"]
    learnt = frame["_part"] == "train"
    assert frame.index[learnt].isna().all()
    assert frame.index[~learnt].notna().all()


def test_a_run_is_found_by_its_name_when_only_one_has_it(tracked: tuple[str, str], server: Any) -> None:
    client = MlflowClient(server.uri)
    name = client.get_run(tracked[0]).info.run_name
    assert fetch(name).where.startswith(f"runs:/{tracked[0]}")
    client.create_run(client.get_run(tracked[0]).info.experiment_id, run_name=name)
    with pytest.raises(InputError, match="2 runs are named"):
        fetch(name.replace(" ", "/"))


def test_a_run_that_lacks_an_artifact_is_named_with_it(tracked: tuple[str, str], server: Any, capsys: Capture) -> None:
    client = MlflowClient(server.uri)
    experiment = client.get_run(tracked[0]).info.experiment_id
    empty = client.create_run(experiment, run_name="not ours").info.run_id
    assert main(["compare", tracked[0], empty]) == 2
    error = capsys.readouterr().err
    assert "the run not/ours lacks experiment.yaml" in error
    assert f"runs:/{empty}" in error


def test_a_folder_and_its_record_are_one_run(
    tracked: tuple[str, str], two_runs: tuple[Run, Run], tmp_path: Path
) -> None:
    copy = Run.open(shutil.copytree(two_runs[0].folder, tmp_path / "runs" / "small" / "20260101-000000"))
    copy.update(mlflow_run_id=tracked[0])
    with pytest.raises(InputError, match="once more"):
        fetch_all([copy.folder, f"runs:/{tracked[0]}"])


def test_a_family_is_no_run(tracked: tuple[str, str], server: Any) -> None:
    client = MlflowClient(server.uri)
    record = client.get_run(tracked[0])
    mine = f"tags.`mlflow.parentRunId` = '{tracked[0]}'"
    (child, *_) = client.search_runs([record.info.experiment_id], mine)
    with pytest.raises(InputError, match=f"runs:/{tracked[0]}"):
        fetch(child.info.run_id)


def test_figures_have_one_set_of_names(tracked: tuple[str, str], server: Any, two_runs: tuple[Run, Run]) -> None:
    record = MlflowClient(server.uri).get_run(tracked[0])
    metrics, found = record.data.metrics, two_runs[0].read_json("validation.json")["metrics"]
    assert {"cv.auc_mean", "cv.auc_se", "test.auc", "test.ks", "test.gini", "test.brier", "test.ece"} <= set(metrics)
    assert metrics["test.auc_low"] == pytest.approx(found["auc"]["low"])
    assert metrics["test.ks_high"] == pytest.approx(found["ks"]["high"])
    assert not [name for name in metrics if name.partition(".")[0] not in {"cv", "test", "data"}]


def test_a_server_that_goes_away_costs_no_result_and_the_run_is_written_later(
    own_server: Any, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", own_server.uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run = begin(tiny)
    execute(run, to="1_features")
    known = run.state["mlflow_run_id"]
    assert known
    assert run.state["mlflow_trouble"] is None

    own_server.stop()
    execute(run, to="2_models")
    assert run.state["status"] == "partial"
    assert run.state["mlflow_trouble"]
    assert len(run.leaderboard()) == 2
    assert run.path("predictions.parquet").is_file()
    with pytest.raises(RunError, match="MLflow cannot be read"):
        fetch(known)
    assert main(["track", str(run.folder)]) == 1
    assert "not tracked" in capsys.readouterr().out

    own_server.start()
    assert main(["track", str(run.folder)]) == 0
    assert run.state["mlflow_trouble"] is None
    record = MlflowClient(own_server.uri).get_run(run.state["mlflow_run_id"])
    assert record.info.status == "FINISHED"
    assert record.data.metrics["cv.auc_mean"] == pytest.approx(run.state["champion"]["auc_cv"])
    assert len(compare.stability([fetch(record.info.run_id)])) == 1
