"""Family of models: estimator, search space and description in one entry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from optuna.distributions import BaseDistribution, CategoricalDistribution
from sklearn.base import BaseEstimator, ClassifierMixin

from riskml.base import RiskEstimator
from riskml.errors import ConfigError, did_you_mean
from riskml.schema import Schema

Direction = Literal["ascending", "descending"]


@dataclass(frozen=True, eq=False)
class Family:
    """A family of models: what the search, the leaderboard and the report know of it.

    Parameters
    ----------
    name : str
        Name in an experiment file and in every table.
    estimator : callable or classifier of scikit-learn
        A callable returns an unfitted estimator of riskml; it gets the parameters of a trial and, as far as its
        signature names them, ``special_values``, ``monotone`` and ``random_state``. A `Pipeline` gets the raw table:
        numbers as float64, levels as text, missing as NaN. Any other classifier gets numbers alone: levels in order
        of their event rate, and medians for missing values where it takes none.
    space : mapping of parameter to distribution
        Hyperparameters to search, as Optuna's distributions. Without any, there is one trial.
    label : str
        Name in a sentence, such as "the decision tree"; by default the name.
    description : str
        One line on how it works.
    colour : str
        Hexadecimal colour of its lines and bars.
    defaults : mapping of parameter to value
        Settings of the first trial; by default the classifier's own, where the space holds them.
    starts : sequence of mappings
        Settings of the trials after the first, before the sampler proposes any; what they leave out is as in
        ``defaults``.
    complexity : int
        Rank of how hard it is to explain; lower is simpler.
    interpretable : bool
        Whether a person can read the whole model.
    time_share : float
        Share of the time budget, relative to the competing families.
    search_overrides : mapping of parameter to value
        Parameters that differ during the search, to make trials cheap.
    bags : int
        Number of models that the final fit averages, each with early stopping on other rows.
    n_averaged : int
        Number of settings that the final model averages, the best ones. More than one protects the model from a setting
        that was the best by chance.
    early_stopping : bool
        Whether a fit holds out rows for early stopping, and so needs two rows of each class.
    recalibrate : bool
        Whether its log-odds are recalibrated where the out-of-fold rows show a need.
    library : str
        Module that fits it.
    extra : bool
        Whether the library comes with the extra of the family's name, ``riskml[name]``.
    """

    name: str
    estimator: Callable[..., RiskEstimator] | ClassifierMixin
    space: Mapping[str, BaseDistribution] = field(default_factory=dict)
    label: str = ""
    description: str = ""
    colour: str = "#8c564b"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    starts: Sequence[Mapping[str, Any]] = ()
    complexity: int = 5
    interpretable: bool = False
    time_share: float = 0.5
    search_overrides: Mapping[str, Any] = field(default_factory=dict)
    bags: int = 1
    n_averaged: int = 1
    early_stopping: bool = False
    recalibrate: bool = False
    library: str = ""
    extra: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ConfigError(
                f"the family {self.name!r} needs another name",
                where="families",
                fix="lower case, digits and underscores",
            )
        object.__setattr__(self, "label", self.label or self.name)
        if not isinstance(self.estimator, BaseEstimator):
            return
        where, kind = f"family {self.name!r}", type(self.estimator).__name__
        if not hasattr(self.estimator, "predict_proba"):
            raise ConfigError(
                f"{kind} has no predict_proba", where=where, fix="wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        params = self.estimator.get_params()
        for name, distribution in self.space.items():
            if name not in params:
                raise ConfigError(
                    f"{kind} has no parameter {name!r}", where=where, fix=did_you_mean(name, list(params))
                )
            if not isinstance(distribution, BaseDistribution):
                raise ConfigError(
                    f"space of {name!r}: expected a distribution of Optuna, got {type(distribution).__name__}",
                    where=where,
                    fix="such as optuna.distributions.IntDistribution(2, 8)",
                )
        object.__setattr__(self, "description", self.description or f"{kind}, a model of one's own")
        object.__setattr__(
            self, "defaults", {**{n: _start(d, params[n]) for n, d in self.space.items()}, **self.defaults}
        )

    @property
    def package(self) -> str:
        """The package of its library; empty for a family that needs none."""
        return self.library.partition(".")[0]

    @property
    def installed(self) -> bool:
        """Whether its library can be imported."""
        return not self.package or find_spec(self.package) is not None


def _start(distribution: BaseDistribution, value: Any) -> Any:
    """Return a parameter's value, or another one of its distribution where that does not hold it."""
    with suppress(TypeError, ValueError):
        if distribution._contains(distribution.to_internal_repr(value)):
            return value
    return distribution.choices[0] if isinstance(distribution, CategoricalDistribution) else distribution.low  # type: ignore[attr-defined]


_SIGNS = {"ascending": 1, "descending": -1}


def directions(schema: Schema, monotone: Mapping[str, str]) -> list[int]:
    """Return 1, -1 or 0 for each column: the risk may not fall, may not rise, or may do either."""
    known = {column.name: column for column in schema}
    for name, direction in monotone.items():
        if name not in known:
            raise ConfigError(f"no column is called {name!r}", where="monotone", fix=did_you_mean(name, list(known)))
        if known[name].kind != "numeric":
            raise ConfigError(
                f"column {name!r} is categorical: it has no order for the risk to follow",
                where="monotone",
                fix="leave it out, or make it numeric",
            )
        if not isinstance(direction, str) or direction not in _SIGNS:
            raise ConfigError(f"{direction!r} is no direction", where=f"monotone.{name}", fix="ascending or descending")
    return [_SIGNS.get(monotone.get(column.name, ""), 0) for column in schema]
