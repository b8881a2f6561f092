"""State of a pull in SQLite: the last known records, and the cursor, which is stored in the same transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskml.crm.mapping import TableMap
from riskml.crm.sqlite import transaction
from riskml.io import replacing

_TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
SCHEMA = """
create table if not exists records (
    name text, id text, modified integer, pass integer, content text, primary key (name, id)) without rowid;
create table if not exists passes (
    name text primary key, number integer, phase text, started text, since text, cursor text,
    mark text, mapping text, dirty integer) without rowid;
"""
_EXPORTED = 20_000


@dataclass(frozen=True)
class Pass:
    """One pass over the records of a table."""

    number: int
    since: str  # ISO time of a pass over changes; empty for a full pass
    cursor: str  # where to resume; empty at the beginning
    phase: str

    @property
    def full(self) -> bool:
        """Whether all records are read."""
        return not self.since


class Store:
    """The records of a pull."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def begin(self, name: str, mapping: str, *, started: str, full: bool) -> Pass:
        """Return the current pass of a table, or begin the next: over changes after a full pass."""
        row = self._db.execute(
            "select number, phase, since, cursor, mark, mapping from passes where name = ?", [name]
        ).fetchone()
        number, phase, since, cursor, mark, before = row or (0, "done", "", "", "", mapping)
        if before != mapping:  # stored records lack the new columns
            phase, mark = "done", ""
        if phase != "done" and not (full and since):
            return Pass(number, since, cursor, phase)
        since = "" if full else mark
        with transaction(self._db):
            self._db.execute(
                "insert or replace into passes values (?, ?, 'records', ?, ?, '', ?, ?,"
                " coalesce((select dirty from passes where name = ?), 1))",
                [name, number + 1, started, since, mark, mapping, name],
            )
        return Pass(number + 1, since, "", "records")

    def take(
        self, name: str, current: Pass, rows: Iterable[tuple[str, int, Sequence[Any]]], gone: Sequence[str], cursor: str
    ) -> tuple[int, int]:
        """Store a page; return the number of new and changed records, and of deleted ones."""
        with transaction(self._db):
            before = self._db.total_changes
            records = [(name, id, modified, json.dumps(content, ensure_ascii=False)) for id, modified, content in rows]
            self._db.executemany(
                "insert into records values (?, ?, ?, 0, ?) on conflict (name, id) do update set"
                " modified = excluded.modified, content = excluded.content"
                " where excluded.modified >= modified and excluded.content is not content",
                records,
            )
            changed = self._db.total_changes - before
            self._seen(name, current.number, (id for _, id, _, _ in records))
            before = self._db.total_changes
            self._db.executemany("delete from records where name = ? and id = ?", [(name, id) for id in gone])
            went = self._db.total_changes - before
            self._go_on(name, "records", cursor, dirty=bool(changed or went))
        return changed, went

    def sweep(self, name: str, current: Pass, ids: Sequence[str], cursor: str) -> None:
        """Mark records as present."""
        with transaction(self._db):
            self._seen(name, current.number, ids)
            self._go_on(name, "sweep", cursor, dirty=False)

    def start_sweep(self, name: str) -> None:
        """Begin the second part of a pass, which reads only ids."""
        with transaction(self._db):
            self._go_on(name, "sweep", "", dirty=False)

    def finish(self, name: str, current: Pass, *, unseen_are_gone: bool, mark: str) -> int:
        """End a pass; return the number of records that were not seen in it and are deleted."""
        with transaction(self._db):
            went = 0
            if unseen_are_gone:
                went = self._db.execute(
                    "delete from records where name = ? and pass < ?", [name, current.number]
                ).rowcount
            self._db.execute(
                "update passes set phase = 'done', cursor = '', mark = ?, dirty = max(dirty, ?) where name = ?",
                [mark, int(went > 0), name],
            )
        return went

    def started(self, name: str) -> str:
        """Return when the current pass of a table began, in whichever run."""
        return str(self._db.execute("select started from passes where name = ?", [name]).fetchone()[0])

    def count(self, name: str) -> int:
        """Return the number of records of a table."""
        return int(self._db.execute("select count(*) from records where name = ?", [name]).fetchone()[0])

    def export(self, name: str, table: TableMap, file: Path) -> bool:
        """Write a table as Parquet, sorted by id, if it has changed; return whether it was written."""
        (dirty,) = self._db.execute("select dirty from passes where name = ?", [name]).fetchone()
        if not dirty and file.is_file():
            return False
        schema = pa.schema([(column, _TYPES[field.type]) for column, field in table.columns.items()])
        rows = self._db.execute("select content from records where name = ? order by id", [name])
        with replacing(file) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            temporary.chmod(0o600)
            while some := rows.fetchmany(_EXPORTED):
                values = list(zip(*(json.loads(content) for (content,) in some), strict=True))
                arrays = [_array(column, one.type) for column, one in zip(values, schema, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        with transaction(self._db):
            self._db.execute("update passes set dirty = 0 where name = ?", [name])
        return True

    def _seen(self, name: str, number: int, ids: Iterable[str]) -> None:
        self._db.executemany(
            "update records set pass = ? where name = ? and id = ?", [(number, name, id) for id in ids]
        )

    def _go_on(self, name: str, phase: str, cursor: str, *, dirty: bool) -> None:
        self._db.execute(
            "update passes set phase = ?, cursor = ?, dirty = max(dirty, ?) where name = ?",
            [phase, cursor, int(dirty), name],
        )


def _array(values: Sequence[Any], type: Any) -> Any:
    if pa.types.is_date32(type):
        return pa.array(values, pa.int32()).cast(type)
    if pa.types.is_timestamp(type):
        return pa.array(values, pa.int64()).cast(type)
    return pa.array(values, type)


def mapping_digest(table: TableMap, zone: str) -> str:
    """Return a digest that changes when stored records were read with another mapping."""
    spec: Mapping[str, Any] = table.model_dump(mode="json")
    return json.dumps([zone, spec], sort_keys=True, ensure_ascii=False)
