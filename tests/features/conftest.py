"""Tiny tables of dated records, written out in the tests, and the panel's row that comes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from riskml.config.panel import PanelConfig
from riskml.data.sources.tables import stored
from riskml.features.catalog import catalog
from riskml.features.engines.duckdb import DuckDB, duckdb_engine
from riskml.features.panel import PanelTables, day_number, eligibility, features
from riskml.features.panel_store import panel_tables

DAYS = ("day", "recorded", "due", "paid", "closed", "since")

# What a table of each role says beside its source: every column that it may have.
TABLES: dict[str, dict[str, Any]] = {
    "purchases": {"amount": "amount", "kind": "kind"},
    "invoices": {"due": "due", "amount": "amount", "invoice": "invoice"},
    "payments": {"invoice": "invoice", "amount": "amount"},
    "balances": {
        "balance": "balance", "limit": "limit", "inflow": "inflow", "outflow": "outflow", "debt_service": "service",
    },
    "service": {"kind": "kind", "closed": "closed", "escalated": "escalated"},
    "contacts": {"kind": "kind", "answered": "answered"},
    "activity": {"amount": "amount"},
    "bureau": {"score": "score"},
    "attributes": {},
    "market": {"by": "industry", "value": "index"},
    "statuses": {"kind": "kind"},
}  # fmt: skip


def records(columns: str, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return a table: the columns' names in one line, and a tuple for each record."""
    frame = pd.DataFrame(rows, columns=columns.split())
    if "customer" in frame and frame["customer"].isna().any():  # pandas would make numbers with a gap fractions
        frame["customer"] = frame["customer"].astype("Int64")
    for name in frame.columns.intersection(DAYS):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601").astype("datetime64[us]")
    return frame


def config(folder: Path, tables: Mapping[str, Any], **said: Any) -> PanelConfig:
    """Write tables as Parquet and return a panel of them.

    A table is (role, the columns' names in one line, a list of tuples) and a dict where it says more than its columns.
    """
    listed: dict[str, Any] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (role, columns, rows, *more) in tables.items():
        frame = records(columns, rows)
        file = folder / f"{name}.parquet"
        frame.to_parquet(file)
        own = {key: column for key, column in TABLES[role].items() if column in frame.columns}
        known = {"recorded": "recorded"} if "recorded" in frame.columns else {}
        listed[name] = {"role": role, "source": str(file), "time": "day", **own, **known, **(more[0] if more else {})}
    if "outcome" not in said:
        file = folder / "ended.parquet"
        records("customer day kind", [(0, "2029-12-31", "ended")]).to_parquet(file)
        listed["ended"] = {"role": "statuses", "source": str(file), "time": "day", "kind": "kind"}
        said["outcome"] = {"rule": "status", "table": "ended", "values": ["ended"]}
    return PanelConfig.model_validate({"as_of": ["2021-07-01"], "windows": [30, 90], "tables": listed, **said})


@pytest.fixture(scope="session")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    with duckdb_engine(tmp_path_factory.mktemp("spill"), "500MB") as engine:
        yield engine


def book(panel: PanelConfig, folder: Path, engine: DuckDB) -> PanelTables:
    """Return a panel's tables in canonical form."""
    tables = {
        name: stored(table.source, folder / "copies", table=table.table, name=name)
        for name, table in panel.tables.items()
    }
    return panel_tables(panel, catalog(panel), tables, engine)[0]


Rows = Callable[..., pd.DataFrame]


@pytest.fixture
def panel_of(tmp_path: Path) -> Callable[..., PanelConfig]:
    """Return what writes tables and makes a panel of them: as `config`."""
    return partial(config, tmp_path)


@pytest.fixture
def looked_at(tmp_path: Path, duck: DuckDB) -> Rows:
    """Return the features of everyone known on an as-of date, by customer: tables as for `config`."""

    def rows(tables: Mapping[str, Any], as_of: str = "2021-07-01", **said: Any) -> pd.DataFrame:
        panel = config(tmp_path, tables, **said)
        on = day_number(dt.date.fromisoformat(as_of))
        return duck.frame(features(book(panel, tmp_path, duck), on)).set_index("customer").sort_index()

    return rows


@pytest.fixture
def judged_on(tmp_path: Path, duck: DuckDB) -> Rows:
    """Return ``state`` and ``outcome`` of everyone known on an as-of date, by customer."""

    def rows(tables: Mapping[str, Any], outcome: Mapping[str, Any], as_of: str = "2021-07-01", **said: Any) -> Any:
        panel = config(tmp_path, tables, outcome=outcome, **said)
        on = day_number(dt.date.fromisoformat(as_of))
        return duck.frame(eligibility(book(panel, tmp_path, duck), on)).set_index("customer").sort_index()

    return rows
