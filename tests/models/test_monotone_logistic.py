"""Logistic regression whose values keep to an order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from riskml.errors import FitError
from riskml.models.logistic import Logistic, ordered_logistic


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(3)
    matrix = draw.random((400, 6))
    target = (draw.random(400) < 1 / (1 + np.exp(1 - matrix @ [1.0, -2.0, 1.5, 0.0, 1.0, -1.0]))).astype(np.int8)
    return matrix, target


def test_without_an_order_it_is_scikit_learns_logistic_regression(rows):
    matrix, target = rows
    theirs = LogisticRegression(C=0.7, solver="newton-cg", tol=1e-10).fit(matrix, target)
    ours = ordered_logistic(sparse.csr_matrix(matrix), target, 0.7)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_[0], atol=1e-5)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_with_an_order_it_is_what_a_general_solver_finds(rows, sign):
    matrix, target = rows

    def loss(free):
        margin = free[0] + matrix @ free[1:]
        return np.sum(np.logaddexp(0, margin) - target * margin) + free[1:] @ free[1:] / 1.4

    order = [{"type": "ineq", "fun": lambda free, k=k: sign * (free[k + 1] - free[k])} for k in range(2, 5)]
    theirs = minimize(loss, np.zeros(7), constraints=order, method="SLSQP", options={"ftol": 1e-12, "maxiter": 500})
    ours = ordered_logistic(sparse.csr_matrix(matrix), target, 0.7, [(slice(1, 5), sign)])
    np.testing.assert_allclose(ours.coefficients, theirs.x[1:], atol=1e-3)
    assert (sign * np.diff(ours.coefficients[1:5]) >= 0).all()


def test_too_few_iterations_are_told(rows):
    matrix, target = rows
    with pytest.raises(FitError, match="not converged in 1 iterations"):
        ordered_logistic(sparse.csr_matrix(matrix), target, 0.7, max_iter=1)


def test_a_knot_between_clusters_of_values_keeps_the_order():
    draw = np.random.default_rng(0)
    x = np.repeat([0.0, 1.0, 100.0], [100, 60, 100])
    target = (draw.random(260) < np.where(x == 100, 0.7, np.where(x == 1, 0.3, 0.25))).astype(int)
    model = Logistic(knots=5, monotone={"x": "ascending"}).fit(pd.DataFrame({"x": x}), target)
    grid = pd.DataFrame({"x": np.linspace(-5.0, 120.0, 300)})
    assert (np.diff(model.decision_function(grid)) >= 0).all()


def test_an_order_that_the_data_follow_anyway_changes_little():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"debt": draw.normal(size=2000), "age": draw.normal(size=2000)})
    target = (frame["debt"] * 2 - frame["age"] + draw.logistic(size=2000) > 0).astype(int)
    free = Logistic(C=0.1).fit(frame, target)
    told = Logistic(C=0.1, monotone={"debt": "ascending", "age": "descending"}).fit(frame, target)
    np.testing.assert_allclose(told.decision_function(frame), free.decision_function(frame), atol=0.05)
