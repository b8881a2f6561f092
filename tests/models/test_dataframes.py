"""`RiskClassifier` reads tables of polars and Arrow as those of pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from riskml import RiskClassifier

pl = pytest.importorskip("polars")


@pytest.mark.parametrize(("table", "series"), [(pl.DataFrame, pl.Series), (pa.table, pa.array)])
def test_a_fit_and_its_predictions_are_those_of_pandas(table, series):
    draw = np.random.default_rng(0)
    income, home = draw.normal(size=300).round(2).tolist(), draw.choice(["own", "rent"], 300).tolist()
    income[::9], home[::7] = [None] * len(income[::9]), [None] * len(home[::7])
    y = draw.random(300) < np.where(np.array(home) == "rent", 0.6, 0.2)
    rows, frame = table({"income": income, "home": home}), pd.DataFrame({"income": income, "home": home})
    settings = {"families": ("logistic", "tree"), "n_trials": 1, "cv": 3}
    model, expected = RiskClassifier(**settings).fit(rows, series(y)), RiskClassifier(**settings).fit(frame, y)
    pd.testing.assert_frame_equal(model.leaderboard_, expected.leaderboard_)
    np.testing.assert_array_equal(model.predict_proba(rows), expected.predict_proba(frame))
    np.testing.assert_array_equal(model.predict(rows), expected.predict(frame))
    assert type(model.contributions(rows)) is type(rows)
