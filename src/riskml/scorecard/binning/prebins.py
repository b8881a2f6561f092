"""Pre-bins of a numeric column: the edges among which cuts are searched."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.metrics.cuts import decimals_between
from riskml.runtime.frame import Floats

SAMPLE = 100_000  # rows that quantiles are read from; the error of a quantile is then below a sixth of a percent
_FEW = 32  # cuts between values of a sample: with fewer the whole column is looked at


def prebin_edges(values: Floats, most: int, special: tuple[float, ...] = (), weight: Floats | None = None) -> Floats:
    """Return edges that cut a column into at most so many pre-bins of about equal size.

    Parameters
    ----------
    values : ndarray of shape (n,)
        NaN and special codes are left out.
    most : int
        How many pre-bins; a column of fewer distinct values gets one for each of them.
    weight : ndarray of shape (n,), optional
        Weights of rows: pre-bins are then of about equal weight.

    Returns
    -------
    ndarray of shape (at most most - 1,)
        Increasing. An edge is a short decimal number strictly between two distinct values, so that the same values as
        float32 (or SQL's REAL) fall on the same sides. Past 100,000 rows a sample of so many, the same at every call,
        says where the quantiles lie; a column whose sample has no more than 32 different values is read whole.
    """
    sample, load = _sample(values, most, special, weight)
    if not len(sample):
        return np.empty(0)
    fresh = np.flatnonzero(sample[1:] > sample[:-1]) + 1  # positions where a new value begins
    if len(fresh) >= most:
        # How much lies before each new value, and before the end: rows, or their weights.
        before_fresh = fresh if load is None else np.cumsum(load)[fresh - 1]
        total = len(sample) if load is None else float(load.sum())
        # The cut that lies nearest to each quantile: ties stay on one side of it.
        ranks = np.arange(1, most) * (total / most)
        after = np.minimum(np.searchsorted(before_fresh, ranks), len(fresh) - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.where(ranks - before_fresh[before] <= before_fresh[after] - ranks, before, after)
        fresh = fresh[np.unique(nearer)]
    return np.unique(decimals_between(sample[fresh - 1], sample[fresh]))


def _sample(
    values: Floats, most: int, special: tuple[float, ...], weight: Floats | None
) -> tuple[Floats, Floats | None]:
    """Return values in order that stand for the column's regular ones, and how much each weighs."""
    if len(values) <= SAMPLE:
        return _in_order(_regular(values, special), values, weight)
    sample = values[_positions(len(values), weight)]
    sample = np.sort(sample[_regular(sample, special)])
    # So few different values are not a sample's to choose: a flag with three ones in a million rows has two.
    if len(sample) and np.count_nonzero(sample[1:] > sample[:-1]) >= _FEW:
        return sample, None
    distinct = pd.unique(values)
    distinct = np.sort(distinct[_regular(distinct, special)])
    if len(distinct) <= most:
        return distinct, None
    rows = np.flatnonzero(_regular(values, special))
    load = np.bincount(np.searchsorted(distinct, values[rows]), None if weight is None else weight[rows])
    return distinct, load.astype(np.float64)


def _positions(rows: int, weight: Floats | None) -> NDArray[np.intp]:
    """Return positions of a sample in order: one at random in each of equal stretches of rows (of weight)."""
    if weight is None:
        return np.minimum((_places() * rows).astype(np.intp), rows - 1)
    reached = np.cumsum(weight)
    return np.asarray(np.minimum(np.searchsorted(reached, _places() * reached[-1], side="right"), rows - 1))


@cache
def _places() -> Floats:
    """Return where the rows of a sample stand between the first row (0) and the last (1)."""
    # Every k-th row would meet the same month of every customer in a panel.
    return np.asarray((np.arange(SAMPLE) + np.random.default_rng(0).random(SAMPLE)) / SAMPLE)


def _regular(values: Floats, special: tuple[float, ...]) -> NDArray[np.bool_]:
    used = ~np.isnan(values)
    if special:
        used &= ~np.isin(values, special)
    return used


def _in_order(used: NDArray[np.bool_], values: Floats, load: Floats | None) -> tuple[Floats, Floats | None]:
    values = values[used]
    if load is None:
        return np.sort(values), None
    order = np.argsort(values, kind="stable")
    return values[order], load[used][order]


_CELLS = 1 << 14


class CellTable:
    """``searchsorted(edges, values, side="right")``, several times faster for many values."""

    def __init__(self, edges: Floats) -> None:
        self.edges = edges
        span = float(edges[-1]) - float(edges[0]) if len(edges) > 1 else 0.0
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
        with np.errstate(over="ignore"):
            # What overflows lies beyond the edges.
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
