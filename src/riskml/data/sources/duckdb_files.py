"""Tables of DuckDB files, copied to Parquet out of core."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from riskml.data.sources.chunks import part
from riskml.data.sources.csv import first_line
from riskml.data.sources.sql import identifier, is_select, literal, no_table, readings, short, single
from riskml.errors import DataError, InputError
from riskml.schema import refuse_duplicates

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def is_duckdb(path: Path) -> bool:
    """Return whether a file is a DuckDB database, by its first bytes."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def write_duckdb_table(path: Path, table: str, folder: Path) -> dict[str, str]:
    """Write a table, a view or the result of a SELECT of a DuckDB file to Parquet, out of core."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": False,
    }
    try:
        with duckdb.connect(str(path), read_only=True, config=settings) as connection:
            # The result of a SELECT must not depend on the machine's time zone.
            connection.execute("SET TimeZone = 'UTC'")
            query = _duckdb_query(connection, table, path)
            columns = connection.execute(f"DESCRIBE {query}").fetchall()
            refuse_duplicates(name for name, *_ in columns)
            casts = ", ".join(_portable(name, type) for name, type, *_ in columns)
            target = literal(str(part(folder, 0)))
            connection.execute(f"COPY (SELECT {casts} FROM ({query})) TO {target} (FORMAT parquet, COMPRESSION zstd)")
    except InputError as error:
        raise type(error)(error.what, where=f"{path}, table {short(table)}", fix=error.fix) from None
    except duckdb.Error as error:
        raise DataError(
            f"the database cannot be read: {first_line(error)}",
            where=f"{path}, table {short(table)}",
            fix="close other programs that write to it"
            if isinstance(error, (duckdb.IOException, duckdb.ConnectionException))
            else "correct the table or the SELECT",
        ) from None
    return {}


def _duckdb_query(connection: DuckDBPyConnection, table: str, path: Path) -> str:
    tables = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
    ).fetchall()
    for schema, name in readings(table):
        if (schema or "main", name) in tables:
            return f"SELECT * FROM {identifier(schema or 'main')}.{identifier(name)}"
    if not is_select(table):
        raise no_table(table, [name if schema == "main" else f"{schema}.{name}" for schema, name in tables], str(path))
    return single(table)


def _portable(name: str, type: str) -> str:
    """Return a column as SQL, cast to a type that every reader of Parquet knows."""
    casts = {r"DECIMAL.*|U?HUGEINT": "DOUBLE", r"UUID|ENUM.*": "VARCHAR", r"TIMESTAMP_(S|MS|NS)": "TIMESTAMP"}
    target = next((to for pattern, to in casts.items() if re.fullmatch(pattern, str(type), re.DOTALL)), None)
    return f"CAST({identifier(name)} AS {target}) AS {identifier(name)}" if target else identifier(name)
