"""Alerts as lists for people: a CSV and an Excel file for each role; no text from the data becomes a formula."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.warning import TableDelivery, WarningRules
from riskml.i18n import ROLES
from riskml.io import replacing, workbook
from riskml.runtime.batch import harmless
from riskml.warning.alerts import Alert
from riskml.warning.format import in_words

COLUMNS = [
    *("key", "customer", "level", "state", "cause", "signs", "opened", "due"),
    *("acknowledged", "escalated", "escalated_to", "closed", "outcome", "role", "priority", "plan", "rule"),
]


def alerts_table(alerts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return alerts, given as mappings of their fields, one row each; empty cells where there is nothing to say."""
    rows = [{name: "" if alert[name] is None else alert[name] for name in COLUMNS} for alert in alerts]
    return pd.DataFrame(rows, columns=COLUMNS)


def role_alerts(table: pd.DataFrame, role: str) -> pd.DataFrame:
    """Return the alerts of a role, and those escalated to it."""
    return table[(table["role"] == role) | (table["escalated_to"] == role)].reset_index(drop=True)


def with_overdue(table: pd.DataFrame, on: dt.date) -> pd.DataFrame:
    """Return a list with ``overdue_days`` beside the day that an alert is due."""
    late = [0 if closed else max(0, (on - due).days) for due, closed in zip(table["due"], table["closed"], strict=True)]
    out = table.copy()
    out.insert(list(table.columns).index("due") + 1, "overdue_days", late)
    return out


def write_tables(delivery: TableDelivery, rules: WarningRules, alerts: Sequence[Alert], on: dt.date) -> list[Path]:
    """Write the open alerts of each role, and those escalated to it; a role without any gets an empty list."""
    folder, written = Path(delivery.folder), []
    whole = with_overdue(alerts_table([asdict(alert) for alert in alerts]), on)
    for role in ROLES:
        table = in_words(role_alerts(whole, role), rules, rules.language)
        for ending in delivery.formats:
            path = folder / f"alerts_{role}.{ending}"
            with replacing(path) as temporary:
                if ending == "csv":
                    # Excel takes a CSV for UTF-8 only with the mark.
                    temporary.write_text(csv_text(table), encoding="utf-8-sig", newline="")
                else:
                    workbook({role: table}).save(temporary)
            written.append(path)
    return written


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    file = io.StringIO()
    harmless(table.map(lambda value: str(value) if isinstance(value, dt.date) else value)).to_csv(
        file, index=False, lineterminator="\n"
    )
    return file.getvalue()
