"""From the rows of a column to its counts, of all of them and of each period."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskml.errors import DataError
from riskml.runtime.frame import Floats
from riskml.schema import Column
from riskml.scorecard.binning.counts import Counts, LevelCounts, NumericCounts, count_levels, count_numeric
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.binning.prebins import prebin_edges


def counted(
    column: Column, values: NDArray[Any], event: NDArray[np.int8], weight: Floats | None, options: ColumnOptions
) -> Counts:
    """Return a column's counts over its pre-bins, or over its levels; an identifier is refused."""
    if column.kind == "categorical":
        counts = count_levels(values, event, weight)
        if len(counts.levels) > 1000 and len(counts.levels) > len(values) / 2:
            raise DataError(
                f"{len(counts.levels):,} distinct levels in {len(values):,} rows: an identifier, or free text",
                where=f"column {column.name!r}",
                fix="leave the column out, or group its levels",
            )
        return counts
    special = tuple(float(code) for code in column.special)
    edges = prebin_edges(values, options.prebins, special, weight)
    if options.splits is not None:
        edges = np.union1d(edges, np.asarray(list(options.splits), dtype=np.float64))
    return count_numeric(values, event, edges, special, weight)


def in_periods(
    counts: Counts, values: NDArray[Any], event: NDArray[np.int8], weight: Floats | None, period: NDArray[np.intp]
) -> list[Counts]:
    """Return the counts of the rows of each period, over the same pre-bins or levels."""
    parts: list[Counts] = []
    for number in range(int(period.max()) + 1):
        rows = period == number
        part_weight = None if weight is None else weight[rows]
        if isinstance(counts, LevelCounts):
            # The same levels in the same order, those that the period lacks among them.
            parts.append(counts.none() + count_levels(values[rows], event[rows], part_weight))
        else:
            special = tuple(counts.special)
            parts.append(count_numeric(values[rows], event[rows], counts.edges, special, part_weight))
    return parts


def refuse_useless(column: str, counts: Counts, options: ColumnOptions) -> None:
    """Refuse a column of one kind of value, unless it is to be kept."""
    special = counts.special.values() if isinstance(counts, NumericCounts) else ()
    kinds = int((counts.counts.sum(axis=1) > 0).sum()) + sum(bool(part.any()) for part in (counts.missing, *special))
    if kinds < 2 and options.constant == "raise":
        raise DataError(
            "all values are missing" if counts.missing.any() else "the column has one value only",
            where=f"column {column!r}",
            fix="leave the column out, or set constant='keep'",
        )
