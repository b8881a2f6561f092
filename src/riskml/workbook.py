"""Tables as an Excel workbook in which no text becomes a formula."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from openpyxl import Workbook

_LONGEST = 32_767  # characters of an Excel cell


def workbook(tables: Mapping[str, pd.DataFrame]) -> Workbook:
    """Return a workbook with a sheet for each table: a bold head that stays in sight, filters, and text as text.

    Parameters
    ----------
    tables : mapping of sheet name to DataFrame
        The index is left out.

    Returns
    -------
    openpyxl.Workbook
    """
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, table in tables.items():
        sheet = made.create_sheet(name[:31])
        for column, title in enumerate(table.columns, start=1):
            sheet.cell(1, column, str(title)).font = Font(bold=True)
        for row, values in enumerate(table.itertuples(index=False), start=2):
            for column, value in enumerate(values, start=1):
                cell = sheet.cell(row, column)
                if value is None or value != value or value is pd.NaT:
                    continue
                if isinstance(value, dt.datetime):
                    cell.value = value.date()
                elif isinstance(value, str):
                    cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)[:_LONGEST]
                    cell.data_type = "s"  # text, whatever it begins with
                else:
                    cell.value = value.item() if hasattr(value, "item") else value
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = sheet.dimensions
    return made
