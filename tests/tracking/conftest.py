"""Real tracking servers on loopback with one small run to write to them, and runs of handmade models."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DataConfig, Experiment, GateConfig
from riskml.data.dataset import Dataset
from riskml.data.sources.digest import data_digest
from riskml.export.artifact import write_artifact
from riskml.pipeline.stages import run_experiment, track
from riskml.runs.run import Run
from riskml.runtime.additive import Additive
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Step
from riskml.schema import Column, Schema


class Server:
    """An MLflow server, which may be stopped and started again at the same address."""

    def __init__(self, store: str, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        words = ["server", "--backend-store-uri", self._store, "--artifacts-destination", str(self._folder / "files")]
        words += ["--host", "127.0.0.1", "--port", str(self._port), "--workers", "1"]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words],
                cwd=self._folder,
                env=kept | quiet,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(timeout=10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()
        self._process = None

    def _wait(self) -> None:
        assert self._process is not None
        for _ in range(480):
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.25)
        log = (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")
        raise AssertionError(f"the server did not start:\n{log[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(store: str, folder: Path) -> Iterator[Server]:
    server = Server(store, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest,
    _migrated_store: Path,
    postgresql: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """Yield a running server on each kind of database."""
    folder = tmp_path_factory.mktemp(f"server-{request.param}")
    if request.param == "sqlite":
        with _running(f"sqlite:///{shutil.copy(_migrated_store, folder / 'mlflow.db')}", folder) as server:
            yield server
    else:
        with postgresql() as store, _running(store, folder) as server:
            yield server


@pytest.fixture
def own_server(_migrated_store: Path, tmp_path: Path) -> Iterator[Server]:
    """Yield a running server of this test's own, which the test may stop."""
    folder = tmp_path / "server"
    folder.mkdir()
    with _running(f"sqlite:///{shutil.copy(_migrated_store, folder / 'mlflow.db')}", folder) as server:
        yield server


@pytest.fixture(scope="session")
def validated_run(tiny_table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a small run up to its validation, tracked nowhere; tests must not change it."""
    project = tmp_path_factory.mktemp("small")
    (project / "experiments").mkdir()
    file = project / "experiments" / "small.yaml"
    file.write_text(
        "name: small\ntitle: Who will default?\ntask: default\n"
        "data: {source: ../small.csv, target: bad, event: 1, id: customer}\n"
        "split: {folds: 2}\n"
        "models: {families: [logistic, tree], trials: 1}\n"
    )
    tiny_table.to_csv(project / "small.csv", index=False)
    return run_experiment(file, to="3_validation", track=False)


@pytest.fixture(scope="session")
def two_runs(validated_run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Return a copy of the small run, and another that knows less of the customers; tests must not change them."""
    runs = tmp_path_factory.mktemp("two") / "experiments" / "runs" / "small"
    good, poor = (runs / name for name in ("20260101-000000", "20260102-000000"))
    for folder in (good, poor):
        shutil.copytree(validated_run.folder, folder)
    other = Run.open(poor)
    predicted = other.read_parquet("predictions.parquet")
    noise = np.random.default_rng(0).uniform(0.01, 0.99, len(predicted))
    predicted["probability"] = noise
    predicted["tier"] = np.select([noise < 0.2, noise < 0.5], ["low", "medium"], "high")
    other.write_parquet("predictions.parquet", predicted)
    settings = poor / "experiment.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("trials: 1", "trials: 3"), encoding="utf-8")
    return Run.open(good), Run.open(poor)


@pytest.fixture(scope="module")
def ids(server: Server, two_runs: tuple[Run, Run], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return the ids of the two runs on a server, written from copies that are gone."""
    project = tmp_path_factory.mktemp("gone")
    shutil.copytree(two_runs[0].folder.parent, project / "runs" / "small")
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", server.uri)
        for run in two_runs:
            copied = track(Run.open(project / "runs" / "small" / run.folder.name))
            assert copied.state["mlflow_trouble"] is None
            found.append(copied.state["mlflow_run_id"])
    shutil.rmtree(project)
    return found[0], found[1]


@pytest.fixture
def tracked(
    server: Server, ids: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str]]:
    """Yield the ids of two runs on a server, seen from a folder in which nothing is known of them."""
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.chdir(tmp_path)
    yield ids
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(artifacts: dict[str, Path], loans: pd.DataFrame, loan_experiment: Experiment, tmp_path: Path) -> MakeRun:
    """Return a function that makes a run: of one model, whose probabilities are right unless it is told otherwise."""
    age_alone = SimpleNamespace(
        model_=Additive(-1.0, (Step("Age", (40.0,), (), (0.4, -0.4, 0.0), (50.0, 50.0, 0.0)),)),
        schema_=Schema((Column("Age", "numeric"),)),
    )
    models = artifacts | {
        "age": write_artifact(
            age_alone, tmp_path / "age", experiment=loan_experiment, family="scorecard", X_train=loans, metrics={}
        )
    }
    truth = Artifact.load(artifacts["boosting"]).score(loans)["probability"]
    y = (np.random.default_rng(2).random(len(loans)) < truth).astype(int).rename("Status")
    table = loans.assign(Status=y.map({0: "good", 1: "bad"}), Sex=np.resize(["f", "m"], len(loans))).reset_index()

    def make(
        kind: str = "boosting",
        *,
        aside: slice = slice(0, None, 2),
        noise: float = 0.0,
        id: str | None = "customer",
        by_hand: bool = False,
        book: pd.DataFrame = table,
        features: tuple[str, ...] = ("Age", "Income", "Home"),
        **gate: object,
    ) -> Run:
        book.to_csv(tmp_path / "loans.csv", index=False)
        experiment = Experiment(
            name="loans",
            title="Who will default?",
            task="default",
            data=DataConfig(source=str(tmp_path / "loans.csv"), target="Status", event="bad", id=id, exclude=("Sex",)),
            gate=GateConfig(**{"calibration_tolerance": None, "max_ece": None, "max_psi": None, **gate}),
        )
        run = Run.start(experiment, tmp_path / "runs", at=dt.datetime(2026, 1, 2), by_hand=by_hand)
        index = pd.Index(book["customer"]) if id else pd.RangeIndex(len(book), name="row")
        part = pd.Series("train", index=index)
        part.iloc[aside] = "test"
        outcome = pd.Series((book["Status"] == "bad").astype(int).to_numpy(), index=index)
        X = book[list(features)].set_axis(index, axis=0)
        run.write_features(Dataset(X, outcome, part, (part == "train").astype(int) - 1))
        run.write_json("data.json", {"digest": data_digest(pd.read_csv(tmp_path / "loans.csv"))})
        chance = Artifact.load(models[kind]).score(book)["probability"].set_axis(index, axis=0)
        chance = (chance + np.random.default_rng(3).normal(scale=noise, size=len(book))).clip(0, 1)
        run.write_parquet(
            "predictions.parquet", pd.DataFrame({"_part": part, "_target": outcome, "probability": chance})
        )
        run.write_csv(
            "leaderboard.csv", pd.DataFrame([{"family": kind, "auc_cv": 0.8, "auc_cv_se": 0.01, "chosen": True}])
        )
        run.path("models").mkdir()
        run.path("models", kind).symlink_to(models[kind])
        run.update()
        return run

    return make
