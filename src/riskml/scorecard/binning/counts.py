"""Counts of events and non-events per pre-bin: the input of the binning.

One pass makes them: pre-bin edges are quantiles of a sample, and every row then falls between two of them. Tables with
the same edges add up, so that chunks, DuckDB or Spark can count where the rows are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import DataError, preview
from riskml.runtime.frame import Floats, levels
from riskml.schema import Column
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.binning.prebins import CellTable, prebin_edges

_CHUNK = 1 << 15  # rows at a time: the intermediate arrays stay in the processor's cache


@dataclass(frozen=True)
class NumericCounts:
    """Counts of a numeric column.

    Parameters
    ----------
    edges : ndarray of shape (p - 1,)
        Increasing; pre-bin i is ``[edges[i - 1], edges[i])``, the outer ones are open.
    counts : ndarray of shape (p, 2)
        Non-events and events (sums of weights) of each pre-bin.
    special : mapping of code to ndarray of shape (2,)
        Codes are not part of the pre-bins.
    """

    edges: Floats
    counts: Floats
    missing: Floats
    special: Mapping[float, Floats]

    @property
    def totals(self) -> Floats:
        """Non-events and events of all rows, shape (2,)."""
        return np.asarray(self.counts.sum(axis=0) + self.missing + sum(self.special.values(), np.zeros(2)))

    def __add__(self, other: NumericCounts) -> NumericCounts:
        """Return the counts of both tables' rows together."""
        if not np.array_equal(self.edges, other.edges) or list(self.special) != list(other.special):
            raise DataError("counts add up only over the same edges and special codes", fix="count with shared edges")
        special = {code: count + other.special[code] for code, count in self.special.items()}
        return NumericCounts(self.edges, self.counts + other.counts, self.missing + other.missing, special)

    def without_empty(self) -> NumericCounts:
        """Return the same counts without empty pre-bins: an edge between nothing and something is no choice."""
        filled = self.counts.sum(axis=1) > 0
        if filled.all() or not filled.any():
            return self
        rows = np.flatnonzero(filled)
        return replace(self, edges=self.edges[rows[1:] - 1], counts=self.counts[rows])

    def coarse(self, most: int) -> NumericCounts:
        """Return the same counts over at most so many pre-bins of about equal size: neighbours are taken together."""
        starts = coarse_starts(self.counts, most)
        return (
            replace(self, edges=self.edges[starts[1:] - 1], counts=np.add.reduceat(self.counts, starts, axis=0))
            if len(starts) < len(self.counts)
            else self
        )

    def check(self, column: str) -> None:
        """Refuse counts that are none.

        Raises
        ------
        DataError
            Names the column and the field that is wrong.
        """
        problems = [
            *_of_shape("edges", self.edges, (None,)),
            *_of_shape("counts", self.counts, (None, 2)),
            *_of_shape("missing", self.missing, (2,)),
        ]
        if not isinstance(self.special, Mapping):
            problems.append(f"special is a mapping of code to counts; got a {type(self.special).__name__}")
        else:
            problems += [
                f"special codes are finite numbers; got {code!r}" for code in self.special if not _is_finite(code)
            ]
            for code, part in self.special.items():
                problems += _of_shape(f"special[{code!r}]", part, (2,))
        if not problems and (not np.isfinite(self.edges).all() or not (np.diff(self.edges) > 0).all()):
            problems.append(f"edges must be finite and rise strictly; got {preview(self.edges.tolist())}")
        if not problems and len(self.counts) != len(self.edges) + 1:
            problems.append(
                f"{len(self.edges)} edges make {len(self.edges) + 1} pre-bins; got counts of {len(self.counts)}"
            )
        coded = [] if problems else [(f"special[{code!r}]", part) for code, part in self.special.items()]
        _refuse_bad(column, problems, [("counts", self.counts), ("missing", self.missing), *coded])

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, special: tuple[float, ...] = ()) -> Self:
        """Return the counts that a query gave.

        Parameters
        ----------
        frame : DataFrame of shape (p, 3 or more)
            ``low`` (a pre-bin's lowest value; NaN for missing; the code for a special code), ``non_event``, ``event``.
        special : tuple of float
            The values of ``low`` that are special codes.
        """
        sums = frame[["low", "non_event", "event"]].groupby("low", dropna=False, sort=True).sum()
        low, counts = sums.index.to_numpy(dtype=np.float64), sums.to_numpy(dtype=np.float64)
        blank, coded = np.isnan(low), np.isin(low, special)
        regular = ~blank & ~coded
        return cls(
            edges=low[regular][1:],
            counts=counts[regular],
            missing=counts[blank].sum(axis=0),
            special={code: counts[low == code].sum(axis=0) for code in special},
        )


@dataclass(frozen=True)
class LevelCounts:
    """Counts of a categorical column.

    Parameters
    ----------
    counts : ndarray of shape (levels, 2)
        Non-events and events (sums of weights) of each level.
    """

    levels: tuple[str, ...]
    counts: Floats
    missing: Floats

    @property
    def totals(self) -> Floats:
        """Non-events and events of all rows, shape (2,)."""
        return np.asarray(self.counts.sum(axis=0) + self.missing)

    def __add__(self, other: LevelCounts) -> LevelCounts:
        """Return the counts of both tables' rows together."""
        position = {name: i for i, name in enumerate(dict.fromkeys(self.levels + other.levels))}
        counts = np.zeros((len(position), 2))
        for part in (self, other):
            np.add.at(counts, [position[name] for name in part.levels], part.counts)
        return LevelCounts(tuple(position), counts, self.missing + other.missing)

    def none(self) -> LevelCounts:
        """Return the same levels without any row."""
        return LevelCounts(self.levels, np.zeros_like(self.counts), np.zeros(2))

    def check(self, column: str) -> None:
        """Refuse counts that are none.

        Raises
        ------
        DataError
            Names the column and the field that is wrong.
        """
        problems = [*_of_shape("counts", self.counts, (None, 2)), *_of_shape("missing", self.missing, (2,))]
        other = [name for name in self.levels if not isinstance(name, str)]
        twice = [name for name, times in Counter(self.levels).items() if times > 1]
        if other:
            problems.append(f"levels are text; got {preview(other)}")
        if twice:
            problems.append(f"levels occur more than once: {preview(twice)}")
        if not problems and len(self.counts) != len(self.levels):
            problems.append(f"there are {len(self.levels)} levels, and counts of {len(self.counts)}")
        _refuse_bad(column, problems, [("counts", self.counts), ("missing", self.missing)])

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> LevelCounts:
        """Return the counts that a query gave: ``level`` (None or blank text for missing), ``non_event``, ``event``.

        1, 1.0 and "1" are one level, as they are where rows are scored.
        """
        counts = frame[["non_event", "event"]].to_numpy(dtype=np.float64)
        return _by_level(levels(frame["level"]), counts)


Counts = NumericCounts | LevelCounts


def count_numeric(
    values: Floats,
    event: NDArray[np.int8],
    edges: Floats,
    special: tuple[float, ...] = (),
    weight: Floats | None = None,
) -> NumericCounts:
    """Return the counts of a numeric column.

    Parameters
    ----------
    values : ndarray of shape (n,)
        NaN where missing.
    event : ndarray of shape (n,)
        0 or 1.
    edges : ndarray of shape (p - 1,)
        Increasing.
    weight : ndarray of shape (n,), optional
        Weights of rows; 1 by default.
    """
    table = CellTable(edges)
    places = len(edges) + 2 + len(special)
    counts = np.zeros(2 * places)
    for start in range(0, len(values), _CHUNK):
        rows = slice(start, start + _CHUNK)
        chunk = np.ascontiguousarray(values[rows])
        slot = table.slot(chunk)
        slot[np.isnan(chunk)] = len(edges) + 1
        for position, code in enumerate(special):
            slot[chunk == code] = len(edges) + 2 + position
        slot += slot
        slot += event[rows]
        counts += np.bincount(slot, None if weight is None else weight[rows], minlength=2 * places)
    by_slot = counts.reshape(places, 2)
    extra = {code: by_slot[len(edges) + 2 + position] for position, code in enumerate(special)}
    return NumericCounts(edges, by_slot[: len(edges) + 1], by_slot[len(edges) + 1], extra)


def count_levels(values: NDArray[np.object_], event: NDArray[np.int8], weight: Floats | None = None) -> LevelCounts:
    """Return the counts of a categorical column; None and blank text are missing, and 1, 1.0 and "1" one level.

    Parameters
    ----------
    event : ndarray of shape (n,)
        0 or 1.
    """
    array = np.asarray(values, dtype=object)
    codes, distinct = pd.factorize(array, use_na_sentinel=True)
    if not all(isinstance(value, str) for value in distinct):
        return count_levels(levels(pd.Series(array, dtype=object)), event, weight)
    counts = np.bincount(2 * (codes + 1) + event, weight, minlength=2 * (len(distinct) + 1)).reshape(-1, 2)
    # Blank texts are missing too. The counts of the missing values come first, as code -1 does.
    names = np.array([None, *levels(pd.Series(distinct, dtype=object))], dtype=object)
    return _by_level(names, counts)


def _by_level(names: NDArray[np.object_], counts: NDArray[Any]) -> LevelCounts:
    """Return the counts of each distinct name in order; None is missing."""
    codes, distinct = pd.factorize(names, sort=True, use_na_sentinel=True)
    summed = np.zeros((len(distinct) + 1, 2))
    np.add.at(summed, codes, counts)
    return LevelCounts(tuple(map(str, distinct)), summed[:-1], summed[-1])


def _of_shape(field: str, array: Any, shape: tuple[int | None, ...]) -> list[str]:
    """Return what is wrong with an array's kind or shape."""
    expected = f"({', '.join('p' if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        kind = f"{array.dtype} array" if isinstance(array, np.ndarray) else type(array).__name__
        return [f"{field} is an array of numbers of shape {expected}; got a {kind}"]
    fits = len(array.shape) == len(shape) and all(b in (None, a) for a, b in zip(array.shape, shape, strict=True))
    return [] if fits else [f"{field} has the shape {expected}; got {array.shape}"]


def _is_finite(code: Any) -> bool:
    return isinstance(code, Real) and bool(np.isfinite(float(code)))


def _refuse_bad(column: str, problems: list[str], parts: Iterable[tuple[str, Floats]]) -> None:
    if not problems:
        for field, counts in parts:
            bad = counts[~(np.isfinite(counts) & (counts >= 0))]
            if len(bad):
                problems.append(f"{field} must be finite and not negative; got {preview(bad.tolist(), most=3)}")
    if problems:
        raise DataError("\n".join(problems), where=f"column {column!r}, counts", fix="correct the counts")


def coarse_starts(counts: Floats, most: int) -> NDArray[np.intp]:
    """Return where runs of neighbours begin that are at most so many, and of about equal size."""
    rows = counts.sum(axis=1)
    if len(rows) <= most or not rows.any():
        return np.arange(len(rows))
    # In which of the equal parts of all rows each pre-bin begins.
    part = ((np.cumsum(rows) - rows) * (most / rows.sum())).astype(np.intp)
    return np.flatnonzero(np.diff(part, prepend=-1) > 0)


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
