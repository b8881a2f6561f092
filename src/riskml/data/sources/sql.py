"""SQL of tables read from databases: a table by its name, or one SELECT; quoting of names and text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from riskml.errors import DataError, InputError, did_you_mean, preview

# Quoted text and comments are not part of the statement.
_QUOTED = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1""", re.DOTALL
)
_CHANGES = re.compile(
    r"\b(insert|update|delete|merge|drop|alter|create|truncate|grant|revoke|into|call|exec|execute|copy)\b",
    re.IGNORECASE,
)


def identifier(name: str) -> str:
    """Return a name as an identifier of standard SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as a literal of standard SQL."""
    return "'" + text.replace("'", "''") + "'"


def readings(table: str) -> Iterator[tuple[str | None, str]]:
    """Yield what a name can mean, as (schema, table); either may contain a dot.

    >>> list(readings("sales.orders"))
    [(None, 'sales.orders'), ('sales', 'orders')]
    """
    yield None, table
    for dot in re.finditer(r"\.", table):
        yield table[: dot.start()], table[dot.end() :]


def is_select(statement: str) -> bool:
    """Return whether a text is a read-only query rather than a table's name.

    Examples
    --------
    >>> is_select("SELECT day FROM orders"), is_select("orders")
    (True, False)
    """
    bare = _QUOTED.sub(" ", statement).strip().rstrip("; \n\t")
    begins = re.match(r"[(\s]*(select|with)\s", bare, re.IGNORECASE) is not None
    changes = _CHANGES.search(bare)
    if (begins and (changes or ";" in bare)) or (changes and changes.start() == 0 and " " in bare):
        reason = f"it has the word {changes[0]!r}" if changes else "it has a semicolon in it"
        raise InputError(
            f"only a table or one SELECT is read: {reason}",
            where="table",
            fix="write one SELECT without changes, and quote column names such as these",
        )
    return begins


def single(statement: str) -> str:
    """Return a query without its closing semicolon."""
    return statement.strip().rstrip("; \n\t")


def no_table(table: str, tables: Iterable[str], where: str) -> DataError:
    """Return the error that a database does not have a table, with those that it has."""
    tables = list(tables)
    return DataError(
        f"there is no table {table!r}; " + (f"the tables are {preview(tables, 20)}" if tables else "there are none"),
        where=where,
        fix=did_you_mean(table, tables) or "name one of them, or write a SELECT",
    )


def no_table_named(where: str) -> InputError:
    """Return the error that a database is named without a table."""
    return InputError("no table of the database is named", where=where, fix="name a table, or write a SELECT")


def short(table: str) -> str:
    """Return a table's name or a SELECT, shortened for messages."""
    words = " ".join(table.split())
    return words if len(words) <= 80 else words[:79] + "…"
