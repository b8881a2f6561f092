"""Stability of a panel over time: records, missing values, and strength of features."""

from __future__ import annotations

import pandas as pd

from riskml.config.panel import PanelConfig
from riskml.features.coverage import Coverage, extract_day
from riskml.scorecard import OptimalBinner


def records_over_time(coverage: Coverage, panel: PanelConfig) -> pd.DataFrame:
    """Return the records of each table by month, as a share of its largest month."""
    epoch, until = pd.Timestamp(0), extract_day(panel, coverage)
    first = pd.Timestamp(panel.dates()[0]) - pd.Timedelta(days=panel.windows[-1])
    months = pd.date_range(first.normalize().replace(day=1), epoch + pd.Timedelta(days=until), freq="MS")[:-1]
    tables = {}
    for name, days in coverage.days.items():
        if panel.tables[name].role == "attributes":
            continue
        known = days[days["day"] < until]
        month = (epoch + pd.to_timedelta(known["day"].astype("int64"), unit="D")).dt.to_period("M").dt.start_time
        tables[name] = known["records"].groupby(month.to_numpy()).sum().reindex(months, fill_value=0)
    counted = pd.DataFrame(tables, index=months).T.astype(float)
    return counted.div(counted.max(axis=1).clip(lower=1.0), axis=0)


def missing_over_time(frame: pd.DataFrame, dates: pd.Series, most: int = 20) -> pd.DataFrame:
    """Return the share of missing values by column and as-of date, for the columns where it changes most."""
    shares = frame.isna().groupby(dates.to_numpy()).mean().T
    shares = shares[shares.max(axis=1) > 0]
    order = (shares.max(axis=1) - shares.min(axis=1)).sort_values(ascending=False, kind="stable").index
    return shares.loc[order[:most]]


def strength_over_time(
    frame: pd.DataFrame, outcome: pd.Series, dates: pd.Series, binner: OptimalBinner, most: int = 10
) -> pd.DataFrame:
    """Return the information value of the strongest columns at each as-of date, in fixed bins."""
    strongest = binner.summary_.sort_values("iv", ascending=False, kind="stable")["column"].head(most)
    weights = binner.transform(frame[list(binner.feature_names_in_)])[list(strongest)]
    columns = {}
    for date in sorted(dates.unique()):
        at = (dates == date).to_numpy()
        event = outcome.to_numpy()[at] == 1
        if min(event.sum(), (~event).sum()) < 20:
            continue
        woe = weights[at]
        columns[date] = woe[event].mean() - woe[~event].mean()
    return pd.DataFrame(columns)
