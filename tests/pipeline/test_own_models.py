"""A model of one's own through every stage of a run: notebooks, MLflow, report, wheel, and scores of raw customers."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from riskml.cli import app
from riskml.models.families import ALL_FAMILIES, FAMILIES
from riskml.pipeline.stages import run_experiment

FILE = """
from sklearn.ensemble import RandomForestClassifier

def forest():
    return RandomForestClassifier(30, min_samples_leaf=5)
"""


@pytest.fixture(scope="module")
def run(project):
    before = dict(FAMILIES), dict(ALL_FAMILIES)
    (project / "experiments" / "my_models.py").write_text(FILE)
    overrides = ("models.trials=1", "split.folds=3", "models.families=[my_models.py:forest]")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield run_experiment(project / "experiments" / "credit_default.yaml", sample=500, overrides=overrides)
    for registry, families in zip((FAMILIES, ALL_FAMILIES), before, strict=True):
        registry.clear()
        registry.update(families)


def test_it_is_champion_of_a_finished_run_with_its_source(run):
    assert run.state["status"] == "finished"
    assert run.state["champion"]["family"] == "forest"
    assert run.state["mlflow_run_id"]
    assert "def forest" in run.path("sources", "my_models.py").read_text()
    assert "forest" in run.path("report.html").read_text()


def test_its_wheel_answered_as_the_run_in_an_environment_of_its_own(run):
    verified = json.loads(run.path("export.json").read_text())["verified"]
    assert verified["max_difference"] < 1e-9
    assert "scikit-learn" in verified["packages"]


def test_raw_customers_are_scored(run, tmp_path):
    features, predicted = run.features(), run.read_parquet("predictions.parquet")
    unseen = features.part != "train"
    features.X[unseen].to_csv(tmp_path / "raw.csv", index=False)
    done = CliRunner().invoke(app, ["score", str(run.folder), str(tmp_path / "raw.csv"), "-o", str(tmp_path / "s.csv")])
    assert done.exit_code == 0, done.output
    scores = pd.read_csv(tmp_path / "s.csv")
    np.testing.assert_allclose(scores["probability"], predicted.loc[unseen, "probability"], rtol=1e-9)
