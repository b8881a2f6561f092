"""Boosting with CatBoost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("catboost", reason="riskml[catboost] is not installed")

from riskml.errors import RiskmlError
from riskml.models.catboost import RiskCatBoost
from riskml.runtime.boosted import CatBoost, catboost_pool
from riskml.runtime.frame import columns


@parametrize_with_checks([RiskCatBoost(bags=2, max_rounds=20)])
def test_scikit_learn_estimator_check(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    town = rng.integers(0, 40, 900)
    frame = pd.DataFrame({"x": rng.normal(size=900), "town": [f"t{i}" for i in town]})
    frame.loc[::9, "town"] = None
    target = (frame["x"] + (town % 3 == 0) + rng.normal(size=900) > 0.5).astype(int)
    return RiskCatBoost(bags=3).fit(frame, target), frame


def test_it_is_the_mean_of_its_boosters_log_odds_and_each_stops_by_itself(fitted):
    model, frame = fitted
    pool = catboost_pool(model.model_.encoding, model.model_.encoding.matrix(columns(frame, model.model_.kinds)))
    margins = [booster.predict(pool, prediction_type="RawFormulaVal") for booster in model.model_.boosters]
    np.testing.assert_allclose(model.decision_function(frame), np.mean(margins, axis=0), rtol=0, atol=1e-12)
    assert [booster.tree_count_ for booster in model.model_.boosters] == model.rounds_
    assert max(model.rounds_) < 2000


def test_its_files_tell_neither_when_nor_with_what_they_were_made(fitted):
    blobs: dict[str, bytes] = {}
    fitted[0].model_.to_dict(blobs)
    for content in blobs.values():
        assert not dict(CatBoost.read(content).get_metadata())
        assert b"train_finish_time" not in content


def test_rows_it_cannot_learn_from_are_refused_in_words():
    with pytest.raises(RiskmlError, match="cannot learn from these rows: All features are either constant"):
        RiskCatBoost().fit(pd.DataFrame({"x": np.ones(40)}), [0, 1] * 20)
