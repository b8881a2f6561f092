"""Alerts as lists for people: a CSV and an Excel file for each role; no text from the data becomes a formula."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from riskml.files import replacing
from riskml.runtime.answers import harmless
from riskml.warning.alerts import Alert, overdue_days
from riskml.warning_config import OwnerRole, TableDelivery

COLUMNS = [
    *("key", "customer", "level", "state", "cause", "signs", "opened", "due"),
    *("acknowledged", "escalated", "escalated_to", "role", "priority", "plan", "rule"),
]
ROLES: tuple[OwnerRole, ...] = ("sales", "finance", "service", "risk")
_LONGEST = 32_767  # characters of an Excel cell


def alerts_table(alerts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return alerts, given as mappings of their fields, one row each; empty cells where there is nothing to say."""
    rows = [{name: "" if alert[name] is None else alert[name] for name in COLUMNS} for alert in alerts]
    return pd.DataFrame(rows, columns=COLUMNS)


def write_tables(said: TableDelivery, alerts: Sequence[Alert], on: dt.date) -> list[Path]:
    """Write the open alerts of each role, and those escalated to it; a role without any gets an empty list.

    Parameters
    ----------
    said : TableDelivery
    alerts : sequence of Alert
        Open ones, who comes first in front.
    on : date
        The day that counts for what is overdue.

    Returns
    -------
    list of Path
    """
    folder, written = Path(said.folder), []
    for role in ROLES:
        own = [alert for alert in alerts if role in (alert.role, alert.escalated_to)]
        table = alerts_table([asdict(alert) for alert in own])
        table.insert(8, "overdue_days", [overdue_days(alert, on) for alert in own])
        for ending in said.formats:
            path = folder / f"alerts_{role}.{ending}"
            with replacing(path) as temporary:
                if ending == "csv":
                    # Excel takes a CSV for UTF-8 only with the mark.
                    temporary.write_text(csv_text(table), encoding="utf-8-sig", newline="")
                else:
                    _workbook(table, role).save(temporary)
            written.append(path)
    return written


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    file = io.StringIO()
    harmless(table.map(lambda value: str(value) if isinstance(value, dt.date) else value)).to_csv(
        file, index=False, lineterminator="\n"
    )
    return file.getvalue()


def _workbook(table: pd.DataFrame, title: str) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for column, name in enumerate(table.columns, start=1):
        sheet.cell(1, column, name).font = Font(bold=True)
    for row, values in enumerate(table.itertuples(index=False), start=2):
        for column, value in enumerate(values, start=1):
            cell = sheet.cell(row, column)
            if isinstance(value, str):
                cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)[:_LONGEST]
                cell.data_type = "s"  # text, whatever it begins with
            elif not (isinstance(value, float) and value != value):
                cell.value = value
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    return book
