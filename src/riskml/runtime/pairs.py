"""What two columns say together: an additive model with tables of pairs on top of its shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .encoding import Columns
from .frame import Floats
from .model import Additive
from .shapes import Levels, Step, shape_from_dict, shape_to_dict


@dataclass(frozen=True)
class Pair:
    """A value for each slot of one column and slot of another."""

    first: Step | Levels  # find the slots of a row's values; their own values are not used
    second: Step | Levels
    value: tuple[tuple[float, ...], ...]  # log-odds, a row for each slot of the first column

    def contribution(self, columns: Columns) -> Floats:
        """Return log-odds, shape (n,)."""
        row, column = self.first.slot(columns[self.first.column]), self.second.slot(columns[self.second.column])
        return np.asarray(self.value, dtype=np.float64)[row, column]

    def to_dict(self) -> dict[str, Any]:
        """Return the pair as JSON's types."""
        return {
            "first": shape_to_dict(self.first),
            "second": shape_to_dict(self.second),
            "value": [list(row) for row in self.value],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Pair:
        """Return the pair that ``to_dict`` wrote."""
        first, second = (shape_from_dict(said[side]) for side in ("first", "second"))
        assert isinstance(first, (Step, Levels))  # a line has no slots
        assert isinstance(second, (Step, Levels))
        return cls(first, second, tuple(tuple(row) for row in said["value"]))


@dataclass(frozen=True)
class Pairwise:
    """An additive model, and pairs of columns: an explainable boosting machine."""

    main: Additive
    pairs: tuple[Pair, ...]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The columns it reads: those of the shapes, then those of the pairs, in order of first mention."""
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
        """Return log-odds that each column adds, alone and by half in its pairs, shape (n, columns)."""
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
        """Return the model as JSON's types."""
        return {
            "kind": "pairwise",
            "main": self.main.to_dict(blobs),
            "pairs": [pair.to_dict() for pair in self.pairs],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Pairwise:
        """Return the model that ``to_dict`` wrote."""
        return cls(Additive.from_dict(said["main"], blobs), tuple(map(Pair.from_dict, said["pairs"])))
