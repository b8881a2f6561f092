"""Dataset of a run: features, outcome, and the part and fold of each row."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from riskml.config.experiment import SplitConfig
from riskml.data.prepare import Prepared
from riskml.data.split import split


@dataclass(frozen=True)
class Dataset:
    """Features and outcomes, split into training and hold-out rows.

    Parameters
    ----------
    X : DataFrame of shape (n, p)
        Index: the customer.
    y : Series of shape (n,)
        1 is the event.
    part : Series of shape (n,)
        "train", and "test" or "oot" for the hold-out rows.
    fold : Series of shape (n,)
        Cross-validation fold of the training rows, -1 elsewhere.
    date : Series of datetime64, shape (n,), optional
        As-of dates.
    """

    X: pd.DataFrame
    y: pd.Series
    part: pd.Series
    fold: pd.Series
    date: pd.Series | None = None

    @property
    def holdout_part(self) -> str:
        """The name of the hold-out part: "test" or "oot"."""
        return next((str(name) for name in self.part.unique() if name != "train"), "train")

    def rows(self, part: str) -> Dataset:
        """Return the rows of one part."""
        keep = self.part == part
        date = None if self.date is None else self.date[keep]
        return Dataset(self.X[keep], self.y[keep], self.part[keep], self.fold[keep], date)


def dataset_of(prepared: Prepared, config: SplitConfig) -> Dataset:
    """Split a prepared table into training and hold-out rows."""
    parts = split(prepared.y, prepared.dates, config, prepared.groups)
    return Dataset(prepared.X, prepared.y, parts["part"], parts["fold"], prepared.dates)
