"""Bagged gradient boosting with early stopping, shared by the boosting families."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from riskml.base import RiskEstimator
from riskml.errors import FitError
from riskml.models.family import Family, directions
from riskml.runtime.boosted import Boosted
from riskml.runtime.encoding import Encoding
from riskml.runtime.frame import columns as read_columns
from riskml.schema import Schema

_GAPS, _FEWEST_GAPS = 0.02, 20  # share of a complete column's cells that a model does not see, and its least number

boosted_family = partial(
    Family,
    complexity=4,
    interpretable=False,
    time_share=0.5,
    search_overrides={"bags": 1},
    bags=5,
    n_averaged=3,
    early_stopping=True,
    recalibrate=True,
)


@dataclass(frozen=True)
class Rows:
    """Rows as a matrix, and their outcomes."""

    matrix: NDArray[np.float32]
    target: NDArray[np.int8]


@dataclass(frozen=True)
class Grown:
    """One booster, and how many trees of it are kept."""

    booster: Any
    rounds: int


@dataclass(eq=False, repr=False)
class BaggedBooster(RiskEstimator, ABC):
    """Boosted trees over numbers, native categories and missing values, bagged over folds with early stopping."""

    bags: int = 5
    folds: int = 5
    max_rounds: int = 2000
    patience: int = 40
    monotone: Mapping[str, str] | None = None
    random_state: int = 0
    model_: Boosted = field(init=False)
    _runtime: ClassVar[type[Boosted]]

    def fit(self, X: Any, y: Any) -> Self:
        """Grow the models."""
        frame = self._learn_schema(X)
        target = self._learn_target(frame, y)
        encoding = numbered(frame, self.schema_)
        matrix = encoding.matrix(read_columns(frame, encoding.kinds))
        rarest = int(np.bincount(target).min())
        if rarest < 2:
            raise FitError(
                f"early stopping holds out rows; the rarer class has {rarest} row",
                fix="hand in at least two rows of each class",
            )
        signs = directions(self.schema_, self.monotone) if self.monotone else None
        folds = StratifiedKFold(min(self.folds, rarest), shuffle=True, random_state=self.random_state)
        pairs = list(folds.split(matrix, target))[: self.bags]
        # Side by side where this fit is not itself one of several.
        grown = list(
            Parallel(n_jobs=-1, prefer="threads")(
                delayed(self._grow)(
                    encoding,
                    with_gaps(matrix[grow], target[grow], self.random_state),
                    Rows(matrix[stop], target[stop]),
                    signs,
                )
                for grow, stop in pairs
            )
        )
        self.rounds_ = [one.rounds for one in grown]
        self.model_ = self._runtime(encoding, tuple(one.booster for one in grown))
        return self

    def _tuned(self) -> dict[str, Any]:
        """Return the parameters that have the library's own names."""
        shared = {"n_jobs", *(parameter.name for parameter in fields(BaggedBooster))}
        return {name: value for name, value in self.get_params(deep=False).items() if name not in shared}

    @abstractmethod
    def _grow(self, encoding: Encoding, grow: Rows, stop: Rows, signs: list[int] | None) -> Grown:
        """Return trees grown on some rows, as many as are best for others."""


def with_gaps(matrix: NDArray[np.float32], target: NDArray[np.int8], seed: int) -> Rows:
    """Return rows with a few cells of the complete columns made missing.

    Trees so learn where a missing value belongs; otherwise a gap in a column that never had one would be read as its
    highest value. The rows with a gap have the outcomes and the values of all rows: every k-th in their order.
    """
    draw, matrix = np.random.default_rng(seed), matrix.copy()
    rows = len(matrix)
    gaps = min(max(int(_GAPS * rows), _FEWEST_GAPS), rows // 10)
    for column in np.flatnonzero(np.ptp(matrix, axis=0) > 0):  # complete, and not constant
        order = np.lexsort((draw.random(rows), matrix[:, column], target))
        places = (np.arange(gaps) + draw.random()) * rows / max(gaps, 1)
        matrix[order[places.astype(np.intp)], column] = np.nan
    return Rows(matrix, target)


def numbered(frame: pd.DataFrame, schema: Schema) -> Encoding:
    """Return the encoding that numbers the levels of each column by name."""
    levels: dict[str, dict[str, float] | None] = {}
    for column in schema:
        if column.kind == "numeric":
            levels[column.name] = None
        else:
            names = sorted(frame[column.name].dropna().unique())
            levels[column.name] = {name: float(number) for number, name in enumerate(names)}
    return Encoding(levels)
