"""Panel on disk: Parquet files by as-of date, so that an interrupted build can be resumed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import pandas as pd

from riskml import __version__
from riskml.config.panel import BEHAVIOUR, PanelConfig
from riskml.data.sources.tables import Stored, check_columns, stored
from riskml.errors import ConfigError, DataError
from riskml.features.canonical import columns_read
from riskml.features.catalog import Catalog, catalog, custom_features
from riskml.features.coverage import Coverage, coverage, extract_day, identified_by, remarks, repeats
from riskml.features.labels import check_kinds
from riskml.features.panel import STATES, Engine, PanelTables, day_number, day_of, eligibility, features, prepared
from riskml.features.window import Feature
from riskml.io import read_json, replacing, write_json

_UNKNOWN_YET = ("event in the gap",)  # states that are not known on the as-of date itself
Listener = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Panel:
    """A panel on disk."""

    folder: Path  # one Parquet file per as-of date
    # one row per as-of date: ``as_of``, ``customers``, their number by state, of which ``kept`` are eligible,
    # ``events``, ``censored`` (whether the performance window runs past the data)
    dates: pd.DataFrame
    remarks: pd.DataFrame  # ``table``, ``finding``, ``records``
    columns: pd.DataFrame  # ``column``, ``table``, ``unit``, ``description``
    coverage: Coverage  # records by day of each table

    @property
    def files(self) -> list[Path]:
        """The Parquet files, by as-of date."""
        return sorted(self.folder.glob("as_of=*.parquet"))

    def described(self) -> dict[str, str]:
        """Return the description of each column, with its unit."""
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
    """Build a panel, or resume an interrupted build.

    Parameters
    ----------
    folder : Path
        Folder of the panel and of cached tables that are not Parquet.
    progress : callable, optional
        Called with (as-of dates done, all as-of dates, next step).

    Raises
    ------
    DataError
        When a table lacks a column, or no customer is eligible on any as-of date.
    ConfigError
        When the experiment's panel is invalid.
    """
    report = progress or (lambda done, total, step: None)
    dates = panel.dates()
    report(0, len(dates), "tables")
    custom = custom_features(Path(panel.own)) if panel.own else ()
    listed = catalog(panel, custom)
    sources = opened(panel, folder)
    _start(folder, _digest(panel, sources, listed))
    rest = [date for date in dates if not (folder / f"as_of={date}.json").is_file()]
    if not rest and (folder / "remarks.json").is_file():
        return _panel(panel, folder, listed)
    with open_engine(panel, folder) as engine:
        tables, covered = panel_tables(panel, listed, sources, engine)
        check_custom_features(tables, custom, dates[-1])
        check_kinds(panel, tables.by_name, engine)
        for date in rest:
            report(dates.index(date), len(dates), str(date))
            _build_date(tables, engine, date, folder)
        report(len(dates), len(dates), "")
        with replacing(folder / "coverage.parquet") as temporary:
            covered.to_frame().to_parquet(temporary)
        write_json(folder / "remarks.json", [*remarks(panel, covered, tables.until), *repeats(panel, sources)])
    return _panel(panel, folder, listed)


def _panel(panel: PanelConfig, folder: Path, listed: Catalog) -> Panel:
    rows = [read_json(folder / f"as_of={date}.json") for date in panel.dates()]
    notes = pd.DataFrame(read_json(folder / "remarks.json"), columns=["table", "finding", "records"])
    coverage_by_day = Coverage.from_frame(pd.read_parquet(folder / "coverage.parquet"))
    built = Panel(folder, pd.DataFrame(rows), notes, pd.DataFrame(listed.descriptions()), coverage_by_day)
    _refuse_empty(built, panel)
    return built


def features_at(panel: PanelConfig, date: dt.date, folder: Path) -> pd.DataFrame:
    """Return the features of the customers who are eligible on a day: a portfolio to score.

    Parameters
    ----------
    date : date
        The as-of date; later records do not count.
    folder : Path
        Folder of the panel and of cached tables that are not Parquet.

    Returns
    -------
    DataFrame of shape (customers, columns)
        ``customer``, ``as_of``, the features.

    Raises
    ------
    DataError
        When no customer is eligible.
    """
    listed = catalog(panel, custom_features(Path(panel.own)) if panel.own else ())
    with open_engine(panel, folder) as engine:
        tables, _ = panel_tables(panel, listed, opened(panel, folder), engine)
        as_of = day_number(date)
        kept = eligibility(tables, as_of).filter(nw.col("state").is_in([STATES[0], *_UNKNOWN_YET])).select("customer")
        rows = engine.frame(features(tables, as_of, kept).sort("customer"))
    if rows.empty:
        raise DataError("no customer is eligible", where=str(date), fix="choose a day within the records")
    rows.insert(1, "as_of", pd.Timestamp(date))
    return rows


def opened(panel: PanelConfig, folder: Path) -> dict[str, Stored]:
    """Return the tables as Parquet files with checked columns."""
    tables = {}
    for name, table in panel.tables.items():
        tables[name] = stored(table.source, folder / "tables", table=table.table, name=name)
        check_columns(tables[name], columns_read(table, panel), where=f"panel.tables.{name}")
    return tables


def open_engine(panel: PanelConfig, folder: Path) -> AbstractContextManager[Engine]:
    """Open the engine of an experiment."""
    if panel.engine == "spark":
        from riskml.features.engines.spark import spark_engine

        return spark_engine(panel.memory)
    from riskml.features.engines.duckdb import duckdb_engine

    return duckdb_engine(folder / "spill", panel.memory)


def panel_tables(
    panel: PanelConfig, listed: Catalog, tables: dict[str, Stored], engine: Engine
) -> tuple[PanelTables, Coverage]:
    """Return tables in canonical form, and their coverage."""
    integer_ids = all(
        tables[name].columns[table.customer or panel.customer] == "integer"
        for name, table in panel.tables.items()
        if table.role != "market"
    )
    canonical = {}
    for name, table in panel.tables.items():
        canonical[name] = engine.read(table, panel, tables[name], integer_ids=integer_ids)
    covered = coverage(panel, canonical, engine)
    until = extract_day(panel, covered)
    complete = {}
    for name, records in canonical.items():
        complete[name] = records.filter(~nw.col("day").is_null())
        if panel.tables[name].role != "market":
            complete[name] = complete[name].filter(~nw.col(identified_by(panel.tables[name])).is_null())
    return PanelTables(panel, listed, complete, until), covered


def _build_date(tables: PanelTables, engine: Engine, date: dt.date, folder: Path) -> None:
    as_of, outcome = day_number(date), tables.panel.outcome
    file, record = folder / f"as_of={date}.parquet", folder / f"as_of={date}.json"
    censored = as_of + outcome.gap + outcome.days > tables.until
    row: dict[str, object] = {"as_of": str(date), "customers": 0, **dict.fromkeys(STATES, 0), "events": 0}
    if not censored:
        with engine.holding(eligibility(tables, as_of)) as states:
            by_state = engine.frame(states.group_by("state").agg(rows=nw.len(), events=nw.col("outcome").sum()))
            for state, rows, events in by_state.itertuples(index=False):
                row[state] = int(rows)
                if state == STATES[0]:
                    row["events"] = int(events)
            row["customers"] = int(by_state["rows"].sum())
            kept = states.filter(nw.col("state") == STATES[0]).select("customer", "outcome")
            names = [column["column"] for column in tables.catalog.descriptions()]
            if row[STATES[0]]:
                parts = [features(tables.part(some), as_of, kept.filter(some)) for some in engine.parts(kept)]
                parts = parts or [features(tables, as_of, kept)]
                dated = [part.with_columns(as_of=nw.lit(date)) for part in parts]
                engine.write([part.select("customer", "as_of", *names, "outcome") for part in dated], file)
    row["censored"] = censored
    write_json(record, row)  # last: it marks the date as complete


def _start(folder: Path, digest: str) -> None:
    """Remove the files of another panel."""
    marker = folder / "panel.json"
    if marker.is_file() and read_json(marker) == {"digest": digest}:
        return
    (folder / "remarks.json").unlink(missing_ok=True)
    for file in folder.glob("as_of=*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()  # Spark writes folders
    folder.mkdir(parents=True, exist_ok=True)
    write_json(marker, {"digest": digest})


def _digest(panel: PanelConfig, tables: dict[str, Stored], listed: Catalog) -> str:
    files = [
        [str(file), file.stat().st_size, file.stat().st_mtime_ns] for table in tables.values() for file in table.files
    ]
    code = Path(panel.own).read_text(encoding="utf-8") if panel.own else ""
    # Another version may define the same features differently.
    made_by = [__version__, listed.descriptions()]
    content = json.dumps([panel.model_dump(mode="json"), files, code, made_by], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _refuse_empty(built: Panel, panel: PanelConfig) -> None:
    dates = built.dates
    if dates["censored"].all():
        raise DataError(
            "the performance window runs past the data at every as-of date: no outcome is known",
            where="panel.as_of",
            fix="choose earlier as-of dates or a shorter window; the data end before "
            f"{day_of(extract_day(panel, built.coverage))}",
        )
    if dates["customers"].sum() == 0:
        begins = min(built.coverage.first(name) for name in panel.of_role("attributes", *BEHAVIOUR))
        raise DataError(
            "no customer is eligible: none is known on any as-of date",
            where="panel.as_of",
            fix=f"choose later as-of dates; the records begin on {day_of(begins)}",
        )
    if dates["kept"].sum() == 0:
        left = dates[list(STATES[1:])].sum()
        why = ", ".join(f"{count} {state}" for state, count in left.items() if count)
        raise DataError(f"no customer is eligible: {why}", where="panel.population", fix="exclude fewer customers")


def check_custom_features(tables: PanelTables, custom: Sequence[tuple[str, Feature]], date: dt.date) -> None:
    """Refuse a feature that cannot be computed from its table's records, or is not a number."""
    as_of = day_number(date)
    for name, feature in custom:
        records = prepared(tables, name, as_of)
        schema, where = records.collect_schema(), f"panel.own: {feature.name}"
        key = "by" if "by" in schema else "customer"
        for column in [column for column in tables.catalog.of(name) if column.feature is feature]:
            try:
                kind = records.group_by(key).agg(column.expression(as_of)).collect_schema()[column.name]
            except Exception as error:
                lines, columns = str(error).strip().splitlines() or [""], ", ".join(schema.names())
                raise ConfigError(
                    f"the feature cannot be computed: {type(error).__name__}: {lines[0]}",
                    where=where,
                    fix=f"return an aggregate, such as orders['amount'].sum(); {name} has the columns {columns}",
                ) from None
            if not (kind.is_numeric() or kind == nw.Boolean):
                raise ConfigError(f"the feature gives {kind}, not a number", where=where)
