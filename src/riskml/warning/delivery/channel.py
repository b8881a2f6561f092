"""Channel: the interface of a way of delivery, and the parcels that pass through it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from riskml.errors import RunError


@dataclass(frozen=True)
class Notice:
    """An event of an alert, as text and numbers."""

    event: str  # key of the event, the same on every channel
    what: str
    on: str  # ISO 8601 date
    by: str
    note: str  # of an escalation: the role it goes to
    # the fields of ``riskml.warning.alerts.Alert`` when the parcel was made: dates as text, missing ones as None
    alert: dict[str, Any]


@dataclass(frozen=True)
class Parcel:
    """Notices that are delivered together to one recipient."""

    key: str  # from channel, recipient and events: the same for every attempt
    channel: str
    recipient: str
    notices: tuple[Notice, ...]

    @classmethod
    def of(cls, channel: str, recipient: str, notices: Sequence[Notice]) -> Parcel:
        """Return a parcel with its key."""
        text = "\n".join([channel, recipient, *(notice.event for notice in notices)])
        return cls(hashlib.sha256(text.encode()).hexdigest()[:32], channel, recipient, tuple(notices))

    def payload(self) -> str:
        """Return the notices as JSON."""
        return json.dumps([asdict(notice) for notice in self.notices], ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_payload(cls, key: str, channel: str, recipient: str, payload: str) -> Parcel:
        """Return the parcel of a ``payload``."""
        return cls(key, channel, recipient, tuple(Notice(**fields) for fields in json.loads(payload)))


class DeliveryError(RunError):
    """A parcel was not delivered: it is kept for the next send. The message has no secrets and no customers.

    ``all_of_them`` tells that the other parcels of the channel would fail in the same way.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", all_of_them: bool = False) -> None:
        super().__init__(what, where=where, fix=fix)
        self.all_of_them = all_of_them


class Channel(Protocol):
    """A way of delivery. It is stateless: ``riskml.warning.outbox.send`` records what was delivered."""

    @property
    def name(self) -> str:
        """The name in the store, unique within a rules file."""

    def parcels(self, notices: Sequence[Notice]) -> list[Parcel]:
        """Return the parcels of notices, by `Parcel.of`; a notice may be in several parcels, or in none."""

    def deliver(self, parcel: Parcel, at: float) -> None:
        """Deliver a parcel, or raise a DeliveryError.

        A parcel may be delivered twice, if the process ended before the delivery was recorded; receivers recognise it
        by its key.

        Parameters
        ----------
        at : float
            Seconds since 1970.
        """
