"""The families that compete: what each is, how it is searched, and how simple it is to explain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from riskml.base import RiskEstimator, SpecialValues
from riskml.errors import ConfigError

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Real:
    """A real number between two bounds."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: Sequence[str | int | float | bool | None]


Space = Mapping[str, Whole | Real | Choice]
Direction = Literal["ascending", "descending"]


@dataclass(frozen=True)
class Family:
    """One way of modelling.

    Parameters
    ----------
    space : Space
        The hyperparameters that are searched.
    start : mapping
        The good defaults that the search begins with.
    while_searching : mapping
        What differs while trials are compared, to make them cheap.
    bags : int
        Models that one fit averages in the end, each stopped by rows of its own.
    averaged : int
        Settings that the final model averages: the start and the best others. More than one keeps the model from
        following what was best by chance alone, where models can be joined without a reader losing by it.
    sets_aside : bool
        Whether a fit sets rows of its own aside, so that it needs two rows of each class.
    needs : str
        The module that fits it, where it comes with an extra of the family's name; "" where it is always there.
    simplicity : int
        Rank for the choice of the simplest: lower is simpler to explain.
    interpretable : bool
        Whether a person can read the model whole.
    share : float
        Share of the time budget, before it is scaled to the families that compete.
    """

    name: str
    space: Space
    start: Mapping[str, Any]
    simplicity: int
    interpretable: bool
    share: float
    while_searching: Mapping[str, Any] = field(default_factory=dict)
    bags: int = 1
    averaged: int = 1
    sets_aside: bool = False
    needs: str = ""


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            "scorecard",
            space={
                "max_bins": Whole(4, 12),
                "min_bin_size": Real(0.02, 0.1, log=True),
                "smoothing": Real(5.0, 80.0, log=True),
                "flexibility": Real(0.02, 0.5, log=True),
                "C": Real(0.02, 5.0, log=True),
            },
            start={"max_bins": 10, "min_bin_size": 0.03, "smoothing": 20.0, "flexibility": 0.2, "C": 0.3},
            simplicity=1,
            interpretable=True,
            share=0.2,
        ),
        Family(
            "logistic",
            space={"knots": Whole(3, 12), "C": Real(0.02, 20.0, log=True), "min_level_count": Whole(5, 50, log=True)},
            start={"knots": 6, "C": 0.5, "min_level_count": 10},
            simplicity=2,
            interpretable=True,
            share=0.2,
        ),
        Family(
            "tree",
            space={
                "max_depth": Whole(2, 6),
                "min_leaf_share": Real(0.005, 0.05, log=True),
                "smoothing": Real(1.0, 50.0, log=True),
            },
            start={"max_depth": 5, "min_leaf_share": 0.02, "smoothing": 5.0},
            simplicity=0,
            interpretable=True,
            share=0.1,
        ),
        Family(
            "boosting",
            space={
                "max_depth": Whole(1, 7),
                "learning_rate": Real(0.03, 0.2, log=True),
                "min_child_weight": Real(1.0, 50.0, log=True),
                "subsample": Real(0.5, 1.0),
                "colsample_bytree": Real(0.3, 1.0),
                "reg_lambda": Real(0.5, 50.0, log=True),
                "gamma": Real(1e-3, 5.0, log=True),
                # Levels up to this many are split off one by one; sets of levels overfit where they are many.
                "max_cat_to_onehot": Choice((8, 100)),
            },
            start={
                "max_depth": 3,
                "learning_rate": 0.08,
                "min_child_weight": 5.0,
                "subsample": 0.8,
                "colsample_bytree": 0.6,
                "reg_lambda": 5.0,
                "gamma": 1e-3,
                "max_cat_to_onehot": 100,
            },
            simplicity=4,
            interpretable=False,
            share=0.5,
            while_searching={"bags": 1},
            bags=5,
            averaged=3,
            sets_aside=True,
        ),
        Family(
            "ebm",
            space={
                "interactions": Choice((0, "1x", "3x")),
                "learning_rate": Real(0.01, 0.08, log=True),
                "max_leaves": Whole(2, 4),
                "min_samples_leaf": Whole(2, 50, log=True),
                "smoothing_rounds": Whole(10, 500, log=True),
            },
            start={
                "interactions": "3x",
                "learning_rate": 0.03,
                "max_leaves": 2,
                "min_samples_leaf": 4,
                "smoothing_rounds": 75,
            },
            simplicity=3,
            interpretable=True,
            share=0.4,
            while_searching={"bags": 2},
            bags=8,
            sets_aside=True,
            needs="interpret",
        ),
        Family(
            "lightgbm",
            space={
                "num_leaves": Whole(4, 63, log=True),
                "learning_rate": Real(0.03, 0.2, log=True),
                "min_child_samples": Whole(5, 100, log=True),
                "min_child_weight": Real(0.1, 20.0, log=True),
                "subsample": Real(0.5, 1.0),
                "colsample_bytree": Real(0.3, 1.0),
                "reg_lambda": Real(0.5, 50.0, log=True),
            },
            start={
                "num_leaves": 15,
                "learning_rate": 0.05,
                "min_child_samples": 20,
                "min_child_weight": 1.0,
                "subsample": 0.8,
                "colsample_bytree": 0.6,
                "reg_lambda": 5.0,
            },
            simplicity=4,
            interpretable=False,
            share=0.5,
            while_searching={"bags": 1},
            bags=5,
            averaged=3,
            sets_aside=True,
            needs="lightgbm",
        ),
        Family(
            "catboost",
            space={
                "depth": Whole(2, 8),
                "learning_rate": Real(0.03, 0.2, log=True),
                "l2_leaf_reg": Real(0.5, 50.0, log=True),
                "random_strength": Real(0.1, 10.0, log=True),
                "subsample": Real(0.5, 1.0),
                "rsm": Real(0.3, 1.0),
            },
            start={
                "depth": 5,
                "learning_rate": 0.08,
                "l2_leaf_reg": 5.0,
                "random_strength": 1.0,
                "subsample": 0.8,
                "rsm": 0.8,
            },
            simplicity=4,
            interpretable=False,
            share=0.5,
            while_searching={"bags": 1},
            bags=5,
            averaged=3,
            sets_aside=True,
            needs="catboost",
        ),
    )
}


def simplicity(name: str) -> int:
    """Return a family's rank by how simple it is to explain: lower is simpler; a blend comes last."""
    return FAMILIES[name].simplicity if name in FAMILIES else len(FAMILIES)


def refuse_absent(families: Iterable[str]) -> None:
    """Refuse families whose library is not installed."""
    for name in families:
        needs = FAMILIES[name].needs if name in FAMILIES else ""
        if needs and find_spec(needs) is None:
            raise ConfigError(
                f"the family {name!r} needs {needs}, which is not installed",
                where="families",
                fix=f"pip install riskml[{name}], or leave it out",
            )


def estimator(
    family: str,
    params: Mapping[str, Any],
    *,
    special_values: SpecialValues | None,
    monotone: Mapping[str, Direction] | None = None,
    random_state: int,
) -> RiskEstimator:
    """Return an unfitted estimator of a family.

    Parameters
    ----------
    params : mapping
        Its hyperparameters.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where the column rises. All keep to it.

    Raises
    ------
    ConfigError
        When the family's library is not installed.
    """
    refuse_absent([family])
    monotone = monotone or {}
    if family == "scorecard":
        from riskml.scorecard import Scorecard

        by_hand = params.get("overrides") or {}
        trends = {name: {"monotonic": direction} for name, direction in monotone.items()}
        overrides = {name: {**trends.get(name, {}), **by_hand.get(name, {})} for name in {**trends, **by_hand}}
        return Scorecard(special_values=special_values, **{**params, "overrides": overrides or None})
    if family == "logistic":
        from riskml.models.logistic import Logistic

        return Logistic(special_values=special_values, **{"monotone": monotone or None, **params})
    module, name = _GROWN[family]
    made: RiskEstimator = getattr(import_module(module), name)(
        random_state=random_state, **{"monotone": monotone or None, **params}
    )
    return made


# Families that are told of a seed and of directions, each imported where it is used.
_GROWN = {
    "tree": ("riskml.models.tree", "RiskTree"),
    "boosting": ("riskml.models.boosting", "RiskBooster"),
    "ebm": ("riskml.models.ebm", "RiskEBM"),
    "lightgbm": ("riskml.models.lightgbm", "RiskLightGBM"),
    "catboost": ("riskml.models.catboost", "RiskCatBoost"),
}


def suggest(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """Return the hyperparameters that a trial tries."""
    return {name: _suggest(trial, name, what) for name, what in space.items()}


def _suggest(trial: optuna.Trial, name: str, what: Whole | Real | Choice) -> Any:
    if isinstance(what, Whole):
        return trial.suggest_int(name, what.low, what.high, log=what.log)
    if isinstance(what, Real):
        return trial.suggest_float(name, what.low, what.high, log=what.log)
    return trial.suggest_categorical(name, what.values)
