"""Reading of CSV and Parquet files of customers in chunks, so that files may exceed memory."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import re
import warnings
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import numpy as np
import pandas as pd

from .checksums import PackageError
from .frame import level, literal

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
CHUNK = 50_000  # rows
_SAMPLE_BYTES = 1 << 22  # examined for the likely encoding
ROW = "row"  # the ID column where none is named

# What pandas reads as an empty cell; a known level of the same name takes precedence.
_EMPTY = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"]
    + ["NULL", "NaN", "None", "n/a", "nan", "null"]
)

# Texts of a missing identifier. "NA" may be an identifier.
_NO_ID = frozenset(["nan", "NaN", "NAN", "-nan", "<NA>", "NaT", "None", "null", "NULL"])

# Before pandas 3.1 exact parsing of numbers was an option; since then it is the default and not an option.
_EXACT: dict[str, Any] = {}
if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
    _EXACT["float_precision"] = "round_trip"


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file, numbered from 1, and their identifiers."""

    frame: pd.DataFrame
    ids: pd.Series
    done: float = 1.0  # share of the file read so far


@dataclass(frozen=True)
class ReadSpec:
    """The columns to read from a file of customers."""

    kinds: Mapping[str, str]
    levels: Mapping[str, Sequence[str]]
    id_column: str | None = None  # the identifier; the row number by default
    require_all: bool = True  # whether a file that lacks some of the columns is refused
    missing_words: Mapping[str, Collection[str]] = field(default_factory=dict)  # in addition to the usual ones

    def check(self, names: Sequence[str], path: Path) -> None:
        """Raise a PackageError if a column is missing or duplicate."""
        required = [*(self.kinds if self.require_all else self.present(names))]
        required += [self.id_column] if self.id_column is not None else []
        absent = [name for name in required if name not in names]
        twice = [name for name in required if names.count(name) > 1]
        if absent:
            header = ", ".join(map(repr, names[:30])) + (", ..." if len(names) > 30 else "")
            raise PackageError(f"{path}: columns missing: {', '.join(map(repr, absent))}; the file has {header}")
        if twice:
            raise PackageError(f"{path}: duplicate columns: {', '.join(map(repr, twice))}")

    def present(self, names: Iterable[str]) -> list[str]:
        """Return the model's columns that are in the file."""
        header = {*names}
        return [name for name in self.kinds if name in header]


def read(path: str | Path, spec: ReadSpec) -> Iterator[Chunk]:
    """Yield the rows of a file in chunks; an empty chunk for a file without rows."""
    path = Path(path)
    if path.is_dir():
        raise PackageError(f"{path}: this is a directory; name a file in it")
    if not path.exists():
        raise PackageError(f"{path}: the file does not exist")
    ending = suffix(path)
    if not ending:
        raise PackageError(f"{path}: unknown format; expected {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise PackageError(f"{path}: the file is empty (0 bytes)")
    if ending != ".parquet" and not ending.endswith(".gz") and (kind := workbook_kind(path)):
        raise PackageError(f"{path}: the file is {kind}: save it as CSV UTF-8")
    try:
        yield from _read_parquet(path, spec) if ending == ".parquet" else _read_text(path, spec)
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except csv.Error as error:
        raise PackageError(f"{path}: cannot separate the rows: {error}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PackageError(f"{path}: cannot decompress the file, it may be truncated: {error}") from None


def _not_utf8(path: Path) -> PackageError:
    line, what, raw, following = 0, "", b"", b""
    with _binary(path) as file:
        # A line feed is never part of another character in UTF-8: lines can be decoded one by one.
        for raw in file:
            line += 1
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f": byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
                following = b"".join(file.readlines(_SAMPLE_BYTES))
                break
    packed = path.name.lower().endswith(".gz")
    convert = f"gzip -dc '{path.name}' | iconv" if packed else f"iconv '{path.name}'"
    likely = likely_encoding(raw + following, first=line == 1)
    return PackageError(
        f"{path}, line {line}: the file is not UTF-8{what}; "
        f"convert it, for example: {convert} -f {likely} -t UTF-8 > utf8.csv"
    )


def likely_encoding(content: bytes, *, first: bool) -> str:
    """Return the likely encoding of bytes that are not UTF-8; ``first`` if they begin the file.

    >>> likely_encoding("华北,华南".encode("gbk"), first=True), likely_encoding("Müller".encode("latin-1"), first=True)
    ('GB18030', 'WINDOWS-1252')
    """
    if first and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    # The bytes may end within a character.
    text = codecs.getincrementaldecoder("gb18030")(errors="strict")
    try:
        foreign = [char for char in text.decode(content) if not char.isascii()]
    except UnicodeDecodeError:
        return "WINDOWS-1252"
    # An accented letter and the ASCII letter after it make one rare character; both bytes of a common one are high.
    common = sum("\u4e00" <= char <= "\u9fff" and len(char.encode("gb2312", "ignore")) == 2 for char in foreign)
    return "GB18030" if common > len(foreign) / 2 else "WINDOWS-1252"


def workbook_kind(path: Path) -> str:
    """Return what a file is if its first bytes are those of a workbook or an archive, else ""."""
    with path.open("rb") as file:
        magic = file.read(8)
    if magic.startswith(b"PK\x03\x04"):
        return "an Excel workbook (.xlsx) or another ZIP archive"
    return "an Excel workbook (.xls)" if magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" else ""


def separator_line(line: str) -> str:
    """Return the separator that a line declares as Excel does (``sep=;``), or "".

    >>> separator_line("sep=;"), separator_line("a;b")
    (';', '')
    """
    match = re.fullmatch(r'"?sep=(.)"?', line.strip("\r\n\ufeff "), flags=re.IGNORECASE)
    return match[1] if match else ""


def suffix(path: Path) -> str:
    """Return the suffix of a readable file, or "" for other files."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), "")


def _open_text(path: Path) -> TextIO:
    return io.TextIOWrapper(_binary(path), encoding="utf-8-sig", newline="")


def _binary(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def _header(path: Path) -> tuple[list[str], str, int]:
    """Return the names, the separator, and the number of lines above the header."""
    with _open_text(path) as file:
        lines = ((at, line) for at, line in enumerate(file) if line.strip())
        above, line = next(lines, (0, ""))
        declared = separator_line(line)
        if declared:
            above, line = next(lines, (0, ""))
        if not line:
            raise PackageError(f"{path}: the file has no header")
        delimiter = declared or max(",;\t", key="".join(line.split('"')[::2]).count)
        rows = csv.reader(chain([line], file), delimiter=delimiter)
        return [name.strip() for name in next(rows)], delimiter, above if declared else 0


def _read_text(path: Path, spec: ReadSpec) -> Iterator[Chunk]:
    names, delimiter, above = _header(path)
    spec.check(names, path)
    # Columns are identified by position: columns that are not read may have any name, or duplicate names.
    numbers = {i for i, name in enumerate(names) if spec.kinds.get(name) == "numeric"}
    empty: dict[Any, list[str]] = {
        i: sorted(_EMPTY.union(spec.missing_words.get(name, ())) - set(spec.levels.get(name, ())))
        for i, name in enumerate(names)
        if name in spec.kinds
    }
    last = len(names) - 1
    empty.setdefault(last, [""])  # detects rows that are too short
    options: dict[str, Any] = {
        "sep": delimiter,
        "header": 0,
        "skiprows": above,
        "names": list(range(len(names))),
        "index_col": False,
        "dtype": {i: "str" for i in range(len(names)) if i not in numbers},
        "keep_default_na": False,
        "na_values": empty,
        "low_memory": False,
        "chunksize": CHUNK,
    }
    seen, checked = 0, False
    try:
        size = max(path.stat().st_size, 1)
        with _open_text(path) as file, pd.read_csv(file, **options, **_EXACT) as reader:
            while (part := _next(reader)) is not None:
                # pandas fills rows that are too short with empty cells.
                if not checked and part[last].isna().any():
                    _check_lengths(path, len(names), delimiter, above)
                    checked = True
                part.index = pd.RangeIndex(seen + 1, seen + len(part) + 1, name=ROW)
                seen += len(part)
                yield _chunk(path, part.set_axis(names, axis=1), spec, from_text=True, done=_offset(file) / size)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _check_lengths(path, len(names), delimiter, above)
        raise PackageError(f"{path}: cannot separate the rows: {str(error).splitlines()[0]}") from None
    if not seen:
        empty_part = pd.DataFrame(columns=names, index=pd.RangeIndex(1, 1, name=ROW), dtype=object)
        yield _chunk(path, empty_part, spec, from_text=True)


def _next(reader: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
    with warnings.catch_warnings():
        # pandas only warns if it drops fields without a name in the header.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return next(reader, None)


def _check_lengths(path: Path, expected: int, delimiter: str, above: int) -> None:
    with _open_text(path) as file:
        reader = csv.reader(islice(file, above, None), delimiter=delimiter)
        for fields in reader:
            if fields and len(fields) != expected:
                line = above + reader.line_num
                raise PackageError(f"{path}: the header has {expected} fields, and line {line} has {len(fields)}")


def _read_parquet(path: Path, spec: ReadSpec) -> Iterator[Chunk]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise PackageError(f"{path}: Parquet requires pyarrow: pip install pyarrow, or use a CSV file") from None
    try:
        with pq.ParquetFile(path) as file:
            names = [str(name) for name in file.schema_arrow.names]
            spec.check(names, path)
            needed = [name for name in names if name in spec.kinds or name == spec.id_column]
            seen = 0
            for batch in file.iter_batches(CHUNK, columns=needed):
                part = pa.Table.from_batches([batch]).to_pandas(ignore_metadata=True)
                part.index = pd.RangeIndex(seen + 1, seen + len(part) + 1, name=ROW)
                seen += len(part)
                yield _chunk(path, part, spec, from_text=False, done=seen / max(file.metadata.num_rows, 1))
            if not seen:
                part = file.schema_arrow.empty_table().to_pandas(ignore_metadata=True)
                part.index = pd.RangeIndex(1, 1, name=ROW)
                yield _chunk(path, part, spec, from_text=False)
    except (pa.ArrowException, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PackageError(f"{path}: cannot read the file as Parquet, it may be truncated: {first}") from None


def _offset(file: TextIO) -> int:
    """Return the number of bytes read from the file on disk, compressed or not."""
    try:
        return os.lseek(file.fileno(), 0, os.SEEK_CUR)
    except OSError:
        return 0


def _chunk(path: Path, part: pd.DataFrame, spec: ReadSpec, *, from_text: bool, done: float = 1.0) -> Chunk:
    ids = part.index.to_series() if spec.id_column is None else part[spec.id_column]
    if spec.id_column is not None:
        _check_ids(path, spec.id_column, ids)
    frame = part[spec.present(part.columns)]
    if from_text:
        texts = {name: _levels(frame[name], known) for name, known in spec.levels.items() if name in frame}
        frame = frame.assign(**texts)
    return Chunk(frame, ids, done)


def _check_ids(path: Path, column: str, ids: pd.Series) -> None:
    absent = ids.isna()
    if not pd.api.types.is_numeric_dtype(ids.dtype):
        absent |= ids.isin(_NO_ID) | (ids.astype(str).str.strip() == "")
    if absent.any():
        first, more = int(absent.to_numpy().argmax()), int(absent.sum()) - 1
        tail = f" (and {more} more {'rows' if more > 1 else 'row'})" if more else ""
        raise PackageError(
            f"{path}: column {column!r}, row {ids.index[first]}: missing identifier "
            f"({literal(ids.iloc[first])}){tail}; "
            "give each row one, drop such rows, or omit --id to number the rows"
        )


def _levels(values: pd.Series, known: Sequence[str]) -> pd.Series:
    """Return text as levels independent of the rest of the column (007, 7 and 7.0 may be level 7)."""
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    names = np.array([*(_known_level(text, set(known)) for text in uniques), None], dtype=object)
    return pd.Series(names[codes], index=values.index, dtype=object)


def _known_level(text: str, known: set[str]) -> str:
    if text in known:
        return text
    try:
        other = level(float(text))
    except (ValueError, OverflowError):
        other = text.capitalize()  # true and TRUE are True
    return other if other in known else text
