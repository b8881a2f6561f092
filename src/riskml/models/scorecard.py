"""The scorecard as a family of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from riskml.base import SpecialValues
from riskml.models.family import Direction, Family
from riskml.scorecard import Scorecard


def scorecard(
    special_values: SpecialValues | None = None, monotone: Mapping[str, Direction] | None = None, **params: Any
) -> Scorecard:
    """Return an unfitted scorecard whose bins follow the directions; overrides of a column take precedence."""
    manual = params.get("overrides") or {}
    trends = {name: {"monotonic": direction} for name, direction in (monotone or {}).items()}
    overrides = {name: {**trends.get(name, {}), **manual.get(name, {})} for name in {**trends, **manual}}
    return Scorecard(special_values=special_values, **{**params, "overrides": overrides or None})


FAMILY = Family(
    "scorecard",
    label="the scorecard",
    description="a points scorecard: each column is cut into bins, each bin has fixed points, and the points are added",
    colour="#0072b2",
    estimator=scorecard,
    space={
        "max_bins": IntDistribution(4, 12),
        "min_bin_size": FloatDistribution(0.02, 0.1, log=True),
        "smoothing": FloatDistribution(5.0, 80.0, log=True),
        "flexibility": FloatDistribution(0.02, 0.5, log=True),
        "C": FloatDistribution(0.02, 5.0, log=True),
    },
    defaults={"max_bins": 10, "min_bin_size": 0.03, "smoothing": 20.0, "flexibility": 0.2, "C": 0.3},
    complexity=1,
    interpretable=True,
    time_share=0.2,
)
