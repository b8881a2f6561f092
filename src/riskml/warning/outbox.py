"""Outbox: at-least-once delivery of events, with a key by which receivers recognise repeated parcels.

Each event is put into the parcels of a channel once, in one transaction. A parcel is marked as sent once delivered; if
the process ends in between, it is delivered again with the same key.
"""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from riskml.errors import RunError
from riskml.warning.delivery.channel import Channel, DeliveryError, Notice, Parcel
from riskml.warning.store import Store

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Sent:
    """Result of a send on one channel."""

    channel: str
    parcels: int  # delivered now
    events: int
    waiting: int  # parcels kept for the next send
    troubles: tuple[str, ...]  # the error of each parcel that was not delivered


def send(store: Store, rule: str, channel: Channel, clock: Callable[[], float]) -> Sent:
    """Deliver the events of the rules' alerts since the last send on a channel, and the parcels that are waiting.

    Rules that share a store have separate outboxes. A new channel starts with the open alerts.

    Raises
    ------
    RunError
        When another process is sending from this store.
    """
    outbox = f"{rule}/{channel.name}"
    with _locked(store):
        _pack(store, rule, channel, outbox)
        parcels = events = 0
        troubles: list[str] = []
        for parcel in _waiting(store, channel, outbox):
            at = clock()
            try:
                channel.deliver(parcel, at)
            except DeliveryError as error:
                troubles.append(str(error))
                statement = "UPDATE parcels SET attempts = attempts + 1, trouble = ? WHERE key = ?"
                with store.transaction():
                    store.execute(statement, error.what, parcel.key)
                if error.all_of_them:
                    break
                continue
            stamp = dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds")
            statement = "UPDATE parcels SET state='sent', attempts=attempts + 1, trouble='', sent_at=? WHERE key=?"
            with store.transaction():
                store.execute(statement, stamp, parcel.key)
            parcels, events = parcels + 1, events + len(parcel.notices)
    return Sent(channel.name, parcels, events, len(_waiting(store, channel, outbox)), tuple(troubles))


def _pack(store: Store, rule: str, channel: Channel, outbox: str) -> None:
    """Put every new event of the rules' alerts into parcels, in one transaction."""
    with store.transaction():
        if not store.execute("SELECT 1 FROM channels WHERE name = ?", outbox).fetchone():
            store.execute("INSERT INTO channels VALUES (?)", outbox)
            closed = (
                "SELECT events.key FROM events JOIN alerts ON alerts.key = alert WHERE rule = ? AND closed IS NOT NULL"
            )
            store.execute(f"INSERT INTO posted SELECT ?, key FROM ({closed})", outbox, rule)
        notices = list(_unpacked(store, rule, outbox))
        for parcel in channel.parcels(notices) if notices else ():
            statement = "INSERT INTO parcels (key, channel, recipient, payload, state) VALUES (?, ?, ?, ?, 'waiting')"
            store.execute(statement, parcel.key, outbox, parcel.recipient, parcel.payload())
        for notice in notices:
            store.execute("INSERT INTO posted VALUES (?, ?)", outbox, notice.event)


def _unpacked(store: Store, rule: str, outbox: str) -> Iterator[Notice]:
    statement = (
        "SELECT events.key, alert, what, happened, by, note FROM events JOIN alerts ON alerts.key = alert "
        "WHERE rule = ? AND NOT EXISTS (SELECT 1 FROM posted WHERE channel = ? AND event = events.key) ORDER BY number"
    )
    rows = store.execute(statement, rule, outbox).fetchall()
    alerts = {alert.key: alert for alert in store.alerts(rule)} if rows else {}
    for key, alert, what, happened, by, note in rows:
        fields = {name: _json_value(value) for name, value in asdict(alerts[alert]).items()}
        yield Notice(key, what, happened, by, note, fields)


def _json_value(value: Any) -> Any:
    if isinstance(value, dt.date):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _waiting(store: Store, channel: Channel, outbox: str) -> list[Parcel]:
    statement = "SELECT key, recipient, payload FROM parcels WHERE channel = ? AND state = 'waiting' ORDER BY number"
    rows = store.execute(statement, outbox)
    return [Parcel.from_payload(key, channel.name, recipient, payload) for key, recipient, payload in rows]


@contextmanager
def _locked(store: Store) -> Iterator[None]:
    """Prevent other processes from sending; the lock ends with the process."""
    path = store.path.with_name(f"{store.path.name}-sending")
    lock = sqlite3.connect(path, timeout=_TIMEOUT_SECONDS, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise RunError(
            "another process is sending alerts of this store", where=str(store.path), fix="wait for it to end"
        ) from None
    try:
        yield
    finally:
        lock.execute("ROLLBACK")
        lock.close()
