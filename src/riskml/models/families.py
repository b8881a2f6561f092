"""Registry of the families of models."""

from __future__ import annotations

import importlib
import inspect
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sklearn.base import BaseEstimator

from riskml.base import RiskEstimator, SpecialValues
from riskml.config.base import first_duplicate
from riskml.errors import ConfigError, did_you_mean
from riskml.models.boosting import FAMILY as BOOSTING
from riskml.models.catboost import FAMILY as CATBOOST
from riskml.models.ebm import FAMILY as EBM
from riskml.models.ensemble import FAMILY as BLEND
from riskml.models.family import Direction, Family
from riskml.models.lightgbm import FAMILY as LIGHTGBM
from riskml.models.logistic import FAMILY as LOGISTIC
from riskml.models.own import OwnModel
from riskml.models.scorecard import FAMILY as SCORECARD
from riskml.models.tree import FAMILY as TREE
from riskml.runtime.estimator import untrusted

Select = Literal["best", "one_se", "interpretable"]
FAMILIES: dict[str, Family] = {
    family.name: family for family in (SCORECARD, LOGISTIC, TREE, BOOSTING, EBM, LIGHTGBM, CATBOOST)
}
ALL_FAMILIES: dict[str, Family] = {**FAMILIES, BLEND.name: BLEND}
_BUILT_IN = frozenset(ALL_FAMILIES)
_COPIES: dict[str, Path] = {}  # of files that define families, in the folder of the open run
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


def check_families(
    entries: Sequence[str | Family], select: str = "best", where: str = "families", *, exported: bool = False
) -> list[str]:
    """Return the families' names.

    Refused are families that are unknown or not installed, or that a blend, the rule of selection or a package cannot
    use.
    """
    families = [known_family(entry, where) for entry in entries]
    names = [family.name for family in families]
    for family in families:
        _require(family, where)
        if exported:
            check_exportable(family, where)
    if first_duplicate(names):
        raise ConfigError(f"two families are called {first_duplicate(names)!r}", where=where)
    if not names:
        raise ConfigError("no family is named", where=where, fix=f"choose some of {', '.join(ALL_FAMILIES)}")
    if BLEND.name in names and len(names) < 3:
        raise ConfigError("a blend needs at least two other families", where=where, fix="name more families")
    readable = [name for name, family in FAMILIES.items() if family.interpretable]
    if select == "interpretable" and not {*readable} & {*names}:
        raise ConfigError(f"select='interpretable' needs one of {', '.join(readable)}", where=where)
    return names


def known_family(entry: str | Family, where: str) -> Family:
    """Return the family of a name, of ``file_or_module:factory``, or as it is; one's own is registered by its name."""
    if isinstance(entry, str):
        if entry in ALL_FAMILIES:
            return ALL_FAMILIES[entry]
        place, colon, factory = entry.rpartition(":")
        if not colon:
            hint = did_you_mean(entry, ALL_FAMILIES) or f"families are {', '.join(ALL_FAMILIES)}"
            raise ConfigError(f"unknown family {entry!r}", where=where, fix=f"{hint}; or my_models.py:factory")
        entry = _made(place, factory, where)
    elif not isinstance(entry, Family):
        raise ConfigError(f"a family is a name or a riskml.Family; got {type(entry).__name__}", where=where)
    if entry.name in _BUILT_IN and ALL_FAMILIES[entry.name] is not entry:
        raise ConfigError(f"the family {entry.name!r} is built in", where=where, fix="give your own another name")
    FAMILIES[entry.name] = ALL_FAMILIES[entry.name] = entry
    return entry


def use_copy(file: Path, copy: Path) -> None:
    """Load the families of a file from its copy in a run's folder."""
    _COPIES[str(file)] = copy


def _made(place: str, factory: str, where: str) -> Family:
    """Return the family that a function or a variable of a Python file or module is, or returns."""
    place = str(_COPIES.get(place, place))
    try:
        names = runpy.run_path(place) if place.endswith(".py") else vars(importlib.import_module(place))
    except Exception as error:
        raise ConfigError(f"{place} cannot be imported: {type(error).__name__}: {error}", where=where) from None
    if factory not in names:
        public = [name for name in names if not name.startswith("_")]
        raise ConfigError(f"{place} defines no {factory!r}", where=where, fix=did_you_mean(factory, public))
    made = names[factory]
    if not isinstance(made, Family | BaseEstimator) or inspect.isclass(made):
        try:
            made = made()
        except Exception as error:
            line = f"{place}:{factory} fails: {type(error).__name__}: {error}"
            raise ConfigError(line, where=where) from None
    if isinstance(made, Family):
        return made
    if isinstance(made, BaseEstimator):
        return Family(factory, made)
    raise ConfigError(
        f"{place}:{factory} returns {type(made).__name__}",
        where=where,
        fix="return a riskml.Family, or a classifier of scikit-learn",
    )


def check_exportable(family: Family, where: str) -> None:
    """Refuse a family that no package could carry, before time is spent on it."""
    types = untrusted(family.estimator) if isinstance(family.estimator, BaseEstimator) else []
    if types:
        raise ConfigError(
            f"the family {family.name!r} cannot be exported: a package would not load {', '.join(types)}",
            where=where,
            fix="use classes of scikit-learn alone, or compare it outside of a run: RiskClassifier(families=…)",
        )


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
    entry = FAMILIES[family]
    _require(entry)
    if isinstance(entry.estimator, BaseEstimator):
        return OwnModel(entry.estimator, dict(params), monotone or None, random_state)
    facts = {"special_values": special_values, "monotone": monotone or None, "random_state": random_state}
    accepted = inspect.signature(entry.estimator).parameters
    return entry.estimator(**{**{name: value for name, value in facts.items() if name in accepted}, **params})


def parameters(family: str) -> list[str]:
    """Return the parameters of a family that may be fixed."""
    made = estimator(family, {}, special_values=None, random_state=0)
    return sorted(made.estimator.get_params() if isinstance(made, OwnModel) else made.get_params())
