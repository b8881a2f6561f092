"""A folder of CSV files as a CRM: for systems that export files, and the shortest adapter to learn from."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.crm.connector import Alert, FieldState, Outcome, Page, Raised, Record, Row
from riskml.crm.mapping import Mapping as CrmMapping
from riskml.crm.mapping import TableMap, microseconds
from riskml.crm.settings import CsvSettings
from riskml.errors import DataError
from riskml.io import replacing
from riskml.runtime.batch import harmless

_PAGE = 2_000
csv.field_size_limit(10_000_000)


class CsvFolder:
    """Tables are ``<object>.csv``; scores go to ``scores.csv``, alerts to ``alerts.csv``."""

    name, batch, tells_gone = "csv", 100_000, False

    def __init__(self, settings: CsvSettings, mapping: CrmMapping) -> None:
        self._folder, self._mapping, self.account = settings.folder, mapping, settings.account
        self._out = settings.out or settings.folder / "risk"
        self._tables = {table.object: table for table in mapping.tables.values()}

    def check_schema(self, *, create: bool = False) -> list[FieldState]:
        """Return which columns of the mapping the files have."""
        states = []
        for object, table in self._tables.items():
            file = self._folder / f"{object}.csv"
            header = next(self._lines(file), []) if file.is_file() else []
            for field in dict.fromkeys([*table.fields, *filter(None, [table.id, table.modified])]):
                there = field in header
                states.append(FieldState(object, field, "present" if there else "missing", "" if there else str(file)))
        return states

    def iter_records(
        self, object: str, fields: Sequence[str], since: dt.datetime | None = None, cursor: str = ""
    ) -> Iterator[Page]:
        """Yield the rows of a file; of a mapping with ``modified``, those modified since a time."""
        table, start = self._tables[object], int(cursor or 0)
        after = int(since.timestamp() * 1_000_000) if since else 0
        records: list[Record] = []
        number = 0
        for number, row in enumerate(self._dicts(object, table), 1):
            if number > start:
                modified = self._modified(row, table)
                if not table.modified or modified >= after:
                    records.append(Record(row[table.id or ""], modified, row))
            if len(records) == _PAGE:
                yield Page(records, str(number))
                records = []
        yield Page(records, str(number))

    def write_scores(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write or replace the rows of customers in ``scores.csv``."""
        self._put("scores.csv", "customer", {row.customer: row.values for row in rows})
        return [Outcome(row.customer, "written") for row in rows]

    def raise_alert(self, alert: Alert) -> Raised:
        """Add an alert to ``alerts.csv``, unless its key is there."""
        content = {name: value for name, value in vars(alert).items() if name != "key"}
        new = self._put("alerts.csv", "key", {alert.key: content}, replace=False)
        return Raised("created" if new else "exists", alert.key)

    def close(self) -> None:
        """Do nothing: no file is kept open."""

    def _put(self, name: str, key: str, rows: Mapping[str, Mapping[str, Any]], *, replace: bool = True) -> int:
        """Put rows into a file by their key; return how many are new."""
        table = pd.DataFrame([{key: id, **row} for id, row in rows.items()], dtype=object).map(_cell_text)
        new = harmless(table).set_index(key)  # no cell is a formula to a spreadsheet
        file = self._out / name
        before = new.iloc[:0]
        if file.is_file():
            before = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig").set_index(key)
        added = len(new.index.difference(before.index))
        if replace or added:
            first, then = (new, before) if replace else (before, new)
            kept = pd.concat([first, then[~then.index.isin(first.index)]])
            with replacing(file) as temporary:
                kept.to_csv(temporary, encoding="utf-8-sig", lineterminator="\n")
        return added

    def _modified(self, row: Mapping[str, str], table: TableMap) -> int:
        value = row.get(table.modified or "")
        return microseconds(value, self._mapping.timezone) if value else 0

    def _dicts(self, object: str, table: TableMap) -> Iterator[dict[str, str]]:
        file = self._folder / f"{object}.csv"
        if not file.is_file():
            raise DataError("the file does not exist", where=str(file), fix="export it, or correct the mapping")
        lines = self._lines(file)
        header = next(lines, [])
        if table.id not in header:
            raise DataError(f"there is no column {table.id!r} to number the records", where=str(file))
        for number, line in enumerate(lines, 2):
            row = dict(zip(header, line, strict=False))
            if not row.get(table.id):
                raise DataError(f"a row has no {table.id!r}", where=f"{file}, row {number}", fix="number the records")
            yield row

    def _lines(self, file: Path) -> Iterator[list[str]]:
        try:
            with file.open(encoding=self._mapping.encoding, newline="") as lines:
                yield from csv.reader(lines)
        except UnicodeDecodeError:
            raise DataError(
                f"the file is not in {self._mapping.encoding}", where=str(file), fix="set encoding, such as gb18030"
            ) from None


def _cell_text(value: Any) -> str:
    return "" if value is None else str(value)
