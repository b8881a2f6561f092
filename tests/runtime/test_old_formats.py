"""What an older riskml wrote still scores: bytes of format 1, kept in data/."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskml.runs.model_loading import load_model
from riskml.runtime.package import FORMAT, Artifact

DATA = Path(__file__).parent / "data" / "format-1"
WHEEL = DATA / "riskml_hand_made-1.2.3-py3-none-any.whl"
EXPECTED = json.loads((DATA / "probabilities.json").read_text())


@pytest.fixture(scope="module")
def customers():
    return pd.read_csv(DATA / "customers.csv", keep_default_na=False, na_values={"Age": "", "Income": "", "Home": ""})


@pytest.mark.parametrize("kind", ["scorecard", "blend"])
def test_an_artifact_of_format_1_scores_as_it_did(kind, customers):
    artifact = Artifact.load(DATA / kind)
    np.testing.assert_allclose(artifact.score(customers)["probability"], EXPECTED[kind], rtol=0, atol=1e-12)
    alone = [artifact.score_record(record)["probability"] for record in customers.to_dict("records")]
    np.testing.assert_allclose(alone, EXPECTED[kind], rtol=0, atol=1e-12)


def test_what_it_does_not_know_is_said_to_be_unknown(customers):
    artifact = Artifact.load(DATA / "scorecard")
    assert set(artifact.check(customers)["status"]) == {"unknown"}
    assert artifact.explain(customers, language="zh")["statement"].notna().all()


def test_a_wheel_of_format_1_is_read_and_scores_by_itself(customers, tmp_path):
    scores = load_model(WHEEL).score(customers)
    np.testing.assert_allclose(scores["probability"], EXPECTED["scorecard"], rtol=0, atol=1e-12)
    with zipfile.ZipFile(WHEEL) as archive:
        archive.extractall(tmp_path)
    words = ["-m", "riskml_hand_made", "score", str(DATA / "customers.csv"), "-o", str(tmp_path / "out.csv")]
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    there = pd.read_csv(tmp_path / "out.csv")["probability"]
    np.testing.assert_allclose(there, EXPECTED["scorecard"], rtol=0, atol=1e-12)


def test_the_format_has_moved_on():
    assert json.loads((DATA / "blend" / "model.json").read_text())["format"] == 1
    assert FORMAT == 2
