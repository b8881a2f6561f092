"""Names are the nouns of what they hold: words that say nothing of it name nothing here."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "riskml"
REFUSED = {
    "said", "asked", "told", "found", "sought", "given", "came", "brought", "spoken", "wanted", "tried", "shown",
    "mend",
}  # fmt: skip


def _names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that a file gives to something, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            yield node.name, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, 0


def _refused(names: Iterator[tuple[str, int]], allowed: frozenset[str] = frozenset()) -> list[str]:
    return [f"line {line}: {name}" for name, line in names if name.strip("_").lower() in REFUSED - allowed]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_name_is_the_noun_of_what_it_holds(path):
    allowed = frozenset({"mend"} if path.name == "errors.py" else ())  # the keyword of version 0.1
    assert not _refused(iter([(path.stem, 0)])) + _refused(_names(ast.parse(path.read_text("utf-8"))), allowed)


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.name)
def test_so_is_one_in_a_notebook(path):
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert not [name for cell in cells for name in _refused(_names(ast.parse("".join(cell["source"]))))]
