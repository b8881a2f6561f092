"""Between which edges a value lies, for many values at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskml.runtime.frame import Floats

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
