"""The notebooks: clean in git, readable as a story, executed from top to bottom on both experiments."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat import NotebookNode

from riskml.pipeline.stages import parameters
from riskml.runs.run import STAGES, Run

FOLDER = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def source(stage: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{stage}.ipynb", as_version=4)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_holds_no_output_and_no_trace_of_an_execution(source: NotebookNode) -> None:
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code(source))
    assert set(source.metadata) == {"kernelspec", "language_info"}


def test_begins_with_what_goes_in_and_what_comes_out(source: NotebookNode, stage: str) -> None:
    title = source.cells[0]
    assert title.cell_type == "markdown"
    assert title.source.startswith(f"# {stage[0]} · ")
    assert "**In:**" in title.source
    assert "**Out:**" in title.source


def test_defines_no_function_and_no_class(source: NotebookNode) -> None:
    trees = [ast.parse(cell.source) for cell in code(source)]
    found = [node for tree in trees for node in ast.walk(tree)]
    assert not [node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


def test_cells_are_short(source: NotebookNode) -> None:
    assert max(len(cell.source.splitlines()) for cell in code(source)) <= 25


def test_every_pair_of_code_cells_is_explained_at_some_point(source: NotebookNode) -> None:
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in source.cells)
    assert "cccc" not in kinds


def test_runs_on_the_interpreters_own_kernel(source: NotebookNode) -> None:
    assert source.metadata.kernelspec["name"] == "python3"
    assert source.metadata.kernelspec["language"] == "python"


def test_parameters_are_literals_with_a_type_and_a_comment(source: NotebookNode) -> None:
    (cell,) = [cell for cell in source.cells if "parameters" in cell.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        assert re.fullmatch(r'\w+: (int|str|list\[str\]) = (\d+|"\w*"|\[\])  # .+', line), line


def test_parameters_are_those_that_the_pipeline_passes(stage: str, credit_run: Run) -> None:
    known = papermill.inspect_notebook(FOLDER / f"{stage}.ipynb")
    assert set(known) == {*parameters(credit_run, stage), "overrides"}


def test_is_executed_to_its_end_without_a_complaint(stage: str, quick_run: Run) -> None:
    done = nbformat.read(quick_run.path(f"{stage}.ipynb"), as_version=4)
    assert all(cell.execution_count is not None for cell in code(done))
    said = [output.text for cell in code(done) for output in cell.outputs if output.output_type == "stream"]
    assert said == []


def test_leaves_a_page(stage: str, quick_run: Run) -> None:
    page = quick_run.path(f"{stage}.html").read_text(encoding="utf-8")
    title = nbformat.read(FOLDER / f"{stage}.ipynb", as_version=4).cells[0].source.splitlines()[0]
    assert title.removeprefix("# ") in page


def test_shows_pictures_and_tables_and_not_only_numbers(quick_run: Run) -> None:
    for stage in ("1_features", "2_models", "3_validation", "5_prediction"):
        done = nbformat.read(quick_run.path(f"{stage}.ipynb"), as_version=4)
        kinds = {kind for cell in code(done) for output in cell.outputs for kind in output.get("data", {})}
        assert {"image/png", "text/html"} <= kinds, stage
