"""Additive models: one shape per column (scorecard, logistic regression), pairs of columns (EBM), cards per segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .encoding import Columns, row_count
from .frame import Floats
from .shapes import Levels, Shape, Step, chunks, log_odds_and_points, shape_from_dict, shape_to_dict, slotted_from_dict


@dataclass(frozen=True)
class Additive:
    """An intercept and one shape per column: a scorecard, or a logistic regression on piecewise-linear features."""

    intercept: float
    shapes: tuple[Shape, ...]
    base_points: float | None = None

    @property
    def kinds(self) -> dict[str, str]:
        """The columns that the model reads, and their kinds."""
        return {shape.column: shape.kind for shape in self.shapes}

    @property
    def base(self) -> float:
        """Log-odds before any contribution."""
        return self.intercept

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        total = np.full(row_count(columns), self.intercept)
        for shape in self.shapes:
            total += shape.contribution(columns[shape.column])
        return total

    def contributions(self, columns: Columns) -> Floats:
        """Return log-odds that each column adds, shape (n, columns)."""
        if not self.shapes:
            return np.zeros((row_count(columns), 0))
        return np.column_stack([shape.contribution(columns[shape.column]) for shape in self.shapes])

    def points(self, columns: Columns) -> Floats | None:
        """Return points, shape (n,), or None if the model has none; more points are safer."""
        if self.base_points is None:
            return None
        total = np.full(row_count(columns), self.base_points)
        for shape in self.shapes:
            if isinstance(shape, (Step, Levels)):
                total += np.asarray(shape.points)[shape.slot(columns[shape.column])]
        return total

    def margin_and_points(self, columns: Columns) -> tuple[Floats, Floats]:
        """Return log-odds and points, each of shape (n,), with one bin lookup per value."""
        rows = row_count(columns)
        # A sum of complex numbers is two sums of real ones, each bit-identical to the separate sum.
        total = np.full(rows, complex(self.intercept, self.base_points or 0.0))
        slotted = [shape for shape in self.shapes if isinstance(shape, (Step, Levels))]  # a scorecard has no lines
        tables = [log_odds_and_points(shape) for shape in slotted]
        for some in chunks(rows):
            part = total[some]
            for shape, table in zip(slotted, tables, strict=True):
                part += table.take(shape.slot(columns[shape.column][some]), mode="clip")
        return np.ascontiguousarray(total.real), np.ascontiguousarray(total.imag)

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types."""
        points = {} if self.base_points is None else {"base_points": self.base_points}
        shapes = [shape_to_dict(shape) for shape in self.shapes]
        return {"kind": "additive", "intercept": self.intercept} | points | {"shapes": shapes}

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Additive:
        """Return the model that ``to_dict`` wrote."""
        shapes = tuple(shape_from_dict(shape) for shape in payload["shapes"])
        return cls(payload["intercept"], shapes, payload.get("base_points"))


@dataclass(frozen=True)
class Pair:
    """A value for each slot of one column and slot of another."""

    first: Step | Levels  # maps values to slots; its own values are not used
    second: Step | Levels
    value: tuple[tuple[float, ...], ...]  # log-odds, a row for each slot of the first column

    def contribution(self, columns: Columns) -> Floats:
        """Return log-odds, shape (n,)."""
        row, column = self.first.slot(columns[self.first.column]), self.second.slot(columns[self.second.column])
        return np.asarray(self.value, dtype=np.float64)[row, column]

    def to_dict(self) -> dict[str, Any]:
        """Return the pair as JSON types."""
        return {
            "first": shape_to_dict(self.first),
            "second": shape_to_dict(self.second),
            "value": [list(row) for row in self.value],
        }

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any]) -> Pair:
        """Return the pair that ``to_dict`` wrote."""
        first, second = (slotted_from_dict(payload[side]) for side in ("first", "second"))
        return cls(first, second, tuple(tuple(row) for row in payload["value"]))


@dataclass(frozen=True)
class Pairwise:
    """An additive model with pairwise interactions: an explainable boosting machine."""

    main: Additive
    pairs: tuple[Pair, ...]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The columns of the shapes, then those of the pairs, in order of first mention."""
        sides = [side for pair in self.pairs for side in (pair.first, pair.second)]
        return self.main.kinds | {side.column: side.kind for side in sides}

    @property
    def base(self) -> float:
        """Log-odds before any contribution."""
        return self.main.base

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        total = self.main.margin(columns)
        for pair in self.pairs:
            total += pair.contribution(columns)
        return total

    def contributions(self, columns: Columns) -> Floats:
        """Return log-odds by column, shape (n, columns); a pair's value is split equally between its columns."""
        position = {name: i for i, name in enumerate(self.kinds)}
        own = self.main.contributions(columns)
        out = np.zeros((len(own), len(position)))
        out[:, : own.shape[1]] = own
        for pair in self.pairs:
            half = pair.contribution(columns) / 2
            out[:, position[pair.first.column]] += half
            out[:, position[pair.second.column]] += half
        return out

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types."""
        return {"kind": "pairwise", "main": self.main.to_dict(blobs), "pairs": [pair.to_dict() for pair in self.pairs]}

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Pairwise:
        """Return the model that ``to_dict`` wrote."""
        return cls(Additive.from_dict(payload["main"], blobs), tuple(map(Pair.from_dict, payload["pairs"])))


@dataclass(frozen=True)
class Split:
    """The next split or segment of a row, by the value of one column."""

    shape: Step | Levels  # maps values to slots; its own values are not used
    to: tuple[int, ...]  # for each slot the position of a later split, or ``~number`` (below 0) of a segment


@dataclass(frozen=True)
class Segmented:
    """One additive model per segment of customers."""

    splits: tuple[Split, ...]  # evaluated in order; empty if there is one segment
    names: tuple[str, ...]
    models: tuple[Additive, ...]  # one for each segment
    share: tuple[float, ...]  # share of the training rows; weights of the average intercept

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The columns of the splits, then those of the cards, in order of first mention."""
        routing = {split.shape.column: split.shape.kind for split in self.splits}
        return routing | {name: kind for model in self.models for name, kind in model.kinds.items()}

    @property
    def base(self) -> float:
        """The average intercept."""
        return self._intercept(0 if self.splits else ~0)

    @property
    def base_points(self) -> float | None:
        """The base points of the first card, or None unless all cards have points."""
        points = [model.base_points for model in self.models]
        return None if None in points else points[0]

    def segment(self, columns: Columns) -> NDArray[np.intp]:
        """Return the number of each row's segment, shape (n,)."""
        return self._walk(columns, None)

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        out = np.zeros(row_count(columns))
        for number, rows, part in self._parts(columns):
            out[rows] = self.models[number].margin(part)
        return out

    def contributions(self, columns: Columns) -> Floats:
        """Return log-odds by column, shape (n, columns); 0 for columns that are not on the row's card."""
        out = np.zeros((row_count(columns), len(self.kinds)))
        position = {name: i for i, name in enumerate(self.kinds)}
        self._walk(columns, out)
        for number, rows, part in self._parts(columns):
            model = self.models[number]
            positions = np.array([position[name] for name in model.kinds], dtype=np.intp)
            out[np.ix_(rows, positions)] += model.contributions(part)
        return out

    def points(self, columns: Columns) -> Floats | None:
        """Return points, shape (n,), or None if the cards have none; more points are safer."""
        if self.base_points is None:
            return None
        out = np.zeros(row_count(columns))
        for number, rows, part in self._parts(columns):
            out[rows] = self.models[number].points(part)
        return out

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON types."""
        return {
            "kind": "segmented",
            "splits": [{"shape": shape_to_dict(split.shape), "to": list(split.to)} for split in self.splits],
            "names": list(self.names),
            "models": [model.to_dict(blobs) for model in self.models],
            "share": list(self.share),
        }

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Segmented:
        """Return the model that ``to_dict`` wrote."""
        splits = tuple(Split(slotted_from_dict(split["shape"]), tuple(split["to"])) for split in payload["splits"])
        models = tuple(Additive.from_dict(model, blobs) for model in payload["models"])
        return cls(splits, tuple(payload["names"]), models, tuple(payload["share"]))

    def _parts(self, columns: Columns) -> list[tuple[int, NDArray[np.intp], Columns]]:
        """Return number, rows and columns of each segment that has rows."""
        segment = self._walk(columns, None)
        return [
            (number, rows, {name: columns[name][rows] for name in self.kinds})
            for number in range(len(self.models))
            if len(rows := np.flatnonzero(segment == number))
        ]

    def _walk(self, columns: Columns, add_up: Floats | None) -> NDArray[np.intp]:
        node = np.full(row_count(columns), 0 if self.splits else ~0, dtype=np.intp)
        position = {name: i for i, name in enumerate(self.kinds)}
        # A split sends rows to later splits only, so one pass in order routes every row.
        for number, split in enumerate(self.splits):
            rows = np.flatnonzero(node == number)
            slot = split.shape.slot(columns[split.shape.column][rows])
            node[rows] = np.asarray(split.to, dtype=np.intp)[slot]
            if add_up is not None:
                steps = np.array([self._intercept(to) - self._intercept(number) for to in split.to])
                add_up[rows, position[split.shape.column]] += steps[slot]
        return ~node

    def _intercept(self, node: int) -> float:
        """Return the average intercept of the segments that are reachable from a split or segment."""
        segments = sorted(self._reachable(node))
        weights = np.array([self.share[number] for number in segments])
        intercepts = np.array([self.models[number].intercept for number in segments])
        return float(weights @ intercepts / weights.sum())

    def _reachable(self, node: int) -> set[int]:
        return {~node} if node < 0 else set().union(*(self._reachable(to) for to in self.splits[node].to))
