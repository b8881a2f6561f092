"""Columns of one's own from the experiment file to the wheel: raw customers in, the run's own predictions out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from riskml.cli import app
from riskml.config.experiment import read_experiment
from riskml.errors import ConfigError
from riskml.export.wheel import build_wheel
from riskml.monitoring.month import month_of
from riskml.monitoring.reference import reference_of
from riskml.monitoring.snapshot import snapshot_of
from riskml.pipeline.stages import begin, execute
from riskml.runs.model_loading import import_wheel, load_model
from riskml.runs.run import Run

EXPERIMENT = """
name: mine
title: Which customers default?
task: default
data:
  source: customers.csv
  target: bad
  id: customer
  exclude: [income, joined]
  derive:
    payment_to_income: payment / income
    heavy: payment_to_income > 0.3 and home == 'rent'
  features: my_features.py:make_features
models: {families: [logistic], trials: 1}
"""
FEATURES = """
import numpy as np


def make_features(frame):
    \"\"\"Tenure and its band, and a ratio of a derived column.\"\"\"
    years = 2024 - frame["joined"]
    return frame.assign(
        years=years,
        band=np.where(years > 5, "long", "short"),
        load=frame["payment_to_income"] / years,
    )
"""


def _customers(rows: int = 300) -> pd.DataFrame:
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "customer": [f"c{row}" for row in range(rows)],
            "payment": draw.uniform(10, 100, rows).round(2),
            "income": draw.uniform(50, 500, rows).round(1),
            "home": draw.choice(["rent", "own"], rows),
            "joined": draw.integers(2010, 2025, rows),
        }
    )
    frame.loc[::17, "income"] = 0
    frame.loc[::23, "payment"] = np.nan
    ratio = (frame["payment"] / frame["income"].replace(0, np.nan)).fillna(0.5)
    return frame.assign(bad=(draw.uniform(size=rows) < np.where(ratio > 0.3, 0.7, 0.15)).astype(int))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    _customers().to_csv(folder / "customers.csv", index=False)
    (folder / "mine.yaml").write_text(EXPERIMENT, encoding="utf-8")
    (folder / "my_features.py").write_text(FEATURES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(folder) -> Run:
    return execute(begin(folder / "mine.yaml"), to="2_models", track=False)


@pytest.fixture(scope="module")
def raw(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "customers.csv").drop(columns="bad")


@pytest.fixture(scope="module")
def expected(run, raw) -> np.ndarray:
    """The run's own scores of its hold-out rows, and the model's of the training rows, in the file's order."""
    model, features = load_model(run.folder), run.features()
    scores = model.score(features.X)["probability"]
    predicted = run.read_parquet("predictions.parquet")
    aside = predicted.index[predicted["_part"] != "train"]
    np.testing.assert_allclose(scores[aside], predicted.loc[aside, "probability"], rtol=0, atol=1e-12)
    return scores.loc[raw["customer"]].to_numpy()


def test_raw_customers_have_the_runs_own_predictions(run, raw, folder, expected, tmp_path):
    made = CliRunner().invoke(
        app,
        ["score", str(run.folder), str(folder / "customers.csv"), "-o", str(tmp_path / "s.csv"), "--id", "customer"],
    )
    assert made.exit_code == 0, made.output
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "s.csv")["probability"], expected)
    model = load_model(run.folder)
    alone = [model.score_record(record)["probability"] for record in raw.head(20).to_dict("records")]
    np.testing.assert_array_equal(alone, expected[:20])
    assert model.schema()["name"].tolist() == ["payment", "home", "income", "joined"]
    assert {"years", "band", "load"} <= set(model.explain(raw)["column"])


def test_so_have_those_that_a_wheel_scores(run, raw, expected, tmp_path):
    package = import_wheel(build_wheel(run.path("models", "logistic"), tmp_path))
    np.testing.assert_array_equal(package.score(raw)["probability"], expected)
    record = raw.iloc[0].to_dict()
    assert package.score_record(record)["probability"] == expected[0]
    assert (package.check(raw)["status"] == "stable").all()


def test_a_month_of_raw_customers_is_monitored_by_its_derived_columns(run, raw):
    reference = reference_of(run)
    month = month_of(reference, snapshot_of(raw, run.experiment), pd.Timestamp("2024-01-31").date())
    assert month.scored is not None
    assert {"payment_to_income", "heavy", "years", "band", "load"} <= set(month.columns["column"])
    assert (month.columns["status"] == "stable").all()


def test_the_run_keeps_the_file_and_notices_another_one(run, folder):
    assert run.path("my_features.py").read_text(encoding="utf-8") == FEATURES
    assert "features: my_features.py:make_features" in run.path("experiment.yaml").read_text(encoding="utf-8")
    assert Run.open(run.folder).experiment.digest() == read_experiment(folder / "mine.yaml").digest()
    (folder / "my_features.py").write_text(FEATURES.replace("> 5", "> 6"), encoding="utf-8")
    try:
        with pytest.raises(ConfigError, match="the file has changed the settings of a run in progress"):
            begin(folder / "mine.yaml", resume=run.folder)
    finally:
        (folder / "my_features.py").write_text(FEATURES, encoding="utf-8")


def test_an_altered_file_in_the_artifact_is_refused(run, tmp_path):
    import shutil

    copy = shutil.copytree(run.path("models", "logistic"), tmp_path / "model")
    (copy / "features.py").write_text("import os", encoding="utf-8")
    with pytest.raises(ValueError, match="altered"):
        load_model(copy)


def test_sql_names_what_it_cannot_express(run):
    from riskml.errors import InputError
    from riskml.export.sql import to_sql

    with pytest.raises(InputError, match="SQL for columns computed by my_features.py:make_features is not written"):
        to_sql(load_model(run.folder), "customers")
