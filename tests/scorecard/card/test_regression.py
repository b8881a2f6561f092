"""The regressions of a card, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.scorecard.card.fitted import largest_shortfalls
from riskml.scorecard.card.flexible_regression import fit_flexible
from riskml.scorecard.card.regression import fit_logistic


def test_a_logistic_regression_on_a_flag_gives_its_log_odds():
    fit = fit_logistic(np.array([[0.0], [0.0], [1.0], [1.0], [0.0], [1.0]]), np.array([0, 1, 1, 1, 0, 0]), C=1e9)
    assert fit.coefficient[0] == pytest.approx(np.log(4), abs=1e-4)
    assert fit.intercept == pytest.approx(-np.log(2), abs=1e-4)


def test_flexible_log_odds_depart_from_the_weights_of_evidence():
    woe, event = np.array([-1.0, -1.0, 0.0, 0.0, 1.0, 1.0] * 50), np.array([0, 0, 0, 1, 1, 0] * 50)
    fit = fit_flexible([woe], event, C=100.0, flexibility=0.2)
    assert fit.values[0].round(2).tolist() == [-1.37, 0.33, 1.37]


def test_reasons_are_the_largest_shortfalls_above_zero():
    shortfalls = pd.DataFrame({"age": [5.0], "debt": [-1.0], "home": [9.0]})
    assert largest_shortfalls(shortfalls, 3).iloc[0].tolist() == ["home", "age", None]
