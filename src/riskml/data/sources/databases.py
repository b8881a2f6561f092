"""Tables of SQL databases, copied to Parquet in chunks; no message shows a password."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa

from riskml.data.sources.chunks import write_rows
from riskml.data.sources.csv import first_line
from riskml.data.sources.sql import is_select, no_table, readings, short, single
from riskml.errors import DataError, InputError
from riskml.io import environment_variable

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine
    from sqlalchemy.engine import URL
    from sqlalchemy.types import TypeEngine

CHUNK_ROWS = 50_000  # rows of a database in memory at a time
_SECRET = re.compile(r"pass|pwd|secret|token|key|odbc_connect", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
# Types of PostgreSQL by OID, which are known also for a column without values.
_POSTGRESQL = {
    pa.bool_(): (16,),
    pa.int64(): (20, 21, 23),
    pa.float64(): (700, 701, 1700),
    pa.string(): (25, 1042, 1043, 2950),
    pa.date32(): (1082,),
    pa.timestamp("us"): (1114,),
    pa.timestamp("us", tz="UTC"): (1184,),
}
_BY_NUMBER = {number: type for type, numbers in _POSTGRESQL.items() for number in numbers}
_READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}


@dataclass(frozen=True)
class Database:
    """A database."""

    url: URL = field(repr=False)  # with its password: never shown
    label: str  # backend, host and database only

    @property
    def identity(self) -> str:
        """The address with the user and *** for the password."""
        kept = {name: value for name, value in self.url.query.items() if not _SECRET.search(name)}
        return self.url.set(query=kept).render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database."""
        if self.url.get_backend_name() != "sqlite" or self.url.database in (None, "", ":memory:"):
            return None
        return Path(str(self.url.database)).absolute()


def expanded(source: str, where: str = "the source of a table") -> str:
    """Return a URL with each ``${NAME}`` replaced by the environment's variable.

    Examples
    --------
    >>> import os
    >>> os.environ["DB_PASSWORD"] = "p@ss/word"
    >>> expanded("postgresql+psycopg://risk:${DB_PASSWORD}@db/book")
    'postgresql+psycopg://risk:p%40ss%2Fword@db/book'
    """
    user = range(source.find("://") + 3, source.rfind("@")) if "://" in source else range(0)

    def value(match: re.Match[str]) -> str:
        variable = environment_variable(match[1], where)
        return quote(variable, safe="") if match.start() in user else variable

    return _VARIABLE.sub(value, source)


def database_at(url: str) -> Database:
    """Return the database that a URL names."""
    import sqlalchemy as sa

    try:
        # A second @ would put the end of a password into the host's name, which messages show.
        parsed = sa.make_url(url) if url.count("@") < 2 else None
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None:
        raise InputError(
            "the URL of the database cannot be read",
            where=f"{url.partition('://')[0]}://…",
            fix="write it as backend+driver://user:password@host:port/database, in the password %40 for @, %2F for / "
            "and %3A for :, or put the password into the environment and write ${NAME}",
        )
    host = f"{parsed.host or ''}{f':{parsed.port}' if parsed.port else ''}"
    return Database(parsed, f"{parsed.get_backend_name()}://{host}/{parsed.database or ''}")


def write_database_table(database: Database, table: str, folder: Path) -> dict[str, str]:
    """Stream a table, a view or the result of a SELECT into Parquet files, a chunk of rows in memory at a time."""
    if error := _copy_error(database, table, folder):
        # Raised here, it has no chain of errors that could hold what the driver knows.
        raise error
    return {}


def _copy_error(database: Database, table: str, folder: Path) -> InputError | None:
    """Copy a table, and return the error if there is one."""
    import sqlalchemy as sa

    connected = False
    try:
        if database.file is not None and not database.file.exists():
            raise DataError("the database does not exist", where=str(database.file), fix="check the path")
        engine = _engine(database)
        with engine.connect() as connection:
            connected = True
            if statement := _READ_ONLY.get(engine.dialect.name):
                connection.exec_driver_sql(statement)
            result, declared = _query(connection, table, database)
            with result:
                write_rows(list(result.keys()), result.partitions(CHUNK_ROWS), declared, folder)
            # The rest of the transaction is rolled back: nothing was to be changed.
    except (DataError, InputError) as error:
        return type(error)(error.what, where=_where(database, table), fix=error.fix)
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        return InputError(
            f"the driver for this database is not installed: {_without_secrets(error, database)}",
            where=database.label,
            fix="install it (for PostgreSQL: pip install psycopg[binary], and write postgresql+psycopg://…)",
        )
    except (sa.exc.SQLAlchemyError, pa.ArrowException, OSError, ValueError) as error:
        what, fix = "table cannot be read", "correct the table or the SELECT"
        if not connected:
            what, fix = "database cannot be reached", "check host, port, user and password, and that the database runs"
        elif getattr(error, "connection_invalidated", False):
            what, fix = "database closed the connection", "run again when the database answers: no copy was kept"
        return DataError(f"the {what}: {_without_secrets(error, database)}", where=_where(database, table), fix=fix)
    return None


def _where(database: Database, table: str) -> str:
    return f"{database.label}, table {short(table)}"


def _without_secrets(error: Exception, database: Database) -> str:
    """Return a driver's message without the statement, the user's password and other secrets."""
    message = first_line(getattr(error, "orig", None) or error)
    query = [str(value) for name, value in database.url.query.items() if _SECRET.search(name)]
    # An ODBC connection string holds the password as one of its parts.
    inside = [part for value in query for part in re.findall(r"(?:pwd|password)=([^;]*)", value, re.IGNORECASE)]
    secrets = [str(database.url.password or ""), *query, *inside]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        message = message.replace(secret, "***")
    return message


def _engine(database: Database) -> Engine:
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool

    needs_timeout = database.url.get_backend_name() == "postgresql" and "connect_timeout" not in database.url.query
    return sa.create_engine(
        database.url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"connect_timeout": 15} if needs_timeout else {},  # seconds
        execution_options={"postgresql_readonly": True},
    )


def _query(
    connection: Connection, table: str, database: Database
) -> tuple[CursorResult[Any], Mapping[str, pa.DataType]]:
    """Return the running query, and the types of its columns as far as the database declares them."""
    import sqlalchemy as sa

    streaming = {"stream_results": True, "yield_per": CHUNK_ROWS}
    inspector = sa.inspect(connection)
    schemas = inspector.get_schema_names()
    for schema, name in readings(table):
        if (schema is None or schema in schemas) and inspector.has_table(name, schema=schema):
            with warnings.catch_warnings():
                # SQLAlchemy warns of types that it does not know; their values are read as they are.
                warnings.simplefilter("ignore", sa.exc.SAWarning)
                known = sa.Table(name, sa.MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)
            result = connection.execute(sa.select(known), execution_options=streaming)
            return result, {column.name: _declared(column.type) for column in known.columns}
    if not is_select(table):
        tables = [name for schema in (None, *schemas) for name in _tables(inspector, schema)]
        raise no_table(table, tables, database.label)
    # Without parameters: no character of the SELECT is a placeholder.
    result = connection.execution_options(no_parameters=True, **streaming).exec_driver_sql(single(table))
    return result, _described(result) if connection.dialect.name == "postgresql" else {}


def _described(result: CursorResult[Any]) -> dict[str, pa.DataType]:
    columns: Any = result.cursor.description if result.cursor is not None else None
    return {name: _BY_NUMBER.get(number, pa.null()) for name, number, *_ in columns or ()}


def _tables(inspector: Any, schema: str | None) -> Iterator[str]:
    if schema == "information_schema" or (schema is not None and schema == inspector.default_schema_name):
        return
    for name in sorted([*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]):
        yield name if schema is None else f"{schema}.{name}"


def _declared(type: TypeEngine[Any]) -> pa.DataType:
    try:
        python = type.python_type
    except NotImplementedError:
        return pa.null()
    if python is dt.datetime:
        return pa.timestamp("us", tz="UTC" if getattr(type, "timezone", False) else None)
    known = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), Decimal: pa.float64(), str: pa.string()}
    return (known | {dt.date: pa.date32()}).get(python, pa.null())
