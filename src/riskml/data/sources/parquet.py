"""Parquet files of one table: their columns united by name, or refused because they do not fit together."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from riskml.data.sources.csv import first_line
from riskml.errors import DataError
from riskml.schema import refuse_duplicates

_NO_KEY = "__HIVE_DEFAULT_PARTITION__"  # how Hive and Spark write a key that is missing
_WIDER = {frozenset(("integer", "number")): "number"}


@dataclass(frozen=True)
class Columns:
    """The columns of all files together."""

    kinds: Mapping[str, str]  # in the order in which the files name them, partition keys last
    rows: int


def kind(type: pa.DataType) -> str:
    """Return the kind of a column: one word for all types that features treat alike.

    Examples
    --------
    >>> kind(pa.decimal128(9, 2)), kind(pa.timestamp("us", tz="UTC")), kind(pa.list_(pa.int64()))
    ('number', 'timestamp with zone', 'list<item: int64>')
    """
    if pa.types.is_dictionary(type):
        return kind(type.value_type)
    if pa.types.is_timestamp(type):
        return "timestamp with zone" if type.tz else "timestamp"
    known = {
        "integer": pa.types.is_integer,
        "number": lambda one: pa.types.is_floating(one) or pa.types.is_decimal(one),
        "text": lambda one: pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_string_view(one),
        "boolean": pa.types.is_boolean,
        "date": pa.types.is_date,
    }
    return next((name for name, fits in known.items() if fits(type)), str(type))


def united(files: Iterable[Path], root: Path) -> Columns:
    """Return the columns of all files, and of the folders that they lie in."""
    found: dict[str, tuple[str, Path]] = {}
    keys: dict[Path, dict[str, str | None]] = {}
    rows = 0
    for path in files:
        rows += _rows_and_columns(path, found, root)
        keys[path] = partition_keys(path, root)
    _refuse_capitals(found)
    kinds = {name: one for name, (one, _) in found.items()}
    kinds |= {name: one for name, one in key_kinds(keys, root).items() if name not in kinds}
    return Columns(kinds, rows)


def partition_keys(path: Path, root: Path) -> dict[str, str | None]:
    """Return what the folders between a table's folder and one of its files say.

    >>> partition_keys(Path("t/day=2024-01-31/shop=a%20b/x.parquet"), Path("t"))
    {'day': '2024-01-31', 'shop': 'a b'}
    """
    parts = (part.partition("=") for part in path.relative_to(root).parts[:-1] if "=" in part)
    return {unquote(name): None if value == _NO_KEY else unquote(value) for name, _, value in parts}


def key_kinds(keys: Mapping[Path, Mapping[str, str | None]], root: Path) -> dict[str, str]:
    """Return the kinds of the partition keys of a table's files."""
    if not keys:
        return {}
    first, expected = next(iter(keys.items()))
    for path, own in keys.items():
        if list(own) != list(expected):
            raise DataError(
                f"the files lie under different keys: {path.relative_to(root)} and {first.relative_to(root)}",
                where=str(root),
                fix="put every file under the same folders key=value, or take the strange one out",
            )
    return {name: _key_kind([own[name] for own in keys.values()]) for name in expected}


def _key_kind(values: Iterable[str | None]) -> str:
    there = [value for value in values if value is not None]
    if there and all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", value) for value in there):
        return "integer"
    return "date" if there and all(map(_is_date, there)) else "text"


def _is_date(value: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)) and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


def _rows_and_columns(path: Path, found: dict[str, tuple[str, Path]], root: Path) -> int:
    """Add a file's columns to those found, and return how many rows it has."""
    try:
        with pq.ParquetFile(path) as file:
            rows, schema = int(file.metadata.num_rows), file.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"the file cannot be read as Parquet: {first_line(error)}",
            where=str(path),
            fix="it may be cut short or of another format: write it again",
        ) from None
    try:
        refuse_duplicates(schema.names)
    except DataError as error:
        raise DataError(error.what, where=str(path), fix=error.fix) from None
    for field in schema:
        own = kind(field.type)
        there, other = found.get(field.name, (own, path))
        found[field.name] = _common(field.name, (there, other), (own, path), root), path if there == "null" else other
    return rows


def _common(name: str, one: tuple[str, Path], other: tuple[str, Path], root: Path) -> str:
    kinds = {one[0], other[0]} - {"null"}
    if len(kinds) < 2:
        return next(iter(kinds), "null")
    if common := _WIDER.get(frozenset(kinds)):
        return common
    raise DataError(
        f"column {name!r} is {one[0]} in {one[1].relative_to(root)} and {other[0]} in {other[1].relative_to(root)}",
        where=f"{other[1]}, column {name!r}",
        fix="write the column with one type in all files",
    )


def _refuse_capitals(found: Mapping[str, tuple[str, Path]]) -> None:
    seen: dict[str, str] = {}
    for name, (_, path) in found.items():
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise DataError(
                f"columns {other!r} and {name!r} differ only in capitals; DuckDB and Spark do not tell them apart",
                where=str(path),
                fix="rename one of them, or give both one spelling in all files",
            )
