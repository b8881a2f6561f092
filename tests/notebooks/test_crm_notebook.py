"""The notebook of the CRM: clean in git, readable as a story, executed from top to bottom against both test servers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat import NotebookNode
from tests.contract.demo import start

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "crm.ipynb"


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def source() -> NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module", params=["", "zoho", "fxiaoke"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of an execution: in the sandbox of CSV files, and against both test servers."""
    system = request.param
    folder = tmp_path_factory.mktemp(system or "sandbox")
    parameters = {"system": system, "folder": str(folder / "data")}
    with pytest.MonkeyPatch.context() as patch:
        server, environment = start(system) if system else (None, {})
        for name, value in environment.items():
            patch.setenv(name, value)
        papermill.execute_notebook(NOTEBOOK, folder / "done.ipynb", parameters, cwd=NOTEBOOK.parent, progress_bar=False)
        yield folder
    if server is not None:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def done(folder: Path) -> NotebookNode:
    return nbformat.read(folder / "done.ipynb", as_version=4)


@pytest.fixture
def left(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_holds_no_output_and_no_trace_of_an_execution(source):
    assert all(cell.outputs == [] and cell.execution_count is None for cell in _code(source))
    assert set(source.metadata) == {"kernelspec", "language_info"}


def test_begins_with_what_goes_in_and_what_comes_out(source):
    assert source.cells[0].source.startswith("# CRM: ")
    assert "**In:**" in source.cells[0].source
    assert "**Out:**" in source.cells[0].source


def test_is_made_of_short_cells_that_are_explained_and_define_nothing(source):
    assert max(len(cell.source.splitlines()) for cell in _code(source)) <= 25
    assert "cccc" not in "".join("c" if cell.cell_type == "code" else "m" for cell in source.cells)
    nodes = [node for cell in _code(source) for node in ast.walk(ast.parse(cell.source))]
    assert not [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


def test_parameters_are_literals_with_a_type_and_a_comment_and_no_secret(source):
    (cell,) = [cell for cell in source.cells if "parameters" in cell.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        assert re.fullmatch(r'\w+: (int|str) = (\d+|"[\w./-]*")  # .+', line), line
    assert set(papermill.inspect_notebook(NOTEBOOK)) == {"system", "settings", "folder", "as_of", "model", "write"}


def test_is_executed_to_its_end_without_a_complaint(done):
    assert all(cell.execution_count is not None for cell in _code(done))
    assert [output for cell in _code(done) for output in cell.outputs if output.output_type == "stream"] == []


def test_writes_to_every_customer_raises_alerts_and_nothing_twice(done):
    tables = [output.data["text/plain"] for cell in _code(done) for output in cell.outputs if "data" in output]
    assert any(re.search(r"written\s+\d\d\d", table) for table in tables)
    assert any("created" in table for table in tables)
    assert re.search(r"rows to write\s+0\nalerts to raise\s+0", tables[-1])


def test_no_secret_is_in_anything_that_an_execution_leaves_behind(done, left):
    assert "done.ipynb" in left
    assert any(name.endswith("audit.db") for name in left)
    assert any(name.endswith("records.db") for name in left)
    assert not [name for name, content in left.items() if re.search(rb"s3cret|r3fresh|p3rmanent|t0ken", content)]
