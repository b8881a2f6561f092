"""Training distributions over fixed bins, and the population stability index (PSI) against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .frame import Floats, codes

WATCH, ACT = 0.10, 0.25  # Siddiqi (2006), Credit Risk Scorecards
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Distribution:
    """Fixed bins of one column, and the count of training rows in each."""

    edges: tuple[float, ...]  # inner edges of numeric bins; a value on an edge belongs to the bin below
    categories: tuple[str, ...]  # levels, one bin each, and one more bin for all others
    special: tuple[float | str, ...]  # special codes, one bin each
    counts: tuple[int, ...]  # training rows: the bins, the special codes, missing
    # a few distinct numbers, one bin each, and one more bin beyond their range; then there are no edges
    values: tuple[float, ...] = ()

    @classmethod
    def from_dict(cls, payload: Mapping[str, Any]) -> Distribution:
        """Return the distribution of a model file."""
        parts = ("edges", "categories", "special", "counts", "values")
        return cls(*(tuple(payload.get(name, ())) for name in parts))

    def count(self, values: NDArray[Any]) -> Floats:
        """Return the number of values in each bin."""
        own, bins = self._own(), len(self.counts)
        if self.categories:
            index = {name: number for number, name in enumerate(self.categories)}
            index |= {str(code): own + number for number, code in enumerate(self.special)}
            return np.bincount(codes(values, index, bins - 1, own - 1), minlength=bins).astype(np.float64)
        bins_of = (
            _nearest(np.asarray(self.values), values)
            if self.values
            else np.searchsorted(np.asarray(self.edges, dtype=np.float64), values, side="left")
        )
        for number, code in enumerate(self.special):
            bins_of[values == code] = own + number
        bins_of[np.isnan(values)] = bins - 1
        return np.bincount(bins_of, minlength=bins).astype(np.float64)

    def psi(self, counts: Floats) -> float:
        """Return the population stability index; a bin that is empty on one side counts half a row there."""
        before = np.asarray(self.counts, dtype=np.float64)
        if not counts.sum() or not before.sum():
            return float("nan")
        share, now = np.maximum(before, 0.5) / before.sum(), np.maximum(counts, 0.5) / counts.sum()
        parts = (now - share) * np.log(now / share)
        return float(np.where((before == 0) & (counts == 0), 0.0, parts).sum())

    @property
    def missing(self) -> float:
        """Share of missing values in training."""
        total = sum(self.counts)
        return self.counts[-1] / total if total else float("nan")

    def _own(self) -> int:
        return len(self.categories or self.values or self.edges) + 1


def verdict(psi: float) -> str:
    """Return "stable" below 0.10, "watch" to 0.25, "act" above."""
    return "unknown" if psi != psi else "stable" if psi < WATCH else "watch" if psi <= ACT else "act"


def _nearest(known: Floats, numbers: Floats) -> NDArray[np.intp]:
    """Return the position of the nearest known value; one past the last for values outside their range."""
    above = np.searchsorted(known, numbers).clip(max=known.size - 1)
    below = (above - 1).clip(min=0)
    with np.errstate(invalid="ignore", over="ignore"):
        number = np.where(numbers - known[below] <= known[above] - numbers, below, above)
        inside = (numbers >= known[0]) & (numbers <= known[-1])
        same = np.isclose(numbers, known[number], rtol=_ROUNDING, atol=0)
    return np.where(inside | same, number, known.size)
