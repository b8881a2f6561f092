"""The customers of a month: who they are, when they were looked at, and what is known of their outcome."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.key_columns import as_of_dates, blank, matching_level
from riskml.data.sources.source import read_table
from riskml.errors import ConfigError, DataError, InputError, did_you_mean, preview
from riskml.runtime.frame import levels

PANEL_KEY = "customer"


@dataclass(frozen=True)
class Snapshot:
    """A book to be monitored.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns; each row has a number.
    customer : Series of shape (n,)
        Who the row is of, as text.
    named : bool
        Whether a column names the customers: without one they go by row number, and are not followed.
    duplicates : int
        Rows that repeat the key of an earlier row: the customer, and its as-of date where there is one.
    outcome : Series of float, shape (n,)
        1 is the event, missing where it is not known yet.
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
    """Read a month's customers, and their outcomes where they are known.

    Parameters
    ----------
    data : path
        CSV or Parquet. A column of the target holds outcomes; a blank cell is one that is not known yet.
    outcomes : path, optional
        A file with the customer's column (and that of the as-of date, where customers have several rows) and the
        target's.
    customer : str, optional
        The customer's column; that of the experiment when left out.

    Raises
    ------
    InputError
        When a file cannot be read, a column that is named is missing, or outcomes cannot be told apart.
    """
    return snapshot_of(
        read_table(data),
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
    """Return a frame as a book to be monitored: as `read_snapshot` does it with files."""
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
                "outcomes cannot be joined to customers that go by row number",
                where=outcomes_source,
                fix="name the customer's column with --id, or put the outcome beside the data",
            )
        outcome = _joined(once, outcomes, key, experiment, outcomes_source)
    return Snapshot(frame, names, key is not None, int(once.duplicated().sum()), outcome, dates, Path(source).name)


def _key(frame: pd.DataFrame, experiment: Experiment, customer: str | None, source: str) -> str | None:
    if customer is None:
        # A panel's rows are named by the panel; the book of a day has the customers alone.
        usual = PANEL_KEY if experiment.panel is not None else experiment.data.id
        return usual if usual in frame.columns else None
    if customer not in frame.columns:
        raise InputError(
            f"the book has no column {customer!r} to name its customers",
            where=source,
            fix=did_you_mean(customer, frame.columns) or "name another with --id",
        )
    return customer


def _outcome(frame: pd.DataFrame, experiment: Experiment, source: str) -> pd.Series:
    target = experiment.data.target
    if target not in frame.columns:
        return pd.Series(np.nan, index=frame.index)
    found = pd.Series(np.nan, index=frame.index)
    known = ~blank(frame[target])
    if not known.any():
        return found
    texts = pd.Series(levels(frame.loc[known, target]), index=frame.index[known], dtype=object)
    wanted = matching_level(list(texts.unique()), experiment.data.event)
    # A month without an event is a month; one value that means nothing to the experiment is another column.
    if wanted is None and texts.nunique() > 1:
        raise DataError(
            f"no outcome has the event's value {experiment.data.event!r}; they are {preview(sorted(texts.unique()))}",
            where=f"{source}, column {target!r}",
            fix="write the outcome as it was in training",
        )
    found[known] = (texts == wanted).astype(float)
    return found


def _joined(book: pd.DataFrame, outcomes: pd.DataFrame, key: str, experiment: Experiment, source: str) -> pd.Series:
    data = experiment.data
    for needed in (key, data.target):
        if needed not in outcomes.columns:
            raise ConfigError(
                f"the outcomes have no column {needed!r}; they have {preview(outcomes.columns)}",
                where=source,
                fix=did_you_mean(needed, outcomes.columns) or f"they need {key!r} and {data.target!r}",
            )
    said = pd.DataFrame({"customer": pd.Series(levels(outcomes[key]), dtype=object)})
    dated = data.date in outcomes.columns and book["date"].nunique() > 1
    said["date"] = as_of_dates(outcomes[data.date]).reset_index(drop=True) if dated else 0
    said["outcome"] = _outcome(outcomes.reset_index(drop=True), experiment, source).to_numpy()
    keys = ["customer", "date"] if dated else ["customer"]
    said = said.drop_duplicates()
    twice = said.duplicated(keys)
    if twice.any():
        raise DataError(
            f"{int(twice.sum())} customers have two outcomes: {preview(said.loc[twice, 'customer'].unique(), 5)}",
            where=source,
            fix="keep one outcome for each customer" + (" and as-of date" if dated else ""),
        )
    joined = book[keys].merge(said[[*keys, "outcome"]], on=keys, how="left")["outcome"]
    if not joined.notna().any():
        raise DataError(
            f"no customer of the book is among the outcomes; the first of them is {said['customer'].iloc[0]!r}",
            where=source,
            fix="hand in the outcomes of the same book",
        )
    return joined
