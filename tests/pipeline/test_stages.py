"""The pipeline: what it leaves, how it fails, how it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import pytest

from riskml.config.experiment import read_experiment
from riskml.errors import ConfigError, InputError, RunError
from riskml.pipeline.stages import open_run, run_experiment
from riskml.runs.run import STAGES, Run

REPOSITORY = Path(__file__).parents[2]
FILES = (
    "experiment.yaml run.json features.parquet profile.csv notes.csv data.json leaderboard.csv search.csv fit.json "
    "predictions.parquet validation.json drivers.csv export.json scores.parquet high_risk.csv report.html"
)


def only_run(project: Path) -> Run:
    (folder,) = (project / "experiments" / "runs" / "tiny").glob("[0-9]*")
    return Run.open(folder)


def own_notebook(project: Path, stage: str, cell: str) -> None:
    """Give a project a small notebook of its own for a stage: the parameters, and one cell."""
    parameters = 'experiment: str = ""\nrun: str = ""' + ("\nsample: int = 0" if stage == "1_features" else "")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    notebook.cells += [nbformat.v4.new_markdown_cell("## What is tried"), nbformat.v4.new_code_cell(cell)]
    notebook.metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    (project / "notebooks").mkdir(exist_ok=True)
    nbformat.write(notebook, project / "notebooks" / f"{stage}.ipynb")


# -- a run that ends well


def test_a_finished_run_has_every_file(quick_run: Run) -> None:
    assert [name for name in FILES.split() if not quick_run.path(name).is_file()] == []
    assert list(quick_run.path("dist").glob("*.whl"))
    assert len(list(quick_run.path("figures").glob("*.png"))) >= 12


def test_a_finished_run_says_so(quick_run: Run) -> None:
    state = quick_run.state
    assert state["status"] == "finished"
    assert [(entry["name"], entry["status"]) for entry in state["stages"]] == [(name, "finished") for name in STAGES]
    assert all(entry["seconds"] > 0 for entry in state["stages"])
    assert state["mlflow_trouble"] is None


def test_no_login_to_a_crm_is_in_anything_that_a_run_leaves_behind(quick_run: Run, project: Path, secret: str) -> None:
    files = [path for path in project.rglob("*") if path.is_file() and not path.is_relative_to(project / ".git")]
    assert {"mlflow.db", "run.json"} <= {path.name for path in files}
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_every_family_is_compared_and_one_is_chosen(quick_run: Run) -> None:
    board = quick_run.leaderboard()
    assert set(board["family"]) == {"scorecard", "logistic", "tree", "boosting", "blend"}
    assert board["chosen"].sum() == 1
    assert board["auc_cv"].is_monotonic_decreasing
    assert (board["auc_test"] > 0.6).all()


def test_every_row_is_scored_by_a_model_that_has_not_learnt_from_it(quick_run: Run) -> None:
    predicted, features = quick_run.read_parquet("predictions.parquet"), quick_run.features()
    assert predicted.index.equals(features.X.index)
    assert predicted.notna().all(axis=None)
    assert set(predicted.loc[features.part == "train", "_part"]) == {"train"}


def test_a_quick_look_keeps_the_share_of_events(quick_run: Run) -> None:
    data = quick_run.read_json("data.json")
    assert data["rows"] == data["sample"] == 600
    assert data["event_rate"] == pytest.approx(0.27, abs=0.02)


def test_the_wheel_gives_the_probabilities_of_the_run(quick_run: Run) -> None:
    verified = quick_run.read_json("export.json")["verified"]
    assert verified["rows"] == 150
    assert verified["max_difference"] <= 1e-9
    scores, predicted = quick_run.read_parquet("scores.parquet"), quick_run.read_parquet("predictions.parquet")
    difference = scores["probability"] - predicted.loc[scores.index, "probability"]
    assert difference.abs().max() <= 1e-9


def test_the_list_of_high_risk_customers_says_why(quick_run: Run) -> None:
    listed = quick_run.read_csv("high_risk.csv")
    assert len(listed) > 0
    assert set(listed["tier"]) == {quick_run.experiment.tiers[-1].name}
    assert listed["probability"].is_monotonic_decreasing
    assert listed["reason_1"].str.contains(" = ").all()


# -- what is asked wrongly


def test_an_unknown_stage_is_refused_before_anything_is_made(tiny: Path) -> None:
    with pytest.raises(ConfigError, match="there is no stage"):
        run_experiment(tiny, to="deploy")
    assert not (tiny.parent / "runs").exists()


@pytest.mark.parametrize("rows", [0, -5])
def test_a_sample_of_nothing_is_refused(tiny: Path, rows: int) -> None:
    with pytest.raises(ConfigError, match="at least one row"):
        run_experiment(tiny, sample=rows)


def test_a_mistake_in_the_table_leaves_no_run_behind(tiny: Path) -> None:
    with pytest.raises(InputError, match="baad"):
        run_experiment(tiny, overrides=["data.target=baad"], track=False)
    assert not list(tiny.parent.glob("runs/tiny/*"))


def test_an_input_error_in_a_notebook_is_the_same_error_outside(tiny: Path) -> None:
    raised = "from riskml.errors import DataError\nraise DataError('a baad cell', where='row 3', fix='look')"
    own_notebook(tiny.parents[1], "1_features", raised)
    with pytest.raises(InputError) as caught:
        run_experiment(tiny, to="1_features", track=False)
    assert "baad" in caught.value.what
    assert "stage 1_features" in caught.value.where
    assert caught.value.fix == "look"
    assert only_run(tiny.parents[1]).state["status"] == "failed"


# -- what goes wrong in a notebook


def test_a_failed_cell_is_named_and_the_notebook_is_kept(tiny: Path) -> None:
    own_notebook(tiny.parents[1], "1_features", "# a comment\n1 / 0")
    with pytest.raises(RunError) as caught:
        run_experiment(tiny, to="1_features", track=False)
    run = only_run(tiny.parents[1])
    assert caught.value.what == "ZeroDivisionError: division by zero"
    assert caught.value.where == "stage 1_features, cell 3 (In [3]): 1 / 0"
    assert run.state["stages"][0]["status"] == "failed"
    assert "ZeroDivisionError" in run.state["error"]
    assert "ZeroDivisionError" in run.path("1_features.ipynb").read_text()
    assert "ZeroDivisionError" in run.path("1_features.html").read_text()


def test_a_cell_that_ends_the_kernel_is_no_success(tiny: Path) -> None:
    own_notebook(tiny.parents[1], "1_features", "import sys\nsys.exit(0)")
    file = tiny.parents[1] / "notebooks" / "1_features.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("1 + 1"))
    nbformat.write(notebook, file)
    with pytest.raises(RunError, match=r"not executed|[Kk]ernel died"):
        run_experiment(tiny, to="1_features", track=False)
    assert only_run(tiny.parents[1]).status("1_features") == "failed"


def test_a_notebook_with_other_parameters_is_refused_before_it_runs(tiny: Path) -> None:
    own_notebook(tiny.parents[1], "1_features", "")
    file = tiny.parents[1] / "notebooks" / "1_features.ipynb"
    file.write_text(file.read_text().replace("sample: int", "rows: int"))
    with pytest.raises(RunError, match="experiment, rows, run"):
        run_experiment(tiny, to="1_features", track=False)
    assert not only_run(tiny.parents[1]).path("1_features.ipynb").exists()


# -- going on


def test_a_run_goes_on_where_it_failed(tiny: Path) -> None:
    project = tiny.parents[1]
    own_notebook(project, "1_features", "from pathlib import Path\nPath(run, 'features.parquet').touch()")
    own_notebook(project, "2_models", "raise RuntimeError('out of luck')")
    with pytest.raises(RunError, match="out of luck"):
        run_experiment(tiny, to="2_models", track=False)
    features = only_run(project).path("features.parquet").stat().st_mtime_ns
    own_notebook(project, "2_models", "'more luck'")
    run = run_experiment(tiny, to="2_models", resume=only_run(project).folder, track=False)
    assert run.state["status"] == "partial"
    assert run.path("features.parquet").stat().st_mtime_ns == features
    assert run.lacking("5_prediction") == ["3_validation", "4_export", "5_prediction"]


def test_a_finished_run_is_left_alone(credit_run: Run, project: Path) -> None:
    before = credit_run.path("run.json").read_bytes()
    run_experiment(project / "experiments" / "credit_default.yaml", resume=credit_run.folder)
    assert credit_run.path("run.json").read_bytes() == before


def test_another_experiments_run_is_not_gone_on_with(credit_run: Run, tiny: Path) -> None:
    with pytest.raises(ConfigError, match="belongs to the experiment 'credit_default'"):
        run_experiment(tiny, resume=credit_run.folder)


def test_settings_cannot_change_on_the_way(credit_run: Run, project: Path) -> None:
    file = project / "experiments" / "credit_default.yaml"
    with pytest.raises(ConfigError, match="a run in progress"):
        run_experiment(file, resume=credit_run.folder, overrides=["models.trials=99"])
    with pytest.raises(ConfigError, match="started with 600 rows"):
        run_experiment(file, resume=credit_run.folder, sample=700)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_go_on(tiny: Path, how: signal.Signals) -> None:
    project = tiny.parents[1]
    own_notebook(project, "1_features", "from pathlib import Path\nPath('begun').touch()\nimport time\ntime.sleep(60)")
    # A shell may have told its background jobs to ignore Ctrl-C.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); import riskml.cli as cli; "
    command = [sys.executable, "-c", program + "sys.exit(cli.main(['run', 'tiny', '--to', '1_features']))"]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not (project / "begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
    run = only_run(project)
    assert process.returncode == 1
    assert said.startswith("error: interrupted\n")
    assert f"--resume {run.folder}" in said
    assert "Traceback" not in said
    assert run.lacking("1_features") == ["1_features"]


def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(credit_run: Run, project: Path) -> None:
    """It is a second run with one seed, too: what leaves it has to be the same, byte by byte."""
    file = project / "experiments" / "credit_default.yaml"
    runs = file.parent / "runs" / "credit_default"
    earlier = {path: path.stat().st_mtime_ns for path in credit_run.folder.rglob("*")}
    command = [sys.executable, "-m", "riskml", "run", str(file)]
    options = ["--sample", "600", "-p", "models.trials=1", "-p", "split.folds=3"]
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    with subprocess.Popen([*command, *options], env=environment, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while not (killed := [path for path in runs.glob("[0-9]*") if path != credit_run.folder]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run = killed[0]
        while not (run / "2_models.ipynb").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert Run.open(run).status("2_models") == "running"

    done = subprocess.run([*command, "--resume", str(run)], env=environment, capture_output=True, text=True, check=True)

    assert "champion:" in done.stdout
    assert "1_features" not in done.stdout.partition("family")[0].partition(run.name)[2]
    assert Run.open(run).state["status"] == "finished"
    for name in ("leaderboard.csv", "predictions.parquet", "high_risk.csv", Run.open(run).state["wheel"]):
        assert (run / name).read_bytes() == credit_run.path(name).read_bytes(), name
    assert {path: path.stat().st_mtime_ns for path in credit_run.folder.rglob("*")} == earlier


# -- by hand


def by_hand(stage: str, tiny: Path) -> None:
    source = REPOSITORY / "notebooks" / f"{stage}.ipynb"
    papermill.execute_notebook(
        source, tiny.parents[1] / f"{stage}.ipynb", {"experiment": str(tiny)}, progress_bar=False, kernel_name="python3"
    )


def test_a_notebook_by_hand_does_first_what_it_builds_on(tiny: Path) -> None:
    by_hand("2_models", tiny)
    run = only_run(tiny.parents[1])
    assert run.state["by_hand"]
    assert run.lacking("2_models") == []
    assert run.path("leaderboard.csv").is_file()
    assert run.state["mlflow_run_id"]
    assert run.state["mlflow_trouble"] is None


def test_by_hand_the_newest_run_by_hand_is_opened(tiny: Path) -> None:
    first = open_run(str(tiny), stage="1_features")
    assert open_run("tiny", stage="1_features").folder == first.folder
    assert open_run("tiny", stage="1_features", sample=100).folder != first.folder


def test_in_the_pipeline_a_notebook_opens_the_run_it_is_given(tiny: Path) -> None:
    run = open_run(str(tiny), stage="1_features")
    assert run.status("1_features") == "running"
    assert open_run("anything", str(run.folder), stage="1_features").hosted


def test_an_experiment_that_does_not_exist_is_named(tiny: Path) -> None:
    with pytest.raises(ConfigError, match="there is no experiment 'huge'"):
        open_run("huge", stage="1_features")


def test_overrides_of_a_notebook_are_those_of_its_run(tiny):
    pairs = ["models.trials=2", "models.families=[logistic, tree]"]
    run = open_run(str(tiny), stage="1_features", overrides=pairs)
    kept = read_experiment(run.path("experiment.yaml")).models
    assert (kept.trials, kept.families) == (2, ("logistic", "tree"))
    assert open_run(str(tiny), stage="1_features", overrides=str(pairs)).folder == run.folder, "as papermill -p passes"
    assert open_run(str(tiny), stage="1_features").folder != run.folder
    assert open_run(str(tiny), str(run.folder), stage="1_features", overrides="models.trials=2").folder == run.folder


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("models.trials=9", "overrides change the settings of a run that has begun"),
        ([7], "overrides are a list of key=value"),
        ("models.trails=9", "trails"),
    ],
)
def test_overrides_that_cannot_be_are_refused(tiny, overrides, message):
    run = open_run(str(tiny), stage="1_features", overrides=["models.trials=2"])
    with pytest.raises(ConfigError, match=message):
        open_run(str(tiny), str(run.folder), stage="1_features", overrides=overrides)
