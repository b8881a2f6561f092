"""CSV scan by DuckDB: column types that hold for every row, as a data frame or as Parquet files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskml.data.sources.csv import Header, check_lengths, first_line, opened, read_header, readable
from riskml.data.sources.parquet import key_kinds, partition_keys
from riskml.data.sources.sql import identifier, literal
from riskml.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Kinds of cells as bits: the union over a column decides its type.
_INTEGER, _CODE, _NUMBER, _BOOLEAN, _DATE, _STAMP, _ZONED, _TEXT = (1 << i for i in range(8))
_LOCAL = _DATE | _STAMP
_TYPES = {
    _INTEGER: "BIGINT",
    _INTEGER | _NUMBER: "DOUBLE",
    _BOOLEAN: "BOOLEAN",
    _DATE: "DATE",
    _LOCAL: "TIMESTAMP",
    _ZONED: "TIMESTAMPTZ",
}
_FRAME_TYPES = {allowed: _TYPES[allowed] for allowed in (_INTEGER, _INTEGER | _NUMBER, _BOOLEAN)}  # dates stay text
_FIRST_ROWS = 20_000
# The words that pandas reads as a missing value.
_MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
# Quick conditions, without a regular expression, that a cell is of a type; a cell that fails may still be of it.
_QUICK = {
    "BIGINT": "TRY_CAST({v} AS BIGINT)::VARCHAR = {v}",
    "DOUBLE": "isfinite(TRY_CAST({v} AS DOUBLE)) AND NOT contains({v}, '_') AND ({v} NOT LIKE '0_%' OR {v} LIKE '0.%')",
    "BOOLEAN": "lower({v}) IN ('true', 'false')",
    "VARCHAR": "true",
}
_CELL = f"""CASE
  WHEN {{v}} IS NULL OR {{v}} = '' THEN 0
  WHEN {_QUICK["BIGINT"]} THEN {_INTEGER}
  WHEN contains({{v}}, '.') AND {_QUICK["DOUBLE"]} THEN {_NUMBER}
  WHEN {{v}} LIKE '____-__-__%' THEN CASE
    WHEN regexp_full_match({{v}}, '{_DAY}{_TIME}') AND TRY_CAST({{v}} AS TIMESTAMP) IS NOT NULL THEN {_STAMP}
    WHEN regexp_full_match({{v}}, '{_DAY}') AND TRY_CAST({{v}} AS DATE) IS NOT NULL THEN {_DATE}
    WHEN regexp_full_match({{v}}, '{_DAY}{_TIME}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)')
      AND TRY_CAST({{v}} AS TIMESTAMPTZ) IS NOT NULL THEN {_ZONED}
    ELSE {_TEXT} END
  WHEN regexp_full_match({{v}}, '[+-]?[0-9]+') THEN
    CASE WHEN regexp_full_match({{v}}, '0[0-9]+') OR TRY_CAST({{v}} AS BIGINT) IS NULL THEN {_CODE} ELSE {_INTEGER} END
  WHEN regexp_full_match({{v}}, '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(?i:inf|infinity)')
    AND TRY_CAST({{v}} AS DOUBLE) IS NOT NULL THEN {_NUMBER}
  WHEN lower({{v}}) IN ('true', 'false') THEN {_BOOLEAN}
  ELSE {_TEXT} END"""
_KEY_TYPES = {"integer": "BIGINT", "date": "DATE", "text": "VARCHAR"}


@dataclass(frozen=True)
class _File:
    """One file, scanned by a connection, with the partition keys of its folders."""

    path: Path
    header: Header
    keys: Mapping[str, str | None]
    connection: DuckDBPyConnection
    missing: Mapping[str, Sequence[str]]  # the words for a missing value of columns that have their own

    @property
    def relation(self) -> str:
        """The file as DuckDB reads it: every cell as text, the columns called c0, c1 and so on."""
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(self.header.names)))
        missing = ", ".join(map(literal, [""] if self.missing else _MISSING))
        path = re.sub(r"([*?\[])", r"[\1]", str(self.path))  # no character of the path is a wildcard
        rows = (
            f"read_csv({literal(path)}, delim = {literal(self.header.delimiter)}, quote = '\"', "
            f"escape = '\"', header = true, skip = {self.header.lines_above}, auto_detect = false, "
            f"nullstr = [{missing}], columns = {{{columns}}})"
        )
        # DuckDB skips blank lines itself unless there is one column only.
        return rows if len(self.header.names) > 1 else f"(SELECT * FROM {rows} WHERE c0 IS NOT NULL)"

    def cells(self, name: str) -> str:
        """Return one column as SQL."""
        cells = f"c{self.header.names.index(name)}"
        if not self.missing:
            return cells
        words = ", ".join(map(literal, self.missing.get(name, _MISSING))) or "''"
        return f"(CASE WHEN {cells} IN ({words}) THEN NULL ELSE {cells} END)"

    def kind(self, name: str) -> str:
        """Return the kind of a column's cells as SQL."""
        return _CELL.replace("{v}", f"trim({self.cells(name)})")

    def cast(self, name: str, type: str) -> str:
        """Return one column of a type as SQL; NULL where the file does not have it."""
        if name not in self.header.names:
            return f"CAST(NULL AS {type}) AS {identifier(name)}"
        cells = self.cells(name)
        typed = cells if type == "VARCHAR" else f"TRY_CAST(nullif(trim({cells}), '') AS {type})"
        return f"{typed} AS {identifier(name)}"

    def misfits(self, types: Mapping[str, str]) -> str:
        """Return as SQL whether a row has a cell that may not be of its column's type."""
        cells = {name: f"trim({self.cells(name)})" for name in types}
        conditions = [_QUICK[type].replace("{v}", cells[name]) for name, type in types.items()]
        empty = [f"coalesce({v}, '') = ''" for v in cells.values()]
        fits = [f"({one} OR coalesce({other}, false))" for one, other in zip(empty, conditions, strict=True)]
        return f"NOT ({' AND '.join(fits)})"

    def query(self, query: str) -> pd.DataFrame:
        """Run a query on the file; an error of DuckDB becomes a DataError that names the line."""
        import duckdb

        try:
            return self.connection.execute(query).df()
        except duckdb.Error as error:
            raise _row_error(self, error) from None

    def first_kinds(self) -> dict[str, int]:
        """Return the kinds of cells in the first rows of each column."""
        return self._union_of_kinds(self.header.names, f"(SELECT * FROM {self.relation} LIMIT {_FIRST_ROWS})")

    def cell_kinds(self) -> dict[str, int]:
        """Return the kinds of cells in each column; a column with text in its first rows is not read further."""
        first = self.first_kinds()
        undecided = [name for name in self.header.names if not first[name] & _TEXT]
        return first | self._union_of_kinds(undecided, self.relation)

    def _union_of_kinds(self, names: Sequence[str], rows: str) -> dict[str, int]:
        # count(*) reads every row even where all columns are decided: a broken row must be found before writing.
        columns = ["count(*)", *(f"coalesce(bit_or({self.kind(name)}), 0)" for name in names)]
        _, *bits = self.query(f"SELECT {', '.join(columns)} FROM {rows}").iloc[0]
        return dict(zip(names, map(int, bits), strict=True))


@contextmanager
def _files(
    keys: Mapping[Path, Mapping[str, str | None]],
    spill: Path | None = None,
    missing: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[list[_File]]:
    import duckdb

    with duckdb.connect(config={} if spill is None else {"temp_directory": str(spill)}) as connection:
        files = []
        for path, own_keys in keys.items():
            with readable(path):
                files.append(_File(path, read_header(path), own_keys, connection, missing or {}))
        yield files


def read_text_table(path: Path, missing: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
    """Return a file of separated values as a data frame; dates, and codes with leading zeros, stay text."""
    with _files({path: {}}, missing=missing) as (file,):
        # The types of the first rows nearly always hold: one scan then reads and checks the table.
        for kinds in (file.first_kinds, file.cell_kinds):
            # A column without any value is a column of missing numbers, as pandas reads it.
            types = {name: _fitting(bits, _FRAME_TYPES) if bits else "DOUBLE" for name, bits in kinds().items()}
            columns = ", ".join(file.cast(name, type) for name, type in types.items())
            frame = file.query(f"SELECT {columns}, {file.misfits(types)} AS riskml_misfit FROM {file.relation}")
            if not frame.pop("riskml_misfit").any():
                break
    for name, type in types.items():
        if type == "BOOLEAN" and frame[name].isna().any():
            frame[name] = frame[name].astype(object).where(frame[name].notna(), np.nan)
    return frame


def write_text_tables(paths: Sequence[Path], root: Path, folder: Path) -> dict[str, str]:
    """Write files of separated values as Parquet files, one for one, all with the same columns."""
    keys = {path: partition_keys(path, root) for path in paths}
    key_types = {name: _KEY_TYPES[kind] for name, kind in key_kinds(keys, root).items()}
    with _files(keys, folder / "spill") as files:
        kinds = [file.cell_kinds() for file in files]
        types = {name: _type(name, files, kinds) for own in kinds for name in own}
        for number, file in enumerate(files):
            columns = [file.cast(name, type) for name, type in types.items()]
            columns += [
                f"CAST({'NULL' if (value := file.keys[name]) is None else literal(value)} AS {type}) "
                f"AS {identifier(name)}"
                for name, type in key_types.items()
                if name not in types
            ]
            target = literal(str(folder / f"part-{number:05d}.parquet"))
            query = f"SELECT {', '.join(columns)} FROM {file.relation}"
            file.query(f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION zstd)")
        return {
            name: remark
            for name, type in types.items()
            if type == "VARCHAR" and (remark := _example(name, files, kinds, _TEXT | _CODE))
        }


def _row_error(file: _File, error: Exception) -> DataError:
    """Return what is wrong with a file's rows; Python's reader knows the line also after line breaks in quotes."""
    try:
        with readable(file.path):
            check_lengths(file.path, file.header)
    except DataError as explained:
        return explained
    line = re.search(r"Line: (\d+)", str(error))
    reason = next((text for text in str(error).splitlines() if "quote" in text), first_line(error))
    return DataError(
        f"the rows cannot be parsed: {reason}",
        where=f"{file.path}, line {line[1]}" if line else str(file.path),
        fix="look for a quotation mark that is not closed",
    )


def _type(name: str, files: Sequence[_File], kinds: Sequence[Mapping[str, int]]) -> str:
    bits = 0
    for own in kinds:
        bits |= own.get(name, 0)
    if bits & _ZONED and bits & _LOCAL and not bits & ~(_ZONED | _LOCAL):
        zoned, local = (_example(name, files, kinds, some) for some in (_ZONED, _LOCAL))
        raise DataError(
            f"timestamps with and without a time zone are mixed: {zoned}, {local}",
            where=f"{files[0].path if len(files) == 1 else files[0].path.parent}, column {name!r}",
            fix="write all timestamps with a zone (such as 2024-01-31T10:00:00Z), or all without",
        )
    return _fitting(bits, _TYPES)


def _fitting(bits: int, types: Mapping[int, str]) -> str:
    return next((type for allowed, type in types.items() if bits and not bits & ~allowed), "VARCHAR")


def _example(name: str, files: Sequence[_File], kinds: Sequence[Mapping[str, int]], bits: int) -> str:
    """Return the first cell of some kinds with its file and line, or nothing."""
    for file, own in zip(files, kinds, strict=True):
        if own.get(name, 0) & bits:
            numbered = f"(SELECT row_number() OVER () AS row, {file.cells(name)} AS cell, {file.kind(name)} AS kind "
            query = f"SELECT row, cell FROM {numbered} FROM {file.relation}) WHERE kind & {bits} <> 0 LIMIT 1"
            row, cell = file.query(query).iloc[0]
            text = cell if len(cell) <= 40 else cell[:39] + "…"
            return f"{text!r} in {file.path.name}, line {_line(file, row)}"
    return ""


def _line(file: _File, row: int) -> int:
    """Return the line on which a row, counted from 1, ends."""
    with opened(file.path) as text:
        reader: Any = csv.reader(islice(text, file.header.lines_above, None), delimiter=file.header.delimiter)
        filled = (fields for fields in reader if any(field.strip() for field in fields) or len(fields) > 1)
        next(islice(filled, row, None), None)
        return file.header.lines_above + int(reader.line_num)
