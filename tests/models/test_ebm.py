"""The explainable boosting machine: InterpretML's answer, without InterpretML."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("interpret", reason="riskml[ebm] is not installed")

from riskml.models.ebm import RiskEBM, _plain, _table
from riskml.runtime.additive import Additive, Pairwise
from riskml.runtime.frame import columns

KINDS = {"debt": "numeric", "age": "numeric", "home": "categorical"}


@parametrize_with_checks([RiskEBM(bags=1, max_rounds=30)])
def test_scikit_learn_estimator_check(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def book():
    rng = np.random.default_rng(2)
    rows = 800
    debt, age = rng.normal(size=rows), rng.integers(18, 80, rows).astype(float)
    home = rng.choice(np.array(["own", "10", "2", "rare", None], dtype=object), rows, p=[0.4, 0.3, 0.2, 0.01, 0.09])
    margin = debt * np.where(home == "own", 1.5, -1.5) + (age > 50)
    debt[:60] = np.nan
    frame = pd.DataFrame({"debt": debt, "age": age, "home": home})
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-np.nan_to_num(margin)))).astype(int)


def test_its_numbers_are_interpretml_s_margins_for_missing_extreme_and_unseen_values_too(book):
    frame, target = book
    machine = RiskEBM(bags=2, max_rounds=300)
    table = _table(columns(frame, KINDS))
    fitted = machine._boosted(table, target, KINDS, None)
    odd = pd.DataFrame({"debt": [np.nan, 1e300, -1e300], "age": [np.nan, 18.0, 80.0], "home": ["moon", None, "rare"]})
    for rows in (frame, odd):
        read = columns(rows, KINDS)
        ours = _plain(fitted, KINDS).margin(read)
        np.testing.assert_allclose(ours, fitted.decision_function(_table(read)), rtol=0, atol=1e-12)


def test_pairs_are_kept_and_what_is_learnt_is_in_them(book):
    frame, target = book
    alone = RiskEBM(bags=2, interactions=0).fit(frame, target)
    paired = RiskEBM(bags=2).fit(frame, target)
    assert isinstance(alone.model_, Additive)
    assert isinstance(paired.model_, Pairwise)
    assert ("debt", "home") in {(pair.first.column, pair.second.column) for pair in paired.model_.pairs}
    assert paired.score(frame, target) > alone.score(frame, target) + 0.1


def test_a_column_with_a_direction_is_in_no_pair(book):
    model = RiskEBM(bags=1, max_rounds=100, monotone={"age": "ascending"}).fit(*book)
    assert "age" not in {side.column for pair in model.model_.pairs for side in (pair.first, pair.second)}


def test_a_column_without_any_value_adds_nothing(book):
    frame, target = book
    model = RiskEBM(bags=1, max_rounds=50).fit(frame.assign(nothing=np.nan), target)
    assert not model.contributions(frame.assign(nothing=np.nan))["nothing"].any()
