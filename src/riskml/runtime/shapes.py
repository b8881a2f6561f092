"""Shapes of additive models: a column's contribution to the log-odds as steps, a piecewise-linear curve or levels.

An additive model is an intercept and one shape per column; scoring, points, reasons and SQL read the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .frame import Floats, codes

_CHUNK = 1 << 15  # rows at a time: intermediate arrays fit into the processor's cache
_FEW_SPLITS = 32


@dataclass(frozen=True)
class Step:
    """A value per bin; slots in order: the bins, missing, each special code."""

    column: str
    splits: tuple[float, ...]
    special: tuple[float, ...]
    value: tuple[float, ...]
    points: tuple[float, ...] = ()
    kind = "numeric"

    def slot(self, values: Floats) -> NDArray[np.intp]:
        """Return the slot of each value, shape (n,)."""
        if len(values) <= _CHUNK:
            return self._slot(values)
        slots = np.empty(len(values), dtype=np.intp)
        for rows in chunks(len(values)):
            slots[rows] = self._slot(values[rows])
        return slots

    def contribution(self, values: Floats) -> Floats:
        """Return log-odds, shape (n,)."""
        value, out = np.asarray(self.value, dtype=np.float64), np.empty(len(values))
        for rows in chunks(len(values)):
            # mode="clip" avoids a copy; all slots are in range.
            value.take(self._slot(values[rows]), out=out[rows], mode="clip")
        return out

    def _slot(self, values: Floats) -> NDArray[Any]:
        splits = np.asarray(self.splits, dtype=np.float64)
        if len(splits) + len(self.special) > _FEW_SPLITS:
            slots = np.searchsorted(splits, values, side="right")
        else:
            # Comparing with a few splits one by one is several times faster than a binary search.
            slots = np.zeros(len(values), dtype=np.uint8)
            above = np.empty(len(values), dtype=np.bool_)
            for split in splits:
                np.greater_equal(values, split, out=above)
                slots += above.view(np.uint8)  # adding a bool array would convert it first
        np.copyto(slots, len(splits) + 1, where=np.isnan(values))
        for position, code in enumerate(self.special):
            np.copyto(slots, len(splits) + 2 + position, where=values == code)
        return slots


def chunks(rows: int) -> Iterator[slice]:
    """Return slices of rows that fit into the processor's cache."""
    return (slice(start, start + _CHUNK) for start in range(0, rows, _CHUNK))


@dataclass(frozen=True)
class Line:
    """Piecewise-linear curve through knots, constant beyond both ends; missing and special codes have own values."""

    column: str
    knots: tuple[float, ...]
    special: tuple[float, ...]
    value: tuple[float, ...]  # at the knots, then missing, then each special code
    kind = "numeric"

    def contribution(self, values: Floats) -> Floats:
        """Return log-odds, shape (n,)."""
        count = len(self.knots)
        out = np.interp(values, self.knots, self.value[:count])
        out[np.isnan(values)] = self.value[count]
        for position, code in enumerate(self.special):
            out[values == code] = self.value[count + 1 + position]
        return out


@dataclass(frozen=True)
class Levels:
    """A value per group of levels; slots in order: the groups, missing, unseen in training."""

    column: str
    levels: Mapping[str, int]
    value: tuple[float, ...]
    points: tuple[float, ...] = ()
    kind = "categorical"

    def slot(self, values: NDArray[np.object_]) -> NDArray[np.intp]:
        """Return the slot of each value, shape (n,)."""
        groups = len(self.value) - 2
        return codes(values, self.levels, missing=groups, other=groups + 1)

    def contribution(self, values: NDArray[np.object_]) -> Floats:
        """Return log-odds, shape (n,)."""
        return np.asarray(self.value, dtype=np.float64)[self.slot(values)]


Shape = Step | Line | Levels


def log_odds_and_points(shape: Step | Levels) -> NDArray[np.complex128]:
    """Return the values of each slot: log-odds as the real part, points as the imaginary part."""
    return np.asarray(shape.value, dtype=np.float64) + 1j * np.asarray(shape.points, dtype=np.float64)


SHAPES: dict[str, type[Step] | type[Line] | type[Levels]] = {"step": Step, "line": Line, "levels": Levels}


def shape_to_dict(shape: Shape) -> dict[str, Any]:
    """Return a shape as JSON types."""
    name = next(name for name, kind in SHAPES.items() if isinstance(shape, kind))
    return {"shape": name} | {
        key: dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
        for key, value in vars(shape).items()
    }


def shape_from_dict(payload: Mapping[str, Any]) -> Shape:
    """Return the shape that ``shape_to_dict`` wrote."""
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in payload.items() if key != "shape"
    }
    return SHAPES[payload["shape"]](**fields)


def slotted_from_dict(payload: Mapping[str, Any]) -> Step | Levels:
    """Return the shape that ``shape_to_dict`` wrote, of a kind that has slots."""
    shape = shape_from_dict(payload)
    assert isinstance(shape, (Step, Levels))  # a line has no slots
    return shape
