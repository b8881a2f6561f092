"""The values of a column that a model is asked about, and how many customers are at each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from riskml.data.grouping import MISSING
from riskml.runtime.encoding import Columns
from riskml.runtime.frame import Floats, level
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.model import probability
from riskml.runtime.package import Artifact


@dataclass(frozen=True)
class Grid:
    """Values of one column."""

    # as a model reads them: numbers ascending, then special codes, then the missing value; or levels, the most frequent
    # first, then the missing value
    values: NDArray[Any]
    sort: tuple[str, ...]  # "value", "special" or "missing" for each
    share: Floats  # of customers; a number's are those that are nearest to it

    @property
    def labels(self) -> list[str]:
        """The values as text."""
        names = zip(self.values, self.sort, strict=True)
        return [MISSING if sort == "missing" else level(value) for value, sort in names]

    @property
    def numbers(self) -> Floats:
        """The quantities among the values, ascending."""
        return np.array(
            [v for v, sort in zip(self.values, self.sort, strict=True) if sort == "value"], dtype=np.float64
        )


def read(model: Artifact, X: pd.DataFrame, *, rows: int | None = None, seed: int = 0) -> Columns:
    """Return the columns that a model reads, of at most ``rows`` customers drawn by chance."""
    return read_columns(X if rows is None else X.iloc[chosen_rows(len(X), rows, seed)], model.model.kinds)


def chosen_rows(there: int, rows: int, seed: int) -> NDArray[np.intp]:
    """Return the positions of at most ``rows`` rows, in order."""
    if there <= rows:
        return np.arange(there)
    return np.sort(np.random.default_rng(seed).choice(there, rows, replace=False))


def special_codes(model: Artifact) -> dict[str, tuple[float | str, ...]]:
    """Return the special codes of each column of a model."""
    return {str(column["name"]): tuple(column.get("special") or ()) for column in model.columns}


def grid(values: NDArray[Any], kind: str, special: tuple[float | str, ...], points: int) -> Grid:
    """Return the values of a column at which customers are."""
    return _of_numbers(values, special, points) if kind == "numeric" else _of_levels(values, points)


def _of_numbers(values: Floats, special: tuple[float | str, ...], points: int) -> Grid:
    missing = np.isnan(values)
    codes = [float(code) for code in special if np.any(values == float(code))]
    known = values[~missing & ~np.isin(values, codes)]
    quantiles = np.unique(np.quantile(known, np.linspace(0, 1, points), method="inverted_cdf")) if known.size else known
    nearest = np.searchsorted((quantiles[1:] + quantiles[:-1]) / 2, known)
    counts = np.bincount(nearest, minlength=len(quantiles)).tolist() if known.size else []
    counts += [int(np.sum(values == code)) for code in codes]
    sort = ["value"] * len(quantiles) + ["special"] * len(codes)
    if missing.any():
        counts.append(int(missing.sum()))
        sort.append("missing")
    points_of_grid = np.array([*quantiles, *codes, *([np.nan] if missing.any() else [])])
    return Grid(points_of_grid, tuple(sort), np.asarray(counts, dtype=np.float64) / len(values))


def _of_levels(values: NDArray[np.object_], points: int) -> Grid:
    counts = pd.Series(values, dtype=object).value_counts(dropna=False)
    names = [name for name in counts.index if isinstance(name, str)][:points]
    absent = int(counts[[not isinstance(name, str) for name in counts.index]].sum())
    levels = np.array([*names, *([None] if absent else [])], dtype=object)
    sizes = [*counts[names], *([absent] if absent else [])]
    sort = ("value",) * len(names) + (("missing",) if absent else ())
    return Grid(levels, sort, np.asarray(sizes, dtype=np.float64) / len(values))


def margins(model: Artifact, columns: Columns) -> Floats:
    """Return the log-odds of the customers, shape (n,)."""
    # Many small calls: threads of each would wait for one another.
    with threadpool_limits(1):
        return model.model.margin(columns)


def chances(model: Artifact, columns: Columns) -> Floats:
    """Return the probabilities of the customers, shape (n,)."""
    return probability(margins(model, columns))


def curves(model: Artifact, columns: Columns, name: str, values: NDArray[Any]) -> Floats:
    """Return each customer's probability if one column had each of the values, shape (customers, values)."""
    rows, n_points = len(columns[name]), len(values)
    # All of a column's values at once: a call of a model costs more than its rows.
    moved: Mapping[str, NDArray[Any]] = {
        other: np.repeat(values, rows) if other == name else np.tile(held, n_points) for other, held in columns.items()
    }
    return chances(model, moved).reshape(n_points, rows).T
