"""Custom features, checked before the panel is built."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from riskml.errors import ConfigError
from riskml.features.catalog import Column
from riskml.features.panel import PanelTables, day_number, prepared
from riskml.features.window import Feature


def check_custom_features(tables: PanelTables, custom: Sequence[tuple[str, Feature]], date: dt.date) -> None:
    """Refuse a feature that cannot be computed from its table's records, or is not a number."""
    for name, feature in custom:
        records = prepared(tables, name, day_number(date))
        for column in tables.catalog.of(name):
            if column.feature is feature:
                _check(column, records, day_number(date), "by" if "by" in records.collect_schema() else "customer")


def _check(column: Column, records: nw.LazyFrame[Any], as_of: int, key: str) -> None:
    where, fix = f"panel.own: {column.feature.name}", ""
    try:
        kind = records.group_by(key).agg(column.expression(as_of)).collect_schema()[column.name]
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        columns = ", ".join(records.collect_schema().names())
        raise ConfigError(
            f"the feature cannot be computed: {type(error).__name__}: {lines[0]}",
            where=where,
            fix=f"return an aggregate, such as orders['amount'].sum(); {column.table} has the columns {columns}",
        ) from None
    if not (kind.is_numeric() or kind == nw.Boolean):
        raise ConfigError(f"the feature gives {kind}, not a number", where=where, fix=fix)
