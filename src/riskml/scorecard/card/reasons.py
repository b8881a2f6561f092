"""Reasons: which characteristics cost a customer the most points against a reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from riskml.errors import ConfigError
from riskml.scorecard.binning.options import is_number


def check_number(n: Any) -> None:
    """Refuse a number of reasons that is none."""
    if not (is_number(n, whole=True) and n >= 1):
        raise ConfigError(f"n is a whole number, at least 1; got {n!r}", where="reasons")


def largest_shortfalls(short: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the names of the largest shortfalls of each row, shape (n_rows, n).

    Examples
    --------
    >>> largest_shortfalls(pd.DataFrame({"age": [5.0], "debt": [-1.0], "home": [9.0]}), 3).iloc[0].tolist()
    ['home', 'age', None]
    """
    names = np.array([*short.columns, None], dtype=object)
    values = short.to_numpy()
    # Stable, so that equal shortfalls come in the card's order.
    order = np.argsort(-values, axis=1, kind="stable")[:, :n]
    counted = np.take_along_axis(values, order, axis=1) > 1e-9
    chosen = np.full((len(short), n), len(short.columns))
    chosen[:, : order.shape[1]] = np.where(counted, order, len(short.columns))
    columns = [f"reason_{k}" for k in range(1, n + 1)]
    # The type is named, or pandas would make its own kind of text of the names, and NaN of None.
    return pd.DataFrame(names[chosen], index=short.index, columns=columns, dtype=object)
