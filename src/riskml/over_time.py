"""A panel over its as-of dates: what is missing when, and which features tell when."""

from __future__ import annotations

import pandas as pd

from riskml.scorecard import OptimalBinner


def missing_over_time(frame: pd.DataFrame, dates: pd.Series, most: int = 20) -> pd.DataFrame:
    """Return the share of missing values by column and as-of date, of the columns where it changes most.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
    dates : Series of datetime64, shape (n,)
    most : int
        Columns at the most.

    Returns
    -------
    DataFrame of shape (columns, dates)
        The column with the widest range first; columns that miss nothing are left out.
    """
    shares = frame.isna().groupby(dates.to_numpy()).mean().T
    shares = shares[shares.max(axis=1) > 0]
    order = (shares.max(axis=1) - shares.min(axis=1)).sort_values(ascending=False, kind="stable").index
    return shares.loc[order[:most]]


def strength_over_time(
    frame: pd.DataFrame, outcome: pd.Series, dates: pd.Series, binner: OptimalBinner, most: int = 10
) -> pd.DataFrame:
    """Return the information value of the strongest columns at each as-of date, in bins that stay the same.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
    outcome : Series of 0 and 1, shape (n,)
        1 is the event.
    dates : Series of datetime64, shape (n,)
    binner : OptimalBinner
        Fitted on the training rows.
    most : int
        Columns at the most.

    Returns
    -------
    DataFrame of shape (columns, dates)
        The strongest column first. A date with fewer than 20 events or non-events is left out.

    Notes
    -----
    The sum over bins of the difference of the shares of events and non-events, times the weight of evidence on the
    training rows: above 0 where the column still ranks as it did.
    """
    strongest = binner.summary_.sort_values("iv", ascending=False, kind="stable")["column"].head(most)
    weights = binner.transform(frame[list(binner.feature_names_in_)])[list(strongest)]
    found = {}
    for date in sorted(dates.unique()):
        at = (dates == date).to_numpy()
        event = outcome.to_numpy()[at] == 1
        if min(event.sum(), (~event).sum()) < 20:
            continue
        woe = weights[at]
        found[date] = woe[event].mean() - woe[~event].mean()
    return pd.DataFrame(found)
