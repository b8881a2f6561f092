"""Files of customers, read in chunks, so that a file may be larger than memory."""

from __future__ import annotations

import csv
import gzip
import io
import os
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import numpy as np
import pandas as pd

from .checksums import PackageError
from .frame import level, shown

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
CHUNK = 50_000  # rows
ROW = "row"  # names a customer where no identifier is asked for

# What pandas reads as an empty cell; in a categorical column, a level of that very name comes first.
_EMPTY = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"]
    + ["NULL", "NaN", "None", "n/a", "nan", "null"]
)

# What programs write where a customer's name is missing. "NA" may be a name.
_NOBODY = frozenset(["nan", "NaN", "NAN", "-nan", "<NA>", "NaT", "None", "null", "NULL"])

# Until pandas 3.1 a number's last digit was read carelessly unless one asked; now one must not ask.
_EXACT: dict[str, Any] = {}
if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
    _EXACT["float_precision"] = "round_trip"


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file, numbered from 1, and who they are."""

    frame: pd.DataFrame
    ids: pd.Series
    done: float = 1.0  # share of the file that is read


@dataclass(frozen=True)
class Wanted:
    """What is read from a file of customers."""

    kinds: Mapping[str, str]
    levels: Mapping[str, Sequence[str]]
    id_column: str | None = None  # the identifier that is carried through; the row's number where there is none
    all_needed: bool = True  # whether a file that lacks some of the columns is refused, or read without them

    def check(self, names: Sequence[str], path: Path) -> None:
        """Raise a PackageError when a wanted column is absent, or is there twice."""
        wanted = [*(self.kinds if self.all_needed else self.found(names))] + (
            [self.id_column] if self.id_column is not None else []
        )
        absent = [name for name in wanted if name not in names]
        twice = [name for name in wanted if names.count(name) > 1]
        if absent:
            there = ", ".join(map(repr, names[:30])) + (", ..." if len(names) > 30 else "")
            raise PackageError(f"{path}: columns missing: {', '.join(map(repr, absent))}; the file has {there}")
        if twice:
            raise PackageError(f"{path}: columns that occur more than once: {', '.join(map(repr, twice))}")

    def found(self, names: Iterable[str]) -> list[str]:
        """Return the model's columns that a file has."""
        there = {*names}
        return [name for name in self.kinds if name in there]


def read(path: str | Path, wanted: Wanted) -> Iterator[Chunk]:
    """Yield the rows of a file in chunks; at least one, which is empty for a file without rows."""
    path = Path(path)
    if path.is_dir():
        raise PackageError(f"{path}: this is a directory; name a file in it")
    if not path.exists():
        raise PackageError(f"{path}: the file does not exist")
    ending = suffix(path)
    if not ending:
        raise PackageError(f"{path}: a file that ends in {', '.join(SUFFIXES)} is expected")
    if path.stat().st_size == 0:
        raise PackageError(f"{path}: the file is empty (0 bytes)")
    try:
        yield from _read_parquet(path, wanted) if ending == ".parquet" else _read_text(path, wanted)
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except csv.Error as error:
        raise PackageError(f"{path}: the rows cannot be told apart: {error}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PackageError(f"{path}: the file cannot be unpacked, it may be cut short: {error}") from None


def _not_utf8(path: Path) -> PackageError:
    line, what, raw = 0, "", b""
    with _binary(path) as file:
        # A line feed is never a part of another character in UTF-8: every line can be judged alone.
        for raw in file:
            line += 1
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f": byte 0x{raw[error.start]:02x} at place {error.start + 1} of the line"
                break
    likely = "UTF-16" if line == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "WINDOWS-1252"
    packed = path.name.lower().endswith(".gz")
    convert = f"gzip -dc '{path.name}' | iconv" if packed else f"iconv '{path.name}'"
    return PackageError(
        f"{path}, line {line}: the file is not UTF-8{what}; "
        f"convert it, for example: {convert} -f {likely} -t UTF-8 > utf8.csv"
    )


def suffix(path: Path) -> str:
    """Return what a file's name ends in, as far as it is understood here, or nothing."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), "")


def _opened(path: Path) -> TextIO:
    return io.TextIOWrapper(_binary(path), encoding="utf-8-sig", newline="")


def _binary(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def _header(path: Path) -> tuple[list[str], str]:
    with _opened(path) as file:
        line = next((line for line in file if line.strip()), "")
        if not line:
            raise PackageError(f"{path}: the file has no header")
        delimiter = max(",;\t", key="".join(line.split('"')[::2]).count)

        def lines() -> Iterator[str]:
            yield line
            yield from file

        return [name.strip() for name in next(csv.reader(lines(), delimiter=delimiter))], delimiter


def _read_text(path: Path, wanted: Wanted) -> Iterator[Chunk]:
    names, delimiter = _header(path)
    wanted.check(names, path)
    # Columns are told apart by position: those that nobody asks for may have any name, or one name twice.
    numbers = {i for i, name in enumerate(names) if wanted.kinds.get(name) == "numeric"}
    empty: dict[Any, list[str]] = {
        i: sorted(_EMPTY - set(wanted.levels.get(name, ()))) for i, name in enumerate(names) if name in wanted.kinds
    }
    last = len(names) - 1
    empty.setdefault(last, [""])  # what a row that is too short gives itself away by
    options: dict[str, Any] = {
        "sep": delimiter,
        "header": 0,
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
        with _opened(path) as file, pd.read_csv(file, **options, **_EXACT) as reader:
            while (part := _next(reader)) is not None:
                # pandas fills a row that is too short with empty cells.
                if not checked and part[last].isna().any():
                    _check_lengths(path, len(names), delimiter)
                    checked = True
                part.index = pd.RangeIndex(seen + 1, seen + len(part) + 1, name=ROW)
                seen += len(part)
                yield _chunk(path, part.set_axis(names, axis=1), wanted, from_text=True, done=_offset(file) / size)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _check_lengths(path, len(names), delimiter)
        raise PackageError(f"{path}: the rows cannot be told apart: {str(error).splitlines()[0]}") from None
    if not seen:
        none = pd.DataFrame(columns=names, index=pd.RangeIndex(1, 1, name=ROW), dtype=object)
        yield _chunk(path, none, wanted, from_text=True)


def _next(reader: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
    with warnings.catch_warnings():
        # pandas only warns when it drops fields for which the header has no name.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return next(reader, None)


def _check_lengths(path: Path, expected: int, delimiter: str) -> None:
    with _opened(path) as file:
        reader = csv.reader(file, delimiter=delimiter)
        for fields in reader:
            if fields and len(fields) != expected:
                raise PackageError(
                    f"{path}: the header has {expected} fields, and line {reader.line_num} has {len(fields)}"
                )


def _read_parquet(path: Path, wanted: Wanted) -> Iterator[Chunk]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise PackageError(f"{path}: Parquet needs pyarrow: pip install pyarrow, or use a CSV file") from None
    try:
        with pq.ParquetFile(path) as file:
            names = [str(name) for name in file.schema_arrow.names]
            wanted.check(names, path)
            needed = [name for name in names if name in wanted.kinds or name == wanted.id_column]
            seen = 0
            for batch in file.iter_batches(CHUNK, columns=needed):
                part = pa.Table.from_batches([batch]).to_pandas(ignore_metadata=True)
                part.index = pd.RangeIndex(seen + 1, seen + len(part) + 1, name=ROW)
                seen += len(part)
                yield _chunk(path, part, wanted, from_text=False, done=seen / max(file.metadata.num_rows, 1))
            if not seen:
                part = file.schema_arrow.empty_table().to_pandas(ignore_metadata=True)
                part.index = pd.RangeIndex(1, 1, name=ROW)
                yield _chunk(path, part, wanted, from_text=False)
    except (pa.ArrowException, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PackageError(f"{path}: the file cannot be read as Parquet, it may be cut short: {first}") from None


def _offset(file: TextIO) -> int:
    """Return how many bytes of a file on disk are read, packed as they may be."""
    try:
        return os.lseek(file.fileno(), 0, os.SEEK_CUR)
    except OSError:
        return 0


def _chunk(path: Path, part: pd.DataFrame, wanted: Wanted, *, from_text: bool, done: float = 1.0) -> Chunk:
    ids = part.index.to_series() if wanted.id_column is None else part[wanted.id_column]
    if wanted.id_column is not None:
        _check_ids(path, wanted.id_column, ids)
    frame = part[wanted.found(part.columns)]
    if from_text:
        texts = {name: _levels(frame[name], known) for name, known in wanted.levels.items() if name in frame}
        frame = frame.assign(**texts)
    return Chunk(frame, ids, done)


def _check_ids(path: Path, column: str, ids: pd.Series) -> None:
    absent = ids.isna()
    if not pd.api.types.is_numeric_dtype(ids.dtype):
        absent |= ids.isin(_NOBODY) | (ids.astype(str).str.strip() == "")
    if absent.any():
        first, more = int(absent.to_numpy().argmax()), int(absent.sum()) - 1
        tail = f" (and {more} more {'rows' if more > 1 else 'row'})" if more else ""
        raise PackageError(
            f"{path}: column {column!r}, row {ids.index[first]}: a customer without an identifier "
            f"({shown(ids.iloc[first])}){tail}; "
            "give each row one, leave such rows out, or let the rows be numbered (no --id)"
        )


def _levels(values: pd.Series, known: Sequence[str]) -> pd.Series:
    """Return text as the level it stands for, whatever the rest of its column looks like (007, 7 and 7.0 may be 7)."""
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    names = np.array([*(_meant(text, set(known)) for text in uniques), None], dtype=object)
    return pd.Series(names[codes], index=values.index, dtype=object)


def _meant(text: str, known: set[str]) -> str:
    if text in known:
        return text
    try:
        other = level(float(text))
    except (ValueError, OverflowError):
        other = text.capitalize()  # true and TRUE are True
    return other if other in known else text
