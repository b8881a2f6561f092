"""CRM service: check fields, pull tables, push scores and raise alerts, as the command line and notebooks do."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from riskml.crm.adapters import connected
from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.connector import FieldState
from riskml.crm.mapping import Mapping, read_mapping
from riskml.crm.payload import alert_rows, score_rows
from riskml.crm.pull import Listener as PullListener
from riskml.crm.pull import Pulled
from riskml.crm.pull import pull as pull_tables
from riskml.crm.push import Listener, Plan, Pushed, plan, raise_alerts
from riskml.crm.push import push as push_rows
from riskml.crm.settings import Settings, read_settings
from riskml.crm.sqlite import database
from riskml.data.sources.source import read_table
from riskml.errors import ConfigError, DataError
from riskml.io import parse_date


@dataclass(frozen=True)
class Push:
    """What to write."""

    scores: Path | pd.DataFrame  # a table of scores; see ``riskml.crm.payload.score_rows``
    id: str = "customer"
    as_of: str = ""  # ISO date; empty where the table has it
    model_version: str = ""
    everything: bool = False
    automations: bool = False
    only: Sequence[str] = ()  # parts of a score, such as ``tier``; empty for all
    customers: Sequence[str] = ()  # ids; empty for all


def mapping_file(name: str | Path) -> Path:
    """Return a mapping file, given as a path, or by name in the nearest ``experiments/crm/`` above."""
    path = Path(name).expanduser()
    if path.suffix in {".yaml", ".yml"}:
        return path.absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / "experiments" / "crm" / f"{name}.yaml"
        if file.is_file():
            return file
    where = f"the folder experiments/crm/ in {here}, or in a folder above it"
    raise ConfigError(f"there is no mapping {str(name)!r}", where=where, fix="name the mapping file; see docs/crm.md")


def check(mapping: str | Path, settings: Path | None, *, create: bool = False) -> list[FieldState]:
    """Return the state of a mapping's fields in the CRM."""
    fields = read_mapping(mapping_file(mapping))
    with connected(fields, read_settings(fields.system, os.environ, settings)) as connector:
        return connector.check_schema(create=create)


def pull(
    mapping: str | Path,
    settings: Path | None,
    folder: Path,
    *,
    now: dt.datetime,
    full: bool = False,
    progress: PullListener | None = None,
) -> list[Pulled]:
    """Update a folder of tables."""
    fields = read_mapping(mapping_file(mapping))
    with connected(fields, read_settings(fields.system, os.environ, settings)) as connector:
        return pull_tables(connector, fields, folder, started=now, full=full, progress=progress)


def push(
    mapping: str | Path,
    settings: Path | None,
    request: Push,
    *,
    now: dt.datetime,
    yes: bool = False,
    audit: Path | None = None,
    progress: Listener | None = None,
) -> tuple[Plan, Pushed | None]:
    """Return the plan of a push, and its outcomes if it was done; without ``yes`` no call is made."""
    file = mapping_file(mapping)
    fields = read_mapping(file)
    if fields.scores is None:
        raise ConfigError("the mapping has no scores", where=str(file), fix="add scores")
    table = request.scores if isinstance(request.scores, pd.DataFrame) else read_table(request.scores)
    day = parse_date(request.as_of, "--as-of") if request.as_of else None
    target = fields.scores.only(request.only) if request.only else fields.scores
    rows = score_rows(table, target, as_of=day, model_version=request.model_version, id=request.id)
    unknown = set(request.customers) - {row.customer for row in rows}
    if unknown:
        raise DataError(f"the scores have no customer {min(unknown)!r}", where="--customer")
    rows = [row for row in rows if not request.customers or row.customer in request.customers]
    with _audit(file, audit) as log:
        login = _login(fields, settings, log, needed=yes)
        planned = plan(rows, target, log, everything=request.everything)
        if not yes or login is None:
            return planned, None
        with connected(fields, login, automations=request.automations) as connector:
            return planned, push_rows(connector, planned, log, at=now, progress=progress)


def alerts(
    mapping: str | Path,
    settings: Path | None,
    table: Path | pd.DataFrame,
    *,
    now: dt.datetime,
    yes: bool = False,
    automations: bool = False,
    audit: Path | None = None,
    progress: Listener | None = None,
) -> pd.DataFrame:
    """Return the outcomes of alerts: ``key``, ``customer``, ``status``, ``id``, ``remark``.

    Without ``yes`` no call is made, and the status of alerts that are not in the audit is "new".
    """
    file = mapping_file(mapping)
    fields = read_mapping(file)
    if fields.alerts is None:
        raise ConfigError("the mapping has no alerts", where=str(file), fix="add alerts")
    rows = alert_rows(table if isinstance(table, pd.DataFrame) else alert_table(table), fields.alerts)
    with _audit(file, audit) as log:
        login = _login(fields, settings, log, needed=yes)
        if yes and login is not None:
            with connected(fields, login, automations=automations) as connector:
                return raise_alerts(connector, rows, log, at=now, progress=progress)
        known = log.raised()
        statuses = ["exists" if row.key in known else "new" for row in rows]
        remarks = [f"{row.customer}: {row.cause}, due {row.due}" for row in rows]
        outcomes = [
            (row.key, row.customer, status, "", remark)
            for row, status, remark in zip(rows, statuses, remarks, strict=True)
        ]
        return pd.DataFrame(outcomes, columns=["key", "customer", "status", "id", "remark"])


def alert_table(file: Path) -> pd.DataFrame:
    """Read alerts as text; an empty list, as early warning writes it without alerts, is valid."""
    if file.suffix.lower() == ".csv" and file.is_file():
        try:
            with file.open(encoding="utf-8-sig") as lines:
                delimiter = max(",;\t", key=next(lines, "").count)
            return pd.read_csv(file, sep=delimiter, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
            pass  # read_table explains the error
    return read_table(file)


@contextmanager
def _audit(mapping: Path, file: Path | None) -> Iterator[Audit]:
    folder = mapping.parent.parent if mapping.parent.name == "crm" else mapping.parent
    with database(file or folder / "runs" / "crm" / f"{mapping.stem}.db", SCHEMA) as connection:
        yield Audit(connection)


def _login(mapping: Mapping, file: Path | None, audit: Audit, *, needed: bool) -> Settings | None:
    """Return the settings, if known or needed; refuse an audit of another account before a call."""
    try:
        settings = read_settings(mapping.system, os.environ, file)
    except ConfigError:
        if needed:
            raise
        return None
    audit.keep_to(settings.account, whole=False)
    return settings
