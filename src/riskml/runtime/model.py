"""Fitted models as plain numbers: what training produces, what files hold, and what scores.

Every model answers two questions on the log-odds scale, where higher is riskier: the margin of a row, and what each
column contributed to it. Contributions add up: ``margin = base + contributions.sum(axis=1)``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .boosted import LIBRARIES
from .encoding import Columns, Encoding
from .frame import Floats
from .shapes import Levels, Shape, Step, chunks, log_odds_and_points, shape_from_dict, shape_to_dict


def probability(margin: Floats) -> Floats:
    """Return the probability of the event from log-odds, without overflow."""
    out = np.exp(-np.abs(margin))
    return np.where(margin >= 0, 1.0, out) / (1.0 + out)


class Model(Protocol):
    """What every fitted model can do."""

    @property
    def kinds(self) -> dict[str, str]:
        """The columns it reads, in order, and whether each is numeric or categorical."""
        ...

    @property
    def base(self) -> float:
        """Log-odds before any contribution."""
        ...

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        ...

    def contributions(self, columns: Columns) -> Floats:
        """Return log-odds that each column of ``kinds`` adds, shape (n, columns)."""
        ...

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON's types; binary parts are put into ``blobs`` by file name."""
        ...


@dataclass(frozen=True)
class Additive:
    """An intercept and a shape per column: a scorecard, or a logistic regression on bent lines."""

    intercept: float
    shapes: tuple[Shape, ...]
    base_points: float | None = None

    @property
    def kinds(self) -> dict[str, str]:
        """The columns it reads."""
        return {shape.column: shape.kind for shape in self.shapes}

    @property
    def base(self) -> float:
        """Log-odds before any contribution."""
        return self.intercept

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        rows = len(next(iter(columns.values()))) if columns else 0
        total = np.full(rows, self.intercept)
        for shape in self.shapes:
            total += shape.contribution(columns[shape.column])
        return total

    def contributions(self, columns: Columns) -> Floats:
        """Return log-odds that each column adds, shape (n, columns)."""
        if not self.shapes:
            return np.zeros((len(next(iter(columns.values()))) if columns else 0, 0))
        return np.column_stack([shape.contribution(columns[shape.column]) for shape in self.shapes])

    def points(self, columns: Columns) -> Floats | None:
        """Return the card's points, shape (n,), or None where the model has none; more points are safer."""
        if self.base_points is None:
            return None
        rows = len(next(iter(columns.values()))) if columns else 0
        total = np.full(rows, self.base_points)
        for shape in self.shapes:
            if isinstance(shape, (Step, Levels)):
                total += np.asarray(shape.points)[shape.slot(columns[shape.column])]
        return total

    def margin_and_points(self, columns: Columns) -> tuple[Floats, Floats]:
        """Return log-odds and the card's points, each of shape (n,); a value's bin is looked up once for both."""
        rows = len(next(iter(columns.values()))) if columns else 0
        # One sum of complex numbers is two of real ones, each in its own order, to the last bit.
        total = np.full(rows, complex(self.intercept, self.base_points or 0.0))
        slotted = [shape for shape in self.shapes if isinstance(shape, (Step, Levels))]  # a card has no other
        tables = [log_odds_and_points(shape) for shape in slotted]
        for some in chunks(rows):
            part = total[some]
            for shape, table in zip(slotted, tables, strict=True):
                part += table.take(shape.slot(columns[shape.column][some]), mode="clip")
        return np.ascontiguousarray(total.real), np.ascontiguousarray(total.imag)

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON's types."""
        said: dict[str, Any] = {"kind": "additive", "intercept": self.intercept}
        if self.base_points is not None:
            said["base_points"] = self.base_points
        return said | {"shapes": [shape_to_dict(shape) for shape in self.shapes]}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Additive:
        """Return the model that ``to_dict`` wrote."""
        shapes = tuple(shape_from_dict(shape) for shape in said["shapes"])
        return cls(said["intercept"], shapes, said.get("base_points"))


@dataclass(frozen=True)
class Tree:
    """One decision tree; a node's value is its log-odds, and a leaf has no children (-1)."""

    encoding: Encoding
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    missing_left: tuple[bool, ...]
    value: tuple[float, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The columns it reads."""
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
        """Return the change of log-odds along the path, by the column of each split, shape (n, columns)."""
        rows = len(next(iter(columns.values()))) if columns else 0
        out = np.zeros((rows, len(self.encoding.levels)))
        self._walk(columns, out)
        return out

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON's types."""
        arrays = {key: list(value) for key, value in vars(self).items() if key != "encoding"}
        # A split into present and missing has an infinite threshold, which JSON does not know.
        arrays["threshold"] = [min(value, sys.float_info.max) for value in self.threshold]
        return {"kind": "tree", "encoding": self.encoding.to_list()} | arrays

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Tree:
        """Return the model that ``to_dict`` wrote."""
        arrays = {key: tuple(value) for key, value in said.items() if key not in {"kind", "encoding"}}
        return cls(Encoding.from_list(said["encoding"]), **arrays)


@dataclass(frozen=True)
class Blend:
    """A weighted sum of other models' log-odds; no weight is negative."""

    intercept: float
    weights: tuple[float, ...]
    models: tuple[Model, ...]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The columns it reads: those of its models, in order of first mention."""
        return {name: kind for model in self.models for name, kind in model.kinds.items()}

    @cached_property
    def base(self) -> float:
        """Log-odds before any contribution."""
        return self.intercept + sum(w * model.base for w, model in zip(self.weights, self.models, strict=True))

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        rows = len(next(iter(columns.values()))) if columns else 0
        total = np.full(rows, self.intercept)
        for weight, model in zip(self.weights, self.models, strict=True):
            total += weight * model.margin(columns)
        return total

    def contributions(self, columns: Columns) -> Floats:
        """Return the weighted contributions, shape (n, columns)."""
        rows = len(next(iter(columns.values()))) if columns else 0
        position = {name: i for i, name in enumerate(self.kinds)}
        out = np.zeros((rows, len(position)))
        for weight, model in zip(self.weights, self.models, strict=True):
            out[:, [position[name] for name in model.kinds]] += weight * model.contributions(columns)
        return out

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON's types."""
        models = [model.to_dict(blobs) for model in self.models]
        return {"kind": "blend", "intercept": self.intercept, "weights": list(self.weights), "models": models}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Blend:
        """Return the model that ``to_dict`` wrote."""
        models = tuple(model_from_dict(model, blobs) for model in said["models"])
        return cls(said["intercept"], tuple(said["weights"]), models)


KINDS = {"additive": Additive, "tree": Tree, **LIBRARIES, "blend": Blend}


def model_from_dict(said: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Model:
    """Return the model of any kind that ``to_dict`` wrote."""
    from .pairs import Pairwise  # they are made of the models here
    from .segmented import Segmented

    kinds = KINDS | {"pairwise": Pairwise, "segmented": Segmented}
    model: Model = kinds[said["kind"]].from_dict(said, blobs)  # type: ignore[attr-defined]
    return model
