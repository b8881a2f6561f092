"""The list of each role: what to do for whom, by when, and why; as CSV in full, as a workbook for the most urgent."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from riskml.policy_config import OWNERS
from riskml.runtime.answers import harmless
from riskml.workbook import workbook

MOST_ROWS = 5_000  # of a sheet: beyond, a person filters the CSV
_COLUMNS = [
    *("due", "customer", "tier", "probability", "reason", "because", "title", "why", "cost", "expected_benefit"),
    *("mandatory", "channel", "action"),
]


def role_lists(actions: pd.DataFrame, alerts: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Return each role's actions and open alerts: what is due first in front, then what must be done, then what pays.

    Parameters
    ----------
    actions : DataFrame
        As of `riskml.policy.actions.Plan`.
    alerts : DataFrame
        ``role``, ``escalated_to`` and whatever else alerts have.
    """
    found: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
    for role in OWNERS:
        own = actions[actions["owner"] == role]
        order = ["due", "mandatory", "expected_benefit"]
        own = own.sort_values(order, ascending=[True, False, False], kind="stable")[_COLUMNS]
        warned = alerts[(alerts["role"] == role) | (alerts["escalated_to"] == role)] if len(alerts) else alerts
        found[role] = own.reset_index(drop=True), warned.reset_index(drop=True)
    return found


def write_lists(folder: Path, lists: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    """Write ``<role>_actions.csv``, ``<role>_alerts.csv`` and ``<role>.xlsx`` for each role."""
    folder.mkdir(parents=True, exist_ok=True)
    for role, (actions, alerts) in lists.items():
        for name, table in (("actions", actions), ("alerts", alerts)):
            # Excel takes a CSV for UTF-8 only with the mark.
            harmless(_dated(table)).to_csv(folder / f"{role}_{name}.csv", index=False, encoding="utf-8-sig")
        sheets = {"actions": actions.head(MOST_ROWS), "alerts": alerts.head(MOST_ROWS)}
        workbook(sheets).save(folder / f"{role}.xlsx")


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    told = table.copy()
    for name in told.select_dtypes("datetime"):
        told[name] = told[name].dt.strftime("%Y-%m-%d")
    return told
