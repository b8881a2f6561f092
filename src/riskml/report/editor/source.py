"""Where the editor's counts come from: rows, which can be counted anew at any cut, or counts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import DataError
from riskml.runtime.frame import Floats
from riskml.schema import Column, Schema
from riskml.scorecard import OptimalBinner
from riskml.scorecard.counts import Counts, NumericCounts, count_levels, count_numeric
from riskml.scorecard.prebins import prebin_edges
from riskml.scorecard.target import binary_target, row_weights, without_zero_weights


class Source(Protocol):
    """Gives the counts of a column."""

    def counts(self, column: Column, cuts: Floats) -> Counts:
        """Return the counts over pre-bins that have edges at these cuts."""


@dataclass(frozen=True)
class RowSource:
    """Counts rows.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
    event : ndarray of shape (n,)
    weight : ndarray of shape (n,), optional
    max_prebins : int
    """

    frame: pd.DataFrame
    event: NDArray[np.int8]
    weight: Floats | None
    max_prebins: int

    @classmethod
    def of(cls, binner: OptimalBinner, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Return the rows that a binner was fitted on; what does not fit together is refused."""
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X), columns=binner.schema_.names)
        names = [str(name) for name in frame.columns]
        absent = [name for name in binner.schema_.names if name not in names]
        if absent:
            raise DataError(
                f"the rows lack columns of the binner: {', '.join(absent)}", mend="hand in the rows it was fitted on"
            )
        classes, event = binary_target(frame, y)
        if list(classes) != list(binner.classes_):
            raise DataError(f"the binner was fitted on the classes {list(binner.classes_)}; got {list(classes)}")
        frame, event, weight = without_zero_weights(frame, event, row_weights(sample_weight, len(frame)))
        return cls(frame, event, weight, binner.max_prebins)

    def counts(self, column: Column, cuts: Floats) -> Counts:
        """Return the counts over quantile pre-bins, with further edges at the cuts."""
        position = [str(name) for name in self.frame.columns].index(column.name)
        values = Schema((column,)).conform(self.frame.iloc[:, [position]])[column.name].to_numpy()
        if column.kind == "categorical":
            return count_levels(values, self.event, self.weight)
        special = tuple(float(code) for code in column.special)
        edges = np.union1d(prebin_edges(values, self.max_prebins, special), cuts)
        return count_numeric(values, self.event, edges, special, self.weight)


@dataclass(frozen=True)
class CountSource:
    """Has counts, and no rows."""

    given: Mapping[str, Counts]

    def counts(self, column: Column, cuts: Floats) -> Counts:
        """Return the counts; a cut where they have no edge is refused."""
        if column.name not in self.given:
            raise DataError(f"no counts are given for the column {column.name!r}")
        counts = self.given[column.name]
        if isinstance(counts, NumericCounts) and len(absent := np.setdiff1d(cuts, counts.edges)):
            raise DataError(
                f"the counts have no edge at {', '.join(f'{cut:g}' for cut in absent)}",
                where=f"column {column.name!r}",
                mend="cut at an edge of the pre-bins, or make the editor from rows",
            )
        return counts
