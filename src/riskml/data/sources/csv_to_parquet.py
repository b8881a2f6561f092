"""Tables of separated values, larger than memory, written to Parquet with types that hold for every row."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskml.data.sources.csv import Header, check_lengths, first_line, opened, read_header, readable
from riskml.data.sources.parquet import key_kinds, partition_keys
from riskml.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# What a cell can be, as bits: all cells of a column together say which kinds it holds.
_INTEGER, _CODE, _NUMBER, _BOOLEAN, _DATE, _STAMP, _ZONED, _TEXT = (1 << i for i in range(8))
_LOCAL = _DATE | _STAMP
_FIRST_ROWS = 20_000
# The words that pandas reads as a missing value, so that a table is the same by either way in.
_MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CELL = f"""CASE
  WHEN {{v}} IS NULL OR {{v}} = '' THEN 0
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
    path: Path
    header: Header
    keys: Mapping[str, str | None]

    @property
    def relation(self) -> str:
        """The file as DuckDB reads it: every cell as text, the columns called c0, c1 and so on."""
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(self.header.names)))
        missing = ", ".join(map(_literal, _MISSING))
        rows = (
            f"read_csv({_literal(_unglobbed(self.path))}, delim = {_literal(self.header.delimiter)}, quote = '\"', "
            f"escape = '\"', header = true, skip = {self.header.blank_lines}, auto_detect = false, "
            f"nullstr = [{missing}], columns = {{{columns}}})"
        )
        # A blank line is no row; where there are several columns, DuckDB leaves it out itself.
        return rows if len(self.header.names) > 1 else f"(SELECT * FROM {rows} WHERE c0 IS NOT NULL)"

    def cells(self, name: str) -> str:
        """One column as SQL."""
        return f"c{self.header.names.index(name)}"


def write_text_tables(paths: Sequence[Path], root: Path, folder: Path) -> dict[str, str]:
    """Write files of separated values as Parquet files, one for one, all with the same columns."""
    import duckdb

    keys = {path: partition_keys(path, root) for path in paths}
    kinds = key_kinds(keys, root)
    files = [_file(path, keys[path]) for path in paths]
    with duckdb.connect(config={"temp_directory": str(folder / "spill")}) as connection:
        seen = [_kinds_of_cells(connection, file) for file in files]
        types = {name: _type(connection, name, files, seen) for own in seen for name in own}
        for number, file in enumerate(files):
            _write(connection, file, types, kinds, folder / f"part-{number:05d}.parquet")
        return {
            name: remark
            for name, type in types.items()
            if type == "VARCHAR" and (remark := _example(connection, name, files, seen, _TEXT | _CODE))
        }


def _file(path: Path, keys: Mapping[str, str | None]) -> _File:
    with readable(path):
        return _File(path, read_header(path), keys)


def _kinds_of_cells(connection: DuckDBPyConnection, file: _File) -> dict[str, int]:
    """Return which kinds of cells each column holds; of a column of text no more than its first rows are asked."""
    names = file.header.names
    first = _asked(connection, file, names, f"(SELECT * FROM {file.relation} LIMIT {_FIRST_ROWS})")
    # One cell of text makes the column text, whatever follows.
    open_yet = [name for name in names if not first[name] & _TEXT]
    return first | _asked(connection, file, open_yet, file.relation)


def _asked(connection: DuckDBPyConnection, file: _File, names: Sequence[str], rows: str) -> dict[str, int]:
    # Every row is read even when nothing is asked of it: a broken one must be found before anything is written.
    asked = ["count(*)", *(f"bit_or({_kind(file, name)})" for name in names)]
    found = _fetched(connection, file, f"SELECT {', '.join(asked)} FROM {rows}")
    return {name: int(bits or 0) for name, bits in zip(names, found[1:], strict=True)}


def _fetched(connection: DuckDBPyConnection, file: _File, query: str) -> tuple[Any, ...]:
    import duckdb

    try:
        return connection.execute(query).fetchone() or ()
    except duckdb.Error as error:
        raise _explained(file, error) from None


def _explained(file: _File, error: Exception) -> DataError:
    """Return what is wrong with a file's rows; Python's reader knows the line also after line breaks in quotes."""
    try:
        with readable(file.path):
            check_lengths(file.path, file.header)
    except DataError as found:
        return found
    line = re.search(r"Line: (\d+)", str(error))
    reason = next((text for text in str(error).splitlines() if "quote" in text), first_line(error))
    return DataError(
        f"the rows cannot be told apart: {reason}",
        where=f"{file.path}, line {line[1]}" if line else str(file.path),
        fix="look for a quotation mark that is not closed",
    )


def _type(connection: DuckDBPyConnection, name: str, files: Sequence[_File], seen: Sequence[dict[str, int]]) -> str:
    bits = 0
    for own in seen:
        bits |= own.get(name, 0)
    if bits & _ZONED and bits & _LOCAL and not bits & ~(_ZONED | _LOCAL):
        zoned = _example(connection, name, files, seen, _ZONED)
        local = _example(connection, name, files, seen, _LOCAL)
        raise DataError(
            f"stamps with and without a time zone are mixed: {zoned}, {local}",
            where=f"{files[0].path if len(files) == 1 else files[0].path.parent}, column {name!r}",
            fix="write every stamp with its zone (such as 2024-01-31T10:00:00Z), or every one without",
        )
    fitting = {
        _INTEGER: "BIGINT",
        _INTEGER | _NUMBER: "DOUBLE",
        _BOOLEAN: "BOOLEAN",
        _DATE: "DATE",
        _LOCAL: "TIMESTAMP",
        _ZONED: "TIMESTAMPTZ",
    }
    return next((type for allowed, type in fitting.items() if bits and not bits & ~allowed), "VARCHAR")


def _example(
    connection: DuckDBPyConnection, name: str, files: Sequence[_File], seen: Sequence[dict[str, int]], bits: int
) -> str:
    """Return the first cell of some kinds and where it stands, or nothing."""
    for file, own in zip(files, seen, strict=True):
        if own.get(name, 0) & bits:
            cell = _kind(file, name)
            numbered = f"(SELECT row_number() OVER () AS row, {file.cells(name)} AS cell, {cell} AS kind "
            found = _fetched(
                connection,
                file,
                f"SELECT row, cell FROM {numbered} FROM {file.relation}) WHERE kind & {bits} <> 0 LIMIT 1",
            )
            row, text = int(found[0]), str(found[1])
            shown = text if len(text) <= 40 else text[:39] + "…"
            return f"{shown!r} in {file.path.name}, line {_line(file, row)}"
    return ""


def _line(file: _File, row: int) -> int:
    """Return the line on which a row, counted from 1, ends."""
    with opened(file.path) as text:
        reader = csv.reader(text, delimiter=file.header.delimiter)
        filled = (fields for fields in reader if any(field.strip() for field in fields) or len(fields) > 1)
        next(islice(filled, row, None), None)
        return int(reader.line_num)


def _write(
    connection: DuckDBPyConnection, file: _File, types: Mapping[str, str], keys: Mapping[str, str], path: Path
) -> None:
    columns = [f"{_cast(file, name, type)} AS {_quoted(name)}" for name, type in types.items()]
    columns += [
        f"CAST({'NULL' if (value := file.keys[name]) is None else _literal(value)} AS {_KEY_TYPES[kind]}) "
        f"AS {_quoted(name)}"
        for name, kind in keys.items()
        if name not in types
    ]
    _fetched(
        connection,
        file,
        f"COPY (SELECT {', '.join(columns)} FROM {file.relation}) TO {_literal(str(path))} "
        "(FORMAT parquet, COMPRESSION zstd)",
    )


def _kind(file: _File, name: str) -> str:
    return _CELL.replace("{v}", f"trim({file.cells(name)})")


def _cast(file: _File, name: str, type: str) -> str:
    if name not in file.header.names:
        return f"CAST(NULL AS {type})"
    cell = file.cells(name)
    return cell if type == "VARCHAR" else f"CAST(nullif(trim({cell}), '') AS {type})"


def _unglobbed(path: Path) -> str:
    """Return a path in which no character stands for others."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
