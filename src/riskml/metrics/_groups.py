"""Sums over groups of rows: what calibration is looked at by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.metrics._inputs import Flags, Floats, group_codes, positive_int
from riskml.metrics._steps import Rows, row_bands

PORTFOLIO = "portfolio"


@dataclass(frozen=True)
class Groups:
    """Counts, events and mean probability of each group."""

    label: pd.Index
    count: Floats
    event: Floats
    mean_p: Floats

    @property
    def rate(self) -> Floats:
        """Event rate of each group."""
        return self.event / self.count


def sums(codes: Rows, label: pd.Index, y: Flags, p: Floats) -> Groups:
    """Return the sums over groups that are given as a number per row."""
    size = len(label)
    count = np.bincount(codes, minlength=size).astype(np.float64)
    event = np.bincount(codes, weights=y, minlength=size).astype(np.float64)
    total = np.bincount(codes, weights=p, minlength=size).astype(np.float64)
    return Groups(label, count, event, total / count)


def by_band(y: Flags, p: Floats, n_bands: int) -> tuple[Groups, Rows]:
    """Return the sums over bands of about equal size, the lowest probabilities first, and each row's band from 0."""
    band = row_bands(p, positive_int(n_bands, "n_bands"))
    return sums(band, pd.RangeIndex(1, int(band.max()) + 2), y, p), band


def by_grade(y: Flags, p: Floats, grade: ArrayLike | None, n_bands: int) -> Groups:
    """Return the sums over the grades, or over bands of about equal size when there are none."""
    if grade is None:
        return by_band(y, p, n_bands)[0]
    codes, label = group_codes(grade, "grade", length=y.size)
    return sums(codes, label, y, p)
