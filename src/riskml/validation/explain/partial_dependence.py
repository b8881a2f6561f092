"""How the probability goes with each column: partial dependence, and effects that keep to where customers are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.runtime.encoding import Columns
from riskml.runtime.frame import Floats
from riskml.runtime.package import Artifact
from riskml.validation.explain.grid import Grid, chances, curves, grid, read, special_codes


def profiles(model: Artifact, X: pd.DataFrame, *, points: int = 12, rows: int = 500, seed: int = 0) -> pd.DataFrame:
    """Return the probability at the values of each column.

    Source: Friedman (2001), Annals of Statistics 29; Apley and Zhu (2020), JRSS B 82.

    Parameters
    ----------
    points : int, default 12
        Quantiles of a number, or levels of a category, at the most; special codes and the missing value besides.
    rows : int, default 500
        Customers that are asked; more are drawn by chance from.

    Returns
    -------
    DataFrame
        One row per column and value: ``column``, ``kind``, ``value`` (text), ``sort`` ("value", "special", "missing"),
        ``share`` (of customers at it), ``probability`` (partial dependence: the mean, if all customers had this value),
        ``accumulated`` (the same by accumulated local effects: only customers near a value are moved, so that
        columns that go together are not torn apart; of numbers alone, its mean is that of the partial dependence).
        Values at which no customer is are left out.
    """
    columns = read(model, X, rows=rows, seed=seed)
    special = special_codes(model)
    tables = []
    for name, kind in model.model.kinds.items():
        points_of_grid = grid(columns[name], kind, special.get(name, ()), points)
        chance = curves(model, columns, name, points_of_grid.values).mean(axis=0)
        tables.append(
            pd.DataFrame(
                {
                    "column": name,
                    "kind": kind,
                    "value": points_of_grid.labels,
                    "sort": points_of_grid.sort,
                    "share": points_of_grid.share,
                    "probability": chance,
                    "accumulated": _accumulated(model, columns, name, points_of_grid, chance)
                    if kind == "numeric"
                    else np.full(len(chance), np.nan),
                }
            )
        )
    if not tables:
        names = ["column", "kind", "value", "sort", "share", "probability", "accumulated"]
        return pd.DataFrame(columns=names)
    return pd.concat(tables, ignore_index=True)


def _accumulated(model: Artifact, columns: Columns, name: str, grid_points: Grid, chance: Floats) -> Floats:
    """Return the accumulated local effects at the numbers of a grid, and NaN at its other values."""
    at, out = grid_points.numbers, np.full(len(grid_points.values), np.nan)
    if not at.size:
        return out
    rows = np.flatnonzero(_quantities(columns[name], grid_points))
    effect = np.zeros(len(at))
    if len(at) > 1 and rows.size:
        band = np.searchsorted(at, columns[name][rows], side="left").clip(1, len(at) - 1) - 1
        gone, come = (_moved(model, columns, name, rows, at[band + step]) for step in (0, 1))
        held = np.maximum(np.bincount(band, minlength=len(at) - 1), 1)
        effect[1:] = np.cumsum(np.bincount(band, weights=come - gone, minlength=len(at) - 1) / held)
    numbers = slice(0, len(at))
    # Effects know no level of their own: they are given that of the partial dependence.
    out[numbers] = effect + np.average(chance[numbers] - effect, weights=grid_points.share[numbers])
    return out


def _quantities(values: Floats, grid_points: Grid) -> NDArray[np.bool_]:
    codes = [code for code, sort in zip(grid_points.values, grid_points.sort, strict=True) if sort == "special"]
    return ~np.isnan(values) & ~np.isin(values, codes)


def _moved(model: Artifact, columns: Columns, name: str, rows: NDArray[np.intp], values: Floats) -> Floats:
    """Return the probabilities of some rows, each with its own new value of one column."""
    return chances(model, {other: held[rows] for other, held in columns.items()} | {name: values})
