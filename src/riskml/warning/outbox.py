"""What is to be delivered is written down first, and crossed off afterwards: nothing is lost, nothing is packed twice.

Each event goes into the parcels of a channel in one transaction, once and for ever. A parcel is crossed off after it
was handed over. A process that dies in between leaves a parcel that may have arrived: it is handed over again under the
same key. That is *at least once*, with a key to tell; exactly once cannot be had from two machines that may both die.
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

_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Sent:
    """What came of a send.

    Parameters
    ----------
    parcels, events : int
        Handed over now.
    waiting : int
        Parcels that are kept for the next send.
    troubles : tuple of str
        Why, one for each parcel that was tried in vain.
    """

    channel: str
    parcels: int
    events: int
    waiting: int
    troubles: tuple[str, ...]


def send(store: Store, rule: str, channel: Channel, clock: Callable[[], float]) -> Sent:
    """Hand over what happened since the last send on a channel, and what could not be handed over then.

    Rules that share a store each have books of their own: a file's addresses learn of its own alerts alone. A channel
    that is new begins with the alerts that are open: what was closed before it came is not told.

    Parameters
    ----------
    rule : str
        The name of the rules whose channel it is.

    Raises
    ------
    RunError
        When another process is sending on this store.
    """
    with _alone(store):
        _pack(store, rule, channel)
        done = events = 0
        troubles: list[str] = []
        for parcel in _waiting(store, rule, channel):
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
            statement = (
                "UPDATE parcels SET state = 'sent', attempts = attempts + 1, trouble = '', sent_at = ? WHERE key = ?"
            )
            with store.transaction():
                store.execute(statement, stamp, parcel.key)
            done, events = done + 1, events + len(parcel.notices)
    return Sent(channel.name, done, events, len(_waiting(store, rule, channel)), tuple(troubles))


def _book(rule: str, channel: Channel) -> str:
    return f"{rule}/{channel.name}"


def _pack(store: Store, rule: str, channel: Channel) -> None:
    """Put every event of the rules' alerts that the channel has not packed into parcels, in one transaction."""
    name = _book(rule, channel)
    with store.transaction():
        known = store.execute("SELECT 1 FROM channels WHERE name = ?", name).fetchone()
        if not known:
            store.execute("INSERT INTO channels VALUES (?)", name)
            closed = (
                "SELECT events.key FROM events JOIN alerts ON alerts.key = alert WHERE rule = ? AND closed IS NOT NULL"
            )
            store.execute(f"INSERT INTO posted SELECT ?, key FROM ({closed})", name, rule)
        notices = [
            Notice(row["event"], row["what"], row["happened"], row["by"], row["note"], row["alert"])
            for row in _unpacked(store, rule, name)
        ]
        for parcel in channel.parcels(notices) if notices else ():
            statement = "INSERT INTO parcels (key, channel, recipient, payload, state) VALUES (?, ?, ?, ?, 'waiting')"
            store.execute(statement, parcel.key, name, parcel.recipient, parcel.payload())
        for notice in notices:
            store.execute("INSERT INTO posted VALUES (?, ?)", name, notice.event)


def _unpacked(store: Store, rule: str, book: str) -> Iterator[dict[str, Any]]:
    statement = (
        "SELECT events.key, alert, what, happened, by, note FROM events JOIN alerts ON alerts.key = alert "
        "WHERE rule = ? AND NOT EXISTS (SELECT 1 FROM posted WHERE channel = ? AND event = events.key) ORDER BY number"
    )
    rows = store.execute(statement, rule, book).fetchall()
    alerts = {alert.key: alert for alert in store.alerts(rule)} if rows else {}
    for key, alert, what, happened, by, note in rows:
        fields = {name: _plain(value) for name, value in asdict(alerts[alert]).items()}
        yield {"event": key, "what": what, "happened": happened, "by": by, "note": note, "alert": fields}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _waiting(store: Store, rule: str, channel: Channel) -> list[Parcel]:
    statement = "SELECT key, recipient, payload FROM parcels WHERE channel = ? AND state = 'waiting' ORDER BY number"
    rows = store.execute(statement, _book(rule, channel))
    return [Parcel.from_payload(key, channel.name, recipient, payload) for key, recipient, payload in rows]


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Keep other processes from sending; the system lets go of the lock when this one dies."""
    path = store.path.with_name(f"{store.path.name}-sending")
    lock = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
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
