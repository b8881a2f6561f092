"""A quick look: some of a table's rows, the outcome as frequent as in all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd


def stratified_subsample(frame: pd.DataFrame, target: str, rows: int, seed: int) -> pd.DataFrame:
    """Draw rows of a table, stratified by its target.

    Parameters
    ----------
    target : str
        Each of its values keeps its share, as nearly as whole rows allow. A table without this column is returned as
        it is: those who check it next say so better.
    rows : int
        How many to draw; 0, or more than there are, for all.

    Returns
    -------
    DataFrame of shape (min(n, rows), p)
        In the order of the table, index kept.

    Examples
    --------
    >>> frame = pd.DataFrame({"bad": [1] * 10 + [0] * 90})
    >>> int(some_rows(frame, "bad", 20, seed=7)["bad"].sum())
    2
    """
    if target not in frame or not 0 < rows < len(frame):
        return frame
    codes, _ = pd.factorize(frame[target], use_na_sentinel=False)
    rng = np.random.default_rng([seed, 2])
    place = np.empty(len(frame))
    for code in np.unique(codes):
        at = rng.permutation(np.flatnonzero(codes == code))
        # Each row's place within its class, from 0 to 1: the first rows of all classes together keep their shares.
        place[at] = (np.arange(len(at)) + 0.5) / len(at)
    return frame.iloc[np.sort(np.argsort(place, kind="stable")[:rows])]
