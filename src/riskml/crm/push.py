"""Push of scores and alerts to a CRM: changes only, once, with an audited outcome for each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from riskml.crm.audit import Audit, content_of
from riskml.crm.connector import Alert, Connector, CrmError, LimitReached, LoginRefused, Outcome, Passing, Row
from riskml.crm.mapping import ScoresMap

Listener = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """The rows that a push would write."""

    object: str
    rows: tuple[Row, ...]  # rows that differ from the last push, and new ones
    before: tuple[str, ...]  # the last values of each as JSON; empty for new rows
    unchanged: int

    @property
    def new(self) -> int:
        """Number of customers without an earlier score."""
        return sum(not before for before in self.before)

    def table(self, most: int = 10) -> pd.DataFrame:
        """Return some of the rows: ``customer``, ``before``, ``after``."""
        pairs = list(zip(self.rows, self.before, strict=True))[:most]
        return pd.DataFrame(
            [[row.customer, before, content_of(row.values)] for row, before in pairs],
            columns=["customer", "before", "after"],
        )


@dataclass(frozen=True)
class Pushed:
    """The outcomes of a push, in the order of the plan's rows."""

    outcomes: tuple[Outcome, ...]

    def count(self, status: str) -> int:
        """Return the number of rows with a status."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def failures(self) -> pd.DataFrame:
        """Return the rows that were not written: ``customer``, ``status``, ``code``, ``message``."""
        failures = [vars(outcome) for outcome in self.outcomes if outcome.status != "written"]
        return pd.DataFrame(failures, columns=["customer", "status", "code", "message"])


def plan(rows: Sequence[Row], scores: ScoresMap, audit: Audit, *, everything: bool = False) -> Plan:
    """Return the rows to write."""
    dated = [field.field for part, field in scores.fields.items() if part == "as_of"]
    written = audit.written(scores.object)
    kept, before = [], []
    for row in rows:
        last = written.get(row.customer, "")
        if everything or not last or _differs(row, json.loads(last), dated):
            kept.append(row)
            before.append(last)
    return Plan(scores.object, tuple(kept), tuple(before), len(rows) - len(kept))


def push(
    connector: Connector, planned: Plan, audit: Audit, *, at: dt.datetime, progress: Listener | None = None
) -> Pushed:
    """Write the planned rows.

    Each batch is audited before the next is sent. After a crash the next push writes the batch without an audit again,
    by id and with the same values.

    Parameters
    ----------
    at : datetime
        Current time.
    progress : callable, optional
        Called with the number of rows done and of all rows.

    Raises
    ------
    CrmError
        When the system refuses a whole call or does not answer; the next push resumes.
    InputError
        When the audit belongs to another account.
    """
    audit.keep_to(connector.account)
    outcomes: list[Outcome] = []
    for first in range(0, len(planned.rows), connector.batch):
        some = planned.rows[first : first + connector.batch]
        results = connector.write_scores(some)
        audit.keep(planned.object, some, results, at.isoformat())
        outcomes += results
        if progress:
            progress(len(outcomes), len(planned.rows))
    return Pushed(tuple(outcomes))


def raise_alerts(
    connector: Connector, alerts: Sequence[Alert], audit: Audit, *, at: dt.datetime, progress: Listener | None = None
) -> pd.DataFrame:
    """Raise alerts, each key once over all runs."""
    audit.keep_to(connector.account)
    known = audit.raised()
    rows: list[tuple[str, str, str, str, str]] = []
    for done, alert in enumerate(alerts, 1):
        if alert.key in known:
            record = known[alert.key]
            rows.append((alert.key, alert.customer, "exists", record.id, record.remark))
        else:
            status, id, remark = _raised(connector, alert)
            audit.keep_alert(alert.key, alert.customer, status, id, remark, at.isoformat())
            rows.append((alert.key, alert.customer, status, id, remark))
        if progress:
            progress(done, len(alerts))
    return pd.DataFrame(rows, columns=["key", "customer", "status", "id", "remark"])


def _raised(connector: Connector, alert: Alert) -> tuple[str, str, str]:
    try:
        raised = connector.raise_alert(alert)
    except (LoginRefused, Passing, LimitReached):
        raise
    except CrmError as error:  # of this alert only
        return "failed", "", "; ".join(filter(None, [error.what, error.fix]))
    return raised.status, raised.id, raised.remark


def _differs(row: Row, last: dict[str, Any], dated: Sequence[str]) -> bool:
    """Return whether a value differs from the last one that was written."""
    now = json.loads(content_of(row.values))
    return any(name not in dated and (name not in last or last[name] != value) for name, value in now.items())
