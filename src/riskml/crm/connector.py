"""Connector: the interface to a CRM system, its records, outcomes and errors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from riskml.errors import RunError

Value = str | int | float | bool | dt.date | None


class CrmError(RunError):
    """A CRM system refused a call, and would refuse it again."""


class Refused(CrmError):
    """A refusal with the system's error code."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", code: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.code = code


class LoginRefused(CrmError):
    """The login is refused: no other call would succeed."""


class Passing(CrmError):
    """A temporary error: worth another attempt, now or in the next run."""

    wait_seconds = 0.0  # minimum wait before another attempt
    most_attempts = 1_000
    exhausted = False  # whether all attempts were made


class Unreachable(Passing):
    """There is no connection: the call was not made."""


class LimitReached(CrmError):
    """The system accepts no more calls for now; the next run resumes."""


@dataclass(frozen=True)
class Record:
    """A record of the CRM."""

    id: str  # always text: ids of 19 digits do not survive as floating-point numbers
    modified: int  # microseconds since 1970-01-01 UTC; 0 where the system has no such time
    values: Mapping[str, Any]  # raw, by field; an empty field may be absent


@dataclass(frozen=True)
class Page:
    """Some records, and the cursor after them."""

    records: Sequence[Record]  # a record may occur twice in a pass, if it is changed meanwhile
    cursor: str  # ``iter_records`` resumes with it after this page, in another process too
    gone: Sequence[str] = ()  # ids of deleted records


@dataclass(frozen=True)
class Row:
    """Values to write to one customer."""

    customer: str  # the record's id
    values: Mapping[str, Value]  # by the CRM's field names


@dataclass(frozen=True)
class Outcome:
    """The outcome of a row: written, failed (it would fail again), or later (the next run may succeed)."""

    customer: str
    status: Literal["written", "failed", "later"]
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Alert:
    """A warning about one customer to the person in charge."""

    key: str  # alerts with the same key are the same alert, which is raised once
    customer: str  # the record's id
    cause: str
    owner: str  # a key of the mapping's ``owners``, or the system's user id; empty for the default
    due: dt.date
    text: str


@dataclass(frozen=True)
class Raised:
    """The outcome of an alert."""

    status: Literal["created", "exists"]
    id: str
    remark: str = ""  # for the user


@dataclass(frozen=True)
class FieldState:
    """Whether a field of the mapping exists."""

    object: str
    field: str
    state: Literal["present", "missing", "created", "other type", "other name"]
    remark: str = ""  # how to fix it


class Connector(Protocol):
    """A CRM system. An adapter implements these methods."""

    name: str
    batch: int  # rows of one call of write_scores, after which the audit is written
    tells_gone: bool  # whether pages list deleted records

    @property
    def account(self) -> str:
        """The account of the records, without secrets: a folder of tables and an audit belong to one account."""
        ...

    def check_schema(self, *, create: bool = False) -> list[FieldState]:
        """Return the state of every field of the mapping; create missing fields to write to if requested."""
        ...

    def iter_records(
        self, object: str, fields: Sequence[str], since: dt.datetime | None = None, cursor: str = ""
    ) -> Iterator[Page]:
        """Yield the records of an object that were modified since a time, or all, from a cursor on."""
        ...

    def write_scores(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write values to customers by id; return the outcome of each row, in order."""
        ...

    def raise_alert(self, alert: Alert) -> Raised:
        """Create an alert unless its key exists."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


def waves(rows: Sequence[Row], size: int) -> list[list[tuple[int, Row]]]:
    """Return numbered rows in groups of at most a size in which no customer occurs twice, in order."""
    groups: list[list[tuple[int, Row]]] = []
    inside: set[str] = set()
    for number, row in enumerate(rows):
        if not groups or len(groups[-1]) == size or row.customer in inside:
            groups.append([])
            inside = set()
        groups[-1].append((number, row))
        inside.add(row.customer)
    return groups
