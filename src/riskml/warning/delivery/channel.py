"""What a way of delivery must be able to do: make parcels of what happened, and hand one over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from pydantic import SecretStr

from riskml.errors import RunError
from riskml.io import environment_variable


@dataclass(frozen=True)
class Notice:
    """Something that happened to an alert, as others are told: plain text and numbers.

    Parameters
    ----------
    event : str
        Its key: the same event has it for ever, whatever the channel.
    on : str
        ISO 8601 date.
    by, note : str
        Who did it, in what words; of an escalation the note is whom it goes to.
    alert : dict
        The alert as it stood when the parcel was made: the fields of ``riskml.warning.alerts.Alert``, dates as text,
        what is not known as None.
    """

    event: str
    what: str
    on: str
    by: str
    note: str
    alert: dict[str, Any]


@dataclass(frozen=True)
class Parcel:
    """What is handed over at once, for one recipient.

    Parameters
    ----------
    key : str
        Made from channel, recipient and events alone: the parcel that is tried again has the same key.
    """

    key: str
    channel: str
    recipient: str
    notices: tuple[Notice, ...]

    @classmethod
    def of(cls, channel: str, recipient: str, notices: Sequence[Notice]) -> Parcel:
        """Make a parcel, and its key."""
        text = "\n".join([channel, recipient, *(notice.event for notice in notices)])
        return cls(hashlib.sha256(text.encode()).hexdigest()[:32], channel, recipient, tuple(notices))

    def payload(self) -> str:
        """Return the notices as JSON."""
        return json.dumps([asdict(notice) for notice in self.notices], ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_payload(cls, key: str, channel: str, recipient: str, payload: str) -> Parcel:
        """Make the parcel anew from ``payload``."""
        return cls(key, channel, recipient, tuple(Notice(**fields) for fields in json.loads(payload)))


class DeliveryError(RunError):
    """A parcel could not be handed over; it is kept, and tried again with the next send.

    Parameters
    ----------
    what : str
        Without secrets, and without customers.
    all_of_them : bool
        Whether the other parcels of this channel would fail alike, so that they need not be tried now.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", all_of_them: bool = False) -> None:
        super().__init__(what, where=where, fix=fix)
        self.all_of_them = all_of_them


class Channel(Protocol):
    """A way of delivery. ``riskml.warning.outbox.send`` keeps the books: a channel has no memory of its own."""

    @property
    def name(self) -> str:
        """Its name in the store; two channels of one rules file with one name would share their books."""

    def parcels(self, notices: Sequence[Notice]) -> list[Parcel]:
        """Return what is to be handed over: parcels by `Parcel.of`, the same for the same notices.

        A notice may be in several parcels, or in none where the channel does not tell of it.
        """

    def deliver(self, parcel: Parcel, at: float) -> None:
        """Hand a parcel over.

        It can happen that a parcel comes twice: the process may have died after the handing over and before that was
        noted. A channel whose other side can tell parcels by their key passes the key on, or looks it up before it
        creates something.

        Parameters
        ----------
        at : float
            Seconds since 1970 by the caller's clock.

        Raises
        ------
        DeliveryError
            When it was not handed over.
        """


def secret(variable: str, what: str) -> SecretStr:
    """Return a secret from the environment."""
    return SecretStr(environment_variable(variable, what))
