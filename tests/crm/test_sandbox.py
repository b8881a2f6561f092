"""The sandbox CRM: simulated customers as CSV files that the commands take."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from riskml.crm import sandbox, service


def test_every_field_of_the_mapping_is_in_the_files(tmp_path: Path) -> None:
    made = sandbox.sandbox(tmp_path, customers=30, months=6)
    states = service.check(made.mapping, made.settings)
    assert {field.state for field in states if field.object != "customers" or field.field in ("customer", "since")} == {
        "present"
    }


def test_a_pull_takes_every_customer_once(tmp_path: Path) -> None:
    made = sandbox.sandbox(tmp_path, customers=30, months=6)
    service.pull(made.mapping, made.settings, tmp_path / "tables", now=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    customers = pd.read_parquet(tmp_path / "tables" / "customers.parquet")
    assert len(customers) == customers["customer"].nunique() == 30


def test_the_settings_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    assert sandbox.sandbox(tmp_path, customers=5, months=3).settings.stat().st_mode & 0o077 == 0
