"""The method part of a model document."""

from __future__ import annotations

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.display.table import Table
from riskml.report.model_document import method_table


def test_the_method_names_the_families_that_were_left_out_and_why(
    experiment: Experiment, leaderboard: pd.DataFrame
) -> None:
    said = _said(method_table(experiment, leaderboard, {"failures": {"ebm": "FitError: too few rows"}}))
    assert "ebm: FitError: too few rows" in said
    assert "FitError" not in _said(method_table(experiment, leaderboard, {}))


def test_a_blend_is_told_with_its_weights_and_with_the_settings_of_what_it_weighs(
    experiment: Experiment, leaderboard: pd.DataFrame
) -> None:
    settings = {"logistic": [{"knots": 6, "C": 0.123456}], "boosting": [{"max_depth": 3}, {"max_depth": 5}], "tree": []}
    fit = {"settings": settings, "weights": {"boosting": 0.61, "logistic": 0.42}}
    said = _said(method_table(experiment, leaderboard, fit))
    assert "0.610 × boosting (the mean of 2 models: max_depth = 3 | max_depth = 5)" in said
    assert "0.420 × logistic (knots = 6, C = 0.1235)" in said
    assert "tree (" not in said


def test_the_figure_of_the_choice_itself_stands_beside_those_of_the_families(
    experiment: Experiment, leaderboard: pd.DataFrame
) -> None:
    said = _said(method_table(experiment, leaderboard, {"nested_auc": 0.84711}))
    assert "0.847: on each fold, that of the family which the other folds choose" in said
    assert "not measured" in _said(method_table(experiment, leaderboard, {}))


def _said(table: Table) -> str:
    return "\n".join(cell.text for row in table.rows for cell in row)
