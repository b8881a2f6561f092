"""The interface to a CRM system, and what passes through it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from riskml.errors import RunError

Value = str | int | float | bool | dt.date | None


class CrmError(RunError):
    """A CRM system refused a call, and would refuse it again."""


class LoginRefused(CrmError):
    """The login is not taken: no other call would do better."""


class Passing(CrmError):
    """A trouble that passes: worth another try, at once or by the next run."""

    wait_seconds = 0.0  # before another try, at the least
    most_attempts = 1_000
    exhausted = False  # was tried as often as it is worth


class Unreachable(Passing):
    """There is no connection: nothing was asked, and nothing done."""


class LimitReached(CrmError):
    """The system takes no more calls for now; the next run goes on where this one stopped."""


@dataclass(frozen=True)
class Record:
    """A record as the CRM gives it.

    Parameters
    ----------
    id : str
        Always text: ids of 19 digits do not survive as floating-point numbers.
    modified : int
        Microseconds since 1970-01-01 UTC; 0 where the system does not tell.
    values : mapping of field to value
        Raw; a field that is empty may be absent.
    """

    id: str
    modified: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Some records, and where to go on after them.

    Parameters
    ----------
    records : sequence of Record
        A record may come twice in a pass, if it was changed meanwhile.
    cursor : str
        Handed back to ``iter_records`` it goes on after this page, in another process too.
    gone : sequence of str
        Ids of records that were deleted.
    """

    records: Sequence[Record]
    cursor: str
    gone: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """What is to be written to one customer."""

    customer: str  # the record's id
    values: Mapping[str, Value]  # by the CRM's own field names


@dataclass(frozen=True)
class Outcome:
    """What became of a row: written, failed (it would fail again), or later (it may pass with the next run)."""

    customer: str
    status: Literal["written", "failed", "later"]
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Alert:
    """A warning of one customer to the person who looks after it.

    Parameters
    ----------
    key : str
        The same key is the same alert, and is raised once.
    customer : str
        The record's id.
    cause, owner, text : str
        The owner as the mapping's ``owners`` knows it, or the system's own user id; empty for the default.
    """

    key: str
    customer: str
    cause: str
    owner: str
    due: dt.date
    text: str


@dataclass(frozen=True)
class Raised:
    """What became of an alert; ``remark`` tells what a person should know of it."""

    status: Literal["created", "exists"]
    id: str
    remark: str = ""


@dataclass(frozen=True)
class FieldState:
    """Whether a field of the mapping is there.

    Parameters
    ----------
    remark : str
        How to fix it.
    """

    object: str
    field: str
    state: Literal["present", "missing", "created", "other type", "other name"]
    remark: str = ""


class Connector(Protocol):
    """A CRM system. Four verbs are all that the kit asks of one."""

    name: str
    batch: int  # rows that a call of write_scores should get: one checkpoint each
    tells_gone: bool  # whether pages name the records that were deleted

    @property
    def account(self) -> str:
        """Whose records these are: a folder of tables, and an audit, are kept to one account. No secret is in it."""
        ...

    def check_schema(self, *, create: bool = False) -> list[FieldState]:
        """Return the state of every field of the mapping; create those to write to that are missing, where asked."""
        ...

    def iter_records(
        self, object: str, fields: Sequence[str], since: dt.datetime | None = None, cursor: str = ""
    ) -> Iterator[Page]:
        """Yield the records of an object that were modified since a time, or all; from a cursor on, where given."""
        ...

    def write_scores(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write values to customers by id; return an outcome for each row, in order."""
        ...

    def raise_alert(self, alert: Alert) -> Raised:
        """Create an alert unless its key exists already."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def waves(rows: Sequence[Row], size: int) -> list[list[tuple[int, Row]]]:
    """Return rows, numbered, in groups of a size at most in which no customer stands twice; the order is kept.

    >>> [[number for number, _ in wave] for wave in waves([Row("a", {}), Row("b", {}), Row("a", {})], 100)]
    [[0, 1], [2]]
    """
    groups: list[list[tuple[int, Row]]] = []
    inside: set[str] = set()
    for number, row in enumerate(rows):
        if not groups or len(groups[-1]) == size or row.customer in inside:
            groups.append([])
            inside = set()
        groups[-1].append((number, row))
        inside.add(row.customer)
    return groups
