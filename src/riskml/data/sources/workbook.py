"""Excel workbooks as data frames."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from riskml.errors import DataError, did_you_mean, preview

SUFFIXES = (".xlsx", ".xls")


def split_sheet(source: str | Path) -> tuple[Path, str | None]:
    """Return the file and the sheet of a source such as ``book.xlsx#March``.

    >>> split_sheet("book.xlsx#March")
    (PosixPath('book.xlsx'), 'March')
    """
    path = Path(source).expanduser()
    name, mark, sheet = path.name.rpartition("#")
    if mark and name.lower().endswith(SUFFIXES) and not path.exists():
        return path.with_name(name), sheet
    return path, None


def read_workbook(path: Path, sheet: str | None) -> pd.DataFrame:
    """Return a sheet of a workbook: its first row that is not empty is the header.

    Parameters
    ----------
    sheet : str, optional
        Name of the sheet. It may be omitted where one sheet only has cells.

    Raises
    ------
    DataError
        When the file is no workbook, has no such sheet or several, or a column has no name.
    """
    try:
        with pd.ExcelFile(path, engine="calamine") as book:
            if sheet is not None and sheet not in book.sheet_names:
                raise DataError(
                    f"the workbook has no sheet {sheet!r}; it has {preview(book.sheet_names)}",
                    where=str(path),
                    fix=did_you_mean(sheet, book.sheet_names) or "name one of its sheets",
                )
            names = book.sheet_names if sheet is None else [sheet]
            cells = {str(name): _cells(book, str(name)) for name in names}
    except DataError:
        raise
    except Exception as error:  # the parser's errors have no common class
        raise DataError(
            f"the file cannot be read as an Excel workbook: {error}",
            where=str(path),
            fix="open it and save it again as .xlsx; a workbook with a password cannot be read",
        ) from None
    filled = {name: table for name, table in cells.items() if not table.empty}
    if len(filled) > 1:
        raise DataError(
            f"the workbook has several sheets with cells: {preview(filled)}",
            where=str(path),
            fix=f"name one: {path.name}#{next(iter(filled))}, or data.sheet in an experiment",
        )
    if not filled:
        raise DataError("the sheet has no cells", where=str(path), fix="export it again, with its rows")
    (table,) = filled.values()
    header = table.iloc[0].fillna("").map(lambda name: str(name).strip())
    rows = table.iloc[1:].reset_index(drop=True)
    rows.columns = pd.Index([name or f"unnamed_{i}" for i, name in enumerate(header)], dtype=object)
    return rows.infer_objects()


def _cells(book: pd.ExcelFile, sheet: str) -> pd.DataFrame:
    cells = pd.read_excel(book, sheet_name=sheet, header=None, dtype=object)
    return cells.dropna(how="all").dropna(how="all", axis=1)
