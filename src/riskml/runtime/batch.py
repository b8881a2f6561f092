"""Batch scoring of files in chunks: scores, reasons and drift checks; output files are written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from .checksums import PackageError
from .package import Artifact
from .tables import ROW, Chunk, ReadSpec, read, suffix

Progress = Callable[[Chunk], None]
_NO_ROWS = "the table has no rows; give it at least one below its header"


def score_file(
    artifact: Artifact,
    source: str | Path,
    destination: str | Path,
    *,
    id_column: str | None = None,
    escape_formulas: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the scores of a file of customers, in its order, and return the number of customers."""

    def scores_of(chunk: Chunk) -> pd.DataFrame:
        scores = artifact.score(chunk.frame)
        scores.insert(0, _id_name(id_column, scores), chunk.ids.to_numpy())
        return scores

    return _convert(source, destination, _read_spec(artifact, id_column), scores_of, escape_formulas, progress)


def explain_file(
    artifact: Artifact,
    source: str | Path,
    destination: str | Path,
    *,
    id_column: str | None = None,
    n: int | None = None,
    language: str | None = None,
    escape_formulas: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the reasons of a file of customers, a row per customer and reason, and return the number of customers."""

    def reasons_of(chunk: Chunk) -> pd.DataFrame:
        reasons = artifact.explain(chunk.frame, n, language)
        rows = reasons.pop("customer").astype("int64")
        reasons.insert(0, _id_name(id_column, reasons), chunk.ids.loc[rows].to_numpy())
        return reasons

    return _convert(source, destination, _read_spec(artifact, id_column), reasons_of, escape_formulas, progress)


def check_file(artifact: Artifact, source: str | Path, progress: Progress | None = None) -> pd.DataFrame:
    """Return the drift check of a file of customers, see ``Artifact.check``."""
    check, rows = artifact.drift_check(), 0
    for chunk in read(source, _read_spec(artifact, None, require_all=False)):
        check.add(chunk.frame)
        rows += len(chunk.frame)
        if progress is not None:
            progress(chunk)
    if not rows:
        raise PackageError(f"{source}: {_NO_ROWS}")
    return check.table()


def _read_spec(artifact: Artifact, id_column: str | None, *, require_all: bool = True) -> ReadSpec:
    levels = {column["name"]: column["levels"] for column in artifact.columns if column["kind"] == "categorical"}
    return ReadSpec(artifact.model.kinds, levels, id_column, require_all, artifact.missing_words)


def _id_name(id_column: str | None, results: pd.DataFrame) -> str:
    name = ROW if id_column is None else id_column
    if name in results.columns:
        raise PackageError(f"the ID column has the name of a result column, {name!r}; rename it")
    return name


def _convert(
    source: str | Path,
    destination: str | Path,
    spec: ReadSpec,
    results_of: Callable[[Chunk], pd.DataFrame],
    escape_formulas: bool,
    progress: Progress | None,
) -> int:
    source, destination = Path(source), Path(destination)
    if suffix(destination) not in {".csv", ".parquet"}:
        raise PackageError(f"{destination}: the output file must end in .csv or .parquet")
    if destination.is_dir():
        raise PackageError(f"{destination}: this is a directory; name a file in it")
    if destination.exists() and source.exists() and source.samefile(destination):
        raise PackageError(f"{destination}: the output would replace the input; choose another name")
    rows = 0
    with _replacing(destination) as temporary, _writer(temporary, escape_formulas) as write:
        for chunk in read(source, spec):
            try:
                write(results_of(chunk))
            except PackageError as error:
                raise PackageError(f"{source}: {error}") from None
            rows += len(chunk.frame)
            if progress is not None:
                progress(chunk)
        if not rows:
            # A nightly job that scores nobody has lost its input: an empty output file would hide that.
            raise PackageError(f"{source}: {_NO_ROWS}")
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
                table = escaped(rows) if escape_formulas else rows
                table.to_csv(file, index=False, header=header, lineterminator="\n")
                header = False

            yield write_text
        return
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise PackageError("Parquet requires pyarrow: pip install pyarrow, or name a CSV file") from None
    writer: Any = None

    def write_table(rows: pd.DataFrame) -> None:
        nonlocal writer
        table = pa.Table.from_pandas(rows, schema=writer and writer.schema, preserve_index=False)
        if writer is None:
            # A column that is empty in the first chunk has no type; it is text.
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
        raise PackageError(f"{path.parent}: cannot write a file here: {error.strerror}") from None


def escaped(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose cells and headers no spreadsheet interprets as formulas."""
    return harmless(rows).rename(columns=_harmless)


def harmless(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose cells no spreadsheet interprets as formulas: an apostrophe is put before such text."""
    text = [name for name in rows.columns if not pd.api.types.is_numeric_dtype(rows[name].dtype)]
    return rows.assign(**{name: rows[name].map(_harmless, na_action="ignore") for name in text})


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
