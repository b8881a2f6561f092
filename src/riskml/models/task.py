"""What every family is compared on: the same rows, the same folds, the same facts about the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from riskml.estimator import RiskEstimator, SpecialValues
from riskml.models.families import Direction, estimator
from riskml.runtime.frame import Floats


@dataclass(frozen=True)
class Task:
    """A comparison.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
    target : ndarray of 0 and 1, shape (n,)
    fold : ndarray of int, shape (n,)
    special_values : mapping of column name to codes, optional
    random_state : int
    fixed : mapping of family to parameters that are not searched
    monotone : mapping of column name to "ascending" or "descending"
        How the risk has to go where the column rises.
    periods : Series of shape (n,), optional
        Periods or dates of the rows: the trends of a scorecard hold in each.
    """

    frame: pd.DataFrame
    target: NDArray[np.int8]
    fold: NDArray[np.int_]
    special_values: SpecialValues | None
    random_state: int
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    monotone: Mapping[str, Direction] = field(default_factory=dict)
    periods: pd.Series | None = None

    def on(self, fold: NDArray[np.int_]) -> Task:
        """Return the same comparison on other folds."""
        return replace(self, fold=fold)

    def folds(self) -> list[int]:
        """Return the folds' numbers, in order."""
        return [int(fold) for fold in np.unique(self.fold)]

    def fit(self, family: str, params: Mapping[str, Any], without: int | None = None) -> RiskEstimator:
        """Return a family's estimator, fitted on all rows or on all but one fold's."""
        model = estimator(
            family,
            {**params, **self.fixed.get(family, {})},
            special_values=self.special_values,
            monotone=self.monotone,
            random_state=self.random_state,
        )
        rows = slice(None) if without is None else self.fold != without
        # Only a card knows of periods.
        more = {"periods": self.periods[rows]} if family == "scorecard" and self.periods is not None else {}
        return model.fit(self.frame.iloc[rows], self.target[rows], **more)

    def margins(self, family: str, params: Mapping[str, Any], folds: Sequence[int]) -> list[Floats]:
        """Return the log-odds of each of some folds' rows, from models that have not seen them."""

        def margin(fold: int) -> Floats:
            return self.fit(family, params, without=fold).decision_function(self.frame.iloc[self.fold == fold])

        # Threads, since the fits release Python's lock and share the frame; joblib.parallel_config chooses otherwise.
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

    def digest(self) -> str:
        """Return a fingerprint of the rows, the folds and what is fixed: the same search on another machine."""
        import hashlib
        import json

        said = hashlib.sha256()
        said.update(pd.util.hash_pandas_object(self.frame, index=False).to_numpy().tobytes())
        said.update(np.ascontiguousarray(self.target).tobytes() + np.ascontiguousarray(self.fold).tobytes())
        facts = {"special": self.special_values, "fixed": self.fixed, "monotone": self.monotone}
        said.update(json.dumps(facts, sort_keys=True, default=str).encode())
        return said.hexdigest()[:16]
