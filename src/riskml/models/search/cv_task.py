"""Cross-validation task shared by all families: rows, folds, special values and directions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from riskml.base import RiskEstimator, SpecialValues
from riskml.errors import ConfigError, DataError
from riskml.metrics import auc
from riskml.models.families import estimator
from riskml.models.family import Direction, Family
from riskml.models.search.trials import Figure
from riskml.runtime.frame import Floats

Job = tuple[tuple[int, ...], Mapping[str, Any]]
"""Folds that are held out, and the settings of the model that is fitted on the others."""


@dataclass(frozen=True)
class Task:
    """A comparison."""

    frame: pd.DataFrame
    target: NDArray[np.int8]
    fold: NDArray[np.int_]
    special_values: SpecialValues | None
    random_state: int
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    monotone: Mapping[str, Direction] = field(default_factory=dict)  # how the risk has to go where the column rises
    periods: pd.Series | None = None  # periods or dates of the rows: the trends of a scorecard hold in each

    def folds(self) -> list[int]:
        """Return the folds' numbers, in order."""
        return [int(fold) for fold in np.unique(self.fold)]

    def held_out(self) -> list[tuple[int, ...]]:
        """Return the folds that a trial holds out together: pairs, each fold in four of them at the most."""
        folds = self.folds()
        if len(folds) == 2:
            return [(fold,) for fold in folds]
        places = [*range(0, len(folds), 2), *range(1, len(folds), 2)]
        pairs = [(place, (place + apart) % len(folds)) for apart in (1, 2) for place in places]
        unique = dict.fromkeys((min(pair), max(pair)) for pair in pairs)
        return [(folds[one], folds[other]) for one, other in unique]

    def fit(self, family: str, params: Mapping[str, Any], without: Sequence[int] = ()) -> RiskEstimator:
        """Return a family's estimator, fitted on all rows or on all but some folds'."""
        model = estimator(
            family,
            {**params, **self.fixed.get(family, {})},
            special_values=self.special_values,
            monotone=self.monotone,
            random_state=self.random_state,
        )
        rows = ~self.rows(without) if without else slice(None)
        with_periods = "periods" in inspect.signature(model.fit).parameters
        more = {"periods": self.periods[rows]} if with_periods and self.periods is not None else {}
        return model.fit(self.frame.iloc[rows], self.target[rows], **more)

    def rows(self, folds: Sequence[int]) -> NDArray[np.bool_]:
        """Return whether each row is in one of some folds."""
        return np.isin(self.fold, folds)

    def margins(self, family: str, jobs: Sequence[Job]) -> list[Floats]:
        """Return log-odds of the rows that each job holds out, in their order, by a model that has not seen them."""

        def margin(out: tuple[int, ...], params: Mapping[str, Any]) -> Floats:
            return self.fit(family, params, out).decision_function(self.frame.iloc[self.rows(out)])

        # Threads, since the fits release Python's lock and share the frame; joblib.parallel_config chooses otherwise.
        return list(Parallel(n_jobs=-1, prefer="threads")(delayed(margin)(*job) for job in jobs))

    def figures(self, out: tuple[int, ...], margin: Floats) -> list[Figure]:
        """Return the AUC on each of the folds that were held out together, from log-odds of their rows."""
        places, fold = {fold: place for place, fold in enumerate(self.folds())}, self.fold[self.rows(out)]
        aucs = {one: self.auc_of_fold(margin[fold == one], one) for one in out}
        if len(out) == 1:  # of two folds: the other one's settings are chosen here
            return [(1 - places[out[0]], places[out[0]], aucs[out[0]])]
        one, other = out
        return [(places[one], places[other], aucs[other]), (places[other], places[one], aucs[one])]

    def auc_of_fold(self, margin: Floats, fold: int) -> float:
        """Return the AUC on one fold's rows of their own log-odds."""
        return auc(self.target[self.fold == fold], margin)

    def fold_aucs(self, margins: Floats) -> Floats:
        """Return the AUC on each fold of out-of-fold log-odds of all rows."""
        return np.array([self.auc_of_fold(margins[self.fold == fold], fold) for fold in self.folds()])

    def digest(self, family: Family) -> str:
        """Return a fingerprint of all that a trial's figure rests on: the same search on another machine."""
        import hashlib
        import json

        digest = hashlib.sha256()
        frames = [self.frame] if self.periods is None else [self.frame, self.periods.to_frame()]
        for frame in frames:
            digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        digest.update(np.ascontiguousarray(self.target).tobytes() + np.ascontiguousarray(self.fold).tobytes())
        facts = {
            "columns": [(str(name), str(kind)) for name, kind in self.frame.dtypes.items()],
            "special": self.special_values,
            "fixed": self.fixed.get(family.name),
            "monotone": self.monotone,
            # Another version's trials were of other ranges, or were fitted otherwise.
            "searched": [repr(family.space), family.defaults, family.search_overrides],
        }
        digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
        return digest.hexdigest()[:16]


def given_folds(cv: Any, target: NDArray[np.int8]) -> NDArray[np.int_]:
    """Return the fold of each row as it was handed in."""
    folds = np.asarray(cv)
    if folds.shape != target.shape:
        raise ConfigError(
            f"cv must be a number of folds, or a fold for each of {len(target)} rows; got "
            + (f"the shape {folds.shape}" if folds.ndim else repr(cv)),
            where="cv",
        )
    numbers = pd.to_numeric(pd.Series(folds), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    odd = np.flatnonzero(~(np.isfinite(numbers) & (numbers == np.floor(numbers))))
    if len(odd) or folds.dtype.kind in "bUS":
        row = int(odd[0]) if len(odd) else 0
        raise ConfigError(
            f"folds must be whole numbers; row {row} has {folds.tolist()[row]!r}",
            where="cv",
            fix="number the folds 0, 1, 2 …, and give every row one",
        )
    fold = numbers.astype(np.int_)
    numbers_of = np.unique(fold)
    if len(numbers_of) < 2:
        raise ConfigError(f"all rows are in fold {fold[0]}; at least two folds are needed", where="cv")
    for number in numbers_of:
        inside = target[fold == number]
        if inside.min() == inside.max():
            raise DataError(
                f"fold {number} has {len(inside)} rows, all {'with' if inside[0] else 'without'} the event: "
                "no AUC can be told there",
                where="cv",
                fix="join it with another fold, or cut the folds so that each has both outcomes",
            )
    return fold
