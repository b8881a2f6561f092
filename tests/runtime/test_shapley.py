"""Shapley values that are looked up are those of XGBoost's recursion, and of the definition."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
import xgboost

from riskml.runtime.forest import read_xgboost
from riskml.runtime.shapley import Shapley


def grown(depth: int, *, seed: int = 0, rounds: int = 30) -> tuple[xgboost.Booster, np.ndarray, list[str]]:
    """Return trees over three numbers with holes and a category, and 500 rows."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(500, 4)).astype(np.float32)
    matrix[:, 3] = rng.integers(0, 6, 500)
    matrix[rng.random((500, 4)) < 0.1] = np.nan
    target = (np.nan_to_num(matrix[:, 0] * matrix[:, 1]) + (matrix[:, 3] == 2) + rng.normal(size=500) > 0).astype(int)
    types = ["float", "float", "float", "c"]
    seen = xgboost.DMatrix(matrix, target, feature_types=types, enable_categorical=True)
    settings = {"objective": "binary:logistic", "max_depth": depth, "learning_rate": 0.3, "max_cat_to_onehot": 3}
    return xgboost.train(settings, seen, rounds), matrix, types


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_they_are_those_of_xgboost(depth: int) -> None:
    booster, matrix, types = grown(depth)
    theirs = booster.predict(xgboost.DMatrix(matrix, feature_types=types, enable_categorical=True), pred_contribs=True)
    ours = Shapley(read_xgboost(bytes(booster.save_raw("json")))).values(matrix)
    # Theirs are sums in float32.
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_they_add_up_to_the_margin() -> None:
    booster, matrix, types = grown(3)
    margin = booster.predict(xgboost.DMatrix(matrix, feature_types=types, enable_categorical=True), output_margin=True)
    ours = Shapley(read_xgboost(bytes(booster.save_raw("json")))).values(matrix)
    np.testing.assert_allclose(ours.sum(axis=1), margin, atol=1e-5)


def test_one_tree_by_the_definition() -> None:
    booster, matrix, _ = grown(3, rounds=1)
    forest = read_xgboost(bytes(booster.save_raw("json")))
    row = forest.extended(matrix)[0]
    own = [*range(forest.columns), *(column for column, _ in forest.marks)]

    def expected(node: int, known: set[int]) -> float:
        if forest.left[node] == node:
            return float(forest.threshold[node])
        left, right, feature = forest.left[node], forest.right[node], forest.feature[node]
        if own[feature] in known:
            goes = forest.missing_left[node] if np.isnan(row[feature]) else row[feature] < forest.threshold[node]
            return expected(left if goes else right, known)
        share = forest.cover[left] / forest.cover[node]
        return share * expected(left, known) + (1 - share) * expected(right, known)

    found = Shapley(forest).values(matrix[:1])[0]
    for column in range(4):
        others = [other for other in range(4) if other != column]
        value = 0.0
        for size in range(4):
            weight = factorial(size) * factorial(3 - size) / factorial(4)
            for some in combinations(others, size):
                value += weight * (expected(0, {*some, column}) - expected(0, {*some}))
        assert found[column] == pytest.approx(value, abs=1e-6)
    assert found[-1] == pytest.approx(forest.base + expected(0, set()), abs=1e-6)
