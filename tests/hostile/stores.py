"""Stores of alerts that are none: texts, folders, other databases, unknown alerts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.bases import rules
from tests.hostile.case import Case
from tests.hostile.settings_files import SCORED, UPDATE


def _foreign(folder: Path) -> None:
    connection = sqlite3.connect(folder / "a.db")
    connection.execute("CREATE TABLE other (x)")
    connection.commit()
    connection.close()


def _folder(folder: Path) -> None:
    (folder / "a.db").mkdir()


def _loop(folder: Path) -> None:
    (folder / "a.db").symlink_to(folder / "b.db")
    (folder / "b.db").symlink_to(folder / "a.db")


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "a.db").write_bytes(content)


_STORES: dict[str, Callable[[Path], object]] = {
    "another database": _foreign, "a folder": _folder, "a loop of links": _loop, "a text": _bytes(b"hello, this is a text\n" * 100),
    "a cut database": _bytes(b"SQLite format 3\0" + b"\1" * 84), "zeros": _bytes(b"\0" * 4096),
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Return the cases."""
    files = {"r.yaml": rules(), "s.csv": SCORED}
    commands = {
        "update": UPDATE, "list": ["alerts", "list", "--store", "a.db"], "ack": ["alerts", "ack", "k", "--store", "a.db"],
        "overdue": ["alerts", "overdue", "r.yaml", "--store", "a.db"], "send": ["alerts", "send", "r.yaml", "--store", "a.db"],
    }  # fmt: skip
    for command, words in commands.items():
        for name, prepare in _STORES.items():
            yield Case("stores", f"{command}: {name}", words, files, prepare=prepare)
        if command != "update":
            yield Case("stores", f"{command}: nothing", words, files)
    for name in ("a\0b.db", "x" * 300, "none/" * 1000 + "a.db", "/dev/null", "/proc/nothing/a.db", ""):
        yield Case("stores", f"path {ascii(name[:30])}", [*UPDATE[:-1], name], files)
