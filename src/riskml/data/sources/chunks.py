"""Chunks of rows, written to Parquet with column types that hold for all of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskml.errors import DataError
from riskml.schema import refuse_duplicates


def write_rows(
    names: Sequence[str], chunks: Iterable[Sequence[Sequence[Any]]], declared: Mapping[str, pa.DataType], folder: Path
) -> None:
    """Write rows to Parquet files, one chunk in memory at a time."""
    refuse_duplicates(names)
    schemas = _parts(names, (_columns(names, rows) for rows in chunks), folder)
    last = schemas[-1] if schemas else [pa.null()] * len(names)
    # What no row settles is what the database says it is.
    final = [declared.get(name, type) if type == pa.null() else type for name, type in zip(names, last, strict=True)]
    schema = pa.schema(zip(names, final, strict=True))
    for number, types in enumerate(schemas):
        if types != final:
            _recast(part(folder, number), schema)
    if not schemas:
        pq.write_table(schema.empty_table(), part(folder, 0), compression="zstd")


def _parts(names: Sequence[str], chunks: Iterable[list[pa.Array]], folder: Path) -> list[list[pa.DataType]]:
    """Write chunks, into a new file whenever a column's type becomes wider; return each file's types."""
    schemas: list[list[pa.DataType]] = []
    with ExitStack() as stack:
        writer: pq.ParquetWriter = None
        types = [pa.null()] * len(names)
        for arrays in chunks:
            wider = [_wider(name, type, array.type) for name, type, array in zip(names, types, arrays, strict=True)]
            if writer is None or wider != types:
                stack.close()
                types, schema = wider, pa.schema(zip(names, wider, strict=True))
                writer = stack.enter_context(pq.ParquetWriter(part(folder, len(schemas)), schema, compression="zstd"))
                schemas.append(types)
            writer.write_table(_table(arrays, schema))
    return schemas


def _recast(path: Path, schema: pa.Schema) -> None:
    """Rewrite a file with the final types of its columns, a row group in memory at a time."""
    new = path.with_suffix(".wider")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(new, schema, compression="zstd") as writer:
        for group in range(file.num_row_groups):
            writer.write_table(_table(file.read_row_group(group).columns, schema))
    new.replace(path)


def _table(arrays: Iterable[Any], schema: pa.Schema) -> pa.Table:
    # Integers become floats as in any reader, also above 2**53.
    return pa.table([array.cast(type, safe=False) for array, type in zip(arrays, schema.types, strict=True)], schema)


def part(folder: Path, number: int) -> Path:
    """Return the path of a copy's file."""
    return folder / f"part-{number:05d}.parquet"


def _wider(name: str, one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or other == pa.null():
        return one
    if one == pa.null():
        return other
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    zones = pa.types.is_timestamp(one) and pa.types.is_timestamp(other)
    raise DataError(
        f"column {name!r} holds timestamps with and without a time zone"
        if zones
        else f"column {name!r} holds {one} and {other}",
        fix=f"write a SELECT that casts {name!r} to one type",
    )


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[pa.Array]:
    return [_array(name, values) for name, values in zip(names, zip(*rows, strict=True), strict=True)]


def _array(name: str, values: Sequence[Any]) -> pa.Array:
    """Return a driver's values as an Arrow array of one of few types."""
    seen = set(map(type, values)) - {type(None)}
    if not seen:
        return pa.nulls(len(values))
    if seen == {bool}:
        return pa.array(values, pa.bool_())
    if seen <= {bool, int}:
        try:
            return pa.array([None if value is None else int(value) for value in values], pa.int64())
        except OverflowError:
            seen = {float}
    if seen <= {bool, int, float, Decimal}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if all(issubclass(one, dt.datetime) for one in seen):
        zoned = {value.tzinfo is not None for value in values if value is not None}
        if len(zoned) > 1:
            return _wider(name, pa.timestamp("us"), pa.timestamp("us", tz="UTC"))
        return pa.array(values, pa.timestamp("us", tz="UTC" if True in zoned else None))
    if seen == {dt.date}:
        return pa.array(values, pa.date32())
    if seen <= {bytes, bytearray, memoryview}:
        return pa.array([None if value is None else bytes(value) for value in values], pa.binary())
    if len(seen) > 1 and not seen <= {dict, list}:
        raise DataError(
            f"column {name!r} holds values of several kinds: {', '.join(sorted(one.__name__ for one in seen))}",
            fix=f"write a SELECT that casts {name!r} to one type",
        )
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else str(value)
