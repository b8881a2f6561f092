"""Files of answers to files of customers, written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from .checksums import PackageError
from .tables import Chunk, Wanted, read, suffix


def convert(
    source: str | Path,
    destination: str | Path,
    wanted: Wanted,
    answer: Callable[[Chunk], pd.DataFrame],
    escape_formulas: bool = False,
    progress: Callable[[Chunk], None] | None = None,
) -> int:
    """Write a file of answers to a file of customers, whole or not at all."""
    source, destination = Path(source), Path(destination)
    if suffix(destination) not in {".csv", ".parquet"}:
        raise PackageError(f"{destination}: the output's name must end in .csv or .parquet")
    if destination.is_dir():
        raise PackageError(f"{destination}: this is a directory; name a file in it")
    if destination.exists() and source.exists() and source.samefile(destination):
        raise PackageError(f"{destination}: the output would replace the input; choose another name")
    rows = 0
    with _replacing(destination) as temporary, _writer(temporary, escape_formulas) as write:
        for chunk in read(source, wanted):
            try:
                write(answer(chunk))
            except PackageError as error:
                raise PackageError(f"{source}: {error}") from None
            rows += len(chunk.frame)
            if progress is not None:
                progress(chunk)
        if not rows:
            # A job that scores nobody every night has lost its input: a file of no answers would hide it.
            raise PackageError(f"{source}: the table has no rows; give it at least one beneath its header")
    return rows


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _writer(path: Path, escape_formulas: bool) -> Iterator[Callable[[pd.DataFrame], None]]:
    if suffix(path) == ".csv":
        with _created(path) as file:
            header = True

            def write_text(rows: pd.DataFrame) -> None:
                nonlocal header
                shown = escaped(rows) if escape_formulas else rows
                shown.to_csv(file, index=False, header=header, lineterminator="\n")
                header = False

            yield write_text
        return
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise PackageError("Parquet needs pyarrow: pip install pyarrow, or name a CSV file") from None
    writer: Any = None

    def write_table(rows: pd.DataFrame) -> None:
        nonlocal writer
        table = pa.Table.from_pandas(rows, schema=writer and writer.schema, preserve_index=False)
        if writer is None:
            # No rows yet tell nothing of their type; what may be absent from a chunk is text.
            types = [
                (field.name, pa.string() if pa.types.is_null(field.type) else field.type) for field in table.schema
            ]
            table = table.cast(pa.schema(types))
            writer = pq.ParquetWriter(path, table.schema)
        writer.write_table(table)

    with _created(path):
        pass
    try:
        yield write_table
    finally:
        if writer is not None:
            writer.close()


def _created(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise PackageError(f"{path.parent}: no file can be written there: {error.strerror}") from None


def escaped(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of which no spreadsheet takes a cell or a header for a formula."""
    return harmless(rows).rename(columns=_harmless)


def harmless(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose text no spreadsheet takes for a formula (an apostrophe is put before it).

    >>> harmless(pd.DataFrame({"id": ["=1+1", "-5", "a"]}))["id"].tolist()
    ["'=1+1", '-5', 'a']
    """
    text = [name for name in rows.columns if not pd.api.types.is_numeric_dtype(rows[name].dtype)]
    return rows.assign(**{name: rows[name].map(_harmless, na_action="ignore") for name in text})


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
