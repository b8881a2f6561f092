"""Unseen levels and missing cells of customers to score, against the rows of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .encoding import Columns
from .frame import codes

_DEVIATIONS = 3.0  # standard errors by which a share of missing cells exceeds that of training


@dataclass(frozen=True)
class ColumnCount:
    """Cells of one column that the model learnt nothing of, or less often."""

    column: str
    rows: int
    unseen: int  # rows whose level was not in training
    missing: int
    missing_in_training: float | None  # share of rows; None where the model does not state it

    @property
    def excess(self) -> bool:
        """Whether cells are missing more often than in training, beyond chance."""
        share = self.missing_in_training
        if share is None or not self.missing:
            return False
        return self.missing > self.rows * share + _DEVIATIONS * float(np.sqrt(self.rows * share * (1 - share)))

    def __str__(self) -> str:
        parts = []
        if self.unseen:
            parts.append(f"{self.unseen} {_rows(self.unseen)} ({_share(self.unseen, self.rows)}) of an unseen level")
        if self.excess:
            before = f"{self.missing_in_training or 0:.1%} in training"
            parts.append(f"{self.missing} {_rows(self.missing)} missing ({_share(self.missing, self.rows)}; {before})")
        return f"column {self.column!r}: {', '.join(parts)}"


class InputCounts:
    """Counts of the columns of a model, to which tables are added."""

    def __init__(self, columns: Sequence[Mapping[str, Any]]) -> None:
        self._shares = {column["name"]: column.get("missing") for column in columns}
        self._known = {
            column["name"]: dict.fromkeys([*map(str, column["levels"] or ()), *map(str, column["special"] or ())], 0)
            for column in columns
            if column["kind"] == "categorical"
        }
        self._unseen, self._missing = dict.fromkeys(self._shares, 0), dict.fromkeys(self._shares, 0)
        self._rows = 0

    def add(self, columns: Columns) -> None:
        """Count the cells of a table that was read for the model."""
        self._rows += max(map(len, columns.values()), default=0)
        for name, values in columns.items():
            if name in self._known:
                places = codes(values, self._known[name], missing=-1, other=1)
                self._missing[name] += int((places < 0).sum())
                self._unseen[name] += int((places > 0).sum())
            else:
                self._missing[name] += int(np.isnan(values).sum())

    def beyond_training(self) -> list[ColumnCount]:
        """Return the columns with unseen levels, or with more missing cells than in training."""
        counts = [
            ColumnCount(name, self._rows, self._unseen[name], self._missing[name], share)
            for name, share in self._shares.items()
        ]
        return [count for count in counts if count.unseen or count.excess]


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _share(count: int, rows: int) -> str:
    return f"{count / rows:.1%}"
