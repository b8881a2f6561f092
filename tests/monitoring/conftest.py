"""A run with a model that is soon fitted, and months of customers like those it was learnt on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskml import RiskClassifier
from riskml.config.experiment import Experiment
from riskml.data.dataset import Dataset
from riskml.data.prepare import prepare
from riskml.data.sources.source import data_digest
from riskml.data.split import split
from riskml.export.artifact import ModelWithSchema, write_artifact
from riskml.monitoring import Reference, reference_of
from riskml.runs.run import Run
from riskml.validation.data_card import data_card
from riskml.validation.leaderboard import leaderboard, predictions

TIERS = [
    {"name": "low", "from_probability": 0.0},
    {"name": "medium", "from_probability": 0.2},
    {"name": "high", "from_probability": 0.5},
]


def customers(seed: int, rows: int = 1500, *, harder: float = 0.0) -> pd.DataFrame:
    """Return customers whose debt and home make a default likely; ``harder`` times make it likelier, unseen."""
    draw = np.random.default_rng(seed)
    debt, home = draw.normal(size=rows).round(3), draw.choice(["own", "rent"], rows, p=[0.6, 0.4])
    late, usual = draw.poisson(3, rows).astype(float), draw.poisson(3, rows).astype(float)
    odds = -1.4 + 1.1 * debt + 0.9 * (home == "rent") + harder
    bad = (draw.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    debt[draw.random(rows) < 0.05] = np.nan
    names = [f"k{seed}-{i:04d}" for i in range(rows)]
    return pd.DataFrame(
        {"customer": names, "debt": debt, "home": home, "late_90d": late, "late_365d": usual, "bad": bad}
    )


def experiment_of(source: Path, **more: Any) -> Experiment:
    said = {
        "name": "loans",
        "title": "Who <will> default?",
        "task": "default",
        "data": {"source": str(source), "target": "bad", "event": 1, "id": "customer"},
        "split": {"folds": 3, "test_share": 0.4},
        "models": {"families": ["logistic"], "trials": 1},
        "tiers": TIERS,
        "monitoring": {
            "segments": ["home"],
            "behaviour": {"payment": {"recent": "late_90d", "usual": "late_365d"}},
        },
    }
    return Experiment.model_validate(said | more)


def fitted_run(project: Path, table: pd.DataFrame) -> Run:
    """Return a run whose first two stages are done, by what its notebooks call, without the notebooks."""
    source = project / "loans.csv"
    table.to_csv(source, index=False)
    asked = experiment_of(source)
    run = Run.start(asked, project / "experiments" / "runs", at=dt.datetime(2026, 1, 2, 3, 4, 5))
    prepared = prepare(table, asked)
    parts = split(prepared.y, None, asked.split, None)
    features = Dataset(prepared.X, prepared.y, parts["part"], parts["fold"])
    run.write_features(features)
    run.write_json("data.json", data_card(asked, features, prepared.schema, digest=data_digest(table), quick=0))
    train = features.rows("train")
    classifier = RiskClassifier(families=("logistic",), n_trials=1, cv=train.fold.to_numpy(), random_state=7)
    classifier.fit(train.X, train.y)
    predicted = run.write_parquet("predictions.parquet", predictions(classifier, features, asked.tiers))
    board = run.write_csv("leaderboard.csv", leaderboard(classifier, predicted, features.holdout_part))
    write_artifact(
        ModelWithSchema(classifier.estimators_["logistic"].model_, prepared.schema),
        run.path("models", "logistic"),
        experiment=asked,
        family="logistic",
        X_train=train.X,
        metrics={name: value for name, value in board.iloc[0].items() if name not in ("family", "chosen")},
        events=int(train.y.sum()),
    )
    for stage in ("1_features", "2_models"):
        run.mark(stage, "finished", 1.0)
    return run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run with a model; tests write nothing into it."""
    return fitted_run(tmp_path_factory.mktemp("loans"), customers(1, 3000))


@pytest.fixture(scope="session")
def reference(run: Run) -> Reference:
    return reference_of(run)


@pytest.fixture(scope="session")
def same() -> pd.DataFrame:
    """Return customers of whom nothing has changed."""
    return customers(2)
