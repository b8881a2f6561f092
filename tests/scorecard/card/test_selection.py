"""Which characteristics stay, and the reasons of the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError
from riskml.scorecard import Scorecard
from riskml.scorecard.card.selection import variance_inflation


@pytest.fixture(scope="module")
def table():
    draw = np.random.default_rng(3)
    a, b, c, noise = draw.normal(size=(4, 2000))
    y = (draw.random(2000) < 1 / (1 + np.exp(1 - a - 0.7 * b - 0.3 * c))).astype(int)
    X = pd.DataFrame({"a": a, "twin": a * 2 + 1, "b": b, "c": c, "noise": noise, "same": 1.0})
    X["sum"] = X["a"] + X["b"] + draw.normal(0, 0.3, 2000)
    return X, y


def reasons(table, **parameters):
    X, y = table
    card = Scorecard(**parameters).fit(X, y)
    selection = card.selection_.set_index("column")
    assert (selection["kept"] == (selection["reason"] == "")).all()
    assert set(card.model_.kinds) == set(selection.index[selection["kept"]])
    return selection["reason"].to_dict()


def test_a_constant_column_is_dropped_and_named_so(table):
    assert "one bin only" in reasons(table)["same"]


def test_a_column_without_information_is_dropped(table):
    assert "below min_iv" in reasons(table, min_iv=0.05)["noise"]


def test_of_twins_one_goes_and_says_whose_twin_it_is(table):
    said = reasons(table, max_correlation=0.95)
    assert sorted([said["a"] == "", said["twin"] == ""]) == [False, True]
    assert "correlation 1.000 with" in said["a"] + said["twin"]


def test_columns_always_kept_stay(table):
    said = reasons(table, max_correlation=0.95, min_iv=0.05, always_keep=["twin", "noise"])
    assert "above max_correlation" in said["a"]
    assert said["twin"] == ""
    assert "below min_iv" not in said["noise"]


def test_inflated_columns_go(table):
    # On their own weights of evidence a, b and their sum are nearly dependent.
    said = reasons(table, max_vif=2.0)
    assert any("variance inflation" in reason for reason in said.values())


def test_variance_inflation_is_the_textbook_s():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(5000, 2))
    X[:, 1] = 0.8 * X[:, 0] + 0.6 * X[:, 1]
    r2 = np.corrcoef(X, rowvar=False)[0, 1] ** 2
    np.testing.assert_allclose(variance_inflation(X), [1 / (1 - r2)] * 2)


@pytest.mark.parametrize("method", ["stepwise", "l1"])
def test_automatic_methods_keep_signals_and_leave_noise(table, method):
    said = reasons(table, selection=method, min_iv=0)
    assert said["b"] == ""
    assert said["noise"].startswith({"stepwise": "stepwise: ", "l1": "lasso: "}[method])


def test_stability_over_folds_is_asked_of_each(table):
    draw = np.random.default_rng(11)
    noise = {f"noise_{i}": draw.normal(size=len(table[0])) for i in range(8)}
    said = reasons((table[0].assign(**noise), table[1]), min_iv=0, min_stability=0.8)
    assert said["b"] == ""
    # On a fold it has not seen, noise points the wrong way as often as not.
    assert sum("below min_stability" in said[name] for name in noise if "one bin" not in said[name]) >= 4


def test_the_weakest_go_beyond_the_most(table):
    said = reasons(table, max_characteristics=2)
    assert sum(reason == "" for reason in said.values()) == 2
    assert any("beyond max_characteristics=2" in reason for reason in said.values())


def test_a_column_that_gives_the_outcome_away_is_named_so(table):
    X, y = table
    assert "may give the outcome away" in reasons((X.assign(leak=y * 2.0), y))["leak"]


def test_an_always_kept_column_that_has_to_go_is_told(table):
    with pytest.warns(UserWarning, match="'same' leaves all the same: one bin only"):
        assert reasons(table, always_keep=["same"])["same"]


def test_weights_of_rows_count_in_correlations_as_repeated_rows(table):
    X, y = table[0].drop(columns="twin"), table[1]
    weight = np.where(X["a"] * X["b"] > 0, 3, 1)
    repeated = np.repeat(np.arange(len(y)), weight)
    rules = {"max_correlation": None, "max_vif": 1.2, "min_iv": 0}
    weighted = Scorecard(**rules).fit(X, y, weight).selection_
    again = Scorecard(**rules).fit(X.iloc[repeated], y[repeated]).selection_
    assert weighted["reason"].tolist() == again["reason"].tolist()


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"min_stability": 2}, "min_stability must lie between 0 and 1"),
        ({"max_correlation": 2}, "max_correlation must lie between 0 and 1"),
        ({"min_iv": -1}, "min_iv must lie between 0 and inf"),
        ({"max_vif": "foo"}, "max_vif must be a number"),
        ({"max_characteristics": 2.5}, "max_characteristics must be a whole number"),
        ({"always_keep": None}, "always_keep is a list of columns"),
        ({"always_keep": ["zzzzqq"]}, r"which is no column\n"),
    ],
)
def test_impossible_rules_are_refused(table, parameters, text):
    with pytest.raises(ConfigError, match=text):
        Scorecard(**parameters).fit(*table)
