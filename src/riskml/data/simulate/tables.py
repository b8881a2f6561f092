"""Tables of a simulated portfolio: columns, types and descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from riskml.data.simulate.accounts import REGIONS
from riskml.data.simulate.data_errors import NOBODY
from riskml.data.simulate.events import Rows
from riskml.data.simulate.hazards import INDUSTRIES, SEGMENTS
from riskml.data.simulate.orders import CATEGORIES
from riskml.data.simulate.service import CHANNELS, KINDS, MISSING_TIME

STATUSES = ("default", "cancelled")
_CATEGORIES = {
    "industry": INDUSTRIES,
    "region": REGIONS,
    "segment": SEGMENTS,
    "category": CATEGORIES,
    "kind": KINDS,
    "channel": CHANNELS,
    "status": STATUSES,
}
_TYPES = {
    "date": pa.date32(),
    "time": pa.timestamp("us"),
    "amount": pa.float64(),
    "share": pa.float64(),
    "id": pa.int64(),
    "number": pa.int32(),
    "text": pa.string(),
    "yes or no": pa.bool_(),
}


@dataclass(frozen=True)
class Column:
    """A column."""

    name: str
    kind: str  # a key of ``_TYPES``
    description: str


@dataclass(frozen=True)
class Table:
    """A table."""

    name: str
    row: str  # what a row is
    columns: tuple[Column, ...]

    @property
    def schema(self) -> Any:
        """Its Arrow schema, whose metadata say that the data are simulated."""
        fields = [pa.field(column.name, _TYPES[column.kind]) for column in self.columns]
        return pa.schema(fields, metadata={"simulated": "true", "table": self.name})


def _table(name: str, row: str, columns: Mapping[str, list[str]]) -> Table:
    return Table(
        name,
        row,
        tuple(
            Column(column, kind, description[0] if description else ", ".join(_CATEGORIES[column]))
            for column, (kind, *description) in columns.items()
        ),
    )


TABLES: Mapping[str, Table] = {
    name: _table(name, **facts)
    for name, facts in yaml.safe_load(Path(__file__).with_name("tables.yaml").read_text(encoding="utf-8")).items()
}


def arrow_table(name: str, rows: Rows, number: int) -> Any:
    """Return rows as an Arrow table."""
    table = TABLES[name]
    columns = [_column(column, rows[column.name], number) for column in table.columns]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _column(column: Column, values: Any, number: int) -> Any:
    if column.kind == "date":
        return pa.array(values.astype(np.int32)).cast(pa.date32())
    if column.kind == "time":
        return pa.array(values, mask=values == MISSING_TIME).cast(pa.timestamp("us"))
    if column.kind == "text":
        names = customer_names(number) if column.name == "customer" else _CATEGORIES[column.name]
        return pa.array(names, pa.string()).take(pa.array(values))
    # A missing probability is null, which any reader understands, and not NaN.
    return pa.array(values, _TYPES[column.kind], from_pandas=column.kind == "share")


def customer_names(number: int) -> list[str | None]:
    """Return the names of a block's customers, of an unknown customer, and of none.

    Examples
    --------
    >>> customer_names(1)[0], customer_names(1)[-2:]
    ('C0000001', ['X0000001', None])
    """
    return [f"C{number + place:07d}" for place in range(NOBODY - 1)] + [f"X{number:07d}", None]
