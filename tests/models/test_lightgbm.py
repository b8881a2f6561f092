"""Boosting with LightGBM."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("lightgbm", reason="riskml[lightgbm] is not installed")

from riskml.models.lightgbm import RiskLightGBM


@parametrize_with_checks([RiskLightGBM(bags=2, max_rounds=20)])
def test_scikit_learn_estimator_check(estimator, check):
    check(estimator)


def test_it_is_the_mean_of_its_boosters_log_odds_and_each_stops_by_itself():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3)).astype(np.float32)
    target = (x[:, 0] + rng.normal(size=500) > 0).astype(int)
    model = RiskLightGBM(bags=3).fit(x, target)
    margins = [booster.predict(x, raw_score=True) for booster in model.model_.boosters]
    np.testing.assert_allclose(model.decision_function(x), np.mean(margins, axis=0), rtol=0, atol=1e-12)
    assert [booster.num_trees() for booster in model.model_.boosters] == model.rounds_
    assert max(model.rounds_) < 2000
