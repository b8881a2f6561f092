"""Fitted models as plain numbers, in memory and as JSON.

Every model returns two things on the log-odds scale (higher is riskier): the margin of a row, and the contribution of
each column, with ``margin = base + contributions.sum(axis=1)``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .additive import Additive, Pairwise, Segmented
from .boosted import LIBRARIES
from .encoding import Columns, Encoding, row_count
from .estimator import Estimator
from .frame import Floats


def probability(margin: Floats) -> Floats:
    """Return the probability of the event from log-odds, without overflow."""
    out = np.exp(-np.abs(margin))
    return np.where(margin >= 0, 1.0, out) / (1.0 + out)


class Model(Protocol):
    """The interface of every fitted model."""

    @property
    def kinds(self) -> dict[str, str]:
        """The columns that the model reads, in order, and whether each is numeric or categorical."""
        ...

    @property
    def base(self) -> float:
        """Log-odds before any contribution."""
        ...

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        ...

    def contributions(self, columns: Columns) -> Floats:
        """Return log-odds by column of ``kinds``, shape (n, columns)."""
        ...

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types; binary parts are added to ``blobs`` by file name."""
        ...


@dataclass(frozen=True)
class Tree:
    """One decision tree; node values are log-odds, and the children of a leaf are -1."""

    encoding: Encoding
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    missing_left: tuple[bool, ...]
    value: tuple[float, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The columns that the model reads, and their kinds."""
        return self.encoding.kinds

    @property
    def base(self) -> float:
        """Log-odds of the root."""
        return self.value[0]

    def _walk(self, columns: Columns, add_up: Floats | None) -> NDArray[np.intp]:
        matrix = self.encoding.matrix(columns)
        feature, threshold = np.asarray(self.feature), np.asarray(self.threshold)
        left, right = np.asarray(self.left), np.asarray(self.right)
        missing_left, value = np.asarray(self.missing_left), np.asarray(self.value)
        node = np.zeros(len(matrix), dtype=np.intp)
        rows = np.arange(len(matrix))
        while len(rows := rows[left[node[rows]] >= 0]):
            at = node[rows]
            x = matrix[rows, feature[at]]
            goes_left = np.where(np.isnan(x), missing_left[at], x <= threshold[at])
            after = np.where(goes_left, left[at], right[at])
            if add_up is not None:
                add_up[rows, feature[at]] += value[after] - value[at]
            node[rows] = after
        return node

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        return np.asarray(self.value)[self._walk(columns, None)]

    def contributions(self, columns: Columns) -> Floats:
        """Return changes of log-odds along the path, by the column of each split, shape (n, columns)."""
        out = np.zeros((row_count(columns), len(self.encoding.levels)))
        self._walk(columns, out)
        return out

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types."""
        arrays = {key: list(value) for key, value in vars(self).items() if key != "encoding"}
        # A split into present and missing has an infinite threshold, which JSON cannot hold.
        arrays["threshold"] = [min(value, sys.float_info.max) for value in self.threshold]
        return {"kind": "tree", "encoding": self.encoding.to_list()} | arrays

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Tree:
        """Return the model that ``to_dict`` wrote."""
        arrays = {key: tuple(value) for key, value in payload.items() if key not in {"kind", "encoding"}}
        return cls(Encoding.from_list(payload["encoding"]), **arrays)


@dataclass(frozen=True)
class Blend:
    """A weighted sum of the log-odds of other models, with non-negative weights."""

    intercept: float
    weights: tuple[float, ...]
    models: tuple[Model, ...]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The columns of its models, in order of first mention."""
        return {name: kind for model in self.models for name, kind in model.kinds.items()}

    @cached_property
    def base(self) -> float:
        """Log-odds before any contribution."""
        return self.intercept + sum(w * model.base for w, model in zip(self.weights, self.models, strict=True))

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        total = np.full(row_count(columns), self.intercept)
        for weight, model in zip(self.weights, self.models, strict=True):
            total += weight * model.margin(columns)
        return total

    def contributions(self, columns: Columns) -> Floats:
        """Return the weighted contributions, shape (n, columns)."""
        position = {name: i for i, name in enumerate(self.kinds)}
        out = np.zeros((row_count(columns), len(position)))
        for weight, model in zip(self.weights, self.models, strict=True):
            out[:, [position[name] for name in model.kinds]] += weight * model.contributions(columns)
        return out

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types."""
        models = [model.to_dict(blobs) for model in self.models]
        return {"kind": "blend", "intercept": self.intercept, "weights": list(self.weights), "models": models}

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Blend:
        """Return the model that ``to_dict`` wrote."""
        models = tuple(model_from_dict(model, blobs) for model in payload["models"])
        return cls(payload["intercept"], tuple(payload["weights"]), models)


_KINDS = {
    "additive": Additive, "pairwise": Pairwise, "segmented": Segmented, "tree": Tree, "blend": Blend,
    "estimator": Estimator, **LIBRARIES,
}  # fmt: skip


def model_from_dict(payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Model:
    """Return the model of any kind that ``to_dict`` wrote."""
    model: Model = _KINDS[payload["kind"]].from_dict(payload, blobs)  # type: ignore[attr-defined]
    return model
