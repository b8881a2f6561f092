"""The book that a customer is compared with: how many are like this customer, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.data.grouping import Grouping, grouping
from riskml.runtime.frame import Floats
from riskml.runtime.package import Artifact
from riskml.validation.explain.grid import read, special_codes
from riskml.validation.explain.importance import points_of_columns

_BANDS = 5


@dataclass(frozen=True)
class Background:
    """What is known of the customers of training.

    Parameters
    ----------
    groups : mapping of column name to mapping of group to (int, int)
        How many customers and events each group holds.
    numbers : mapping of column name to ndarray
        The quantities of a number, ascending; missing values and special codes are not among them.
    points : mapping of column name to float
        Mean points of a card; empty where the model has none.
    """

    groupings: Mapping[str, Grouping]
    groups: Mapping[str, Mapping[str, tuple[int, int]]]
    numbers: Mapping[str, Floats]
    points: Mapping[str, float]
    rows: int
    event_rate: float

    def group(self, column: str, value: Any) -> tuple[str, int, int]:
        """Return the group of a value, and how many customers and events it holds."""
        name = str(self.groupings[column].of(pd.Series([value], dtype=self._dtype(column))).iloc[0])
        return (name, *self.groups[column].get(name, (0, 0)))

    def beside(self, column: str, value: float) -> tuple[float, float]:
        """Return the shares of customers with a smaller and with a greater number."""
        known = self.numbers[column]
        below, upto = np.searchsorted(known, value, side="left"), np.searchsorted(known, value, side="right")
        return float(below / len(known)), float(1 - upto / len(known))

    def _dtype(self, column: str) -> str:
        return "float64" if self.groupings[column].numeric else "object"


def background_of(model: Artifact, X: pd.DataFrame, y: ArrayLike) -> Background:
    """Return what is known of a book.

    Parameters
    ----------
    X : DataFrame of shape (n, any)
        The customers of training.
    y : array of 0 and 1, shape (n,)
        1 is the event.
    """
    columns, special = read(model, X), special_codes(model)
    target = np.asarray(y)
    groupings: dict[str, Grouping] = {}
    groups: dict[str, dict[str, tuple[int, int]]] = {}
    numbers: dict[str, Floats] = {}
    for name, kind in model.model.kinds.items():
        values, codes = pd.Series(columns[name]), special.get(name, ())
        groupings[name] = grouping(values, special=codes, bands=_BANDS)
        by = pd.Series(target).groupby(groupings[name].of(values), observed=True)
        groups[name] = {str(group): (len(events), int(events.sum())) for group, events in by}
        if kind == "numeric":
            known = columns[name][~np.isnan(columns[name]) & ~np.isin(columns[name], [*map(float, codes)])]
            numbers[name] = np.sort(known)
    points = points_of_columns(model, X)
    means = {} if points is None else {str(name): float(mean) for name, mean in points.mean().items()}
    return Background(groupings, groups, numbers, means, len(target), float(target.mean()))
