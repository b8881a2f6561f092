"""Imports follow the data: left never from right, and third parties come in by one door."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
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
# Names of version 0.1 that outside code may import; nothing inside riskml uses them.
ALIASES = {"policy_config.py", "scale.py", "features/records.py", "report/editor.py"}
RANK = {name: rank for rank, line in enumerate(ORDER) for name in line}
# Third parties that are heavy, or whose API changes, and the only places that know them.
DOORS = {
    "mlflow": ["tracking/"],
    "optuna": ["models/"],
    "papermill": ["pipeline/notebooks.py"],
    "nbconvert": ["pipeline/notebooks.py"],
    "matplotlib": ["report/plots/"],
    "PIL": ["report/figures.py"],
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
    "cyclonedx": ["export/wheel.py"],
    "starlette": ["runtime/serve.py"],
    "uvicorn": ["runtime/serve.py"],
    "sqlglot": ["export/sql.py", "export/sql_expression.py"],
    "onnx": ["export/onnx.py"],
    "skops": ["runtime/estimator.py"],
}
# What only some wheels, or some uses of one, need.
EXTRAS = {
    "estimator.py": {"skops"},
    "dataframes.py": {"narwhals"},
    "integrity.py": {"cryptography"},
    "serve.py": {"starlette", "uvicorn"},
}


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Return the modules that a file imports, wherever in the file, by a statement or by a string."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    package = ["riskml", *path.relative_to(SOURCE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{name.name}" for name in node.names if f"{module}.{name.name}" in MODULES)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in MODULES:
            yield node.value


def _place(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _module(path: Path) -> str:
    parts = ["riskml", *path.relative_to(SOURCE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if str(path.relative_to(SOURCE)) not in ALIASES]
MODULES = {_module(path): path for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_its_left(path):
    if path == SOURCE / "__init__.py":  # the door to everything, opened lazily
        return
    own = _place(path)
    for module in _imports(path):
        parts = module.split(".")
        if parts[0] == "riskml" and len(parts) > 1 and parts[1] in RANK:
            assert RANK[parts[1]] <= RANK[own], f"{own} imports {module}"


def test_the_order_of_imports_fits_in_twelve_lines_and_the_top_holds_ten_modules():
    assert len(ORDER) <= 12
    assert len(list(SOURCE.glob("*.py"))) <= 10


def test_no_files_import_each_other_in_a_circle():
    graph = {name: set(_imports(path)) & (MODULES.keys() - {"riskml"}) for name, path in MODULES.items()}
    assert not [circle for circle in _circles(graph) if len(circle) > 1]


def _circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of a graph (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[list[str]]:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in graph[node]:
            if other not in number:
                yield from visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            start = stack.index(node)
            yield stack[start:]
            del stack[start:]

    for node in graph:
        if node not in number:
            yield from visit(node)


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


def test_metrics_import_only_the_errors_and_what_a_value_means():
    for path in (SOURCE / "metrics").rglob("*.py"):
        own = {module for module in _imports(path) if module.startswith("riskml.")}
        assert all(module.startswith(("riskml.metrics", "riskml.errors", "riskml.runtime.frame")) for module in own), (
            path.name,
            own,
        )


def test_display_imports_nothing_of_riskml():
    for path in (SOURCE / "display").rglob("*.py"):
        own = {module for module in _imports(path) if module.startswith("riskml.")}
        assert all(module.startswith("riskml.display") for module in own), (path.name, own)


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


def test_every_public_name_can_be_imported():
    for name, path in MODULES.items():
        if path.name == "__init__.py":
            package = importlib.import_module(name)
            for public in getattr(package, "__all__", []):
                assert getattr(package, public) is not None, f"{name}.{public}"
