"""Audit of what was written to a CRM: every row with its outcome, and the last values of each customer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

import pandas as pd

from riskml.crm.connector import Outcome, Raised, Row
from riskml.crm.sqlite import keep_to, transaction

SCHEMA = """
create table if not exists outcomes (
    number integer primary key, at text, object text, customer text, status text, code text, message text,
    content text);
create table if not exists written (object text, customer text, content text, primary key (object, customer))
    without rowid;
create table if not exists alerts (
    key text primary key, at text, customer text, status text, id text, remark text) without rowid;
create table if not exists alert_outcomes (
    number integer primary key, at text, key text, customer text, status text, id text, remark text);
"""


class Audit:
    """The audit of a CRM."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._db.execute("pragma synchronous=full")  # an audit survives a power failure

    def keep_to(self, account: str, *, whole: bool = True) -> None:
        """Bind the audit to an account of the CRM; see ``riskml.crm.sqlite.keep_to``."""
        keep_to(self._db, account, whole=whole)

    def written(self, object: str) -> dict[str, str]:
        """Return the values that were written last as JSON, by customer."""
        rows = self._db.execute("select customer, content from written where object = ?", [object])
        return dict(rows.fetchall())

    def keep(self, object: str, rows: Sequence[Row], outcomes: Sequence[Outcome], at: str) -> None:
        """Record the outcomes of rows."""
        with transaction(self._db):
            for row, outcome in zip(rows, outcomes, strict=True):
                content = content_of(row.values)
                self._db.execute(
                    "insert into outcomes (at, object, customer, status, code, message, content)"
                    " values (?, ?, ?, ?, ?, ?, ?)",
                    [at, object, row.customer, outcome.status, outcome.code, outcome.message, content],
                )
                if outcome.status == "written":
                    self._keep_written(object, row)

    def _keep_written(self, object: str, row: Row) -> None:
        """Record a row's values, merged with those of other fields written before."""
        key = [object, row.customer]
        known = self._db.execute("select content from written where object = ? and customer = ?", key).fetchone()
        last = json.loads(known[0]) if known else {}
        self._db.execute("insert or replace into written values (?, ?, ?)", [*key, content_of(last | dict(row.values))])

    def raised(self) -> dict[str, Raised]:
        """Return the alerts in the CRM, by key."""
        rows = self._db.execute("select key, id, remark from alerts where status in ('created', 'exists')")
        return {key: Raised("exists", id, remark) for key, id, remark in rows}

    def keep_alert(self, key: str, customer: str, status: str, id: str, remark: str, at: str) -> None:
        """Record the outcome of an alert."""
        with transaction(self._db):
            row = [at, key, customer, status, id, remark]
            self._db.execute(
                "insert into alert_outcomes (at, key, customer, status, id, remark) values (?, ?, ?, ?, ?, ?)", row
            )
            self._db.execute(
                "insert or replace into alerts (at, key, customer, status, id, remark) values (?, ?, ?, ?, ?, ?)", row
            )

    def outcomes(self) -> pd.DataFrame:
        """Return the outcomes of all rows ever sent: ``at``, ``customer``, ``status``, ``content``, …."""
        return pd.read_sql_query("select * from outcomes order by number", self._db)

    def alerts(self) -> pd.DataFrame:
        """Return the outcomes of all alerts: ``key``, ``at``, ``customer``, ``status``, ``id``, ``remark``."""
        return pd.read_sql_query("select * from alerts order by key", self._db)


def content_of(values: Mapping[str, object]) -> str:
    """Return values as canonical JSON."""
    return json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
