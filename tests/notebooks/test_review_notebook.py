"""The review notebook: thin, clean, and it runs with its defaults."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import nbformat
import papermill
import pytest

from riskml.pipeline.review import runs_to_review
from riskml.runs.run import Run

SOURCE = Path(__file__).parents[2] / "notebooks" / "review.ipynb"


def test_is_thin_and_clean() -> None:
    notebook = nbformat.read(SOURCE, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert max(len(cell.source.splitlines()) for cell in code) <= 25
    found = [node for cell in code for node in ast.walk(ast.parse(cell.source))]
    assert not [node for node in found if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)]
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in notebook.cells)
    assert "cccc" not in kinds
    (parameters,) = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert all(re.fullmatch(r"\w+: (list\[str\]|str) = .+  # .+", line) for line in parameters.source.splitlines())
    assert set(papermill.inspect_notebook(SOURCE)) == {"runs", "experiment"}


def test_runs_by_hand_with_its_defaults_on_the_newest_two_runs(
    credit_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(credit_run.folder.parents[2], tmp_path / "experiments", ignore=shutil.ignore_patterns("runs"))
    runs = tmp_path / "experiments" / "runs" / "credit_default"
    for name in ("20260101-000000", "20260102-000000", "20260103-000000"):
        shutil.copytree(credit_run.folder, runs / name)
        Run.open(runs / name).update(mlflow_run_id=None)  # a run of its own
    monkeypatch.chdir(tmp_path)
    assert [view.name[-15:] for view in runs_to_review([], "credit_default")] == ["20260102-000000", "20260103-000000"]
    done = papermill.execute_notebook(SOURCE, tmp_path / "done.ipynb", progress_bar=False, kernel_name="python3")
    said = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in said if output.output_type == "stream"]
    assert sum("image/png" in output.get("data", {}) for output in said) == 3
