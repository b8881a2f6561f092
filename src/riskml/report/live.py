"""Table of a hyperparameter search that fills in a notebook while the search runs."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd

from riskml.display.format import number, seconds
from riskml.display.table import Table, dot_column, frame_table, number_column
from riskml.models.families import family_colour
from riskml.models.search.study import Progress


class SearchTable:
    """Progress of a search: a row per family, shown again after each trial.

    Its line is also in the output's metadata (``riskml``), where `riskml run` reads it.

    Parameters
    ----------
    seconds : float
        Time budget of the search.

    Examples
    --------
    >>> table = SearchTable(60.0)
    >>> table.add(Progress("tree", 1, 8, 0.781))
    'tree: trial 1 of 8, best AUC (CV) 0.781'
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._rows: dict[str, dict[str, Any]] = {}
        self._handle: Any = None

    def __call__(self, progress: Progress) -> None:
        """Show the table with one trial more."""
        from IPython.display import display

        left = max(self._end - time.monotonic(), 0.0)
        line = f"{self.add(progress)}, {seconds(left)} left"
        if self._handle is None:
            self._handle = display(self.table(), display_id=True, metadata={"riskml": line})  # type: ignore[no-untyped-call]
        else:
            self._handle.update(self.table(), metadata={"riskml": line})

    def add(self, progress: Progress) -> str:
        """Take in a trial, and return its line."""
        row = self._rows.setdefault(progress.family, {"family": progress.family, "best": float("nan")})
        row |= {"trial": progress.trial, "trials": progress.trials}
        row["best"] = max(progress.auc_cv, row["best"]) if row["best"] == row["best"] else progress.auc_cv
        return f"{progress.family}: trial {progress.trial} of {progress.trials}, best AUC (CV) {number(row['best'])}"

    def table(self) -> Table:
        """Return the table as it is now."""
        columns = [
            dot_column("family", "family", lambda row: family_colour(row["family"])),
            number_column("trials", lambda row: f"{row['trial']} of {row['trials']}", str),
            number_column("best AUC (CV)", "best"),
        ]
        return frame_table(pd.DataFrame(self._rows.values()), columns)
