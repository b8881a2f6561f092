"""Data quality of a month: missing, unseen and out-of-range values by column."""

from __future__ import annotations

import pandas as pd

from riskml.config.monitoring import MonitoringConfig
from riskml.monitoring.reference import Reference
from riskml.monitoring.snapshot import Snapshot

BROKEN = "broken"


def quality(reference: Reference, snapshot: Snapshot, limits: MonitoringConfig) -> pd.DataFrame:
    """Compare the cells of a month's columns with those of training.

    Returns
    -------
    DataFrame
        One row for each column that the model reads: ``column``, ``status`` ("good", "watch" beyond a limit, "broken"
        where the model cannot read it), ``missing`` and ``missing_in_training``, ``unseen`` and ``out_of_range``
        (shares of rows), ``message``. Shares of a broken column are not numbers.
    """
    table = reference.model.check(snapshot.frame)
    table = table[table["column"].isin(reference.used)].reset_index(drop=True)
    rows = max(len(snapshot.frame), 1)
    broken = table["status"] == BROKEN
    result = pd.DataFrame(
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
    # The model's own message for an absent column lists the whole table.
    result["message"] = result["message"].mask(
        ~result["column"].isin([*snapshot.frame.columns, *reference.model.derivation.made]), "not in the table"
    )
    beyond = (
        (result["missing"] - result["missing_in_training"] > limits.missing_rise)
        | (result["unseen"] > limits.unseen_share)
        | (result["out_of_range"] > limits.out_of_range_share)
    )
    result["status"] = result["status"].mask(beyond, "watch").mask(broken, BROKEN)
    return result
