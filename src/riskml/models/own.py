"""Classifier of scikit-learn that a user adds as a family of models, fitted on a raw table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from riskml.base import RiskEstimator
from riskml.errors import ConfigError, FitError
from riskml.models.family import directions
from riskml.models.tree import by_event_rate
from riskml.runtime.estimator import Estimator
from riskml.runtime.frame import columns as read_columns

_BACKGROUND = 16  # training rows against which reasons are measured


@dataclass(eq=False, repr=False)
class OwnModel(RiskEstimator):
    """A classifier or pipeline of scikit-learn.

    Parameters
    ----------
    estimator : classifier or pipeline of scikit-learn
        Unfitted, with ``predict_proba``; see `riskml.models.Family` on what it gets.
    params : mapping, optional
        Its parameters that differ.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where a numeric column rises, for a classifier with ``monotonic_cst``.

    Raises
    ------
    ConfigError
        When a direction is declared that the classifier cannot keep to.
    FitError
        When a predicted probability is not a number.
    """

    estimator: Any = None
    params: Mapping[str, Any] | None = None
    monotone: Mapping[str, str] | None = None
    random_state: int = 0
    model_: Estimator = field(init=False)

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the classifier; the greater class of y is the event."""
        frame = self._learn_schema(X)
        target = self._learn_target(frame, y)
        kinds: dict[str, str] = {column.name: column.kind for column in self.schema_}
        columns = read_columns(frame, kinds)
        fitted = clone(self.estimator).set_params(**(self.params or {}))
        own = fitted.get_params()
        seeds = [name for name in own if name.split("__")[-1] == "random_state" and own[name] is None]
        fitted.set_params(**dict.fromkeys(seeds, self.random_state))
        if self.monotone:
            if "monotonic_cst" not in own:
                raise ConfigError(
                    f"{type(fitted).__name__} cannot keep to a declared direction of {', '.join(self.monotone)}",
                    where="monotone",
                    fix="leave the family out, or use a classifier with monotonic_cst",
                )
            fitted.set_params(monotonic_cst=directions(self.schema_, self.monotone))
        encoding, fill = None, tuple[float | None, ...]()
        if not isinstance(fitted, Pipeline):
            encoding = by_event_rate(frame, target, self.schema_)
            matrix = encoding.matrix(columns)
            if not get_tags(fitted).input_tags.allow_nan:
                fill = tuple(_median(values) for values in matrix.T)
        draw = np.random.default_rng(self.random_state)
        rows = np.sort(draw.choice(len(frame), min(_BACKGROUND, len(frame)), replace=False))
        background = {name: tuple(values[rows].tolist()) for name, values in columns.items()}
        # A share of events of 0 or 1 is less sure than any log-odds say: half a row of the other class is added.
        floor = 0.5 / (len(frame) + 1)
        self.model_ = Estimator(kinds, encoding, fill, floor, background, fitted)
        fitted.fit(self.model_.table(columns), target)
        head = {name: values[:100] for name, values in columns.items()}
        try:
            self.model_.margin(head)
        except ValueError as error:
            raise FitError(str(error)) from None
        return self


def _median(values: Any) -> float:
    there = values[~np.isnan(values)]
    return float(np.median(there)) if len(there) else 0.0
