"""The monitoring notebook: clean in git, readable as a story, executed from top to bottom with its defaults."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
import shutil
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat import NotebookNode

from riskml.cli import main
from riskml.pipeline.monitor import MonitorRequest, parameters
from riskml.runs.run import Run

from ..monitoring.conftest import customers, fitted_run

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "6_monitoring.ipynb"


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def source() -> NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, _migrated_store: Path) -> Run:
    """Return a run with a model, in a project whose experiment goes by the name of the notebook's default."""
    project = tmp_path_factory.mktemp("project")
    run = fitted_run(project, customers(1, 1500))
    (project / "experiments" / "credit_default.yaml").write_text(run.experiment.to_yaml())
    shutil.copy(_migrated_store, project / "mlflow.db")
    return run


@pytest.fixture(scope="module")
def done(run: Run, tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """Return the notebook as a person leaves it who changes nothing."""
    project = run.folder.parents[3]
    target = tmp_path_factory.mktemp("done") / "6_monitoring.ipynb"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        papermill.execute_notebook(NOTEBOOK, target, cwd=project, progress_bar=False)
    return nbformat.read(target, as_version=4)


def test_holds_no_output_and_no_trace_of_an_execution(source: NotebookNode) -> None:
    assert all(cell.outputs == [] and cell.execution_count is None for cell in _code(source))
    assert set(source.metadata) == {"kernelspec", "language_info"}
    assert source.metadata.kernelspec["name"] == "python3"


def test_begins_with_what_goes_in_and_what_comes_out(source: NotebookNode) -> None:
    assert source.cells[0].source.startswith("# 6 · Monitoring")
    assert "**In:**" in source.cells[0].source
    assert "**Out:**" in source.cells[0].source


def test_is_made_of_short_cells_that_are_explained_and_define_nothing(source: NotebookNode) -> None:
    assert max(len(cell.source.splitlines()) for cell in _code(source)) <= 25
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in source.cells)
    assert "ccc" not in kinds
    nodes = [node for cell in _code(source) for node in ast.walk(ast.parse(cell.source))]
    assert not [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def test_parameters_are_literals_with_a_type_and_a_comment_and_those_that_the_command_passes(
    source: NotebookNode, run: Run
) -> None:
    (cell,) = [cell for cell in source.cells if "parameters" in cell.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        assert re.fullmatch(r'\w+: str = "\w*"  # [^=]+', line), line
    passed = parameters(MonitorRequest(run.folder, "x.csv"), run, dt.date(2026, 1, 1), Path("f"))
    assert set(papermill.inspect_notebook(NOTEBOOK)) == set(passed)


def test_with_its_defaults_it_tells_of_the_rows_set_aside(done: NotebookNode, run: Run) -> None:
    assert all(cell.execution_count is not None for cell in _code(done))
    said = [output.text for cell in _code(done) for output in cell.outputs if output.output_type == "stream"]
    assert said == []
    state = json.loads(run.path("monitoring", "2026-01-02", "monitoring.json").read_text())
    assert (state["rows"], state["known"]) == (600, 600)
    assert state["mlflow_run_id"]


def test_shows_tables_and_not_only_numbers(done: NotebookNode) -> None:
    pages = "".join(
        output["data"]["text/html"]
        for cell in _code(done)
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    )
    for word in ("95% by chance", "Jeffreys p", "by chance below", "pay far later than usual"):
        assert word in pages


def test_the_command_executes_it_and_keeps_it_with_the_month(
    done: NotebookNode, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    customers(2, 800).to_csv("march.csv", index=False)
    words = [
        "monitor",
        str(run.folder),
        "--data",
        "march.csv",
        "--date",
        "2026-03-01",
        "--notebook",
        "--by",
        "late_90d",
    ]
    assert main(words) == 0
    assert "2026-03-01: 800 customers, 800 outcomes known" in capsys.readouterr().out
    month = run.path("monitoring", "2026-03-01")
    assert "6 · Monitoring" in (month / "6_monitoring.html").read_text()
    executed = nbformat.read(month / "6_monitoring.ipynb", as_version=4)
    kinds = {kind for cell in _code(executed) for output in cell.outputs for kind in output.get("data", {})}
    assert "image/png" in kinds  # with a second month there is a trend


def test_bad_input_is_one_message(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", str(run.folder), "--data", "nowhere.csv", "--notebook"]) == 2
    assert "the file does not exist" in capsys.readouterr().err
