"""Where the probability goes against the direction that was declared for a column."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.errors import ConfigError
from riskml.runtime.frame import Floats
from riskml.runtime.package import Artifact
from riskml.validation.explain.grid import curves, grid, read, special_codes

_SIGNS = {"ascending": 1.0, "descending": -1.0}
_NOISE = 1e-9  # of a probability: a sum's rounding is no violation


def declared_directions(experiment: Experiment) -> dict[str, str]:
    """Return the direction that an experiment declares for each of its columns, where it does."""
    declared = {name: column.monotone for name, column in experiment.data.columns.items()}
    return {name: str(direction) for name, direction in declared.items() if direction}


def monotone_violations(
    model: Artifact,
    X: pd.DataFrame,
    directions: Mapping[str, str],
    *,
    points: int = 50,
    rows: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how many customers' probabilities move against a declared direction, and how far.

    Parameters
    ----------
    directions : mapping of column name to "ascending" or "descending"
        Where the probability must go when the column rises and all else stays.
    points : int, default 50
        Quantiles of the column at which each customer is asked.
    rows : int, default 1000
        Customers that are asked; more are drawn by chance from.

    Returns
    -------
    DataFrame
        ``column``, ``direction``, ``customers`` (asked), ``violated`` (share of them whose probability moves the wrong
        way somewhere), ``largest`` (greatest such move of one customer, as a probability), ``used`` (whether the model
        reads the column: one that it does not read violates nothing). Missing values and special codes have no place
        in the order, and are not asked about.

    Raises
    ------
    ConfigError
        When a direction is unknown, or a column is a category.
    """
    kinds = model.model.kinds
    columns, special = read(model, X, rows=rows, seed=seed), special_codes(model)
    records = []
    for name, direction in directions.items():
        if direction not in _SIGNS:
            raise ConfigError(f"{direction!r} is no direction", where=f"monotone.{name}", fix="ascending or descending")
        if kinds.get(name) == "categorical":
            raise ConfigError(f"column {name!r} is a category: it has no order", where=f"monotone.{name}")
        points_of_grid = (
            grid(columns[name], "numeric", special.get(name, ()), points).numbers if name in kinds else np.empty(0)
        )
        falls = (
            _falls(_SIGNS[direction] * curves(model, columns, name, points_of_grid))
            if points_of_grid.size > 1
            else np.zeros(1)
        )
        customers = min(len(X), rows)
        records.append(
            (name, direction, customers, float(np.mean(falls > _NOISE)), float(falls.max(initial=0)), name in kinds)
        )
    return pd.DataFrame(records, columns=["column", "direction", "customers", "violated", "largest", "used"])


def _falls(rising: Floats) -> Floats:
    """Return how far each row falls below the highest that it had reached before, shape (n,)."""
    return np.asarray(np.max(np.maximum.accumulate(rising, axis=1) - rising, axis=1))
