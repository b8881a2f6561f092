"""Names are the nouns of what they hold: words that say nothing of it name nothing here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "riskml"
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


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_name_is_the_noun_of_what_it_holds(path):
    allowed = {"mend"} if path.name == "errors.py" else set()  # the keyword of version 0.1
    names = [(path.stem, 0), *_names(ast.parse(path.read_text(encoding="utf-8")))]
    refused = [f"line {line}: {name}" for name, line in names if name.strip("_").lower() in REFUSED - allowed]
    assert not refused, "; ".join(refused)
