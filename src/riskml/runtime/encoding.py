"""Matrix encoding of raw columns for tree models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .frame import codes

Columns = Mapping[str, NDArray[Any]]
LARGEST = float(np.finfo(np.float32).max)  # trees split on float32, in which larger numbers are infinite


def row_count(columns: Columns) -> int:
    """Return the number of rows; 0 without columns."""
    return len(next(iter(columns.values()))) if columns else 0


@dataclass(frozen=True)
class Encoding:
    """Columns to matrix: numbers unchanged, levels as their codes, missing and unseen values as NaN."""

    levels: Mapping[str, Mapping[str, float] | None]  # None: a numeric column

    @property
    def kinds(self) -> dict[str, str]:
        """The columns that the model reads, and their kinds."""
        return {name: "numeric" if levels is None else "categorical" for name, levels in self.levels.items()}

    def matrix(self, columns: Columns) -> NDArray[np.float32]:
        """Return the matrix, shape (n, columns)."""
        out = np.empty((row_count(columns), len(self.levels)), dtype=np.float32)
        for position, (name, levels) in enumerate(self.levels.items()):
            if levels is None:
                out[:, position] = np.clip(columns[name], -LARGEST, LARGEST)
            else:
                index = {level: slot for slot, level in enumerate(levels)}
                numbers = np.array([*levels.values(), np.nan], dtype=np.float32)
                out[:, position] = numbers[codes(columns[name], index, missing=len(index), other=len(index))]
        return out

    def to_list(self) -> list[dict[str, Any]]:
        """Return the encoding as JSON types."""
        return [{"column": name, "levels": levels and dict(levels)} for name, levels in self.levels.items()]

    @classmethod
    def from_list(cls, payload: Sequence[Mapping[str, Any]]) -> Encoding:
        """Return the encoding that ``to_list`` wrote."""
        return cls({column["column"]: column["levels"] for column in payload})
