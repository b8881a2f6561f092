"""Dataset of a run: features, outcome, and the part and fold of each row."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """The rows of a run: what models see, the outcome, and which rows are set aside."""

    X: pd.DataFrame  # index: the customer
    y: pd.Series  # 1 is the event
    part: pd.Series
    fold: pd.Series  # cross-validation fold of the training rows, -1 elsewhere
    date: pd.Series | None = None  # as-of date

    @property
    def holdout_part(self) -> str:
        """The name of the part that no model has learnt from: "test" or "oot"."""
        return next((str(name) for name in self.part.unique() if name != "train"), "train")

    def rows(self, part: str) -> Dataset:
        """Return the rows of one part."""
        keep = self.part == part
        date = None if self.date is None else self.date[keep]
        return Dataset(self.X[keep], self.y[keep], self.part[keep], self.fold[keep], date)
