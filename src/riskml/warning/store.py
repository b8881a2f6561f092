"""Alert store: one SQLite file whose transactions survive a crash.

The file uses write-ahead logging (WAL) with ``<file>-wal`` and ``<file>-shm``, and must be on a local disk: SQLite's
locks do not work on network drives.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from riskml.errors import InputError, RiskmlError, RunError
from riskml.warning.alerts import Alert, Change, Event
from riskml.warning.snapshot import Snapshot

_APPLICATION = 0x72736B61  # "rska": identifies a store
_VERSION = 1
_TIMEOUT_SECONDS = 30.0
_COLUMNS = tuple(field.name for field in fields(Alert))
_DATES = tuple(_COLUMNS.index(name) for name in ("opened", "due", "acknowledged", "escalated", "closed"))
_PRIORITY = _COLUMNS.index("priority")
_SCHEMA = f"""
CREATE TABLE days (
  rule TEXT NOT NULL, as_of TEXT NOT NULL, digest TEXT NOT NULL, rules TEXT NOT NULL, customers INTEGER NOT NULL,
  opened INTEGER NOT NULL, raised INTEGER NOT NULL, held_back INTEGER NOT NULL, reading BLOB,
  PRIMARY KEY (rule, as_of));
CREATE TABLE alerts ({", ".join(f"{name} {'REAL' if name in ('points', 'priority') else 'TEXT'}" for name in _COLUMNS)},
  PRIMARY KEY (key));
CREATE INDEX alerts_standing ON alerts (rule, closed);
CREATE TABLE events (
  number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, alert TEXT NOT NULL REFERENCES alerts, what TEXT NOT NULL,
  happened TEXT NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL);
CREATE INDEX events_alert ON events (alert);
CREATE TABLE channels (name TEXT PRIMARY KEY);
CREATE TABLE parcels (
  number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, recipient TEXT NOT NULL,
  payload TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, trouble TEXT NOT NULL DEFAULT '',
  sent_at TEXT);
CREATE INDEX parcels_waiting ON parcels (channel, state);
CREATE TABLE posted (
  channel TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (channel, event)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Day:
    """A recorded as-of date."""

    rule: str
    as_of: dt.date
    digest: str  # digests of the portfolio and of the rules
    rules: str
    customers: int
    opened: int
    raised: int
    held_back: int


class Store:
    """Alerts, their events, and pending deliveries.

    Parameters
    ----------
    path : path
        The file, created if necessary.
    create : bool
        Whether a missing file is created; otherwise it raises an InputError, as does a file that is not a store.
    """

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise InputError("the store does not exist", where=str(path), fix="`riskml alerts update` creates one")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self.path, timeout=_TIMEOUT_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"the store cannot be opened: {error}", where=str(path)) from None
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            self._file.close()
            raise RunError(f"the store cannot be used: {error}", where=str(path), fix="try again") from None
        except sqlite3.DatabaseError as error:
            self._file.close()
            raise InputError(f"the file is not an alert store: {error}", where=str(path)) from None
        except RiskmlError:
            self._file.close()
            raise

    def _prepare(self) -> None:
        # Before anything is changed: the file may be another program's.
        (application,) = self._file.execute("PRAGMA application_id").fetchone()
        (tables,) = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != _APPLICATION and (application or tables):
            raise InputError(
                "the file is another kind of database", where=str(self.path), fix="name another file for the store"
            )
        self._file.execute("PRAGMA foreign_keys = ON")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA cache_size = -100000")  # kB: keys are random, their index is written all over
        with self.transaction():
            (application,) = self._file.execute("PRAGMA application_id").fetchone()
            (version,) = self._file.execute("PRAGMA user_version").fetchone()
            (tables,) = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if application == 0 and tables == 0:
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        self._file.execute(statement)
                self._file.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._file.execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise InputError(
                    f"the store has version {version}; this riskml reads {_VERSION}",
                    where=str(self.path),
                    fix="use the riskml that wrote it",
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the changes of a block together, or none of them; a store in use raises a RunError."""
        try:
            self._file.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise RunError(
                f"the store is in use: {error}", where=str(self.path), fix="wait for the other riskml process"
            ) from None
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Execute an SQL statement of this package."""
        return self._file.execute(statement, values)

    # -- as-of dates

    def last_day(self, rule: str) -> Day | None:
        """Return the last recorded as-of date of rules."""
        days = self.days(rule, last=1)
        return days[0] if days else None

    def days(self, rule: str, last: int = -1) -> list[Day]:
        """Return the recorded as-of dates of rules, the last one first."""
        query = "SELECT rule, as_of, digest, rules, customers, opened, raised, held_back FROM days"
        rows = self.execute(f"{query} WHERE rule = ? ORDER BY as_of DESC LIMIT ?", rule, last).fetchall()
        return [Day(row[0], dt.date.fromisoformat(row[1]), *row[2:]) for row in rows]

    def snapshots(self, rule: str, last: int) -> list[Snapshot]:
        """Return the snapshots of the last as-of dates, oldest first."""
        query = "SELECT as_of, reading FROM days WHERE rule = ? AND reading IS NOT NULL ORDER BY as_of DESC LIMIT ?"
        rows = self.execute(query, rule, last).fetchall()
        return [Snapshot.from_bytes(dt.date.fromisoformat(as_of), content) for as_of, content in reversed(rows)]

    def add_day(self, day: Day, snapshot: bytes | None, keep: int) -> None:
        """Record an as-of date with its snapshot, and keep the last snapshots that later dates need."""
        values = (day.rule, str(day.as_of), day.digest, day.rules, day.customers, day.opened, day.raised, day.held_back)
        self.execute("INSERT INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *values, snapshot)
        old = "SELECT as_of FROM days WHERE rule = ? ORDER BY as_of DESC LIMIT -1 OFFSET ?"
        self.execute(f"UPDATE days SET reading = NULL WHERE rule = ? AND as_of IN ({old})", day.rule, day.rule, keep)

    # -- alerts

    def current(self, rule: str, closed_after: dt.date) -> Mapping[str, Alert]:
        """Return the latest alert of each customer that is open or was closed after a date."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM alerts WHERE rule = ? AND (closed IS NULL OR closed > ?)"
        rows = self.execute(f"{query} ORDER BY opened", rule, str(closed_after))
        return {alert.customer: alert for alert in map(_alert, rows)}

    def overdue(self, rule: str, on: dt.date) -> list[Alert]:
        """Return the open alerts that were due before a date and are not escalated."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM alerts WHERE rule = ? AND closed IS NULL"
        return [_alert(row) for row in self.execute(f"{query} AND escalated IS NULL AND due < ?", rule, str(on))]

    def alerts(self, rule: str | None = None, *, open_only: bool = False, role: str | None = None) -> list[Alert]:
        """Return alerts, red before amber, then by priority; those of a role include those escalated to it."""
        wheres, values = ["1"], []
        if rule is not None:
            wheres.append("rule = ?")
            values.append(rule)
        if role is not None:
            wheres.append("? IN (role, escalated_to)")
            values.append(role)
        if open_only:
            wheres.append("closed IS NULL")
        query = f"SELECT {', '.join(_COLUMNS)} FROM alerts WHERE {' AND '.join(wheres)}"
        order = "ORDER BY level = 'red' DESC, priority IS NULL, priority DESC, opened, customer"
        return [_alert(row) for row in self.execute(f"{query} {order}", *values)]

    def alert(self, key: str) -> Alert:
        """Return the alert of a key, or of the unique beginning of one."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM alerts WHERE substr(key, 1, ?) = ? LIMIT 2"
        rows = self.execute(query, len(key), key).fetchall()
        if len(rows) != 1 or not key:
            raise InputError(
                f"{'no alert has' if not rows else 'several alerts have'} the key {key!r}",
                where=str(self.path),
                fix="`riskml alerts list` shows the keys",
            )
        return _alert(rows[0])

    def write(self, changes: Iterable[Change]) -> None:
        """Write changed alerts and their events, within a `transaction`."""
        changes = list(changes)
        marks = ", ".join("?" * len(_COLUMNS))
        rest = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "key")
        self._file.executemany(
            f"INSERT INTO alerts ({', '.join(_COLUMNS)}) VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET {rest}",
            [_row(change.alert) for change in changes],
        )
        self._file.executemany(
            "INSERT INTO events (key, alert, what, happened, by, note) VALUES (?, ?, ?, ?, ?, ?)",
            [(one.key, one.alert, one.what, str(one.on), one.by, one.note) for one in (each.event for each in changes)],
        )

    def events(self, alert: str | None = None) -> list[Event]:
        """Return the events of one alert, or of all, in order."""
        query = "SELECT alert, what, happened, by, note FROM events"
        rows = self.execute(f"{query} WHERE ? IS NULL OR alert = ? ORDER BY number", alert, alert)
        return [Event(row[0], row[1], dt.date.fromisoformat(row[2]), *row[3:]) for row in rows]


def _row(alert: Alert) -> tuple[Any, ...]:
    values = (getattr(alert, name) for name in _COLUMNS)
    return tuple(str(value) if isinstance(value, dt.date) else value for value in values)


def _alert(row: tuple[Any, ...]) -> Alert:
    values = list(row)
    for date in _DATES:
        if values[date] is not None:
            values[date] = dt.date.fromisoformat(values[date])
    if values[_PRIORITY] is None:
        values[_PRIORITY] = float("nan")
    return Alert(*values)
