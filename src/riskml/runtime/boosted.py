"""Boosted trees of XGBoost, LightGBM and CatBoost; a library is imported only for models that use it.

LightGBM and CatBoost score in one thread: their pools would compete with those of the calling program.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from .encoding import Columns, Encoding
from .forest import read_xgboost
from .frame import Floats
from .shapley import DEEPEST, Shapley

if TYPE_CHECKING:
    import catboost

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Boosted(ABC):
    """Mean log-odds of boosters that were trained on different folds."""

    encoding: Encoding
    boosters: tuple[Any, ...]  # objects of the library
    kind: ClassVar[str]
    library: ClassVar[str]  # name of the package and of the module
    suffix: ClassVar[str]

    @property
    def kinds(self) -> dict[str, str]:
        """The columns that the model reads, and their kinds."""
        return self.encoding.kinds

    @cached_property
    def base(self) -> float:
        """Mean log-odds before any contribution."""
        nothing = np.full((1, len(self.encoding.levels)), np.nan, dtype=np.float32)
        return float(np.mean([self._shap(booster, nothing)[0, -1] for booster in self.boosters]))

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        return self.margin_of_matrix(self.encoding.matrix(columns))

    def margin_of_matrix(self, matrix: Matrix) -> Floats:
        """Return log-odds of the rows of an encoded matrix, shape (n,)."""
        if not len(matrix):  # LightGBM and CatBoost refuse empty input
            return np.zeros(0)
        margins = [self._margin(booster, matrix) for booster in self.boosters]
        return np.asarray(np.mean(np.asarray(margins, dtype=np.float64), axis=0))

    def contributions(self, columns: Columns) -> Floats:
        """Return exact Shapley values of the trees (Lundberg et al. 2020), shape (n, columns)."""
        matrix = self.encoding.matrix(columns)
        if not len(matrix):
            return np.zeros(matrix.shape)
        return np.asarray(np.mean([self._shap(booster, matrix)[:, :-1] for booster in self.boosters], axis=0))

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types, with the trees as blobs in the library's format."""
        names = []
        for booster in self.boosters:
            names.append(f"booster-{len(blobs)}.{self.suffix}")
            blobs[names[-1]] = self._written(booster)
        return {"kind": self.kind, "encoding": self.encoding.to_list(), "boosters": names}

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Self:
        """Return the model that ``to_dict`` wrote."""
        return cls(
            Encoding.from_list(payload["encoding"]), tuple(cls.read(blobs[name]) for name in payload["boosters"])
        )

    @classmethod
    @abstractmethod
    def read(cls, content: bytes) -> Any:
        """Return the booster stored in a blob."""

    @abstractmethod
    def _margin(self, booster: Any, matrix: Matrix) -> Floats: ...

    @abstractmethod
    def _shap(self, booster: Any, matrix: Matrix) -> Floats:
        """Return Shapley values, and the expected value last, shape (n, columns + 1)."""

    @abstractmethod
    def _written(self, booster: Any) -> bytes: ...


class Boosting(Boosted):
    """XGBoost trees, stored as UBJSON."""

    kind, library, suffix = "boosting", "xgboost", "ubj"

    def as_json(self) -> list[bytes]:
        """Return each booster in XGBoost's JSON format."""
        return [bytes(booster.save_raw("json")) for booster in self.boosters]

    @classmethod
    def read(cls, content: bytes) -> Any:
        """Return the booster stored in a blob."""
        import xgboost

        return xgboost.Booster(model_file=bytearray(content))

    def _margin(self, booster: Any, matrix: Matrix) -> Floats:
        return np.asarray(booster.inplace_predict(matrix, predict_type="margin"))

    @cached_property
    def _shapley(self) -> dict[int, Shapley | None]:
        """The Shapley tables of each booster, or None if its trees are too deep."""
        forests = (read_xgboost(content) for content in self.as_json())
        return {
            id(booster): Shapley(forest) if forest.depth <= DEEPEST else None
            for booster, forest in zip(self.boosters, forests, strict=True)
        }

    def _shap(self, booster: Any, matrix: Matrix) -> Floats:
        import xgboost

        tables = self._shapley[id(booster)]
        if tables is not None:
            return tables.values(matrix)
        table = xgboost.DMatrix(matrix, feature_types=booster.feature_types, enable_categorical=True)
        return np.asarray(booster.predict(table, pred_contribs=True), dtype=np.float64)

    def _written(self, booster: Any) -> bytes:
        return bytes(booster.save_raw("ubj"))


class LightGBM(Boosted):
    """LightGBM trees, stored as its text format."""

    kind, library, suffix = "lightgbm", "lightgbm", "txt"

    @classmethod
    def read(cls, content: bytes) -> Any:
        """Return the booster stored in a blob."""
        import lightgbm

        return lightgbm.Booster(model_str=content.decode("utf-8"))

    def _margin(self, booster: Any, matrix: Matrix) -> Floats:
        return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))

    def _shap(self, booster: Any, matrix: Matrix) -> Floats:
        return np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))

    def _written(self, booster: Any) -> bytes:
        return str(booster.model_to_string()).encode("utf-8")


class CatBoost(Boosted):
    """CatBoost trees, stored as its binary format."""

    kind, library, suffix = "catboost", "catboost", "cbm"

    @classmethod
    def read(cls, content: bytes) -> Any:
        """Return the booster stored in a blob."""
        import catboost

        return catboost.CatBoost().load_model(blob=content)

    def _margin(self, booster: Any, matrix: Matrix) -> Floats:
        pool = catboost_pool(self.encoding, matrix)
        return np.asarray(booster.predict(pool, prediction_type="RawFormulaVal", thread_count=1))

    def _shap(self, booster: Any, matrix: Matrix) -> Floats:
        pool = catboost_pool(self.encoding, matrix)
        return np.asarray(booster.get_feature_importance(pool, type="ShapValues", thread_count=1))

    def _written(self, booster: Any) -> bytes:
        return bytes(booster._serialize_model())


LIBRARIES: Mapping[str, type[Boosted]] = {cls.kind: cls for cls in (Boosting, LightGBM, CatBoost)}


def catboost_pool(encoding: Encoding, matrix: Matrix, target: NDArray[Any] | None = None) -> catboost.Pool:
    """Return a matrix of numbers and level codes as a CatBoost pool."""
    import catboost
    import pandas as pd

    table: dict[int, pd.Series[Any]] = {}
    categorical = []
    for position, levels in enumerate(encoding.levels.values()):
        values = matrix[:, position]
        if levels is None:
            table[position] = pd.Series(values)
            continue
        categorical.append(position)
        numbers = np.where(np.isnan(values), len(levels), values).astype(np.intp)
        table[position] = pd.Series(pd.Categorical.from_codes(numbers, categories=pd.RangeIndex(len(levels) + 1)))
    return catboost.Pool(pd.DataFrame(table), target, cat_features=categorical, thread_count=1)
