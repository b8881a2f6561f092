"""Registry of the families of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from riskml.base import RiskEstimator, SpecialValues
from riskml.errors import ConfigError, did_you_mean
from riskml.models.boosting import FAMILY as BOOSTING
from riskml.models.catboost import FAMILY as CATBOOST
from riskml.models.ebm import FAMILY as EBM
from riskml.models.ensemble import FAMILY as BLEND
from riskml.models.family import Direction, Family
from riskml.models.lightgbm import FAMILY as LIGHTGBM
from riskml.models.logistic import FAMILY as LOGISTIC
from riskml.models.scorecard import FAMILY as SCORECARD
from riskml.models.tree import FAMILY as TREE

Select = Literal["best", "one_se", "interpretable"]
FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (SCORECARD, LOGISTIC, TREE, BOOSTING, EBM, LIGHTGBM, CATBOOST)
}
ALL_FAMILIES: Mapping[str, Family] = {**FAMILIES, BLEND.name: BLEND}
DEFAULT_FAMILIES = tuple(name for name, family in ALL_FAMILIES.items() if not family.extra)
_OTHER_COLOUR = "#4d4d4d"  # of models from other tools


def family_label(name: str) -> str:
    """Return the name of a family in a sentence."""
    return ALL_FAMILIES[name].label if name in ALL_FAMILIES else name


def family_colour(name: str) -> str:
    """Return the colour of a family; models of other tools are grey."""
    return ALL_FAMILIES[name].colour if name in ALL_FAMILIES else _OTHER_COLOUR


def complexity(name: str) -> int:
    """Return the rank of a family by how simple it is to explain; lower is simpler."""
    return ALL_FAMILIES[name].complexity if name in ALL_FAMILIES else BLEND.complexity


def check_families(names: Sequence[str], select: str = "best", where: str = "families") -> None:
    """Refuse families that are unknown or not installed, or that a blend or the rule of selection cannot use."""
    for name in names:
        _require(known_family(name, where), where)
    if not names:
        raise ConfigError("no family is named", where=where, fix=f"choose some of {', '.join(ALL_FAMILIES)}")
    if BLEND.name in names and len(names) < 3:
        raise ConfigError("a blend needs at least two other families", where=where, fix="name more families")
    readable = [name for name, family in FAMILIES.items() if family.interpretable]
    if select == "interpretable" and not {*readable} & {*names}:
        raise ConfigError(f"select='interpretable' needs one of {', '.join(readable)}", where=where)


def known_family(name: str, where: str) -> Family:
    """Return the family of a name; a ConfigError with the nearest name where there is none."""
    if name in ALL_FAMILIES:
        return ALL_FAMILIES[name]
    hint = did_you_mean(str(name), ALL_FAMILIES) or f"families are {', '.join(ALL_FAMILIES)}"
    raise ConfigError(f"unknown family {name!r}", where=where, fix=hint)


def _require(family: Family, where: str = "families") -> None:
    if not family.installed:
        raise ConfigError(
            f"the family {family.name!r} needs {family.package}, which is not installed",
            where=where,
            fix=f"pip install riskml[{family.name}], or leave it out",
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
        Direction of the risk as the column rises; every family obeys it.

    Raises
    ------
    ConfigError
        If the library of the family is not installed.
    """
    _require(FAMILIES[family])
    return FAMILIES[family].make(params, special_values=special_values, monotone=monotone, random_state=random_state)
