"""Blend: the families' log-odds with non-negative weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from riskml.base import RiskEstimator
from riskml.models.family import Family
from riskml.runtime.boosted import Boosted
from riskml.runtime.frame import Floats
from riskml.runtime.model import Blend, Model
from riskml.schema import Schema


class FittedBlend(RiskEstimator):
    """A model made of fitted ones; `RiskClassifier` makes it."""

    def __init__(self, model: Model | None = None, schema: Schema | None = None) -> None:
        self.model = model
        self.schema = schema

    @classmethod
    def like(cls, learned: RiskEstimator, model: Model) -> FittedBlend:
        """Return a model that reads what an estimator has learned to read."""
        blend = cls(model, learned.schema_)
        blend.model_, blend.schema_, blend.classes_ = model, learned.schema_, learned.classes_
        blend.n_features_in_ = learned.n_features_in_
        if hasattr(learned, "feature_names_in_"):
            blend.feature_names_in_ = learned.feature_names_in_
        return blend


def averaged(estimators: Sequence[RiskEstimator]) -> RiskEstimator:
    """Return the mean of some estimators' log-odds, all fitted on the same rows; a single one as it is."""
    models = [one.model_ for one in estimators]
    if len(models) == 1:
        return estimators[0]
    boosted = [model for model in models if isinstance(model, Boosted)]
    if len(boosted) == len(models):
        # As many bags of each, and the same numbers for levels: one model of all of them is their mean.
        boosters = tuple(booster for model in boosted for booster in model.boosters)
        return FittedBlend.like(estimators[0], type(boosted[0])(boosted[0].encoding, boosters))
    return FittedBlend.like(estimators[0], Blend(0.0, (1.0 / len(models),) * len(models), tuple(models)))


@dataclass(frozen=True)
class Weights:
    """Weights of a blend: ``margin = intercept + margins @ weights``."""

    intercept: float
    weights: Floats

    def margin(self, margins: Floats) -> Floats:
        """Return the blend's log-odds, shape (n,), from the families', shape (n, k)."""
        return np.asarray(self.intercept + margins @ self.weights)


def blend_weights(margins: Floats, target: NDArray[np.int8], shrinkage: float = 0.02) -> Weights:
    """Return the non-negative weights of least log loss."""
    rows, count = margins.shape
    equal = np.full(count, 1.0 / count)

    def loss(free: Floats) -> tuple[float, Floats]:
        margin = free[0] + margins @ free[1:]
        away = free[1:] - equal
        value = np.mean(np.logaddexp(0.0, margin) - target * margin) + shrinkage * away @ away / 2
        residual = (expit(margin) - target) / rows
        return float(value), np.concatenate([[residual.sum()], margins.T @ residual + shrinkage * away])

    bounds = [(None, None)] + [(0.0, None)] * count
    solution = minimize(loss, np.concatenate([[0.0], equal]), jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-10)
    return Weights(float(solution.x[0]), np.asarray(solution.x[1:]))


FAMILY = Family(
    "blend",
    label="the blend",
    description="a weighted blend of the other families, on the log-odds scale",
    colour="#cc79a7",
    estimator=FittedBlend,
    space={},
    defaults={},
    complexity=7,
    interpretable=False,
    time_share=0.0,
)
