"""A run's folder: never taken twice, always readable, and honest about how far it has come."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from riskml.config.experiment import DataConfig, Experiment
from riskml.data.dataset import Dataset
from riskml.errors import ConfigError, InputError
from riskml.runs.run import STAGES, Run, newest, stage_name

NOON = dt.datetime(2026, 3, 1, 12, 0, 0)


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(
        name="loans", title="Who?", task="default", data=DataConfig(source="credit_data", target="Status")
    )


@pytest.fixture
def run(experiment: Experiment, tmp_path: Path) -> Run:
    return Run.start(experiment, tmp_path, at=NOON)


def statuses(run: Run) -> list[str]:
    return [entry["status"] for entry in run.state["stages"]]


def test_two_runs_of_one_second_have_two_folders(experiment: Experiment, run: Run, tmp_path: Path) -> None:
    again = Run.start(experiment, tmp_path, at=NOON)
    assert run.folder.name == "20260301-120000"
    assert again.folder.name == "20260301-120000-2"


def test_a_run_that_is_opened_again_is_the_same(run: Run) -> None:
    assert Run.open(run.folder) == run


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no experiment\.yaml"):
        Run.open(tmp_path)


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(experiment: Experiment, tmp_path: Path) -> None:
    (tmp_path / "loans").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot be made"):
        Run.start(experiment, tmp_path, at=NOON)


def test_stages_begin_as_pending(run: Run) -> None:
    assert statuses(run) == ["pending"] * len(STAGES)


def test_what_follows_a_stage_that_is_done_again_has_to_be_done_again(run: Run) -> None:
    for stage in STAGES:
        run.mark(stage, "finished", 1.0)
    run.mark("2_models", "running")
    assert statuses(run) == ["finished", "running", "pending", "pending", "pending"]


def test_lacking_stages_end_with_the_one_asked_for(run: Run) -> None:
    run.mark("1_features", "finished", 1.0)
    assert run.lacking("3_validation") == ["2_models", "3_validation"]


def test_run_json_tells_of_the_leaderboard_once_it_is_written(run: Run) -> None:
    board = pd.DataFrame({"family": ["tree", "blend"], "auc_cv": [0.8, 0.7], "chosen": [True, False]})
    run.write_csv("leaderboard.csv", board)
    run.update()
    assert [row["family"] for row in run.state["leaderboard"]] == ["tree", "blend"]
    assert run.state["champion"]["family"] == run.champion == "tree"


def test_run_json_tells_which_families_were_left_out_and_why(run: Run) -> None:
    assert run.state["left_out"] == {}
    run.write_json("fit.json", {"seconds": {}, "failures": {"tree": "InvalidParameterError: max_depth"}})
    run.update()
    assert run.state["left_out"] == {"tree": "InvalidParameterError: max_depth"}


def test_a_run_of_an_earlier_version_left_nothing_out_that_is_known(run: Run) -> None:
    run.write_json("fit.json", {"seconds": {}})
    assert run.left_out == {}


def test_a_figure_that_is_not_known_is_null_in_run_json(run: Run) -> None:
    board = pd.DataFrame({"family": ["tree"], "auc_cv": [0.8], "auc_test": [float("nan")], "chosen": [True]})
    run.write_csv("leaderboard.csv", board)
    run.update()
    assert run.state["champion"]["auc_test"] is None


def test_the_wheel_and_the_report_are_named_relative_to_the_folder(run: Run) -> None:
    run.path("dist").mkdir()
    run.path("dist", "riskml_loans-1.0.0-py3-none-any.whl").touch()
    run.path("report.html").touch()
    run.update()
    assert run.state["wheel"] == "dist/riskml_loans-1.0.0-py3-none-any.whl"
    assert run.state["report"] == "report.html"


def test_features_come_back_as_they_were(run: Run) -> None:
    index = pd.Index(["a", "b", "c"], name="customer")
    features = Dataset(
        X=pd.DataFrame({"age": [1.5, None, 3.0], "home": ["rent", None, "own"]}, index=index),
        y=pd.Series([0, 1, 0], index=index, dtype="int8"),
        part=pd.Series(["train", "train", "oot"], index=index),
        fold=pd.Series([0, 1, -1], index=index),
        date=pd.Series(pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"]), index=index),
    )
    run.write_features(features)
    back = run.features()
    pd.testing.assert_frame_equal(back.X, features.X, check_dtype=False)
    assert back.y.tolist() == [0, 1, 0]
    assert back.date is not None
    assert back.date.tolist() == features.date.tolist()
    assert back.holdout_part == "oot"
    assert back.rows("train").X.index.tolist() == ["a", "b"]


def test_the_newest_run_of_the_same_settings_is_found(experiment: Experiment, tmp_path: Path) -> None:
    runs = [Run.start(experiment, tmp_path, at=NOON + dt.timedelta(hours=h), by_hand=h < 2) for h in range(3)]
    assert newest(tmp_path, experiment) == runs[2]
    assert newest(tmp_path, experiment, by_hand=True) == runs[1]
    assert newest(tmp_path, experiment.model_copy(update={"title": "Who else?"})) is None


@pytest.mark.parametrize("text", ["2_models", "models", "2"])
def test_a_stage_goes_by_its_number_its_word_or_both(text: str) -> None:
    assert stage_name(text) == "2_models"


def test_an_unknown_stage_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="1_features, 2_models"):
        stage_name("modelling")


def test_a_csv_file_holds_no_formula_and_is_read_as_it_was(run: Run) -> None:
    frame = pd.DataFrame({"level": ["=cmd|' /C calc'!A1", "-1.5", "@x", "plain", None], "rows": [1, 2, 3, 4, 5]})
    run.write_csv("fairness.csv", frame)
    cells = run.path("fairness.csv").read_text().splitlines()
    assert cells[1].startswith("'=cmd")
    assert cells[3].startswith("'@x")
    assert run.read_csv("fairness.csv")["level"].iloc[[0, 2, 3]].tolist() == frame["level"].iloc[[0, 2, 3]].tolist()
