"""A small database beside the files of a pull or a push: whole after every crash, and of one process at a time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from riskml.errors import InputError

_OWNER = "create table if not exists account (name text)"


@contextmanager
def database(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Yield a database that nobody else may read, and that no other process uses meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    held = sqlite3.connect(path.with_name(f"{path.name}.lock"), timeout=0, isolation_level=None)
    kept = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        try:
            held.execute("begin exclusive")  # the system lets go of it even when the process is killed
        except sqlite3.OperationalError:
            raise InputError(
                "another pull or push is at work", where=str(path), fix="wait until it is done, then run again"
            ) from None
        kept.execute("pragma journal_mode=wal")
        kept.execute("pragma synchronous=normal")
        kept.executescript(schema)
        yield kept
    finally:
        kept.close()
        held.close()


def keep_to(connection: sqlite3.Connection, account: str, *, whole: bool = True) -> None:
    """Bind a database to a CRM account by its first use, and refuse to use it with another one."""
    connection.execute(_OWNER)
    known = "".join(name for (name,) in connection.execute("select name from account"))
    if not known and whole:
        connection.execute("insert into account values (?)", [account])
    elif known and not (known == account if whole else known.startswith(account)):
        raise InputError(
            f"it is kept for another account: {known}; this is {account}",
            where=str(connection.execute("pragma database_list").fetchone()[2]),
            fix="use another folder, or another --audit, for this account",
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Keep all that a block changes, or nothing of it."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
