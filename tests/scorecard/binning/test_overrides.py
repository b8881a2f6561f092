"""Bins that are given by hand hold on a part of the rows too, and what is a mistake is still told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score

from riskml.errors import ConfigError
from riskml.scorecard import OptimalBinner, Scorecard

RNG = np.random.default_rng(3)
AGE = RNG.integers(20, 70, 900).astype(float)
HOME = RNG.choice(["own", "rent", "parents"], 900).astype(object)
HOME[0] = "boat"
Y = (RNG.random(900) < 1 / (1 + np.exp((AGE - 40) / 12 + (HOME == "own")))).astype(int)
X = pd.DataFrame({"age": AGE, "home": HOME})


@pytest.mark.parametrize("groups", [[["own"], ["boat", "rent"], ["parents"]], [["own", "parents"], ["boat"], ["rent"]]])
def test_a_rare_level_that_a_fold_lacks_does_not_stop_a_cross_validation(groups):
    card = Scorecard(overrides={"home": {"groups": groups}})
    assert (cross_val_score(card, X, Y, cv=4, scoring="roc_auc", error_score="raise") > 0.5).all()


def test_an_absent_level_counts_as_the_others_of_its_group():
    binner = OptimalBinner(overrides={"home": {"groups": [["own"], ["boat", "rent"], ["parents"]]}}).fit(X[1:], Y[1:])
    seen = binner.transform(pd.DataFrame({"age": 30.0, "home": ["boat", "rent"]}))["home"]
    assert seen[0] == seen[1] != 0


def test_a_group_without_a_row_is_average_and_no_bin_of_the_table():
    binner = OptimalBinner(overrides={"home": {"groups": [["own"], ["boat"], ["rent", "parents"]]}}).fit(X[1:], Y[1:])
    assert binner.tables_["home"]["bin"].tolist() == ["own", "rent, parents"]
    assert binner.transform(pd.DataFrame({"age": 30.0, "home": ["boat"]}))["home"].tolist() == [0.0]
    assert binner.summary_.set_index("column").loc["home", "trend"] in ("ascending", "descending")


def test_a_group_of_which_the_data_have_no_level_is_named_with_what_it_may_have_meant():
    with pytest.raises(ConfigError, match=r"levels that the data do not have: \['ownr'\](?s:.*)did you mean 'own'"):
        OptimalBinner(overrides={"home": {"groups": [["ownr"], ["rent", "parents"]]}}).fit(X, Y)


def test_an_empty_bin_between_two_others_is_average():
    few = (X["age"] < 30) | (X["age"] >= 50)
    binner = OptimalBinner(overrides={"age": {"splits": [30, 50]}}).fit(X[few], Y[few])
    assert binner.tables_["age"]["bin"].tolist() == ["(-inf, 30)", "[50, inf)"]
    assert binner.transform(pd.DataFrame({"age": [40.0], "home": ["own"]}))["age"].tolist() == [0.0]
    assert binner.summary_.set_index("column").loc["age", "trend"] == "descending"


def test_missing_values_never_join_an_empty_bin():
    few = X[(X["age"] < 30) | (X["age"] >= 50)].copy()
    few.iloc[:60, 0] = np.nan
    y = np.where(few["age"].isna(), 0, Y[few.index])
    y[0] = 1
    binner = OptimalBinner(overrides={"age": {"splits": [30, 50], "missing": "nearest"}}).fit(few, y)
    assert binner.tables_["age"]["bin"].tolist() == ["(-inf, 30)", "[50, inf) or Missing"]


@pytest.mark.parametrize("split", [20, 5, 1000])
def test_a_split_beyond_all_values_is_an_error_that_names_column_and_split(split):
    with pytest.raises(ConfigError, match=rf"split {split}: it lies outside the column's range(?s:.*)'age', splits"):
        OptimalBinner(overrides={"age": {"splits": sorted([40, split])}}).fit(X, Y)
