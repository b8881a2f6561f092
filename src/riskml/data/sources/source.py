"""Tables from samples and files: read whole, or refused with the reason."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.data.catalog import load_sample, samples
from riskml.data.sources.csv import Header, check_lengths, first_line, opened, read_header, readable
from riskml.data.sources.digest import data_digest
from riskml.errors import DataError, did_you_mean, preview
from riskml.schema import refuse_duplicates

__all__ = ["data_digest", "read_table"]

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
_CHUNK_CHARACTERS = 1 << 22
_CHUNK_ROWS = 50_000
_PADDED_FIELD = re.compile(r"""0(?<![^\s,;"]0)[0-9]+(?![^\s,;"])""")  # begins with its digit: the search then leaps


def read_table(source: str | Path) -> pd.DataFrame:
    """Read a table from a sample of the catalog, or from a file.

    Parameters
    ----------
    source : str or path
        A sample's name (``riskml.data.catalog.samples``), or a file: .csv or .tsv (also .gz), UTF-8 with or without
        byte order mark, one header line, fields separated by comma, semicolon or tab; or .parquet. Columns of codes
        with leading zeros, in whichever row, stay text.

    Returns
    -------
    DataFrame of shape (n, p)
        Rows numbered from 0. Column names are text without blanks around them. Every row has as many fields as the
        header.

    Raises
    ------
    DataError
        When the file is missing, empty, damaged, not UTF-8, or its rows and header do not fit together.
    InputError
        When a sample's package is not installed.

    Examples
    --------
    >>> read_table("credit_data").shape
    (4454, 14)
    """
    names = [known.name for known in samples()]
    if str(source) in names:
        return load_sample(str(source))
    path = Path(source).expanduser()
    suffix = _suffix(path)
    _check_file(path, suffix, names)
    frame = _read_parquet(path) if suffix == ".parquet" else _read_text(path)
    frame.columns = pd.Index([str(name).strip() for name in frame.columns], dtype=object)
    try:
        refuse_duplicates(frame.columns)
    except DataError as error:
        raise DataError(error.what, where=f"{path}, header", fix=error.fix) from None
    if frame.empty:
        raise DataError("the table has a header and no rows", where=str(path), fix="export it again, with its rows")
    return frame


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def _check_file(path: Path, suffix: str, names: list[str]) -> None:
    if path.is_dir():
        raise DataError("a table is a file; this is a directory", where=str(path), fix="name a file in it")
    if not suffix and not path.exists() and len(path.parts) == 1 and not path.suffix:
        raise DataError(
            f"there is no sample {path.name!r}; the samples are {preview(names)}",
            fix=did_you_mean(path.name, names) or f"name a sample, or a file that ends in {', '.join(SUFFIXES)}",
        )
    if not path.exists():
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(
            "the file does not exist", where=str(path), fix=did_you_mean(path.name, beside) or "check the path"
        )
    if not suffix:
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
        raise DataError(
            f"the file cannot be read as Parquet: {first_line(error)}",
            where=str(path),
            fix="it may be cut short or of another format: write it again",
        ) from None
    # An index with a name is a column that pandas' own writer set apart.
    return frame.reset_index(drop=all(name is None for name in frame.index.names))


def _read_text(path: Path) -> pd.DataFrame:
    with readable(path):
        header = read_header(path)
        frame = _parsed(path, header)
    # pandas fills a row that is too short with empty cells; they then reach the last column.
    if frame.iloc[:, -1].isna().any():
        check_lengths(path, header)
    return frame


def _parsed(path: Path, header: Header) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # pandas only warns when it drops fields for which the header has no name.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            padded = _padded(path, header) if _may_be_padded(path) else []
            with opened(path) as file:
                frame: pd.DataFrame = pd.read_csv(
                    file, low_memory=False, dtype=dict.fromkeys(padded, "str"), **_layout(header)
                )
                return frame
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        check_lengths(path, header)
        raise DataError(
            f"the rows cannot be told apart: {first_line(error)}",
            where=str(path),
            fix="look for a quotation mark that is not closed",
        ) from None


def _layout(header: Header) -> dict[str, Any]:
    return {"sep": header.delimiter, "header": 0, "names": header.names, "index_col": False}


def _may_be_padded(path: Path) -> bool:
    """Return whether a code with leading zeros can be in a file: a look at its text, far quicker than at its cells."""
    with opened(path) as file:
        while lines := file.readlines(_CHUNK_CHARACTERS):
            if _PADDED_FIELD.search("".join(lines)):
                return True
    return False


def _padded(path: Path, header: Header) -> list[str]:
    """Return the columns of codes such as 00123, of which one in any row tells: as numbers they lose their zeros."""
    found: set[str] = set()
    with (
        opened(path) as file,
        pd.read_csv(file, dtype="str", chunksize=_CHUNK_ROWS, **_layout(header)) as chunks,
    ):
        for chunk in chunks:
            found |= {
                name for name in header.names if name not in found and chunk[name].str.fullmatch(r"\s*0\d+\s*").any()
            }
    return [name for name in header.names if name in found]
