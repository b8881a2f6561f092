"""Tables in memory from samples and files, read completely or refused with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from riskml.config.experiment import DataConfig
from riskml.data.catalog import load_sample, sample_names
from riskml.data.sources.csv import as_utf8
from riskml.data.sources.csv_scan import read_text_table
from riskml.data.sources.digest import data_digest
from riskml.data.sources.parquet import not_parquet
from riskml.data.sources.workbook import SUFFIXES as WORKBOOKS
from riskml.data.sources.workbook import read_workbook, split_sheet
from riskml.errors import DataError, did_you_mean, preview
from riskml.schema import refuse_duplicates

__all__ = ["data_digest", "read_customers", "read_table"]

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", *WORKBOOKS)


def read_table(
    source: str | Path, *, encoding: str = "utf-8", missing: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Read a table from a sample of the catalog, or from a file.

    Parameters
    ----------
    source : str or path
        A sample's name (``riskml.data.catalog.samples``), or a file: .csv or .tsv (also .gz), with or without byte
        order mark, one header line, fields separated by comma, semicolon or tab; .parquet; or .xlsx or .xls
        (``book.xlsx#March`` names the sheet). Columns with codes such as 00123 stay text.
    encoding : str, default "utf-8"
        Encoding of a text file, such as gb18030, windows-1252 or utf-16.
    missing : mapping of column to words, optional
        Columns of a text file with their own words for a missing value; in the others these are empty cells and
        NA, N/A, NaN, NULL, None, <NA>, #N/A and their spellings.

    Returns
    -------
    DataFrame of shape (n, p)
        Rows numbered from 0. Column names are text without surrounding blanks. Every row has as many fields as the
        header.

    Raises
    ------
    DataError
        When the file is missing, empty, damaged, not in the encoding, or its rows and header do not fit together.
    InputError
        When a sample's package is not installed.

    Examples
    --------
    >>> read_table("credit_data").shape
    (4454, 14)
    """
    if str(source) in sample_names():
        return load_sample(str(source))
    path, sheet = split_sheet(source)
    _check_file(path)
    if path.suffix.lower() in WORKBOOKS:
        frame = read_workbook(path, sheet)
    elif path.suffix.lower() == ".parquet":
        frame = _read_parquet(path)
    else:
        with as_utf8(path, encoding) as text:
            frame = read_text_table(text, missing)
    frame.columns = pd.Index([str(name).strip() for name in frame.columns], dtype=object)
    refuse_duplicates(frame.columns, where=f"{path}, header")
    if frame.empty:
        raise DataError("the table has a header and no rows", where=str(path), fix="export it again, with its rows")
    return frame


def read_customers(source: str | Path, data: DataConfig) -> pd.DataFrame:
    """Read a table of an experiment; ``prepare`` then empties the cells that hold its words for missing values."""
    own = [name for name, column in data.columns.items() if column.missing is not None]
    return read_table(source, encoding=data.encoding, missing=dict.fromkeys(own, ()))


def missing_file(path: Path) -> DataError:
    """Return the error that a path is neither a file nor a sample, with the names that look like it."""
    if len(path.parts) == 1 and not path.suffix:
        return DataError(
            f"there is no file or sample {path.name!r}; the samples are {preview(sample_names())}",
            fix=did_you_mean(path.name, sample_names()) or f"name a sample, or a file ({', '.join(SUFFIXES)})",
        )
    siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    fix = did_you_mean(path.name, siblings) or "check the path"
    return DataError("the file does not exist", where=str(path), fix=fix)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise DataError("a table is a file; this is a directory", where=str(path), fix="name a file in it")
    if not path.exists():
        raise missing_file(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(
            f"a table is read from a file that ends in {', '.join(SUFFIXES)}; got {path.name!r}",
            where=str(path),
            fix="convert it, or correct its name",
        )
    if path.stat().st_size == 0:
        raise DataError("the file is empty (0 bytes)", where=str(path), fix="export it again")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise not_parquet(path, error) from None
    # An index with a name is a column that pandas' own writer set apart.
    return frame.reset_index(drop=all(name is None for name in frame.index.names))
