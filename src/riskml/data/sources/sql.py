"""What may be asked of a database: a table by its name, or one SELECT."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from riskml.errors import DataError, InputError, did_you_mean, preview

# What stands in quotes, and comments, are no part of the statement.
_QUOTED = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1""", re.DOTALL
)
_CHANGES = re.compile(
    r"\b(insert|update|delete|merge|drop|alter|create|truncate|grant|revoke|into|call|exec|execute|copy)\b",
    re.IGNORECASE,
)


def readings(table: str) -> Iterator[tuple[str | None, str]]:
    """Yield what a name can mean: a table, or a schema's table; either may have a dot in its own name.

    >>> list(readings("sales.orders"))
    [(None, 'sales.orders'), ('sales', 'orders')]
    """
    yield None, table
    for dot in re.finditer(r"\.", table):
        yield table[: dot.start()], table[dot.end() :]


def is_select(statement: str) -> bool:
    """Return whether a text is a query that only reads, rather than a table's name.

    Examples
    --------
    >>> is_select("SELECT day FROM orders"), is_select("orders")
    (True, False)
    """
    bare = _QUOTED.sub(" ", statement).strip().rstrip("; \n\t")
    begins = re.match(r"[(\s]*(select|with)\s", bare, re.IGNORECASE) is not None
    changes = _CHANGES.search(bare)
    if (begins and (changes or ";" in bare)) or (changes and changes.start() == 0 and " " in bare):
        found = f"it has the word {changes[0]!r}" if changes else "it has a semicolon in it"
        raise InputError(
            f"only a table or one SELECT is read: {found}",
            where="table",
            fix="write one SELECT that changes nothing; a column of such a name goes in quotation marks",
        )
    return begins


def single(statement: str) -> str:
    """Return a query without the semicolon at its end."""
    return statement.strip().rstrip("; \n\t")


def no_table(table: str, there: Iterable[str], where: str) -> DataError:
    """Return the error that a database has no such table, with those that it has."""
    there = list(there)
    return DataError(
        f"there is no table {table!r}; " + (f"the tables are {preview(there, 20)}" if there else "there are none"),
        where=where,
        fix=did_you_mean(table, there) or "name one of them, or write a SELECT",
    )


def short(table: str) -> str:
    """Return a table's name or a SELECT as a message shows it."""
    words = " ".join(table.split())
    return words if len(words) <= 80 else words[:79] + "…"
