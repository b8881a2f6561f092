"""Counts of events and non-events per pre-bin: all that the binning needs to know of a column.

One pass makes them: pre-bin edges are quantiles of a sample, and every row then falls between two of them. Tables with
the same edges add up, so that chunks, DuckDB or Spark can count where the rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import DataError
from riskml.runtime.frame import Floats

SAMPLE = 100_000  # rows that quantiles are read from; the error of a quantile is then below a sixth of a percent
_CHUNK = 1 << 15  # rows at a time: the intermediate arrays stay in the processor's cache
_CELLS = 1 << 14


@dataclass(frozen=True)
class NumericCounts:
    """Counts of a numeric column.

    Parameters
    ----------
    edges : ndarray of shape (p - 1,)
        Increasing; pre-bin i is ``[edges[i - 1], edges[i])``, the outer ones are open.
    counts : ndarray of shape (p, 2)
        Non-events and events (sums of weights) of each pre-bin.
    missing : ndarray of shape (2,)
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
            raise DataError("counts add up only over the same edges and special codes", mend="count with shared edges")
        special = {code: count + other.special[code] for code, count in self.special.items()}
        return NumericCounts(self.edges, self.counts + other.counts, self.missing + other.missing, special)

    def without_empty(self) -> NumericCounts:
        """Return the same counts without empty pre-bins: an edge between nothing and something is no choice."""
        filled = self.counts.sum(axis=1) > 0
        if filled.all() or not filled.any():
            return self
        rows = np.flatnonzero(filled)
        return replace(self, edges=self.edges[rows[1:] - 1], counts=self.counts[rows])

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
        said = frame[["low", "non_event", "event"]].groupby("low", dropna=False, sort=True).sum()
        low, counts = said.index.to_numpy(dtype=np.float64), said.to_numpy(dtype=np.float64)
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
    levels : tuple of str
    counts : ndarray of shape (levels, 2)
        Non-events and events (sums of weights) of each level.
    missing : ndarray of shape (2,)
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
        names = tuple(dict.fromkeys(self.levels + other.levels))
        counts = np.zeros((len(names), 2))
        for part in (self, other):
            np.add.at(counts, [names.index(name) for name in part.levels], part.counts)
        return LevelCounts(names, counts, self.missing + other.missing)

    def none(self) -> LevelCounts:
        """Return the same levels without any row."""
        return LevelCounts(self.levels, np.zeros_like(self.counts), np.zeros(2))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """Return the counts that a query gave: ``level`` (None for missing), ``non_event``, ``event``."""
        said = frame[["level", "non_event", "event"]].groupby("level", dropna=False, sort=True).sum()
        blank = np.asarray(said.index.isna())
        counts = said.to_numpy(dtype=np.float64)
        return cls(tuple(map(str, said.index[~blank])), counts[~blank], counts[blank].sum(axis=0))


Counts = NumericCounts | LevelCounts


def prebin_edges(values: Floats, most: int, special: tuple[float, ...] = (), weight: Floats | None = None) -> Floats:
    """Return edges that cut a column into at most so many pre-bins of about equal size.

    Parameters
    ----------
    values : ndarray of shape (n,)
        NaN and special codes are left out.
    most : int
        How many pre-bins; a column of fewer distinct values gets one for each of them.
    special : tuple of float
    weight : ndarray of shape (n,), optional
        Weights of rows: pre-bins are then of about equal weight.

    Returns
    -------
    ndarray of shape (at most most - 1,)
        Increasing. Between two distinct values of the sample an edge is the shortest decimal number.
    """
    step = max(1, len(values) // SAMPLE)
    sample = values[::step]
    used = ~np.isnan(sample)
    if special:
        used &= ~np.isin(sample, special)
    sample = sample[used]
    if not len(sample):
        return np.empty(0)
    if weight is None:
        sample = np.sort(sample)
    else:
        order = np.argsort(sample, kind="stable")
        sample, weight = sample[order], weight[::step][used][order]
    fresh = np.flatnonzero(np.diff(sample) > 0) + 1  # positions where a new value begins
    if len(fresh) >= most:
        # How much lies before each new value, and before the end: rows, or their weights.
        before_fresh = fresh if weight is None else np.cumsum(weight)[fresh - 1]
        total = len(sample) if weight is None else float(weight.sum())
        # The cut that lies nearest to each quantile: ties stay on one side of it.
        wanted = np.arange(1, most) * (total / most)
        after = np.minimum(np.searchsorted(before_fresh, wanted), len(fresh) - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.where(wanted - before_fresh[before] <= before_fresh[after] - wanted, before, after)
        fresh = fresh[np.unique(nearer)]
    return np.unique(_short_decimals(sample[fresh - 1], sample[fresh]))


def _short_decimals(low: Floats, high: Floats) -> Floats:
    """Return the number of fewest decimals in each interval (low, high], for people to read.

    >>> _short_decimals(np.array([24.0, 0.1234, 1130.0]), np.array([25.0, 0.1311, 1291.0])).tolist()
    [25.0, 0.13, 1200.0]
    """
    found = high.copy()
    open_ = np.ones(len(high), dtype=bool)
    # From the order of magnitude of the largest number to the last digit that a float64 of such a size can hold.
    top = int(np.ceil(np.log10(max(float(np.abs(high).max(initial=0.0)), float(np.abs(low).max(initial=0.0)), 1e-300))))
    for digits in range(-top, -top + 17):
        with np.errstate(over="ignore", invalid="ignore"):
            # Division by a power of ten that is whole keeps the result the float that the decimal text reads as.
            guess = np.floor(high * 10.0**digits) / 10.0**digits if digits > 0 else _whole(high, -digits)
        fits = open_ & (guess > low) & (guess <= high)
        found[fits] = guess[fits]
        open_ &= ~fits
        if not open_.any():
            break
    return found


def _whole(values: Floats, zeros: int) -> Floats:
    return np.asarray(np.floor(values / 10.0**zeros) * 10.0**zeros)


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
    special : tuple of float
    weight : ndarray of shape (n,), optional
        Weights of rows; 1 by default.
    """
    table = _CellTable(edges)
    places = len(edges) + 2 + len(special)
    counts = np.zeros(2 * places)
    for rows in _chunks(len(values)):
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
    """Return the counts of a categorical column; None is missing.

    Parameters
    ----------
    values : ndarray of shape (n,)
    event : ndarray of shape (n,)
        0 or 1.
    weight : ndarray of shape (n,), optional
    """
    codes, names = pd.factorize(values, sort=True, use_na_sentinel=True)
    codes = np.where(codes < 0, len(names), codes)
    counts = np.bincount(2 * codes + event, weight, minlength=2 * (len(names) + 1)).reshape(-1, 2).astype(np.float64)
    return LevelCounts(tuple(map(str, names)), counts[:-1], counts[-1])


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _CHUNK):
        yield slice(start, start + _CHUNK)


class _CellTable:
    """``searchsorted(edges, values, side="right")``, several times faster for many values.

    A table over equal cells between the first and the last edge knows how many edges lie below each cell, and which
    one cuts it; only values in a cell that several edges cut are searched.
    """

    def __init__(self, edges: Floats) -> None:
        self.edges = edges
        span = float(edges[-1] - edges[0]) if len(edges) > 1 else 0.0
        scale = _CELLS / span if span > 0 else 0.0
        self.useful = bool(len(edges) > 8 and np.isfinite(scale) and scale > 0)
        if not self.useful:
            return
        # Cell 0 lies below the first edge, cell 1 begins at it.
        self.low, self.scale = float(edges[0]) - 1.0 / scale, scale
        # The same arithmetic as for values: it never falls where they rise, so that a value in another cell than an
        # edge's lies on the side of it that its cell does.
        cut = self._cell(edges)
        self.below = np.searchsorted(cut, np.arange(_CELLS + 3), side="left").astype(np.intp)
        self.edge = np.full(_CELLS + 3, np.inf)
        self.edge[cut] = edges
        several = cut[1:][np.diff(cut) == 0]
        self.below[several] = -2
        self.crowded = bool(len(several))

    def _cell(self, values: Floats) -> NDArray[np.intp]:
        cell = values - self.low
        cell *= self.scale
        # Values beyond the edges have the outer cells to themselves; fmax and fmin take NaN to a bound.
        np.fmax(cell, 0.0, out=cell)
        np.fmin(cell, _CELLS + 2, out=cell)
        return cell.astype(np.intp)

    def slot(self, values: Floats) -> NDArray[np.intp]:
        """Return the pre-bin of each value, shape (n,)."""
        if not self.useful:
            return np.searchsorted(self.edges, values, side="right").astype(np.intp)
        cell = self._cell(values)
        slot = self.below.take(cell)
        slot += values >= self.edge.take(cell)
        if self.crowded:
            unsure = np.flatnonzero(slot < 0)
            slot[unsure] = np.searchsorted(self.edges, values[unsure], side="right")
        return slot
