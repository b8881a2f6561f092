"""The search for a family's hyperparameters, within a number of trials and a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import optuna
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from riskml.estimator import RiskEstimator, SpecialValues
from riskml.models.families import Family, estimator, suggest
from riskml.runtime.frame import Floats


@dataclass(frozen=True)
class Progress:
    """One finished trial."""

    family: str
    trial: int
    trials: int
    auc_cv: float


@dataclass(frozen=True)
class Task:
    """What every family is compared on: the same rows and the same folds.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
    target : ndarray of 0 and 1, shape (n,)
    fold : ndarray of int, shape (n,)
    special_values : mapping of column name to codes, optional
    random_state : int
    fixed : mapping of family to parameters that are not searched
    """

    frame: pd.DataFrame
    target: NDArray[np.int8]
    fold: NDArray[np.int_]
    special_values: SpecialValues | None
    random_state: int
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def folds(self) -> list[int]:
        """Return the folds' numbers, in order."""
        return [int(fold) for fold in np.unique(self.fold)]

    def fit(self, family: str, params: Mapping[str, Any], without: int | None = None) -> RiskEstimator:
        """Return a family's estimator, fitted on all rows or on all but one fold's."""
        params = {**params, **self.fixed.get(family, {})}
        model = estimator(family, params, special_values=self.special_values, random_state=self.random_state)
        rows = slice(None) if without is None else self.fold != without
        return model.fit(self.frame.iloc[rows], self.target[rows])

    def margins(self, family: str, params: Mapping[str, Any], folds: Sequence[int]) -> list[Floats]:
        """Return the log-odds of each of some folds' rows, from models that have not seen them."""

        def margin(fold: int) -> Floats:
            return self.fit(family, params, without=fold).decision_function(self.frame.iloc[self.fold == fold])

        # Threads, since the fits release Python's lock and share the frame.
        return list(Parallel(n_jobs=-1, prefer="threads")(delayed(margin)(fold) for fold in folds))

    def out_of_fold(self, family: str, params: Mapping[str, Any]) -> Floats:
        """Return the log-odds of all rows, each from a model that has not seen it, shape (n,)."""
        out = np.empty(len(self.target))
        for fold, margin in zip(self.folds(), self.margins(family, params, self.folds()), strict=True):
            out[self.fold == fold] = margin
        return out

    def auc_of_fold(self, margin: Floats, fold: int) -> float:
        """Return the AUC on one fold's rows of their own log-odds."""
        return float(roc_auc_score(self.target[self.fold == fold], margin))

    def fold_aucs(self, margins: Floats) -> Floats:
        """Return the AUC on each fold of out-of-fold log-odds of all rows."""
        return np.array([self.auc_of_fold(margins[self.fold == fold], fold) for fold in self.folds()])


@dataclass(frozen=True)
class Found:
    """What a search found."""

    params: dict[str, Any]
    trials: pd.DataFrame = field(repr=False)
    seconds_per_trial: float = 0.0
    stopped_by: Literal["trials", "time"] = "trials"


def search(
    family: Family,
    task: Task,
    *,
    n_trials: int,
    until: float,
    reserve: float = 0.0,
    progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Search a family's hyperparameters for the highest mean AUC over the folds.

    The first trial is the family's good default, which always runs; unpromising trials are given up after two folds.

    Parameters
    ----------
    family : Family
    task : Task
    n_trials : int
        Trials at the most.
    until : float
        `time.monotonic` after which no trial begins that would, by the longest one so far, end late.
    reserve : float, default=0.0
        How many more trials' time to leave before ``until``, for what comes after the search.
    progress : callable, optional
        Told of each finished trial.

    Returns
    -------
    Found
    """
    trials: list[dict[str, Any]] = []
    stopped_by: Literal["trials", "time"] = "trials"
    longest = 0.0
    free = {name: what for name, what in family.space.items() if name not in task.fixed.get(family.name, {})}

    def objective(trial: optuna.Trial) -> float:
        params = suggest(trial, free)
        aucs: list[float] = []
        for step, folds in enumerate((task.folds()[:2], task.folds()[2:])):
            margins = task.margins(family.name, {**params, **family.while_searching}, folds)
            aucs.extend(task.auc_of_fold(margin, fold) for margin, fold in zip(margins, folds, strict=True))
            trial.report(float(np.mean(aucs)), step)
            if step == 0 and trial.should_prune():
                break
        complete = len(aucs) == len(task.folds())
        trials.append({"trial": trial.number, "auc_cv": float(np.mean(aucs)), "complete": complete, "params": params})
        if not complete:
            raise optuna.TrialPruned
        return float(np.mean(aucs))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=task.random_state, n_startup_trials=8, multivariate=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    study.enqueue_trial({name: family.start[name] for name in free})
    for number in range(n_trials):
        begun = time.monotonic()
        if number and begun + longest * (1.0 + reserve) > until:
            stopped_by = "time"
            break
        study.optimize(objective, n_trials=1)
        longest = max(longest, time.monotonic() - begun)
        if progress is not None:
            progress(Progress(family.name, number + 1, n_trials, trials[-1]["auc_cv"]))
    return Found(dict(study.best_params), pd.DataFrame(trials), longest, stopped_by)
