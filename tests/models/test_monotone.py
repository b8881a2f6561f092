"""Risk that goes the way an experiment says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml import RiskClassifier
from riskml.errors import ConfigError


@pytest.fixture(scope="module")
def wavy():
    draw = np.random.default_rng(3)
    debt = draw.uniform(0, 10, 1500)
    target = (draw.random(1500) < 0.15 + 0.04 * debt + 0.12 * np.sin(debt * 2)).astype(int)
    return pd.DataFrame({"debt": debt, "noise": draw.normal(size=1500)}), target


@pytest.mark.parametrize("family", ["scorecard", "tree", "boosting"])
def test_the_risk_never_falls_where_it_may_only_rise(wavy, family):
    model = RiskClassifier((family,), n_trials=1, cv=3, monotone={"debt": "ascending"}).fit(*wavy)
    grid = pd.DataFrame({"debt": np.linspace(0, 10, 200), "noise": 0.0})
    assert (np.diff(model.predict_proba(grid)[:, 1]) >= -1e-9).all()


@pytest.mark.parametrize(
    ("monotone", "text"),
    [({"dept": "ascending"}, "no column is called 'dept'"), ({"debt": "up"}, "'up' is no direction")],
)
def test_impossible_directions_are_refused(wavy, monotone, text):
    with pytest.raises(ConfigError, match=text):
        RiskClassifier(("tree",), n_trials=1, cv=3, monotone=monotone).fit(*wavy)
