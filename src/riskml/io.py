"""Files that are either the old ones or the new ones, never half of each."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from riskml.errors import InputError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which takes its place when the block ends without an error."""
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(f"no permission to write in {path.parent}")
        yield temporary
        temporary.replace(path)
    except (PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        raise InputError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            fix="choose a folder that you may write to",
        ) from error
    finally:
        # Where the folder itself could not be made, there is nothing to remove.
        with suppress(OSError):
            shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, sorted as given, in UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read JSON in UTF-8."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


if TYPE_CHECKING:
    from openpyxl import Workbook

_LONGEST = 32_767  # characters of an Excel cell


def workbook(tables: Mapping[str, pd.DataFrame]) -> Workbook:
    """Return a workbook with a sheet for each table: a bold head that stays in sight, filters, and text as text."""
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
