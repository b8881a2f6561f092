"""Classifier that compares families on the same folds, and refits the best one."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator, StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from riskml.base import RiskEstimator, SpecialValues
from riskml.errors import ConfigError, FitError, InputError
from riskml.models.calibration import needed, platt
from riskml.models.ensemble import FittedBlend, Weights, blend_weights
from riskml.models.families import DEFAULT_FAMILIES, FAMILIES, Select, check_families, complexity, parameters
from riskml.models.family import Direction, Family, directions
from riskml.models.refit import end_seconds, fitted, fullest, judged
from riskml.models.search.budget import Budget, reserved, run_searches
from riskml.models.search.cv_task import Task, given_folds
from riskml.models.search.study import Progress, Search, error_line, opened
from riskml.runtime.frame import Floats
from riskml.runtime.model import Blend, probability
from riskml.scorecard.binning.options import column_options, is_number
from riskml.scorecard.binning.periods import one_for_each

_LATE = 0.05  # share of the budget that the end may overrun it by, rather than lose a family that is nearly there


@dataclass(eq=False, repr=False)
class RiskClassifier(RiskEstimator):
    """Compares families of models on the same folds, and predicts with the chosen one.

    Takes a raw frame: numbers, categories, missing values, special codes.

    Parameters
    ----------
    families : sequence of str or Family
        The families that compete: "scorecard", "logistic", "tree", "boosting", "ebm", "lightgbm", "catboost", "blend",
        a `riskml.Family` with a classifier of scikit-learn, or ``"my_models.py:factory"``, a function that returns
        either. A blend needs at least two others; ebm, lightgbm and catboost need the extra of their name, and do not
        compete by default.
    n_trials : int, default=40
        Trials of the hyperparameter search per family at the most.
    time_budget : float, default=120.0
        Seconds for everything at the most. Families that are out of reach are left out with a warning; see
        ``failures_``. A search that the time stops differs from run to run: see ``stopped_by_``.
    select : {"best", "one_se", "interpretable"}, default="best"
        best: the highest cross-validated AUC; one_se: the simplest family within one standard error of it;
        interpretable: the best of scorecard, logistic, tree and ebm.
    cv : int, array of int of shape (n,), or splitter of scikit-learn, default=5
        The folds on which settings and families are compared: their number (stratified), the fold of each row, or a
        splitter that tests each row once, such as ``StratifiedGroupKFold``. Rows that belong together, such as several
        of one customer, belong into one fold: see ``groups`` of `fit`.
    special_values : mapping of column name to codes, optional
        Numbers that are no quantities, such as -1 for "never asked". The scorecard and the logistic give each a
        value of its own; trees split them off by themselves.
    fixed : mapping of family to mapping of parameter to value, optional
        Parameters of a family's estimator that are fixed and not searched, such as
        ``{"scorecard": {"overrides": {"age": {"splits": [25, 40]}}}}``.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where a numeric column rises; every family keeps to it, and a blend of them as well.
    storage : str, optional
        Where the search keeps its trials: an Optuna storage URL, in which ``${NAME}`` is a variable of the environment,
        or the path of a journal file (``.log``). A search that was killed goes on from there, and several processes or
        machines with the same rows, folds and settings share it.
    progress : callable, optional
        Called with a `riskml.models.search.study.Progress` after each trial.

    Attributes
    ----------
    leaderboard_ : DataFrame
        One row per family, best first: family, auc_cv (mean over folds), auc_cv_se (its standard error over folds),
        columns (how many it reads), chosen.
    nested_auc_ : float
        The AUC of the procedure as a whole: on each fold, that of the family which the other folds choose.
    settings_ : dict of family to list of dict
        The settings of its estimator: several where it averages models of several settings.
    weights_ : dict of family to float
        The blend's weights, of the families that have one; empty where no blend competes.
    oof_ : DataFrame of shape (n, families)
        Out-of-fold probabilities of the event.
    trials_ : DataFrame
        The search: family, trial, auc_cv, complete, params (JSON).
    search_seconds_, trial_seconds_ : float
        Of the search as a whole, and of its trials; the difference is its overhead.

    Notes
    -----
    The leaderboard is nested. A trial holds pairs of folds out; a setting's figure on the one of a pair comes from a
    model that has not seen the other one either. The settings that are judged on a fold are the best by those figures
    that know nothing of its rows, and are then fitted on all other folds: taking the best of many trials does not
    flatter a family. The model of all rows has the settings that are best by all figures. Two folds alone cannot be
    nested in this way: each fold's settings are then those that are best on the other one.

    A small dependence remains: the sampler proposes settings, and the pruner gives them up, by figures of all folds;
    and a blend's weights on a fold are found on the other folds' log-odds, which come from models that have seen its
    rows. The choice of the family is one step more: the best of several is flattered. ``nested_auc_`` lets the other
    folds choose the family as well. The final estimate comes from a test set that `fit` never sees.

    Trees and boosting are calibrated (Platt) where out-of-fold log-odds ask for it; a scorecard and a logistic
    regression are fitted to the log loss and need it not.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"debt": rng.normal(size=200), "home": rng.choice(["own", "rent"], size=200)})
    >>> y = (X["debt"] + (X["home"] == "rent") + rng.normal(size=200) > 0.5).astype(int)
    >>> model = RiskClassifier(families=("logistic", "tree"), n_trials=1, cv=3).fit(X, y)
    >>> model.best_family_
    'logistic'
    """

    families: Sequence[str | Family] = DEFAULT_FAMILIES
    n_trials: int = 40
    time_budget: float = 120.0
    select: Select = "best"
    cv: int | Sequence[int] | NDArray[np.int_] | BaseCrossValidator = 5
    special_values: SpecialValues | None = None
    fixed: Mapping[str, Mapping[str, Any]] | None = None
    monotone: Mapping[str, Direction] | None = None
    storage: str | None = None
    progress: Callable[[Progress], None] | None = None
    random_state: int = 0

    def fit(self, X: Any, y: Any, periods: Any = None, groups: Any = None) -> Self:
        """Search, compare, choose and refit.

        Parameters
        ----------
        y : array of shape (n,)
            Two classes; the greater one is the event.
        periods : array of shape (n,), optional
            The period or date of each row: the trends of a scorecard then hold in every period; other families do
            not read them.
        groups : array of shape (n,), optional
            The group of each row, such as the customer: rows of a group are in one fold.

        Raises
        ------
        ConfigError
            When a parameter makes no sense.
        DataError
            When rows or outcomes are not what a fit needs.
        FitError
            When a class is too rare for two folds, or no family can be fitted within the budget.

        Warns
        -----
        UserWarning
            When a family is left out.
        """
        self._check_numbers()
        budget = Budget(self.time_budget)
        names = self._families()
        frame = self._learn_schema(X, self.special_values)
        target = self._learn_target(frame, y)
        periods = None if periods is None else one_for_each(periods, len(frame))
        task = Task(
            frame,
            target,
            self._folds(target, names, groups),
            self.special_values,
            self.random_state,
            self._fixed(frame),
            self._monotone(),
            periods,
        )
        storage = opened(self.storage)
        searches = [Search(FAMILIES[name], task, storage) for name in names if name != "blend"]
        # The work is spread over folds; threads inside each fit would only wait for each other.
        with threadpool_limits(1):
            begun, before = time.monotonic(), sum(search.spent for search in searches)
            stopped = run_searches(searches, self.n_trials, budget, self.progress)
            self.search_seconds_ = time.monotonic() - begun
            self.trial_seconds_ = sum(search.spent for search in searches) - before
            self.failures_ = {search.name: search.reason for search in searches if search.reason}
            inside = [search for search in searches if not search.reason]
            margins = self._finish(inside, task, budget)
        self.weights_: dict[str, float] = {}
        if "blend" in names:
            self._add_blend(margins, task)
        kept = [name for name in names if name in margins]
        self.oof_ = pd.DataFrame({name: probability(margins[name]) for name in kept}, index=frame.index)
        aucs = {name: task.fold_aucs(margins[name]) for name in kept}
        self.leaderboard_ = self._leaderboard(aucs)
        self.nested_auc_ = nested_auc(aucs, self.select)
        self.best_family_ = str(self.leaderboard_.loc[self.leaderboard_["chosen"], "family"].item())
        self.model_ = self.estimators_[self.best_family_].model_
        trials = pd.concat([search.table() for search in inside], ignore_index=True)
        self.trials_ = trials.assign(params=[json.dumps(params) for params in trials["params"]])
        self.stopped_by_ = {search.name: "trials" if search.count >= self.n_trials else stopped for search in inside}
        return self

    def _finish(self, searches: list[Search], task: Task, budget: Budget) -> dict[str, Floats]:
        """Fit each family as fully as the time allows; return log-odds on the folds that judge."""
        margins: dict[str, Floats] = {}
        self.estimators_: dict[str, RiskEstimator] = {}
        self.settings_: dict[str, list[dict[str, Any]]] = {}
        self.calibrated_: list[str] = []
        self.seconds_ = {search.name: search.spent for search in searches}
        # Cheap ones first: what they leave of the time goes to the dear ones.
        order = sorted(searches, key=lambda search: search.family.time_share)
        for place, search in enumerate(order):
            start, name, begun = budget.left, search.name, time.monotonic()
            later = reserved(order[place:], budget)
            spare = start - sum(later.values()) + later[name]
            plan = fullest(search, spare)
            if margins and end_seconds(search, plan) > start + _LATE * budget.seconds:
                self._leave_out(
                    name, f"no time is left to fit it on all rows: it needs {end_seconds(search, plan):.1f} s"
                )
                continue
            try:
                margins[name] = judged(search, plan)
                self.estimators_[name] = fitted(search, plan)
                self.settings_[name] = [dict(one.params) for one in search.leaders.settings(plan.settings)]
            except Exception as error:
                margins.pop(name, None)
                if len(searches) == 1 and isinstance(error, InputError):
                    raise
                self._leave_out(name, error_line(error))
                continue
            if search.family.recalibrate:
                self._calibrate(name, margins, task)
            self.seconds_[name] += time.monotonic() - begun
        if not margins:
            raise FitError("no family could be fitted on all folds", where="; ".join(self.failures_.values()))
        return margins

    def _leave_out(self, name: str, reason: str) -> None:
        self.failures_[name] = reason
        warnings.warn(f"{name} is left out: {reason}", UserWarning, stacklevel=4)

    def _calibrate(self, name: str, margins: dict[str, Floats], task: Task) -> None:
        better = needed(margins[name], task.target, task.fold, task.folds())
        if better is None:
            return
        scaling, estimator = platt(margins[name], task.target), self.estimators_[name]
        estimator.model_ = Blend(scaling.intercept, (scaling.slope,), (estimator.model_,))
        margins[name] = better
        self.calibrated_.append(name)

    def _add_blend(self, margins: dict[str, Floats], task: Task) -> None:
        singles = sorted(margins)
        if len(singles) < 2:
            self._leave_out("blend", "fewer than two other families are left")
            return
        table = np.column_stack([margins[name] for name in singles])
        margins["blend"] = _crossfitted(table, task)
        weights = blend_weights(table, task.target)
        self.estimators_["blend"] = self._blend(weights, singles)
        self.weights_ = {
            name: float(weight) for name, weight in zip(singles, weights.weights, strict=True) if weight > 0
        }

    def _check_numbers(self) -> None:
        if not is_number(self.n_trials, whole=True) or self.n_trials < 1:
            raise ConfigError(f"n_trials must be a whole number from 1; got {self.n_trials!r}", where="n_trials")
        # Without an end is an end too: that of the trials.
        if self.time_budget != np.inf and not (is_number(self.time_budget) and self.time_budget > 0):
            raise ConfigError(
                f"time_budget must be a number of seconds above 0; got {self.time_budget!r}", where="time_budget"
            )
        if not is_number(self.random_state, whole=True) or self.random_state < 0:
            raise ConfigError(
                f"random_state must be a whole number from 0; got {self.random_state!r}", where="random_state"
            )

    def _monotone(self) -> dict[str, Direction]:
        monotone = _mapping(self.monotone, "monotone", "write {'age': 'descending'}")
        directions(self.schema_, monotone)  # refuses what makes no sense
        return monotone

    def _families(self) -> list[str]:
        if isinstance(self.families, str) or not isinstance(self.families, Iterable):
            raise ConfigError(f"families are a list of names; got {self.families!r}", where="families")
        if self.select not in get_args(Select):
            raise ConfigError(f"select must be {' or '.join(get_args(Select))}; got {self.select!r}", where="select")
        return check_families(list(dict.fromkeys(self.families)), self.select)

    def _fixed(self, frame: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
        fixed = _mapping(self.fixed, "fixed", "write {'scorecard': {'max_bins': 5}}")
        for family, params in fixed.items():
            if family not in FAMILIES:
                raise ConfigError(f"unknown family {family!r}; got {list(fixed)}", where="fixed")
            known = parameters(family)
            unknown = [
                name for name in _mapping(params, f"fixed.{family}", "write {'max_bins': 5}") if name not in known
            ]
            if unknown:
                raise ConfigError(
                    f"{family} has no parameter {unknown[0]!r}",
                    where=f"fixed.{family}",
                    fix=f"its parameters are {', '.join(known)}",
                )
        # What names columns is checked here: in a fold it would look like a family that cannot be fitted.
        column_options({}, fixed.get("scorecard", {}).get("overrides"), [str(name) for name in frame.columns])
        return fixed

    def _folds(self, target: NDArray[np.int8], names: Sequence[str], groups: Any) -> NDArray[np.int_]:
        """Return the fold of each row."""
        cv: Any = self.cv
        groups = None if groups is None else _groups(groups, len(target))
        if hasattr(cv, "split"):
            return given_folds(_tested(cv, target, groups), target)
        if not isinstance(cv, (int, np.integer)) or isinstance(cv, bool):
            if groups is not None:
                raise ConfigError("cv states the fold of each row; groups would change them", where="groups")
            return given_folds(cv, target)
        if cv < 2:
            raise ConfigError(f"cv must be at least 2 folds; got {cv}", where="cv")
        rarest = int(np.bincount(target).min())
        # Early stopping needs two rows of each class outside every fold.
        early_stopping = any(FAMILIES[name].early_stopping for name in names if name in FAMILIES)
        count = min(int(cv), rarest // 2 if early_stopping else rarest)
        if count < 2:
            raise FitError(
                f"the rarer class has {rarest} rows, too few for two folds",
                fix=f"hand in at least {4 if early_stopping else 2} rows of that class",
            )
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        fold = _tested(kind(count, shuffle=True, random_state=self.random_state), target, groups)
        return fold if groups is None else given_folds(fold, target)

    def _blend(self, weights: Weights, names: list[str]) -> FittedBlend:
        used = [(float(weight), name) for weight, name in zip(weights.weights, names, strict=True) if weight > 0]
        model = Blend(
            weights.intercept,
            tuple(weight for weight, _ in used),
            tuple(self.estimators_[name].model_ for _, name in used),
        )
        return FittedBlend.like(self, model)

    def _leaderboard(self, aucs: Mapping[str, Floats]) -> pd.DataFrame:
        board = _board(aucs)
        columns = [len(self.estimators_[name].model_.kinds) for name in board["family"]]
        return board.assign(columns=columns, chosen=board["family"] == choose(board, self.select))


def _groups(groups: Any, rows: int) -> NDArray[Any]:
    """Return the number of each row's group."""
    numbers, _ = pd.factorize(pd.Series(np.asarray(groups)), use_na_sentinel=True)
    if numbers.shape != (rows,):
        raise ConfigError(f"groups must name a group for each of {rows} rows; got {len(numbers)}", where="groups")
    if (numbers < 0).any():
        raise ConfigError(
            f"row {int(np.flatnonzero(numbers < 0)[0])} has no group", where="groups", fix="give each row one"
        )
    return numbers


def _tested(splitter: Any, target: NDArray[np.int8], groups: NDArray[Any] | None) -> NDArray[np.int_]:
    """Return the number of the fold in which a splitter tests each row."""
    fold, times = np.zeros(len(target), dtype=int), np.zeros(len(target), dtype=int)
    try:
        for number, (_, rows) in enumerate(splitter.split(np.zeros((len(target), 1)), target, groups)):
            fold[rows] = number
            times[rows] += 1
    except ValueError as error:
        raise ConfigError(str(error), where="cv") from None
    if (times != 1).any():
        row = int(np.flatnonzero(times != 1)[0])
        raise ConfigError(
            f"{type(splitter).__name__} tests row {row} {times[row]} times; every family is measured on each row once",
            where="cv",
            fix="use a splitter such as StratifiedKFold or StratifiedGroupKFold",
        )
    return fold


def _board(aucs: Mapping[str, Floats]) -> pd.DataFrame:
    """Return the families' means and standard errors, best first, from their AUC on each fold."""
    rows = [
        (name, float(one.mean()), float(one.std(ddof=1) / np.sqrt(len(one))) if len(one) > 1 else 0.0)
        for name, one in aucs.items()
    ]
    return _ranked(pd.DataFrame(rows, columns=["family", "auc_cv", "auc_cv_se"]))


def _ranked(board: pd.DataFrame) -> pd.DataFrame:
    """Return a leaderboard best first; of those that rank the same, the simplest first."""
    order = board.assign(_simple=board["family"].map(complexity))
    order = order.sort_values(["auc_cv", "_simple"], ascending=[False, True], kind="stable", ignore_index=True)
    return order.drop(columns="_simple")


def nested_auc(aucs: Mapping[str, Floats], select: Select) -> float:
    """Return the AUC of the choice itself: on each fold, that of the family which the other folds choose."""
    aucs_of_choice = []
    for place in range(len(next(iter(aucs.values())))):
        others = _board({name: np.delete(values, place) for name, values in aucs.items()})
        aucs_of_choice.append(aucs[choose(others, select)][place])
    return float(np.mean(aucs_of_choice))


def _mapping(value: Any, name: str, fix: str) -> dict[str, Any]:
    if not isinstance(value, Mapping | None):
        raise ConfigError(f"{name} must be a mapping; got {value!r}", where=name, fix=fix)
    return dict(value or {})


def choose(board: pd.DataFrame, select: Select) -> str:
    """Return the family that a rule chooses from a leaderboard."""
    ranked = _ranked(board)
    if select == "interpretable":
        ranked = ranked[[name in FAMILIES and FAMILIES[name].interpretable for name in ranked["family"]]]
    best = ranked.iloc[0]
    if select != "one_se":
        return str(best["family"])
    near = ranked[ranked["auc_cv"] >= best["auc_cv"] - best["auc_cv_se"]]
    return str(min(near["family"], key=complexity))


def _crossfitted(singles: Floats, task: Task) -> Floats:
    """Return the blend's log-odds of each fold with weights that were found on the other folds."""
    out = np.empty(len(singles))
    for fold in task.folds():
        inside = task.fold == fold
        out[inside] = blend_weights(singles[~inside], task.target[~inside]).margin(singles[inside])
    return out
