"""Pull of a CRM's records as Parquet tables: a full pull first, then changes; it can be resumed at any point."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskml.crm.connector import Connector, Page
from riskml.crm.mapping import Mapping as CrmMapping
from riskml.crm.mapping import TableMap, canonical
from riskml.crm.pull_state import SCHEMA, Pass, Store, mapping_digest
from riskml.crm.sqlite import database, keep_to

STATE = ".crm/records.db"
Listener = Callable[[str, int], None]


@dataclass(frozen=True)
class Pulled:
    """The result of a pull for one table."""

    table: str
    full: bool  # whether all records were read, or only changes
    records: int  # in the table now
    changed: int  # new and changed records
    gone: int
    unreadable: Mapping[str, int]  # number of values, by column, that do not have its type and are empty
    file: Path


def pull(
    connector: Connector,
    mapping: CrmMapping,
    folder: Path,
    *,
    started: dt.datetime,
    full: bool = False,
    progress: Listener | None = None,
) -> list[Pulled]:
    """Update the tables of a folder.

    Parameters
    ----------
    folder : Path
        Folder of ``<table>.parquet``, which an experiment's panel reads, with the state of the pull in ``.crm/``.
    started : datetime
        Current time, with a zone.
    full : bool
        Read all records again, as the first pull does.
    progress : callable, optional
        Called with a table's name and the number of its records read so far.

    Raises
    ------
    CrmError
        When the system refuses a call or does not answer; the next pull resumes.
    InputError
        When another pull uses the folder, or it belongs to another account.
    """
    with database(folder / STATE, SCHEMA) as connection:
        keep_to(connection, connector.account)
        store = Store(connection)
        return [
            _table(connector, mapping, name, store, folder, started, full, progress or (lambda table, read: None))
            for name in mapping.tables
        ]


def _table(
    connector: Connector,
    mapping: CrmMapping,
    name: str,
    store: Store,
    folder: Path,
    started: dt.datetime,
    full: bool,
    report: Listener,
) -> Pulled:
    table = mapping.tables[name]
    current = store.begin(name, mapping_digest(table, mapping.timezone), started=started.isoformat(), full=full)
    changed = gone = read = 0
    unreadable: Counter[str] = Counter()
    since = dt.datetime.fromisoformat(current.since) if current.since else None
    if current.phase == "records":
        for page in connector.iter_records(table.object, table.fields, since, current.cursor):
            rows = list(_rows(page, table, mapping.timezone, unreadable))
            one, other = store.take(name, current, rows, page.gone, page.cursor)
            changed, gone, read = changed + one, gone + other, read + len(rows)
            report(name, read)
    sweeps = not current.full and not connector.tells_gone
    if sweeps:
        _sweep(connector, table, name, store, current)
    begun = dt.datetime.fromisoformat(store.started(name))
    mark = (begun - dt.timedelta(minutes=mapping.overlap_minutes)).isoformat()
    gone += store.finish(name, current, unseen_are_gone=current.full or sweeps, mark=mark)
    file = folder / f"{name}.parquet"
    store.export(name, table, file)
    return Pulled(name, current.full, store.count(name), changed, gone, dict(unreadable), file)


def _rows(page: Page, table: TableMap, zone: str, unreadable: Counter[str]) -> Iterator[tuple[str, int, Sequence[Any]]]:
    columns = [(name, column.field, column.type) for name, column in table.columns.items()]
    for record in page.records:
        values = []
        for name, field, type in columns:
            try:
                values.append(canonical(record.values.get(field), type, zone))
            except (ValueError, TypeError, AttributeError, OverflowError):
                unreadable[name] += 1
                values.append(None)
        yield record.id, record.modified, values


def _sweep(connector: Connector, table: TableMap, name: str, store: Store, current: Pass) -> None:
    """Read the ids of all records, for a system that does not list deleted ones."""
    cursor = current.cursor if current.phase == "sweep" else ""
    if not cursor:
        store.start_sweep(name)
    for page in connector.iter_records(table.object, (), None, cursor):
        store.sweep(name, current, [record.id for record in page.records], page.cursor)
