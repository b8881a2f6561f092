"""What several rooms' tests need: small models written by hand, an empty MLflow store, and a PostgreSQL server."""

from __future__ import annotations

import importlib
import os
import pwd
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import venv
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from riskml.config.experiment import DataConfig, Experiment, ExportConfig
from riskml.runs.run import Run
from riskml.runtime.additive import Additive, Pair, Pairwise
from riskml.runtime.boosted import Boosting
from riskml.runtime.encoding import Encoding
from riskml.runtime.model import Blend, Tree
from riskml.runtime.shapes import Levels, Line, Step
from riskml.schema import Column, Schema

# Every night CI looks further: HYPOTHESIS_PROFILE=nightly.
settings.register_profile("quick", max_examples=20, deadline=None)
settings.register_profile("nightly", max_examples=300, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

KINDS = ("scorecard", "logistic", "tree", "boosting", "ebm", "blend")
HOMES = {"owner": 0.0, "rent": 1.0, "=cmd|'x'!A1": 2.0, "None": 3.0}

REPOSITORY = Path(__file__).parents[1]
SECRET = "never-seen-of-a-login"  # to a CRM, in the environment of the runs that execute every notebook
QUICK = {"sample": 600, "overrides": ("models.trials=1", "split.folds=3")}  # of the runs that execute every notebook


# Rooms whose costly fixtures serve several of their files.
SHARED_ROOMS = {"monitoring", "portfolio", "report", "tracking"}
# The longest tests begin first, so that no process waits for another at the end.
LONGEST_FIRST = ("test_readme.py", "quick_runs", "spark", "notebooks", "pipeline", "tracking", "models")


def _group(item: pytest.Item) -> str:
    """Return the name of the tests that run in one process with this one."""
    names = getattr(item, "fixturenames", ())
    room = item.path.relative_to(REPOSITORY).parts[1]
    if item.path.name == "test_readme.py":
        return item.name
    if "quick_runs" in names:
        return "quick_runs"
    if "spark" in names:
        return "spark"
    return room if room in SHARED_ROOMS else item.path.relative_to(REPOSITORY).as_posix()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a costly fixture in one process, which makes it once, and begin with the longest."""

    def rank(item: pytest.Item) -> int:
        names = (_group(item), *item.path.relative_to(REPOSITORY).parts)
        return next((i for i, name in enumerate(LONGEST_FIRST) if name in names), len(LONGEST_FIRST))

    items.sort(key=rank)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


# A session for tables of a few hundred rows: to compile and to optimise code would cost more than to run it.
SPARK = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.ui.showConsoleProgress": "false",
}


@pytest.fixture(scope="session")
def java() -> None:
    """Skip what needs Java where there is none."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java 17: apt-get install openjdk-17-jre-headless")


@pytest.fixture(scope="session")
def spark(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield the one Spark session of all tests, on this machine; it is stopped in every outcome."""
    from riskml.features.engines.spark import spark_session

    home = tmp_path_factory.mktemp("spark")
    own = {"spark.master": "local[2]", "spark.local.dir": str(home), "spark.sql.warehouse.dir": str(home / "tables")}
    with spark_session(SPARK | own) as session:
        yield session


_KEPT_OUT = """
import sys

class KeptOut:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "riskml":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, KeptOut())
"""


@pytest.fixture(scope="session")
def clean_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the packages of this one, and without riskml."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    # Of the folders that a .pth file names, their own .pth files are not read: an editable riskml stays outside.
    paths = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (site / "packages.pth").write_text("".join(f"{path}\n" for path in sorted(paths)) + "import kept_out\n")
    (site / "kept_out.py").write_text(_KEPT_OUT)
    # MLflow looks its web server up in PATH.
    (folder / "bin" / "uvicorn").write_text(f"#!{python}\nfrom uvicorn.main import main\n\nmain()\n")
    (folder / "bin" / "uvicorn").chmod(0o755)
    done = subprocess.run([str(python), "-c", "import riskml"], env=clean_environment(python), capture_output=True)
    assert b"No module named 'riskml'" in done.stderr
    return python


def clean_environment(python: Path) -> dict[str, str]:
    """Return the variables of a process that runs a clean Python."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]])}


@pytest.fixture(scope="session")
def loans() -> pd.DataFrame:
    """Return customers as files bring them: whole numbers, gaps, a special code, hostile and nullish level names."""
    draw = np.random.default_rng(11)
    rows = 300
    income = draw.normal(100.0, 30.0, rows).round(2)
    income[draw.random(rows) < 0.1] = np.nan
    income[draw.random(rows) < 0.1] = -1.0
    home = draw.choice(np.array([*HOMES, None], dtype=object), rows)
    index = pd.Index([f"c{i:03d}" for i in range(rows)], name="customer")
    return pd.DataFrame({"Age": draw.integers(18, 80, rows), "Income": income, "Home": home}, index=index)


@pytest.fixture(scope="session")
def loan_experiment() -> Experiment:
    """Return the experiment that the handmade models answer."""
    return Experiment(
        name="hand_made",
        title="Which customers | will <default>?",
        task="default",
        data=DataConfig(source="loans.csv", target="Status", event="bad"),
        export=ExportConfig(version="1.2.3"),
    )


@pytest.fixture(scope="session")
def handmade(loans: pd.DataFrame) -> dict[str, SimpleNamespace]:
    """Return fitted estimators by kind, as far as an export looks at them: ``model_`` and ``schema_``."""
    schema = Schema(
        (
            Column("Age", "numeric", description="years | at <application>"),
            Column("Income", "numeric", special=(-1.0,)),
            Column("Home", "categorical"),
        )
    )
    scorecard = Additive(
        -0.7,
        (
            Step("Age", (30.0, 45.5), (), (0.4, 0.1, -0.6, 0.05), (20.0, 30.0, 45.0, 31.0)),
            Step("Income", (80.0,), (-1.0,), (0.5, -0.3, 0.2, 0.9), (10.0, 35.0, 22.0, 3.0)),
            Levels("Home", {"owner": 0, "rent": 1, "None": 1}, (-0.5, 0.45, 0.5, 0.0), (40.0, 12.0, 25.0, 28.0)),
        ),
        base_points=480.0,
    )
    logistic = Additive(
        -0.2,
        (
            Line("Age", (18.0, 30.0, 60.0), (), (0.7, 0.1, -0.9, 0.3)),
            Line("Income", (40.0, 160.0), (-1.0,), (0.8, -0.8, 0.25, 1.1)),
            Levels("Home", {"owner": 0, "rent": 1}, (-0.3, 0.3, 0.0, 0.0)),
        ),
    )
    encoding = Encoding({"Age": None, "Income": None, "Home": HOMES})
    tree = Tree(
        encoding,
        feature=(1, 2, -2, -2, 0, -2, -2),
        # An infinite threshold parts what is there from what is missing.
        threshold=(np.inf, 1.5, -2.0, -2.0, 40.5, -2.0, -2.0),
        left=(1, 2, -1, -1, 5, -1, -1),
        right=(4, 3, -1, -1, 6, -1, -1),
        missing_left=(False, True, False, False, True, False, False),
        value=(-0.5, -0.8, -1.2, 0.1, 0.3, 0.9, -0.4),
    )
    boosting = Boosting(encoding, tuple(_boosters(encoding, loans)))
    pairs = (
        Pair(Step("Age", (40.0,), (), ()), Levels("Home", {"owner": 0}, (0.0,) * 3), ((0.2, 0.1, -0.3),) * 3),
        Pair(Step("Income", (90.0,), (), ()), Step("Age", (40.0,), (), ()), ((0.1, 0.0, -0.4),) * 3),
    )
    ebm = Pairwise(logistic, pairs)
    blend = Blend(-0.1, (0.3, 0.7), (scorecard, boosting))
    models = dict(zip(KINDS, (scorecard, logistic, tree, boosting, ebm, blend), strict=True))
    return {kind: SimpleNamespace(model_=model, schema_=schema) for kind, model in models.items()}


def _boosters(encoding: Encoding, loans: pd.DataFrame) -> Iterator[object]:
    import xgboost

    from riskml.runtime.frame import columns

    matrix = encoding.matrix(columns(loans, encoding.kinds))
    outcome = (matrix[:, 0] < 40) ^ (matrix[:, 2] == 1)
    for seed in range(2):
        data = xgboost.DMatrix(matrix, outcome, feature_types=["float", "float", "c"], enable_categorical=True)
        settings = {"objective": "binary:logistic", "max_depth": 3, "subsample": 0.7, "seed": seed, "nthread": 1}
        yield xgboost.train(settings, data, num_boost_round=8)


@pytest.fixture(scope="session")
def artifacts(
    handmade: dict[str, SimpleNamespace],
    loans: pd.DataFrame,
    loan_experiment: Experiment,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Return artifact folders by kind; tests must not change them."""
    from riskml.export.artifact import write_artifact

    parent = tmp_path_factory.mktemp("artifacts")
    return {
        kind: write_artifact(
            estimator,
            parent / kind,
            experiment=loan_experiment,
            family=kind,
            X_train=loans,
            metrics={"auc": {"value": 0.8123, "low": 0.79, "high": 0.83}, "gini": 0.6246},
            events=120,
        )
        for kind, estimator in handmade.items()
    }


@pytest.fixture(scope="session")
def _migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A fresh migration takes seconds; a copy of its result does not.
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("mlflow.pyfunc")  # warns of its own type hints, the first time
        from mlflow import MlflowClient

        MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_uri(_migrated_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the address of an empty MLflow store of this test's own, which is the current one meanwhile."""
    import mlflow

    uri = f"sqlite:///{shutil.copy(_migrated_store, tmp_path / 'mlflow.db')}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    yield uri
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


@pytest.fixture(scope="session")
def project(_migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of a project with the repository's experiments, and MLflow's records beside them."""
    import mlflow

    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(REPOSITORY / "experiments", folder / "experiments", ignore=shutil.ignore_patterns("runs"))
    shutil.copy(_migrated_store, folder / "mlflow.db")
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    yield folder
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


@pytest.fixture(scope="session")
def quick_runs(project: Path) -> Callable[[str], Run]:
    """Return a function that executes every notebook of an experiment on a few rows, once, and returns the run."""
    from riskml.pipeline.stages import run_experiment

    @cache
    def quick_run(name: str) -> Run:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("MLFLOW_TRACKING_URI", raising=False)
            for variable in ("RISKML_ZOHO_REFRESH_TOKEN", "RISKML_FXIAOKE_APP_SECRET"):
                patch.setenv(variable, SECRET)
            return run_experiment(project / "experiments" / f"{name}.yaml", **QUICK)

    return quick_run


@pytest.fixture
def secret() -> str:
    """Return the login to a CRM that the quick runs had in their environment."""
    return SECRET


@pytest.fixture(scope="session", params=["credit_default", "telco_churn"])
def quick_run(request: pytest.FixtureRequest, quick_runs: Callable[[str], Run]) -> Run:
    """Return a finished run of each of the repository's experiments; tests must not change it."""
    return quick_runs(request.param)


@pytest.fixture(scope="session")
def credit_run(quick_runs: Callable[[str], Run]) -> Run:
    """Return a finished run of the credit experiment; tests must not change it."""
    return quick_runs("credit_default")


@pytest.fixture(scope="session")
def tiny_table() -> pd.DataFrame:
    """Return 240 customers: an identifier, a number with gaps, a category, and an outcome that follows from them."""
    draw = np.random.default_rng(5)
    rows = 240
    debt, home = draw.normal(size=rows).round(3), draw.choice(["own", "rent"], rows)
    bad = (debt + (home == "rent") + draw.normal(size=rows) > 1).astype(int)
    names = [f"k{i:03d}" for i in range(rows)]
    debt[draw.random(rows) < 0.1] = np.nan
    return pd.DataFrame({"customer": names, "debt": debt, "home": home, "bad": bad})


@pytest.fixture
def tiny(
    tiny_table: pd.DataFrame, _migrated_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Yield the file of a small experiment, in a project of its own that is the current directory."""
    import mlflow

    (tmp_path / "experiments").mkdir()
    file = tmp_path / "experiments" / "tiny.yaml"
    file.write_text(
        "name: tiny\ntitle: Who will default?\ntask: default\n"
        "data: {source: ../tiny.csv, target: bad, event: 1, id: customer}\n"
        "split: {folds: 2}\n"
        "models: {families: [logistic, tree], trials: 1}\n"
    )
    tiny_table.to_csv(tmp_path / "tiny.csv", index=False)
    shutil.copy(_migrated_store, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    yield file
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


@pytest.fixture(scope="session")
def postgresql() -> Callable[[], AbstractContextManager[str]]:
    """Return what starts a PostgreSQL server, and gives its address, for as long as a block lasts."""
    return _postgresql


@contextmanager
def _postgresql() -> Iterator[str]:
    """Yield the address of a database of a PostgreSQL server that lasts as long as the block."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    pytest.importorskip("psycopg", exc_type=ImportError)
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to be started by root
    if user and user not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("PostgreSQL needs a user of its own, and there is no user postgres")
    # Not in pytest's folder, which other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="riskml-postgres-"))
    data, port = folder / "data", _free_port()

    def call(program: str, *words: str) -> None:
        done = subprocess.run(
            [str(binaries[-1] / program), "-D", str(data), *words],
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    try:
        if user:
            shutil.chown(folder, user)
        call("initdb", "-U", "risk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql+psycopg://risk@127.0.0.1:{port}/postgres"
    finally:
        if (data / "postmaster.pid").exists():
            call("pg_ctl", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
