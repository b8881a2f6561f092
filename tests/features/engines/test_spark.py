"""Spark and DuckDB make the same panel of the same tables: every value, null, state and outcome."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from riskml.config.panel import OutcomeConfig, PanelConfig, PopulationConfig
from riskml.data.sources.tables import Stored
from riskml.features.catalog import catalog
from riskml.features.engines.duckdb import duckdb_engine
from riskml.features.engines.spark import spark_engine
from riskml.features.panel import STATES, Engine, PanelTables, day_number, eligibility
from riskml.features.panel_store import Panel, _start, build, opened, panel_tables

AS_OF = dt.date(2024, 7, 1)
FIRST, DAYS, CUSTOMERS = dt.date(2023, 9, 1), 450, 40
OWN = """
from riskml.features.window import feature


@feature("orders", unit="share", description="share of spending of {days} days that went into tea")
def tea(orders):
    return orders.where(orders.column("kind") == "tea", "amount").sum() / orders["amount"].sum()


@feature("orders", unit="money", description="spread of purchases of {days} days")
def spread(orders):
    return orders["amount"].std()
"""
RULES = {
    "no_purchase": OutcomeConfig(rule="no_purchase", table="orders", days=30),
    "spending_fall": OutcomeConfig(rule="spending_fall", table="orders", days=60, fall=0.3),
    "days_past_due": OutcomeConfig(rule="days_past_due", table="bills", days=90, gap=10, over=30),
    "unpaid_amount": OutcomeConfig(rule="unpaid_amount", table="bills", days=90, over=40),
    "status": OutcomeConfig(rule="status", table="states", days=90, gap=45, values=("default", "bankrupt")),
    "cancellation": OutcomeConfig(rule="cancellation", table="states", days=90, values=("cancelled",)),
}


def _days(draw: np.random.Generator, rows: int) -> list[dt.date]:
    return [FIRST + dt.timedelta(days=int(day)) for day in draw.integers(0, DAYS, rows)]


def _stamps(draw: np.random.Generator, days: list[dt.date]) -> pd.Series:
    return pd.to_datetime(pd.Series(days)) + pd.to_timedelta(draw.integers(0, 86_400, len(days)), unit="s")


def _some(draw: np.random.Generator, values: Any, share: float = 0.1) -> pd.Series:
    """Return values, a share of which is missing."""
    return pd.Series(values).mask(draw.random(len(values)) < share)


def _customers(draw: np.random.Generator, rows: int) -> pd.Series:
    return pd.Series(draw.integers(1, CUSTOMERS + 1, rows), dtype="Int64")


def tables() -> dict[str, pd.DataFrame]:
    """Return a book with a table of every role, with gaps, late records, duplicates by key, dates and stamps."""
    draw = np.random.default_rng(4)
    made: dict[str, pd.DataFrame] = {}
    rows = 500
    time = _stamps(draw, _days(draw, rows))
    orders = pd.DataFrame(
        {
            "customer": _some(draw, _customers(draw, rows), 0.02),
            "at": time.dt.tz_localize("UTC"),
            "seen": _some(draw, time + pd.to_timedelta(draw.integers(0, 40, rows), unit="D"), 0.5).dt.tz_localize(
                "UTC"
            ),
            "number": np.arange(rows),
            "amount": _some(draw, draw.gamma(2.0, 20.0, rows).round(2), 0.03),
            "kind": _some(draw, draw.choice(["tea", "rice", "oil"], rows)),
        }
    )
    # The same numbers again, sent later with other amounts, some without a time.
    again = orders.sample(60, random_state=1).assign(amount=1.5)
    again["at"] = again["at"].mask(draw.random(60) < 0.3)
    made["orders"] = pd.concat([orders, again, again.head(9).assign(number=pd.NA)], ignore_index=True)

    rows = 240
    issued = _days(draw, rows)
    made["bills"] = pd.DataFrame(
        {
            "customer": _customers(draw, rows),
            "issued": issued,
            "due": _some(
                draw,
                [day + dt.timedelta(days=int(n)) for day, n in zip(issued, draw.integers(5, 40, rows), strict=True)],
                0.03,
            ),
            "bill": np.arange(rows),
            "amount": draw.gamma(2.0, 30.0, rows).round(2),
        }
    )
    paid = made["bills"].sample(210, random_state=2)
    halves = pd.concat([paid.assign(part=0.6), paid.sample(140, random_state=3).assign(part=0.4)], ignore_index=True)
    late = draw.integers(0, 50, len(halves))
    made["paid"] = pd.DataFrame(
        {
            "customer": halves["customer"],
            "day": [day + dt.timedelta(days=int(n)) for day, n in zip(halves["issued"], late, strict=True)],
            "bill": halves["bill"],
            "amount": (halves["amount"] * halves["part"]).round(2),
        }
    )
    rows = 300
    made["accounts"] = pd.DataFrame(
        {
            "customer": _customers(draw, rows),
            "day": _days(draw, rows),
            "balance": _some(draw, draw.normal(500, 300, rows).round(2)),
            "limit": draw.choice([0, 500, 1000], rows),
            "inflow": draw.gamma(2.0, 50.0, rows),
            "outflow": draw.choice([0.0, 40.0, 90.0], rows),
            "debt": draw.gamma(2.0, 5.0, rows),
        }
    )
    opened_at = _stamps(draw, _days(draw, rows))
    made["tickets"] = pd.DataFrame(
        {
            "customer": _customers(draw, rows),
            "opened": opened_at,
            "closed": _some(draw, opened_at + pd.to_timedelta(draw.integers(0, 60, rows), unit="D"), 0.2),
            "kind": _some(draw, draw.choice(["complaint", "question"], rows)),
            "escalated": _some(draw, pd.Series(draw.random(rows) < 0.2, dtype="boolean")),
        }
    )
    made["calls"] = pd.DataFrame(
        {
            "customer": _customers(draw, rows),
            "at": _stamps(draw, _days(draw, rows)),
            "answered": draw.integers(0, 2, rows),
        }
    )
    made["logins"] = pd.DataFrame(
        {
            "customer": _customers(draw, rows),
            "at": _stamps(draw, _days(draw, rows)),
            "minutes": draw.gamma(2.0, 4.0, rows),
        }
    )
    made["pulls"] = pd.DataFrame(
        {"customer": _customers(draw, rows), "day": _days(draw, rows), "score": draw.integers(300, 850, rows)}
    )
    rows = 90
    made["people"] = pd.DataFrame(
        {
            "customer": [*range(1, 46), *draw.integers(1, 46, rows - 45)],
            "since": [FIRST] * 42 + [dt.date(2024, 6, 20)] * 3 + _days(draw, rows - 45),
            "industry": _some(draw, draw.choice(["steel", "farms", "ships"], rows)),
            "staff": _some(draw, pd.Series(draw.integers(1, 500, rows), dtype="Int64")),
            "listed": draw.random(rows) < 0.3,
        }
    )
    walk = np.exp(draw.normal(0, 0.02, (DAYS, 2)).cumsum(axis=0)) * 100
    made["indices"] = pd.DataFrame(
        {
            "industry": np.repeat(["steel", "farms"], DAYS),
            "day": [FIRST + dt.timedelta(days=n) for n in range(DAYS)] * 2,
            "level": _some(draw, walk.T.ravel(), 0.05),
        }
    )
    rows = 80
    made["states"] = pd.DataFrame(
        {
            "customer": _customers(draw, rows),
            "day": _days(draw, rows),
            "kind": draw.choice(["good", "default", "bankrupt", "cancelled"], rows, p=[0.3, 0.3, 0.1, 0.3]),
        }
    )
    return made


def panel(folder: Path, **said: Any) -> PanelConfig:
    """Return a panel over all the tables."""
    described = {
        "orders": {
            "role": "purchases", "time": "at", "recorded": "seen", "key": "number", "amount": "amount", "kind": "kind",
        },
        "bills": {"role": "invoices", "time": "issued", "due": "due", "amount": "amount", "invoice": "bill"},
        "paid": {"role": "payments", "time": "day", "invoice": "bill", "amount": "amount"},
        "accounts": {
            "role": "balances", "time": "day", "balance": "balance", "limit": "limit", "inflow": "inflow",
            "outflow": "outflow", "debt_service": "debt",
        },
        "tickets": {"role": "service", "time": "opened", "closed": "closed", "kind": "kind", "escalated": "escalated"},
        "calls": {"role": "contacts", "time": "at", "answered": "answered"},
        "logins": {"role": "activity", "time": "at", "amount": "minutes"},
        "pulls": {"role": "bureau", "time": "day", "score": "score"},
        "people": {"role": "attributes", "time": "since", "columns": ["industry", "staff", "listed"]},
        "indices": {"role": "market", "time": "day", "by": "industry", "value": "level"},
        "states": {"role": "statuses", "time": "day", "kind": "kind"},
    }  # fmt: skip
    sources = {name: table | {"source": str(folder / f"{name}.parquet")} for name, table in described.items()}
    defaults = {
        "as_of": [AS_OF],
        "windows": [60, 180],
        "outcome": RULES["status"],
        "population": PopulationConfig(min_history_days=20, active_days=120, gone=("bankrupt",)),
        "until": dt.date(2024, 11, 20),
        "timezone": "Asia/Shanghai",
        "own": str(folder / "own.py"),
    }
    return PanelConfig.model_validate({"tables": sources, **defaults, **said})


@dataclass(frozen=True)
class Opened:
    """The same tables, opened by both engines."""

    panel: PanelConfig
    books: dict[str, PanelTables]
    engines: dict[str, Engine]
    folder: Path

    def states(self, engine: str, rule: OutcomeConfig) -> pd.DataFrame:
        """Return states and outcomes by customer."""
        book = self.books[engine]
        asked = PanelTables(book.panel.model_copy(update={"outcome": rule}), book.catalog, book.by_name, book.until)
        found = self.engines[engine].frame(eligibility(asked, day_number(AS_OF)))
        return found.sort_values("customer", ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    (folder / "own.py").write_text(OWN)
    for name, table in tables().items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def both(folder: Path, spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    asked = panel(folder)
    home = tmp_path_factory.mktemp("opened")
    listed, stored = catalog(asked), opened(asked, home)
    with duckdb_engine(home / "spill", "1GB") as duck, spark_engine() as other:
        engines: dict[str, Engine] = {"duckdb": duck, "spark": other}
        books = {name: panel_tables(asked, listed, stored, engine)[0] for name, engine in engines.items()}
        yield Opened(asked, books, engines, home)


@pytest.fixture(scope="module")
def panels(folder: Path, spark: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Panel]:
    home = tmp_path_factory.mktemp("panels")
    return {engine: build(panel(folder, engine=engine), home / engine) for engine in ("duckdb", "spark")}


def test_every_feature_of_every_role_has_the_same_value_and_the_same_nulls(panels: dict[str, Panel]):
    one, other = panels["duckdb"].frame(), panels["spark"].frame()
    assert len(one) > 10
    assert_frame_equal(one, other, check_dtype=False, rtol=1e-9, atol=1e-12)


def test_the_features_compared_are_those_of_all_roles_and_of_ones_own(panels: dict[str, Panel]):
    assert set(panels["spark"].columns["table"]) == {
        "orders", "bills", "accounts", "tickets", "calls", "logins", "pulls", "attributes", "indices",
    }  # fmt: skip
    assert {"orders_tea_60d", "orders_spread_180d"} <= set(panels["spark"].columns["column"])


def test_the_story_of_the_tables_is_the_same(panels: dict[str, Panel]):
    assert_frame_equal(panels["duckdb"].dates, panels["spark"].dates)
    assert_frame_equal(panels["duckdb"].remarks, panels["spark"].remarks)
    assert len(panels["spark"].remarks) > 3


@pytest.mark.parametrize("rule", RULES)
def test_states_and_outcomes_are_the_same_by_every_rule(both: Opened, rule: str):
    one, other = both.states("duckdb", RULES[rule]), both.states("spark", RULES[rule])
    assert one["outcome"].nunique() == 2
    assert_frame_equal(one, other, check_dtype=False)


@pytest.fixture
def odd(tmp_path: Path) -> Stored:
    """Return a table of files that differ: in types, in columns, in the folder that says the kind."""
    nano = np.array(["2024-03-05T23:30:00.000000001", "1969-12-31T12:00:00.000000001", "NaT"], dtype="datetime64[ns]")
    whole = np.array(["2024-03-05T23:30:00", "2024-05-01T00:00:00", "2024-05-02T01:02:03"], dtype="datetime64[us]")
    first = {
        "who": pa.array([1, 2, None]),
        "at": pa.array(nano),
        "amount": pa.array([1, 2, 3]),
        "id": pa.array([1, 1, 2]),
    }
    other = {"who": pa.array(["1", "x", "2"]), "at": pa.array(whole), "id": pa.array([None, 2, 3], pa.int32())}
    files = (tmp_path / "kind=a b" / "1.parquet", tmp_path / "kind=c" / "2.parquet")
    for file, columns in zip(files, (first, other | {"amount": pa.array([0.5, None, np.nan])}), strict=True):
        file.parent.mkdir()
        pq.write_table(pa.table(columns), file)
    kinds = {"who": "text", "at": "timestamp", "amount": "number", "id": "integer", "kind": "text"}
    return Stored(files, kinds, 6, root=tmp_path)


def test_files_of_several_types_and_columns_are_one_table(spark: Any, odd: Stored, tmp_path: Path):
    said = {"role": "purchases", "source": "odd", "customer": "who", "time": "at", "amount": "amount", "kind": "kind"}
    asked = PanelConfig.model_validate(
        {"tables": {"odd": said | {"key": "id"}}, "as_of": [AS_OF], "outcome": {"rule": "no_purchase", "table": "odd"}}
    )
    with duckdb_engine(tmp_path / "spill", "1GB") as duck, spark_engine() as other:
        one, another = (
            engine.frame(engine.read(asked.tables["odd"], asked, odd, integer_ids=False)).drop(columns="nth")
            for engine in (duck, other)
        )
    order = ["key", "kind", "customer"]
    assert_frame_equal(
        one.sort_values(order, ignore_index=True), another.sort_values(order, ignore_index=True), check_dtype=False
    )


def test_of_records_with_one_key_the_same_one_remains(both: Opened):
    one, other = (
        both.engines[engine]
        .frame(book.by_name["orders"])
        .sort_values(["day", "customer", "known", "amount", "kind", "key"])
        for engine, book in both.books.items()
    )
    assert not one["key"].dropna().duplicated().any()
    assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True), check_dtype=False)


def test_a_session_that_was_there_goes_on_with_its_own_settings(spark: Any):
    spark.conf.set("spark.sql.session.timeZone", "America/Lima")
    with spark_engine() as engine:
        assert engine.session is spark
        assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.session.timeZone") == "America/Lima"
    spark.conf.set("spark.sql.session.timeZone", "UTC")


def test_nothing_of_spark_listens_beyond_the_machine(spark: Any):
    assert spark.conf.get("spark.driver.bindAddress") == "127.0.0.1"
    assert spark.conf.get("spark.driver.host") == "127.0.0.1"
    assert spark.sparkContext.uiWebUrl is None


def test_another_panel_takes_the_place_of_the_folders_that_spark_wrote(panels: dict[str, Panel]):
    assert [file.is_dir() for file in panels["spark"].files] == [True]
    _start(panels["spark"].folder, "another")
    assert panels["spark"].files == []


def test_every_state_has_been_compared(both: Opened):
    met = {state for rule in RULES.values() for state in both.states("duckdb", rule)["state"]}
    assert met == set(STATES)
