"""Schema of a table in several Parquet files: columns united by name, partition keys included."""

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
    """The columns and rows of all files together."""

    kinds: Mapping[str, str]  # in the order in which the files name them, partition keys last
    rows: int


def kind(type: pa.DataType) -> str:
    """Return the kind of a column: one word for all types that features treat the same.

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
        "number": lambda t: pa.types.is_floating(t) or pa.types.is_decimal(t),
        "text": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t),
        "boolean": pa.types.is_boolean,
        "date": pa.types.is_date,
    }
    return next((name for name, fits in known.items() if fits(type)), str(type))


def united(files: Iterable[Path], root: Path) -> Columns:
    """Return the columns of all files, and of the folders that they lie in."""
    columns: dict[str, tuple[str, Path]] = {}
    keys: dict[Path, dict[str, str | None]] = {}
    rows = 0
    for path in files:
        rows += _add_columns(path, columns, root)
        keys[path] = partition_keys(path, root)
    _refuse_case_variants(columns)
    return Columns(key_kinds(keys, root) | {name: kind for name, (kind, _) in columns.items()}, rows)


def not_parquet(path: Path, error: Exception) -> DataError:
    """Return the error that a file cannot be read as Parquet."""
    return DataError(
        f"the file cannot be read as Parquet: {first_line(error)}",
        where=str(path),
        fix="write it again: it may be truncated or in another format",
    )


def partition_keys(path: Path, root: Path) -> dict[str, str | None]:
    """Return the partition keys in the folders between a table's folder and one of its files.

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
                f"the files have different partition keys: {path.relative_to(root)} and {first.relative_to(root)}",
                where=str(root),
                fix="put every file below the same folders key=value, or remove the one that differs",
            )
    return {name: _key_kind([own[name] for own in keys.values()]) for name in expected}


def _key_kind(values: Iterable[str | None]) -> str:
    known = [value for value in values if value is not None]
    if known and all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", value) for value in known):
        return "integer"
    return "date" if known and all(map(_is_date, known)) else "text"


def _is_date(value: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)) and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


def _add_columns(path: Path, columns: dict[str, tuple[str, Path]], root: Path) -> int:
    """Add a file's columns to those of other files, and return its number of rows."""
    try:
        with pq.ParquetFile(path) as file:
            rows, schema = int(file.metadata.num_rows), file.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise not_parquet(path, error) from None
    refuse_duplicates(schema.names, where=str(path))
    for field in schema:
        own = kind(field.type)
        known, other = columns.get(field.name, (own, path))
        common = _common(field.name, (known, other), (own, path), root)
        columns[field.name] = common, path if known == "null" else other
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


def _refuse_case_variants(columns: Mapping[str, tuple[str, Path]]) -> None:
    seen: dict[str, str] = {}
    for name, (_, path) in columns.items():
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise DataError(
                f"columns {other!r} and {name!r} differ only in case; DuckDB and Spark treat them as one",
                where=str(path),
                fix="rename one of them, or use the same spelling in all files",
            )
