"""Tables from samples and files: read whole, or refused with the reason."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import pandas as pd

from riskml.data.catalog import load_sample, samples
from riskml.data.digest import data_digest
from riskml.errors import DataError
from riskml.schema import near, refuse_duplicates, shortened

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
        raise DataError(error.what, where=f"{path}, header", mend=error.mend) from None
    if frame.empty:
        raise DataError("the table has a header and no rows", where=str(path), mend="export it again, with its rows")
    return frame


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def _check_file(path: Path, suffix: str, names: list[str]) -> None:
    if path.is_dir():
        raise DataError("a table is a file; this is a directory", where=str(path), mend="name a file in it")
    if not suffix and not path.exists() and len(path.parts) == 1 and not path.suffix:
        raise DataError(
            f"there is no sample {path.name!r}; the samples are {shortened(names)}",
            mend=near(path.name, names) or f"name a sample, or a file that ends in {', '.join(SUFFIXES)}",
        )
    if not path.exists():
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError("the file does not exist", where=str(path), mend=near(path.name, beside) or "check the path")
    if not suffix:
        raise DataError(
            f"a table is read from a file that ends in {', '.join(SUFFIXES)}; got {path.name!r}",
            where=str(path),
            mend="convert it, or correct its name",
        )
    if path.stat().st_size == 0:
        raise DataError("the file is empty (0 bytes)", where=str(path), mend="export it again")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"the file cannot be read as Parquet: {_first_line(error)}",
            where=str(path),
            mend="it may be cut short or of another format: write it again",
        ) from None
    # An index with a name is a column that pandas' own writer set apart.
    return frame.reset_index(drop=all(name is None for name in frame.index.names))


def _read_text(path: Path) -> pd.DataFrame:
    try:
        with _opened(path) as file:
            header = _header(file, path)
        frame = _parsed(path, header)
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"the file cannot be unpacked: {_first_line(error)}",
            where=str(path),
            mend="it may be cut short: copy it again",
        ) from None
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    # pandas fills a row that is too short with empty cells; they then reach the last column.
    if frame.iloc[:, -1].isna().any():
        _check_lengths(path, header)
    return frame


def _binary(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def _opened(path: Path) -> TextIO:
    return io.TextIOWrapper(_binary(path), encoding="utf-8-sig", newline="")


@dataclass(frozen=True)
class _Header:
    names: list[str]
    delimiter: str


def _header(file: TextIO, path: Path) -> _Header:
    line = next((line for line in file if line.strip()), "")
    if not line:
        raise DataError("the file has no header: it holds blank lines only", where=str(path), mend="export it again")
    outside_quotes = "".join(line.split('"')[::2])
    delimiter = max(",;\t", key=outside_quotes.count)
    if "\x00" in line:
        raise DataError("the file holds binary data", where=str(path), mend="export it as text in UTF-8")
    names = [name.strip() for name in next(csv.reader(_from(line, file), delimiter=delimiter))]
    names = [name or f"unnamed_{i}" for i, name in enumerate(names)]
    try:
        refuse_duplicates(names)
    except DataError as error:
        raise DataError(error.what, where=f"{path}, header", mend=error.mend) from None
    return _Header(names, delimiter)


def _from(line: str, file: TextIO) -> Iterator[str]:
    yield line
    yield from file


def _parsed(path: Path, header: _Header) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # pandas only warns when it drops fields for which the header has no name.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            padded = _padded(path, header) if _may_be_padded(path) else []
            with _opened(path) as file:
                frame: pd.DataFrame = pd.read_csv(
                    file, low_memory=False, dtype=dict.fromkeys(padded, "str"), **_layout(header)
                )
                return frame
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _check_lengths(path, header)
        raise DataError(
            f"the rows cannot be told apart: {_first_line(error)}",
            where=str(path),
            mend="look for a quotation mark that is not closed",
        ) from None


def _layout(header: _Header) -> dict[str, Any]:
    return {"sep": header.delimiter, "header": 0, "names": header.names, "index_col": False}


def _may_be_padded(path: Path) -> bool:
    """Return whether a code with leading zeros can be in a file: a look at its text, far quicker than at its cells."""
    with _opened(path) as file:
        while lines := file.readlines(_CHUNK_CHARACTERS):
            if _PADDED_FIELD.search("".join(lines)):
                return True
    return False


def _padded(path: Path, header: _Header) -> list[str]:
    """Return the columns of codes such as 00123, of which one in any row tells: as numbers they lose their zeros."""
    found: set[str] = set()
    with (
        _opened(path) as file,
        pd.read_csv(file, dtype="str", chunksize=_CHUNK_ROWS, **_layout(header)) as chunks,
    ):
        for chunk in chunks:
            found |= {
                name for name in header.names if name not in found and chunk[name].str.fullmatch(r"\s*0\d+\s*").any()
            }
    return [name for name in header.names if name in found]


def _check_lengths(path: Path, header: _Header) -> None:
    """Raise a DataError when rows have another number of fields than the header."""
    expected = len(header.names)
    wrong: list[tuple[int, int]] = []
    with _opened(path) as file:
        reader = csv.reader(file, delimiter=header.delimiter)
        try:
            for fields in reader:
                if fields and len(fields) != expected:
                    wrong.append((reader.line_num, len(fields)))
        except csv.Error as error:
            raise DataError(
                f"the rows cannot be told apart: {error}", where=f"{path}, line {reader.line_num}"
            ) from None
    if wrong:
        line, fields_there = wrong[0]
        others = f" (and in {len(wrong) - 1} more lines)" if len(wrong) > 1 else ""
        raise DataError(
            f"the header has {expected} fields, and line {line} has {fields_there}{others}",
            where=f"{path}, line {line}",
            mend="quote fields that hold the separator, and write an empty field for a missing value",
        )


def _not_utf8(path: Path) -> DataError:
    offset, line, byte, chunk, following = 0, 0, "", b"", b""
    with _binary(path) as file:
        # A line feed is never a part of another character in UTF-8: every line can be judged alone.
        for chunk in file:
            line += 1
            try:
                chunk.decode("utf-8")
            except UnicodeDecodeError as error:
                offset, byte = offset + error.start, f"0x{chunk[error.start]:02x}"
                following = chunk + b"".join(file.readlines(_CHUNK_CHARACTERS))
                break
            offset += len(chunk)
    likely = "GB18030" if _seems_chinese(following) else "WINDOWS-1252"
    if line == 1 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        likely = "UTF-16"
    return DataError(
        f"the file is not UTF-8: byte {byte} at offset {offset}",
        where=f"{path}, line {line}",
        mend=f"convert it, for example: iconv -f {likely} -t UTF-8 '{path.name}' > utf8.csv",
    )


def _seems_chinese(content: bytes) -> bool:
    """Return whether bytes read as GB18030, and mostly as common Chinese characters where they are not ASCII."""
    try:
        foreign = [char for char in content.decode("gb18030") if not char.isascii()]
    except UnicodeDecodeError:
        return False
    # An accented letter and the ASCII letter after it make one rare character; both bytes of a common one are high.
    common = sum("\u4e00" <= char <= "\u9fff" and len(char.encode("gb2312", "ignore")) == 2 for char in foreign)
    return common > len(foreign) / 2


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
