"""Whether a month's table is what the model was made for."""

from __future__ import annotations

import pandas as pd

from riskml.config.monitoring import MonitoringConfig
from riskml.monitoring.reference import Reference
from riskml.monitoring.snapshot import Snapshot

BROKEN = "broken"


def quality(reference: Reference, book: Snapshot, limits: MonitoringConfig) -> pd.DataFrame:
    """Compare a month's columns with those of training, cell by cell: what is missing, unknown or out of range.

    Returns
    -------
    DataFrame
        One row for each column that the model reads: ``column``, ``status`` ("good", "watch" beyond a limit, "broken"
        where the model cannot read it), ``missing`` and ``missing_in_training``, ``unseen`` and ``out_of_range``
        (shares of rows), ``message``. Shares of a broken column are not numbers.
    """
    table = reference.model.check(book.frame)
    table = table[table["column"].isin(reference.used)].reset_index(drop=True)
    rows = max(len(book.frame), 1)
    broken = table["status"] == BROKEN
    found = pd.DataFrame(
        {
            "column": table["column"],
            "status": "good",
            "missing": table["missing"].astype(float),
            "missing_in_training": table["missing_in_training"].astype(float),
            "unseen": (table["unseen"] / rows).where(~broken),
            "out_of_range": (table["out_of_range"] / rows).where(~broken),
            "message": table["message"],
        }
    )
    # A column that is absent is told of in a word: the model's own message lists the whole table.
    found["message"] = found["message"].mask(~found["column"].isin(book.frame.columns), "it is not in the table")
    beyond = (
        (found["missing"] - found["missing_in_training"] > limits.missing_rise)
        | (found["unseen"] > limits.unseen_share)
        | (found["out_of_range"] > limits.out_of_range_share)
    )
    found["status"] = found["status"].mask(beyond, "watch").mask(broken, BROKEN)
    return found
