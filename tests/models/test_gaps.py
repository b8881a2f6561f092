"""Gaps: a missing value or an unseen level that no family has met is near the average of its column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml import RiskClassifier

ROWS = 1500


@pytest.fixture(scope="module")
def customers() -> tuple[pd.DataFrame, pd.Series]:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"income": draw.normal(size=ROWS).round(2), "debt": draw.normal(size=ROWS).round(2)})
    frame["region"] = draw.choice(["north", "south", "west"], ROWS)
    log_odds = -1.2 - 1.2 * frame["income"] + 0.6 * frame["debt"] + 0.8 * (frame["region"] == "west")
    return frame, pd.Series((draw.random(ROWS) < 1 / (1 + np.exp(-log_odds))).astype(int))


@pytest.mark.parametrize(
    ("family", "most"),
    # CatBoost reads a gap as the lowest value and moves it less far from there; a single tree has one way for it.
    [
        ("scorecard", 0.08),
        ("logistic", 0.08),
        ("boosting", 0.08),
        ("ebm", 0.08),
        ("lightgbm", 0.08),
        ("catboost", 0.15),
    ],
)
def test_a_gap_never_met_is_near_the_average(
    family: str, most: float, customers: tuple[pd.DataFrame, pd.Series]
) -> None:
    X, y = customers
    model = RiskClassifier(families=(family,), n_trials=1, cv=3, random_state=0).fit(X, y)
    for column, gap in (("income", np.nan), ("debt", np.nan), ("region", None), ("region", "unheard of")):
        mean = model.predict_proba(X.assign(**{column: gap}))[:, 1].mean()
        assert abs(mean - y.mean()) < most, (column, gap, mean)
