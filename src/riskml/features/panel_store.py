"""A panel built and kept as Parquet: as-of date by as-of date, so that it can go on where it was stopped."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import pandas as pd

from riskml import __version__
from riskml.config.panel import BEHAVIOUR, PanelConfig
from riskml.data.sources.tables import Stored, check_columns, stored
from riskml.errors import DataError
from riskml.features.canonical import columns_read
from riskml.features.catalog import Catalog, catalog, own_features
from riskml.features.coverage import Coverage, coverage, drawn_on, identified_by, remarks, repeats
from riskml.features.custom import check_own
from riskml.features.labels import check_kinds
from riskml.features.panel import STATES, Book, Engine, day_number, day_of, features, judged
from riskml.io import read_json, replacing, write_json

_OF_LATER = ("event in the gap",)  # what is not known on the day itself
Listener = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Panel:
    """A panel on disk.

    Parameters
    ----------
    folder : Path
        One Parquet file for each as-of date.
    dates : DataFrame
        One row per as-of date: ``as_of``, ``customers``, a column for each state in which they are left out, ``kept``,
        ``events``, ``censored`` (whether the performance window runs past the data).
    remarks : DataFrame
        ``table``, ``finding``, ``records``.
    columns : DataFrame
        ``column``, ``table``, ``unit``, ``description``.
    coverage : Coverage
        Records by day, of each table.
    """

    folder: Path
    dates: pd.DataFrame
    remarks: pd.DataFrame
    columns: pd.DataFrame
    coverage: Coverage

    @property
    def files(self) -> list[Path]:
        """The Parquet files, by as-of date."""
        return sorted(self.folder.glob("as_of=*.parquet"))

    def described(self) -> dict[str, str]:
        """Return a line for each column, with its unit."""
        return {
            str(row["column"]): f"{row['description']} ({row['unit']})" if row["unit"] else str(row["description"])
            for row in self.columns.to_dict(orient="records")
        }

    def frame(self) -> pd.DataFrame:
        """Return all rows by date and customer: ``customer``, ``as_of``, the features, ``outcome``."""
        rows = pd.concat([pd.read_parquet(file) for file in self.files], ignore_index=True)
        rows["as_of"] = pd.to_datetime(rows["as_of"])
        return rows.sort_values(["as_of", "customer"], kind="stable", ignore_index=True)


def build(panel: PanelConfig, folder: Path, *, progress: Listener | None = None) -> Panel:
    """Build a panel, or go on with one that was stopped.

    Parameters
    ----------
    folder : Path
        Where the panel and copies of tables that are not Parquet are kept.
    progress : callable, optional
        Called with (as-of dates done, all of them, what comes next).

    Raises
    ------
    DataError
        When a table lacks a column, or no as-of date leaves a customer.
    ConfigError
        When the experiment's panel makes no sense.
    """
    tell = progress or (lambda done, all_of_them, what: None)
    dates = panel.dates()
    tell(0, len(dates), "tables")
    own = own_features(Path(panel.own)) if panel.own else ()
    listed = catalog(panel, own)
    tables = opened(panel, folder)
    _start(folder, _digest(panel, tables, listed))
    rest = [date for date in dates if not (folder / f"as_of={date}.json").is_file()]
    if not rest and (folder / "remarks.json").is_file():
        return _made(panel, folder, listed)
    with engine_of(panel, folder) as engine:
        book, held = book_of(panel, listed, tables, engine)
        check_own(book, own, dates[-1])
        check_kinds(panel, book.tables, engine)
        for date in rest:
            tell(dates.index(date), len(dates), str(date))
            _one_date(book, engine, date, folder)
        tell(len(dates), len(dates), "")
        with replacing(folder / "coverage.parquet") as temporary:
            held.to_frame().to_parquet(temporary)
        write_json(folder / "remarks.json", [*remarks(panel, held, book.until), *repeats(panel, tables)])
    return _made(panel, folder, listed)


def _made(panel: PanelConfig, folder: Path, listed: Catalog) -> Panel:
    rows = [read_json(folder / f"as_of={date}.json") for date in panel.dates()]
    notes = pd.DataFrame(read_json(folder / "remarks.json"), columns=["table", "finding", "records"])
    covered = Coverage.from_frame(pd.read_parquet(folder / "coverage.parquet"))
    made = Panel(folder, pd.DataFrame(rows), notes, pd.DataFrame(listed.descriptions()), covered)
    _refuse_nothing(made, panel)
    return made


def features_at(panel: PanelConfig, date: dt.date, folder: Path) -> pd.DataFrame:
    """Return the features of those who would be looked at on a day, whatever becomes of them: a book to score.

    Parameters
    ----------
    date : date
        The as-of date; later records do not count.
    folder : Path
        Where the panel, and copies of tables that are not Parquet, are kept.

    Returns
    -------
    DataFrame of shape (customers, columns)
        ``customer``, ``as_of``, the features.

    Raises
    ------
    DataError
        When nobody is left to look at.
    """
    listed = catalog(panel, own_features(Path(panel.own)) if panel.own else ())
    with engine_of(panel, folder) as engine:
        book, _ = book_of(panel, listed, opened(panel, folder), engine)
        as_of = day_number(date)
        kept = judged(book, as_of).filter(nw.col("state").is_in([STATES[0], *_OF_LATER])).select("customer")
        rows = engine.frame(features(book, as_of, kept).sort("customer"))
    if rows.empty:
        raise DataError("no customer is left to look at", where=str(date), fix="choose a day within the records")
    rows.insert(1, "as_of", pd.Timestamp(date))
    return rows


def opened(panel: PanelConfig, folder: Path) -> dict[str, Stored]:
    """Return the tables as Parquet files, their columns checked."""
    tables = {}
    for name, table in panel.tables.items():
        tables[name] = stored(table.source, folder / "tables", table=table.table, name=name)
        check_columns(tables[name], columns_read(table, panel), where=f"panel.tables.{name}")
    return tables


def engine_of(panel: PanelConfig, folder: Path) -> AbstractContextManager[Engine]:
    """Return the engine that an experiment asks for."""
    if panel.engine == "spark":
        from riskml.features.engines.spark import spark_engine

        return spark_engine(panel.memory)
    from riskml.features.engines.duckdb import duckdb_engine

    return duckdb_engine(folder / "spill", panel.memory)


def book_of(panel: PanelConfig, listed: Catalog, tables: dict[str, Stored], engine: Engine) -> tuple[Book, Coverage]:
    """Return tables in canonical form, and what they cover."""
    whole = all(
        tables[name].columns[table.customer or panel.customer] == "integer"
        for name, table in panel.tables.items()
        if table.role != "market"
    )
    read = {name: engine.read(table, panel, tables[name], whole=whole) for name, table in panel.tables.items()}
    held = coverage(panel, read, engine)
    until = drawn_on(panel, held)
    kept = {
        name: table.filter(~nw.col("day").is_null())
        if panel.tables[name].role == "market"
        else table.filter(~nw.col("day").is_null() & ~nw.col(identified_by(panel.tables[name])).is_null())
        for name, table in read.items()
    }
    return Book(panel, listed, kept, until), held


def _one_date(book: Book, engine: Engine, date: dt.date, folder: Path) -> None:
    as_of, outcome = day_number(date), book.panel.outcome
    file, record = folder / f"as_of={date}.parquet", folder / f"as_of={date}.json"
    censored = as_of + outcome.gap + outcome.days > book.until
    row: dict[str, object] = {"as_of": str(date), "customers": 0, **dict.fromkeys(STATES, 0), "events": 0}
    if not censored:
        with engine.holding(judged(book, as_of)) as told_apart:
            by_state = engine.frame(told_apart.group_by("state").agg(rows=nw.len(), events=nw.col("outcome").sum()))
            for state, rows, events in by_state.itertuples(index=False):
                row[state] = int(rows)
                if state == STATES[0]:
                    row["events"] = int(events)
            row["customers"] = int(by_state["rows"].sum())
            kept = told_apart.filter(nw.col("state") == STATES[0]).select("customer", "outcome")
            named = [column["column"] for column in book.catalog.descriptions()]
            if row[STATES[0]]:
                parts = [features(book.part(some), as_of, kept.filter(some)) for some in engine.parts(kept)]
                parts = parts or [features(book, as_of, kept)]
                dated = [part.with_columns(as_of=nw.lit(date)) for part in parts]
                engine.write([part.select("customer", "as_of", *named, "outcome") for part in dated], file)
    row["censored"] = censored
    write_json(record, row)  # last: what it tells of is whole


def _start(folder: Path, digest: str) -> None:
    """Remove what belongs to another panel."""
    mark = folder / "panel.json"
    if mark.is_file() and read_json(mark) == {"digest": digest}:
        return
    (folder / "remarks.json").unlink(missing_ok=True)
    for file in folder.glob("as_of=*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()  # Spark writes folders
    folder.mkdir(parents=True, exist_ok=True)
    write_json(mark, {"digest": digest})


def _digest(panel: PanelConfig, tables: dict[str, Stored], listed: Catalog) -> str:
    files = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for one in tables.values() for file in one.files]
    code = Path(panel.own).read_text(encoding="utf-8") if panel.own else ""
    # Another version may mean something else by the same words.
    made_by = [__version__, listed.descriptions()]
    content = json.dumps([panel.model_dump(mode="json"), files, code, made_by], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _refuse_nothing(made: Panel, panel: PanelConfig) -> None:
    dates = made.dates
    if dates["censored"].all():
        raise DataError(
            "the performance window runs past the data at every as-of date: no outcome is known",
            where="panel.as_of",
            fix=f"choose earlier as-of dates or a shorter window; the data end before "
            f"{day_of(drawn_on(panel, made.coverage))}",
        )
    if dates["customers"].sum() == 0:
        begins = min(made.coverage.first(name) for name in panel.of_role("attributes", *BEHAVIOUR))
        raise DataError(
            "no customer is left to look at: none is known on any as-of date",
            where="panel.as_of",
            fix=f"choose later as-of dates; the records begin on {day_of(begins)}",
        )
    if dates["kept"].sum() == 0:
        left = dates[list(STATES[1:])].sum()
        why = ", ".join(f"{count} {state}" for state, count in left.items() if count)
        raise DataError(f"no customer is left to look at: {why}", where="panel.population", fix="leave out fewer")
