"""Family of models: estimator, search space and description in one entry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from optuna.distributions import BaseDistribution

from riskml.base import RiskEstimator, SpecialValues
from riskml.errors import ConfigError, did_you_mean
from riskml.schema import Schema

Direction = Literal["ascending", "descending"]


@dataclass(frozen=True)
class Family:
    """A family of models: what the search, the leaderboard and the report know of it.

    Parameters
    ----------
    name : str
        Name in an experiment file and in every table.
    label : str
        Name in a sentence, such as "the decision tree".
    description : str
        One line on how it works.
    colour : str
        Hexadecimal colour of its lines and bars.
    estimator : callable
        Returns an unfitted estimator. It gets the parameters of a trial and, as far as its signature names them,
        ``special_values``, ``monotone`` and ``random_state``.
    search_space : mapping of parameter to distribution
        Hyperparameters to search, as Optuna's distributions.
    defaults : mapping of parameter to value
        Settings of the first trial.
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
        Number of settings that the final model averages: the defaults and the best others. More than one protects the
        model from a setting that was the best by chance.
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
    label: str
    description: str
    colour: str
    estimator: Callable[..., RiskEstimator]
    search_space: Mapping[str, BaseDistribution]
    defaults: Mapping[str, Any]
    complexity: int
    interpretable: bool
    time_share: float
    search_overrides: Mapping[str, Any] = field(default_factory=dict)
    bags: int = 1
    n_averaged: int = 1
    early_stopping: bool = False
    recalibrate: bool = False
    library: str = ""
    extra: bool = False

    @property
    def package(self) -> str:
        """The package of its library; empty for a family that needs none."""
        return self.library.partition(".")[0]

    @property
    def installed(self) -> bool:
        """Whether its library can be imported."""
        return not self.package or find_spec(self.package) is not None

    def make(
        self,
        params: Mapping[str, Any],
        *,
        special_values: SpecialValues | None = None,
        monotone: Mapping[str, Direction] | None = None,
        random_state: int = 0,
    ) -> RiskEstimator:
        """Return an unfitted estimator with some parameters."""
        facts = {"special_values": special_values, "monotone": monotone or None, "random_state": random_state}
        accepted = inspect.signature(self.estimator).parameters
        return self.estimator(**{**{name: value for name, value in facts.items() if name in accepted}, **params})


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
