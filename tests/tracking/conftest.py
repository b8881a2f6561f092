"""Runs as they are after their fourth stage, made of a small handmade model: no notebook is executed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from riskml.config import DataConfig, Experiment, GateConfig
from riskml.data.digest import data_digest
from riskml.export.artifact import write_artifact
from riskml.run import Features, Run
from riskml.runtime.model import Additive
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Step
from riskml.schema import Column, Schema

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
        run.write_features(Features(X, outcome, part, (part == "train").astype(int) - 1))
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
