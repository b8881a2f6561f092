"""SQLite database of a pull or a push: consistent after a crash, and used by one process at a time."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from riskml.errors import InputError

_OWNER = "create table if not exists account (name text)"


@contextmanager
def database(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Yield a database with mode 0600 that no other process uses meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    lock = sqlite3.connect(path.with_name(f"{path.name}.lock"), timeout=0, isolation_level=None)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        try:
            lock.execute("begin exclusive")  # released even when the process is killed
        except sqlite3.OperationalError:
            raise InputError(
                "another pull or push is running", where=str(path), fix="run again when it is done"
            ) from None
        # Before anything is changed: the file may be another program's.
        tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        own = {
            "account",
            *re.findall(r"create table if not exists (\w+)", schema),
        }  # a killed process made some of them
        if tables and not tables & own:
            raise InputError(
                "the file is another kind of database", where=str(path), fix="name another file for the CRM's records"
            )
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=normal")
        connection.executescript(schema)
        yield connection
    finally:
        connection.close()
        lock.close()


def keep_to(connection: sqlite3.Connection, account: str, *, whole: bool = True) -> None:
    """Bind a database to the first CRM account that uses it, and refuse another one."""
    connection.execute(_OWNER)
    known = "".join(name for (name,) in connection.execute("select name from account"))
    if not known and whole:
        connection.execute("insert into account values (?)", [account])
    elif known and not (known == account if whole else known.startswith(account)):
        raise InputError(
            f"the database belongs to the account {known}; this is {account}",
            where=str(connection.execute("pragma database_list").fetchone()[2]),
            fix="use another folder, or another --audit, for this account",
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit the changes of a block, or roll them back after an error."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
