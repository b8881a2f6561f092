"""The method part of a model document."""

from __future__ import annotations

import pandas as pd

from riskml.config import Experiment
from riskml.report.model_document import method_table


def test_the_method_names_the_families_that_were_left_out_and_why(
    experiment: Experiment, leaderboard: pd.DataFrame
) -> None:
    trials = pd.DataFrame({"family": ["blend"], "auc_cv": [0.8], "params": ["{}"]})
    said = str(method_table(experiment, leaderboard, trials, {"ebm": "FitError: too few rows"}))
    assert "ebm: FitError: too few rows" in said
    assert "FitError" not in str(method_table(experiment, leaderboard, trials, {}))
