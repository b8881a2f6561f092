"""Sandbox CRM: simulated customers as a folder of CSV files, to try the whole way without a CRM."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from riskml.io import replacing

_ZONE = "Asia/Shanghai"
# CSV file of the sandbox -> simulated table, its key, and the columns of the mapping with their types.
_TABLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "customers": (
        "customers",
        "customer",
        {"industry": "", "region": "", "segment": "", "yearly_income": "number", "since": "date"},
    ),
    "orders": ("orders", "order", {"customer": "", "time": "timestamp", "amount": "number", "category": ""}),
    "invoices": ("invoices", "invoice", {"customer": "", "amount": "number", "issued": "date", "due": "date"}),
    "payments": ("payments", "payment", {"invoice": "", "customer": "", "amount": "number", "paid": "date"}),
    "cases": (
        "tickets",
        "ticket",
        {"customer": "", "opened": "timestamp", "closed": "timestamp", "kind": "", "escalated": "boolean"},
    ),
}


@dataclass(frozen=True)
class Sandbox:
    """Files of a sandbox CRM."""

    mapping: Path
    settings: Path


def sandbox(folder: str | Path, *, customers: int = 400, months: int = 18, seed: int = 7) -> Sandbox:
    """Write simulated customers as a CRM of CSV files, with its mapping and settings.

    Parameters
    ----------
    folder : path
        ``data/*.csv``, ``mapping.yaml`` and ``settings.yaml`` are written into it; scores and alerts that are pushed
        go to ``data/risk/``.
    customers : int, default 400
        Number of simulated customers.
    months : int, default 18
        Length of their history, from 2024-01-01.

    Returns
    -------
    Sandbox
        The two files that ``riskml crm`` and `riskml.crm.service` take.
    """
    from riskml.data.simulate import simulate

    home = Path(folder)
    with tempfile.TemporaryDirectory() as simulated:
        simulate(Path(simulated, "tables"), customers, "2024-01-01", months, seed)
        for name, (table, key, columns) in _TABLES.items():
            frame = pd.read_parquet(Path(simulated, "tables", table))
            if name == "customers":
                frame = frame.drop_duplicates("customer").rename(columns={"valid_from": "since"})
            with replacing(home / "data" / f"{name}.csv") as temporary:
                frame[[key, *columns]].to_csv(temporary, index=False, date_format="%Y-%m-%d %H:%M:%S")
    mapping, settings = home / "mapping.yaml", home / "settings.yaml"
    _write_yaml(mapping, _mapping())
    _write_yaml(settings, {"folder": str((home / "data").absolute())})
    settings.chmod(0o600)
    return Sandbox(mapping, settings)


def _mapping() -> dict[str, Any]:
    tables = {
        name: {
            "object": name,
            "id": key,
            "columns": {
                ("case" if key == "ticket" else key): key,
                **{column: {"field": column, "type": kind} if kind else column for column, kind in columns.items()},
            },
        }
        for name, (_, key, columns) in _TABLES.items()
    }
    fields: dict[str, dict[str, Any]] = {
        "score": {"field": "score", "type": "integer"},
        "tier": {"field": "tier"},
        "reasons": {"field": "reasons", "type": "long_text"},
        "action": {"field": "action"},
        "model_version": {"field": "model_version"},
        "as_of": {"field": "as_of", "type": "date"},
    }
    scores = {name: {"label": name, **field} for name, field in fields.items()}
    return {
        "system": "csv",
        "timezone": _ZONE,
        "tables": tables,
        "scores": {"object": "customers", "fields": scores},
        "alerts": {"object": "alerts"},
    }


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
