"""The adapter that docs/crm.md shows: under 100 lines, and it works as it stands there."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from riskml.crm.audit import SCHEMA, Audit
from riskml.crm.connector import Alert, Row
from riskml.crm.mapping import Mapping
from riskml.crm.pull import pull
from riskml.crm.push import plan, push, raise_alerts
from riskml.crm.sqlite import database

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PAGE = (Path(__file__).parents[2] / "docs" / "crm.md").read_text(encoding="utf-8")
(CODE,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
MAPPING = Mapping.model_validate(
    {
        "system": "zoho",  # the columns are all that is read of it
        "tables": {"customers": {"object": "people", "columns": {"customer": "id", "name": "name"}}},
        "scores": {"object": "people", "fields": {"score": {"field": "risk", "label": "Risk", "type": "integer"}}},
    }
)


@pytest.fixture
def connector(tmp_path):
    with sqlite3.connect(tmp_path / "crm.db") as made:
        made.execute("create table people (id text primary key, modified integer, name text, risk text)")
        made.execute("create table alerts (key text primary key, customer text, cause text, body text)")
        made.executemany("insert into people values (?, 1, ?, null)", [(f"{n:05d}", f"客户{n}") for n in range(2500)])
    made.close()
    room: dict = {}
    exec(compile(CODE, "docs/crm.md", "exec"), room)
    opened = room["SqliteCrm"](tmp_path / "crm.db", MAPPING)
    yield opened
    opened.close()


def test_it_has_less_than_100_lines():
    assert len(CODE.splitlines()) < 100


def test_it_pulls_pushes_and_raises_alerts(connector, tmp_path):
    assert {state.state for state in connector.check_schema()} == {"present"}
    (pulled,) = pull(connector, MAPPING, tmp_path / "out", started=NOW)
    assert pulled.records == 2500
    connector.db.execute("delete from people where id = '00007'")
    (pulled,) = pull(connector, MAPPING, tmp_path / "out", started=NOW)
    assert (pulled.full, pulled.gone) == (False, 1)
    assert len(pd.read_parquet(tmp_path / "out" / "customers.parquet")) == 2499
    alert = Alert("k", "00001", "升高", "", NOW.date(), "x")
    with database(tmp_path / "audit.db", SCHEMA) as connection:
        audit = Audit(connection)
        rows = [Row("00001", {"risk": 87}), Row("00007", {"risk": 1})]
        pushed = push(connector, plan(rows, MAPPING.scores, audit), audit, at=NOW)
        assert [outcome.status for outcome in pushed.outcomes] == ["written", "failed"]
        for status in ("created", "exists"):
            assert list(raise_alerts(connector, [alert], audit, at=NOW)["status"]) == [status]
