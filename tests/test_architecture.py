"""Imports follow the data: left never from right, and third parties come in by one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "riskml"

# What stands on a line may import its own line and those above it.
ORDER = [
    ["errors", "runtime", "display", "metrics", "i18n"],
    ["io", "schema", "expressions"],
    ["config"],
    ["base", "data"],
    ["features", "crm", "scorecard"],
    ["models"],
    ["export", "report", "policy", "warning"],
    ["runs", "validation", "gate"],
    ["portfolio", "monitoring", "tracking", "spark"],
    ["pipeline"],
    ["cli", "__main__"],
]
RANK = {name: rank for rank, line in enumerate(ORDER) for name in line}
# Third parties that are heavy, or whose API changes, and the only places that know them.
DOORS = {
    "mlflow": ["tracking/"],
    "optuna": ["models/"],
    "papermill": ["pipeline/notebooks.py"],
    "nbconvert": ["pipeline/notebooks.py"],
    "matplotlib": ["report/plots/"],
    "duckdb": ["features/engines/duckdb.py", "data/"],
    "sqlalchemy": ["data/sources/databases.py"],
    "typer": ["cli/"],
    "pyspark": ["features/engines/spark.py", "spark.py"],
    "interpret": ["models/ebm.py"],
    "lightgbm": ["models/lightgbm.py", "runtime/boosted.py"],
    "catboost": ["models/catboost.py", "runtime/boosted.py"],
    "httpx": ["crm/http.py", "warning/delivery/webhook.py"],
    "tenacity": ["crm/http.py", "warning/delivery/webhook.py"],
    "cryptography": ["export/signing.py", "runtime/integrity.py"],
    "cyclonedx": ["export/sbom.py"],
    "fastapi": ["runtime/serve.py"],
    "uvicorn": ["runtime/serve.py", "runtime/patience.py"],
    "sqlglot": ["export/sql.py"],
    "onnx": ["export/onnx.py", "export/onnx_graph.py"],
}
# What only some uses of a wheel need: its extras.
EXTRAS = {
    "integrity.py": {"cryptography"},
    "serve.py": {"fastapi", "uvicorn"},
    "patience.py": {"uvicorn", "h11"},
}


def _imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever in the file."""
    package = ["riskml", *path.relative_to(SOURCE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            if module == "riskml":
                yield from (f"riskml.{name.name}" for name in node.names)


def _place(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_its_left(path):
    if path == SOURCE / "__init__.py":  # the door to everything, opened lazily
        return
    own = _place(path)
    for module in _imports(path):
        parts = module.split(".")
        if parts[0] == "riskml" and len(parts) > 1 and parts[1] in RANK:
            assert RANK[parts[1]] <= RANK[own], f"{own} imports {module}"


def test_every_module_has_its_place_in_the_order():
    places = {_place(path) for path in FILES} - {"__init__"}
    assert places <= set(RANK), f"give {places - set(RANK)} a place in ORDER"


@pytest.mark.parametrize("party", DOORS)
def test_a_third_party_has_one_door(party):
    users = {str(path.relative_to(SOURCE)) for path in FILES if any(m.split(".")[0] == party for m in _imports(path))}
    assert users, f"{party} is used nowhere: take it out of the dependencies"
    assert not [user for user in users if not user.startswith(tuple(DOORS[party]))]


def test_what_travels_in_a_wheel_imports_nothing_of_riskml_and_only_numpy_pandas_and_tree_libraries():
    libraries = {"xgboost", "lightgbm", "catboost"}
    allowed = {*sys.stdlib_module_names, *libraries, "numpy", "pandas", "pyarrow", "riskml"}
    for path in (SOURCE / "runtime").glob("*.py"):
        for module in _imports(path):
            assert module.split(".")[0] in allowed | EXTRAS.get(path.name, set()), (path.name, module)
            assert module.split(".")[:2] in (["riskml", "runtime"], [module.split(".")[0]]) or not module.startswith(
                "riskml"
            ), (path.name, module)


def test_validation_imports_only_the_errors():
    for path in (SOURCE / "validation").rglob("*.py"):
        own = {module for module in _imports(path) if module.startswith("riskml.")}
        assert all(module.startswith(("riskml.validation", "riskml.errors")) for module in own), (path.name, own)


def test_nothing_reads_or_writes_pickles():
    banned = {"pickle", "cloudpickle", "joblib.load", "dill"}
    for path in FILES:
        assert not banned & set(_imports(path)), path
        assert "read_pickle" not in path.read_text(encoding="utf-8"), path


def test_help_imports_nothing_heavy():
    heavy = ["pandas", "sklearn", "mlflow", "xgboost", "papermill", "optuna"]
    code = f"import sys, riskml.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
