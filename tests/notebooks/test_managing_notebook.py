"""The notebook of a managed month: thin, clean, and it shows what a policy comes to."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import papermill
import pytest

from riskml.runs.run import Run

SOURCE = Path(__file__).parents[2] / "notebooks" / "managing.ipynb"


def test_is_thin_and_clean() -> None:
    notebook = nbformat.read(SOURCE, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert max(len(cell.source.splitlines()) for cell in code) <= 25
    found = [node for cell in code for node in ast.walk(ast.parse(cell.source))]
    assert not [node for node in found if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)]
    (parameters,) = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert all(re.fullmatch(r'\w+: str = "[\w./-]*"  # .+', line) for line in parameters.source.splitlines())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shows_messages_reasons_and_alerts(credit_run: Run, tmp_path: Path, language: str) -> None:
    given = {"model": str(credit_run.folder), "language": language}
    papermill.execute_notebook(SOURCE, tmp_path / "done.ipynb", given, cwd=SOURCE.parent, progress_bar=False)
    shown = (tmp_path / "done.ipynb").read_text("utf-8")
    words = {"en": ("the hours of finance", "main reason"), "zh": ("财务的工时", "主要原因", "示例银行")}
    for said in words[language]:
        assert said in shown or said.encode("ascii", "backslashreplace").decode() in shown
    assert "iframe sandbox" in shown
