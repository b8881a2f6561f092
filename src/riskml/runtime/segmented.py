"""Several cards behind one door: splits send every row to a segment, whose own card scores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .encoding import Columns
from .frame import Floats
from .model import Additive
from .shapes import Levels, Step, shape_from_dict, shape_to_dict


@dataclass(frozen=True)
class Split:
    """Where a row goes by one column's value."""

    shape: Step | Levels  # finds a value's slot; its values are not used
    to: tuple[int, ...]  # for each slot the position of a later split, or ``~number`` (below 0) of a segment


@dataclass(frozen=True)
class Segmented:
    """An additive model per segment."""

    splits: tuple[Split, ...]  # the first one is asked first; none when there is one segment
    names: tuple[str, ...]
    models: tuple[Additive, ...]  # one for each segment
    share: tuple[float, ...]  # of rows in training; weighs the average intercept

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The columns it reads: those of the splits, then those of the cards, in order of first mention."""
        asked = {split.shape.column: split.shape.kind for split in self.splits}
        return asked | {name: kind for model in self.models for name, kind in model.kinds.items()}

    @property
    def base(self) -> float:
        """The average intercept."""
        return self._intercept(0 if self.splits else ~0)

    @property
    def base_points(self) -> float | None:
        """The first card's points before any characteristic, or None when not all cards have points."""
        points = [model.base_points for model in self.models]
        return None if None in points else points[0]

    def segment(self, columns: Columns) -> NDArray[np.intp]:
        """Return the number of each row's segment, shape (n,)."""
        return self._walk(columns, None)

    def margin(self, columns: Columns) -> Floats:
        """Return log-odds of the event, shape (n,)."""
        out = np.zeros(_rows(columns))
        for number, rows, part in self._parts(columns):
            out[rows] = self.models[number].margin(part)
        return out

    def contributions(self, columns: Columns) -> Floats:
        """Return log-odds that each column adds, shape (n, columns); 0 where a row's card does not have it."""
        out = np.zeros((_rows(columns), len(self.kinds)))
        position = {name: i for i, name in enumerate(self.kinds)}
        self._walk(columns, out)
        for number, rows, part in self._parts(columns):
            model = self.models[number]
            places = np.array([position[name] for name in model.kinds], dtype=np.intp)
            out[np.ix_(rows, places)] += model.contributions(part)
        return out

    def points(self, columns: Columns) -> Floats | None:
        """Return the points on each row's card, shape (n,), or None where there are none; more points are safer."""
        if self.base_points is None:
            return None
        out = np.zeros(_rows(columns))
        for number, rows, part in self._parts(columns):
            out[rows] = self.models[number].points(part)
        return out

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the model as JSON's types."""
        return {
            "kind": "segmented",
            "splits": [{"shape": shape_to_dict(split.shape), "to": list(split.to)} for split in self.splits],
            "names": list(self.names),
            "models": [model.to_dict(blobs) for model in self.models],
            "share": list(self.share),
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Segmented:
        """Return the model that ``to_dict`` wrote."""
        splits = tuple(Split(_asking(split["shape"]), tuple(split["to"])) for split in said["splits"])
        models = tuple(Additive.from_dict(model, blobs) for model in said["models"])
        return cls(splits, tuple(said["names"]), models, tuple(said["share"]))

    def _parts(self, columns: Columns) -> list[tuple[int, NDArray[np.intp], Columns]]:
        """Return each segment's number, rows and columns; segments without rows are left out."""
        segment = self._walk(columns, None)
        found = ((number, np.flatnonzero(segment == number)) for number in range(len(self.models)))
        return [
            (number, rows, {name: columns[name][rows] for name in self.kinds}) for number, rows in found if len(rows)
        ]

    def _walk(self, columns: Columns, add_up: Floats | None) -> NDArray[np.intp]:
        place = np.full(_rows(columns), 0 if self.splits else ~0, dtype=np.intp)
        position = {name: i for i, name in enumerate(self.kinds)}
        # A split sends rows to later ones only, so one pass in order brings every row home.
        for number, split in enumerate(self.splits):
            rows = np.flatnonzero(place == number)
            slot = split.shape.slot(columns[split.shape.column][rows])
            place[rows] = np.asarray(split.to, dtype=np.intp)[slot]
            if add_up is not None:
                steps = np.array([self._intercept(to) - self._intercept(number) for to in split.to])
                add_up[rows, position[split.shape.column]] += steps[slot]
        return ~place

    def _intercept(self, place: int) -> float:
        """Return the average intercept of the segments that are reached from a place."""
        segments = sorted(self._reached(place))
        weights = np.array([self.share[number] for number in segments])
        intercepts = np.array([self.models[number].intercept for number in segments])
        return float(weights @ intercepts / weights.sum())

    def _reached(self, place: int) -> set[int]:
        return {~place} if place < 0 else set().union(*(self._reached(to) for to in self.splits[place].to))


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values()))) if columns else 0


def _asking(said: Mapping[str, Any]) -> Step | Levels:
    shape = shape_from_dict(said)
    assert isinstance(shape, (Step, Levels))  # a line has no slots
    return shape
