"""Segmented cards travel in a wheel as one card does."""

from __future__ import annotations

import importlib
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from riskml.export.artifact import write_artifact
from riskml.export.model_card import model_card
from riskml.export.wheel import build_wheel
from riskml.runtime.package import Artifact
from riskml.scorecard import SegmentedScorecard


@pytest.fixture(scope="module")
def customers():
    draw = np.random.default_rng(9)
    score, region = draw.normal(size=1500), draw.choice(np.array(["north", "south", None], dtype=object), 1500)
    y = (draw.random(1500) < 1 / (1 + np.exp(1.0 - np.where(region == "north", 2, -2) * score))).astype(int)
    score[:40] = np.nan
    return pd.DataFrame({"score": score, "region": region}), y


@pytest.fixture(scope="module", params=["region", None], ids=["named", "tree"])
def cards(request, customers):
    return SegmentedScorecard(segment_by=request.param).fit(*customers)


@pytest.fixture
def folder(cards, customers, loan_experiment, tmp_path):
    return write_artifact(
        cards, tmp_path / "model", experiment=loan_experiment, family="segmented scorecard", X_train=customers[0],
        metrics={}, events=int(customers[1].sum()),
    )  # fmt: skip


@pytest.fixture
def wheel(folder, tmp_path, monkeypatch):
    """Return the package that the wheel holds, unpacked."""
    with zipfile.ZipFile(build_wheel(folder, tmp_path)) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for name in [name for name in sys.modules if name.split(".")[0] == "riskml_hand_made"]:
        monkeypatch.delitem(sys.modules, name)
    yield importlib.import_module("riskml_hand_made")
    for name in [name for name in sys.modules if name.split(".")[0] == "riskml_hand_made"]:
        del sys.modules[name]


def test_the_wheel_gives_the_cards_probabilities_and_points_to_unseen_and_missing_values_too(wheel, cards, customers):
    X, _ = customers
    assert len(cards.cards_) > 1
    frame = pd.concat(
        [X, pd.DataFrame({"score": [0.3, np.nan, -2.0], "region": ["moon", None, ""]})], ignore_index=True
    )
    scored = wheel.score(frame)
    np.testing.assert_array_equal(scored["probability"], cards.predict_proba(frame)[:, 1])
    np.testing.assert_array_equal(scored["points"], cards.points(frame))
    assert len(wheel.explain(frame, n=1))


def test_the_artifact_s_contributions_add_up(folder, cards, customers):
    artifact = Artifact.load(folder)
    total = artifact.model.base + artifact.contributions(customers[0]).sum(axis=1)
    np.testing.assert_allclose(total, cards.decision_function(customers[0]), rtol=0, atol=1e-12)
    assert "scorecard for each segment" in model_card(artifact)
