"""Monthly snapshot: customers, as-of dates and the outcomes known so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.dates import as_of_dates
from riskml.data.key_columns import blank, matching_level, refuse_spellings
from riskml.data.sources.source import read_customers, read_table
from riskml.errors import ConfigError, DataError, InputError, did_you_mean, preview
from riskml.runtime.frame import levels

PANEL_KEY = "customer"


@dataclass(frozen=True)
class Snapshot:
    """Customers to monitor.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns; the index is the row number.
    customer : Series of shape (n,)
        Customer of each row, as text.
    named : bool
        Whether a column identifies the customers; else they have row numbers, and are not followed.
    duplicates : int
        Rows with the customer, and as-of date if there is one, of an earlier row.
    outcome : Series of float, shape (n,)
        1 is the event; missing where not known yet.
    dates : Series of datetime64, shape (n,), or None
        As-of dates.
    source : str
        The file's name.
    """

    frame: pd.DataFrame
    customer: pd.Series
    named: bool
    duplicates: int
    outcome: pd.Series
    dates: pd.Series | None
    source: str

    @property
    def known(self) -> int:
        """Rows whose outcome is known."""
        return int(self.outcome.notna().sum())

    def day(self) -> dt.date | None:
        """Return the latest as-of date of the rows, if they are dated."""
        return None if self.dates is None else self.dates.max().date()


def read_snapshot(
    data: str | Path, experiment: Experiment, *, outcomes: str | Path | None = None, customer: str | None = None
) -> Snapshot:
    """Read a month's customers, and their outcomes where known.

    Parameters
    ----------
    data : path
        CSV or Parquet. The target's column, if present, has outcomes; a blank cell is not known yet.
    outcomes : path, optional
        A file with the columns of the customer, the target, and the as-of date where customers have several rows.
    customer : str, optional
        Customer ID column; default: that of the experiment.

    Raises
    ------
    InputError
        When a file cannot be read, a named column is missing, or outcomes are ambiguous.
    """
    return snapshot_of(
        read_customers(data, experiment.data),
        experiment,
        outcomes=None if outcomes is None else read_table(outcomes),
        customer=customer,
        source=str(data),
        outcomes_source=str(outcomes),
    )


def snapshot_of(
    frame: pd.DataFrame,
    experiment: Experiment,
    *,
    outcomes: pd.DataFrame | None = None,
    customer: str | None = None,
    source: str = "the data",
    outcomes_source: str = "the outcomes",
) -> Snapshot:
    """Return the snapshot of a frame, as `read_snapshot` does for files."""
    frame = frame.reset_index(drop=True)
    key = _key(frame, experiment, customer, source)
    names = pd.Series(levels(frame[key] if key else frame.index.to_series()), dtype=object).fillna("")
    date = experiment.data.date
    dates = as_of_dates(frame[date]).reset_index(drop=True) if date in frame.columns else None
    once = pd.DataFrame({"customer": names, "date": dates if dates is not None else 0})
    outcome = _outcome(frame, experiment, source)
    if outcomes is not None:
        if key is None:
            raise InputError(
                "outcomes cannot be joined to customers without an ID",
                where=outcomes_source,
                fix="name the customer ID column with --id, or add the outcome to the data",
            )
        outcome = _joined(once, outcomes, key, experiment, outcomes_source)
    return Snapshot(frame, names, key is not None, int(once.duplicated().sum()), outcome, dates, Path(source).name)


def _key(frame: pd.DataFrame, experiment: Experiment, customer: str | None, source: str) -> str | None:
    if customer is None:
        # Rows of a panel are customer and date; the portfolio of one date has the customers alone.
        default = PANEL_KEY if experiment.panel is not None else experiment.data.id
        return default if default in frame.columns else None
    if customer not in frame.columns:
        raise InputError(
            f"the portfolio has no customer ID column {customer!r}",
            where=source,
            fix=did_you_mean(customer, frame.columns) or "name another with --id",
        )
    return customer


def _outcome(frame: pd.DataFrame, experiment: Experiment, source: str) -> pd.Series:
    target = experiment.data.target
    if target not in frame.columns:
        return pd.Series(np.nan, index=frame.index)
    outcome = pd.Series(np.nan, index=frame.index)
    known = ~blank(frame[target])
    if not known.any():
        return outcome
    texts = pd.Series(levels(frame.loc[known, target]), index=frame.index[known], dtype=object)
    event = matching_level(list(texts.unique()), experiment.data.event)
    refuse_spellings(texts.to_numpy(), event or experiment.data.event, f"{source}, column {target!r}")
    # A month may have no event; several values without the event's are those of another column.
    if event is None and texts.nunique() > 1:
        raise DataError(
            f"no outcome is the event {experiment.data.event!r}; the values are {preview(sorted(texts.unique()))}",
            where=f"{source}, column {target!r}",
            fix="write the outcome as it was in training",
        )
    outcome[known] = (texts == event).astype(float)
    return outcome


def _joined(book: pd.DataFrame, outcomes: pd.DataFrame, key: str, experiment: Experiment, source: str) -> pd.Series:
    data = experiment.data
    for needed in (key, data.target):
        if needed not in outcomes.columns:
            raise ConfigError(
                f"the outcomes have no column {needed!r}; they have {preview(outcomes.columns)}",
                where=source,
                fix=did_you_mean(needed, outcomes.columns) or f"they need {key!r} and {data.target!r}",
            )
    table = pd.DataFrame({"customer": pd.Series(levels(outcomes[key]), dtype=object)})
    dated = data.date in outcomes.columns and book["date"].nunique() > 1
    table["date"] = as_of_dates(outcomes[data.date]).reset_index(drop=True) if dated else 0
    table["outcome"] = _outcome(outcomes.reset_index(drop=True), experiment, source).to_numpy()
    keys = ["customer", "date"] if dated else ["customer"]
    table = table.drop_duplicates()
    twice = table.duplicated(keys)
    if twice.any():
        raise DataError(
            f"{int(twice.sum())} customers have two outcomes: {preview(table.loc[twice, 'customer'].unique(), 5)}",
            where=source,
            fix="keep one outcome for each customer" + (" and as-of date" if dated else ""),
        )
    joined = book[keys].merge(table[[*keys, "outcome"]], on=keys, how="left")["outcome"]
    if not joined.notna().any():
        raise DataError(
            f"no customer of the portfolio is among the outcomes, such as {table['customer'].iloc[0]!r}",
            where=source,
            fix="use the outcomes of the same portfolio",
        )
    return joined
