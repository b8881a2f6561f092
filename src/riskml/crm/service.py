"""What the command line and the notebook do with a CRM: open it, do one thing, and let go of it."""

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
from riskml.crm.connector import FieldState, Row
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


@dataclass(frozen=True)
class Push:
    """What is to be written.

    Parameters
    ----------
    scores : Path or DataFrame
        A table of scores; see ``riskml.crm.payload.score_rows``.
    as_of : str
        ISO date; empty where the table has it.
    only : sequence of str
        Parts of a score, such as ``tier``: the others are neither needed nor written. Empty for all.
    customers : sequence of str
        Ids: the others are left alone. Empty for all.
    """

    scores: Path | pd.DataFrame
    id: str = "customer"
    as_of: str = ""
    model_version: str = ""
    everything: bool = False
    automations: bool = False
    only: Sequence[str] = ()
    customers: Sequence[str] = ()


def mapping_file(name: str | Path) -> Path:
    """Return a mapping file, given as a path, or by name in the nearest ``experiments/crm/`` above.

    Raises
    ------
    ConfigError
        When there is none of this name.
    """
    path = Path(name).expanduser()
    if path.suffix in {".yaml", ".yml"}:
        return path.absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / "experiments" / "crm" / f"{name}.yaml"
        if file.is_file():
            return file
    raise ConfigError(
        f"there is no mapping {str(name)!r}",
        where=f"the folder experiments/crm/ in {here}, or in a folder above it",
        fix="name the mapping file itself; see docs/crm.md",
    )


def check(mapping: str | Path, settings: Path | None, *, create: bool = False) -> list[FieldState]:
    """Return the state of a mapping's fields in the CRM."""
    spec = read_mapping(mapping_file(mapping))
    with connected(spec, read_settings(spec.system, os.environ, settings)) as connector:
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
    """Bring a folder of tables up to date."""
    spec = read_mapping(mapping_file(mapping))
    with connected(spec, read_settings(spec.system, os.environ, settings)) as connector:
        return pull_tables(connector, spec, folder, started=now, full=full, progress=progress)


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
    """Return what a push would write, and what became of it where it was to be done; no call is made otherwise."""
    file = mapping_file(mapping)
    spec = read_mapping(file)
    if spec.scores is None:
        raise ConfigError("the mapping does not say where scores go", where=str(file), fix="add scores")
    table = request.scores if isinstance(request.scores, pd.DataFrame) else read_table(request.scores)
    day = _date(request.as_of) if request.as_of else None
    into = spec.scores.only(request.only) if request.only else spec.scores
    rows = _of(
        score_rows(table, into, as_of=day, model_version=request.model_version, id=request.id), request.customers
    )
    with _audit(file, audit) as kept:
        login = _login(spec, settings, kept, needed=yes)
        planned = plan(rows, into, kept, everything=request.everything)
        if not yes or login is None:
            return planned, None
        with connected(spec, login, automations=request.automations) as connector:
            return planned, push_rows(connector, planned, kept, at=now, progress=progress)


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
    """Return what became of alerts: ``key``, ``customer``, ``status``, ``id``, ``remark``.

    Where they are not to be raised, the status of those that are not known of yet is "new", and no call is made.
    """
    file = mapping_file(mapping)
    spec = read_mapping(file)
    if spec.alerts is None:
        raise ConfigError("the mapping does not say where alerts go", where=str(file), fix="add alerts")
    rows = alert_rows(table if isinstance(table, pd.DataFrame) else alert_table(table), spec.alerts)
    with _audit(file, audit) as kept:
        login = _login(spec, settings, kept, needed=yes)
        if not yes or login is None:
            known = kept.raised()
            status = ["exists" if alert.key in known else "new" for alert in rows]
            about = [f"{alert.customer}: {alert.cause}, due {alert.due}" for alert in rows]
            keys = [(alert.key, alert.customer) for alert in rows]
            outcomes = [(*key, state, "", one) for key, state, one in zip(keys, status, about, strict=True)]
            return pd.DataFrame(outcomes, columns=["key", "customer", "status", "id", "remark"])
        with connected(spec, login, automations=automations) as connector:
            return raise_alerts(connector, rows, kept, at=now, progress=progress)


def _of(rows: list[Row], customers: Sequence[str]) -> list[Row]:
    unknown = set(customers) - {row.customer for row in rows}
    if unknown:
        raise DataError(f"the scores have no customer {min(unknown)!r}", where="--customer")
    return [row for row in rows if not customers or row.customer in customers]


def alert_table(file: Path) -> pd.DataFrame:
    """Read alerts, all of it as text; a list without any, as early warning writes it on a good day, is no mistake."""
    if file.suffix.lower() == ".csv" and file.is_file():
        try:
            with file.open(encoding="utf-8-sig") as lines:
                delimiter = max(",;\t", key=next(lines, "").count)
            return pd.read_csv(file, sep=delimiter, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
            pass  # which reading as any table explains
    return read_table(file)


@contextmanager
def _audit(mapping: Path, file: Path | None) -> Iterator[Audit]:
    folder = mapping.parent.parent if mapping.parent.name == "crm" else mapping.parent
    with database(file or folder / "runs" / "crm" / f"{mapping.stem}.db", SCHEMA) as connection:
        yield Audit(connection)


def _login(mapping: Mapping, file: Path | None, audit: Audit, *, needed: bool) -> Settings | None:
    """Return how to log in, where it is known or needed; refuse an audit of another account before a call."""
    try:
        settings = read_settings(mapping.system, os.environ, file)
    except ConfigError:
        if needed:
            raise
        return None  # what would be written is shown without
    audit.keep_to(settings.account, whole=False)
    return settings


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"a date is written like 2024-07-01; got {text!r}", where="--as-of") from None
