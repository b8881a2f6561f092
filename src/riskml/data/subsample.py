"""Stratified subsample of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd


def stratified_subsample(frame: pd.DataFrame, target: str, rows: int, seed: int) -> pd.DataFrame:
    """Draw rows of a table, stratified by its target.

    Parameters
    ----------
    target : str
        Each of its values keeps its share, up to rounding. A table without this column is returned unchanged.
    rows : int
        Number of rows to draw; 0, or more than the table has, for all.

    Returns
    -------
    DataFrame of shape (min(n, rows), p)
        Order and index of the table.

    Examples
    --------
    >>> frame = pd.DataFrame({"bad": [1] * 10 + [0] * 90})
    >>> int(stratified_subsample(frame, "bad", 20, seed=7)["bad"].sum())
    2
    """
    if target not in frame or not 0 < rows < len(frame):
        return frame
    codes, _ = pd.factorize(frame[target], use_na_sentinel=False)
    rng = np.random.default_rng([seed, 2])
    quantile = np.empty(len(frame))
    for code in np.unique(codes):
        members = rng.permutation(np.flatnonzero(codes == code))
        # Quantiles within each class, from 0 to 1: the lowest of all classes together keep the shares.
        quantile[members] = (np.arange(len(members)) + 0.5) / len(members)
    return frame.iloc[np.sort(np.argsort(quantile, kind="stable")[:rows])]
