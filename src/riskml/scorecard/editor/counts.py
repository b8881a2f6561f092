"""Sources of the editor's counts: rows, which can be counted at any cut, or counts alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import DataError
from riskml.runtime.frame import Floats
from riskml.schema import Column, Schema
from riskml.scorecard import OptimalBinner
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.counts import Counts, NumericCounts, count_levels, count_numeric, in_periods
from riskml.scorecard.binning.labels import edge_text
from riskml.scorecard.binning.periods import by_period, period_codes
from riskml.scorecard.binning.prebins import prebin_edges
from riskml.scorecard.binning.target import binary_target, row_weights, without_zero_weights


@dataclass(frozen=True)
class RowSource:
    """Counts rows."""

    frame: pd.DataFrame
    event: NDArray[np.int8]
    weight: Floats | None
    max_prebins: int
    period: NDArray[np.intp] | None = None  # the number of each row's period
    names: tuple[str, ...] = ()  # the periods' names

    @classmethod
    def of(cls, binner: OptimalBinner, X: Any, y: Any, sample_weight: Any = None, periods: Any = None) -> Self:
        """Return the rows that a binner was fitted on; what does not fit together is refused."""
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X), columns=binner.schema_.names)
        names = [str(name) for name in frame.columns]
        absent = [name for name in binner.schema_.names if name not in names]
        if absent:
            raise DataError(
                f"the rows lack columns of the binner: {', '.join(absent)}", fix="hand in the rows it was fitted on"
            )
        with warnings.catch_warnings():
            # What there is to say of the target, the fit has said.
            warnings.simplefilter("ignore", UserWarning)
            classes, event = binary_target(frame, y)
        if list(classes) != list(binner.classes_):
            raise DataError(f"the binner was fitted on the classes {list(binner.classes_)}; got {list(classes)}")
        period, called = (None, []) if periods is None else period_codes(periods, event)
        weight = row_weights(sample_weight, len(frame))
        if period is not None and weight is not None:
            period = period[weight > 0]
        frame, event, weight = without_zero_weights(frame, event, weight)
        return cls(frame, event, weight, binner.max_prebins, period, tuple(called))

    @property
    def fit_arguments(self) -> tuple[str, ...]:
        """What the fit was given besides X and y."""
        return ("sample_weight",) * (self.weight is not None) + ("periods",) * (self.period is not None)

    def in_periods(self, column: Column, bins: ColumnBins) -> pd.DataFrame | None:
        """Return ``bin``, ``period``, ``event_rate`` of a column's bins."""
        if self.period is None:
            return None
        counts = self.counts(column, np.asarray(getattr(bins.shape, "splits", ()), dtype=np.float64))
        parts = in_periods(counts, self._values(column), self.event, self.weight, self.period)
        return by_period(bins, counts, parts, self.names)

    def counts(self, column: Column, cuts: Floats) -> Counts:
        """Return the counts over quantile pre-bins, with further edges at the cuts."""
        values = self._values(column)
        if column.kind == "categorical":
            return count_levels(values, self.event, self.weight)
        special = tuple(float(code) for code in column.special)
        edges = np.union1d(prebin_edges(values, self.max_prebins, special, self.weight), cuts)
        return count_numeric(values, self.event, edges, special, self.weight)

    def _values(self, column: Column) -> NDArray[Any]:
        position = [str(name) for name in self.frame.columns].index(column.name)
        return np.asarray(Schema((column,)).conform(self.frame.iloc[:, [position]])[column.name].to_numpy())


@dataclass(frozen=True)
class CountSource:
    """Has counts, and no rows."""

    of_columns: Mapping[str, Counts]
    fit_arguments: tuple[str, ...] = ()

    def in_periods(self, column: Column, bins: ColumnBins) -> None:
        """Return None: counts know of no period."""

    def counts(self, column: Column, cuts: Floats) -> Counts:
        """Return the counts; a cut where they have no edge is refused."""
        if column.name not in self.of_columns:
            raise DataError(f"no counts are given for the column {column.name!r}")
        counts = self.of_columns[column.name]
        if isinstance(counts, NumericCounts) and len(absent := np.setdiff1d(cuts, counts.edges)):
            raise DataError(
                f"the counts have no edge at {', '.join(map(edge_text, absent))}",
                where=f"column {column.name!r}",
                fix="cut at an edge of the pre-bins, or make the editor from rows",
            )
        return counts


Source = RowSource | CountSource
