"""The tables of a book: their columns, types and meanings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from riskml.data.simulate.accounts import REGIONS
from riskml.data.simulate.data_errors import NOBODY
from riskml.data.simulate.events import Rows
from riskml.data.simulate.hazards import INDUSTRIES, SEGMENTS
from riskml.data.simulate.orders import CATEGORIES
from riskml.data.simulate.service import CHANNELS, KINDS, MISSING_TIME

STATUSES = ("default", "cancelled")
_NAMES = {
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
    """A column: its name, the kind of its values, and what they say."""

    name: str
    kind: str
    says: str


@dataclass(frozen=True)
class Table:
    """A table: its name, what a row is, and its columns."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> Any:
        """Its Arrow schema. It says of itself that the data are simulated."""
        fields = [pa.field(column.name, _TYPES[column.kind]) for column in self.columns]
        return pa.schema(fields, metadata={"simulated": "true", "table": self.name})


def _table(name: str, row: str, *columns: tuple[str, str, str]) -> Table:
    return Table(name, row, tuple(Column(*column) for column in columns))


_CUSTOMER = ("customer", "text", "the customer")
_RECORDED = ("recorded", "time", "when this was known: the time of the event, or later")

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _table(
            "customers",
            "a customer's attributes from a day on; the first row is the start of the relation",
            _CUSTOMER,
            ("valid_from", "date", "the first day on which the row holds"),
            ("industry", "text", ", ".join(INDUSTRIES)),
            ("region", "text", ", ".join(REGIONS)),
            ("segment", "text", ", ".join(SEGMENTS)),
            ("yearly_income", "amount", "income of a year"),
        ),
        _table(
            "orders",
            "an order",
            ("order", "id", "unique but for duplicates"),
            _CUSTOMER,
            ("time", "time", "when it was placed"),
            ("amount", "amount", "its value"),
            ("category", "text", ", ".join(CATEGORIES)),
            _RECORDED,
        ),
        _table(
            "invoices",
            "an invoice: one per order",
            ("invoice", "id", "the number of its order"),
            _CUSTOMER,
            ("issued", "date", "its date"),
            ("due", "date", "when it is to be paid"),
            ("amount", "amount", "what is to be paid"),
            _RECORDED,
        ),
        _table(
            "payments",
            "a payment of an invoice, or of a part of it",
            ("payment", "id", "unique but for duplicates"),
            ("invoice", "id", "the invoice it is for"),
            _CUSTOMER,
            ("paid", "date", "when it was paid"),
            ("amount", "amount", "what was paid"),
            _RECORDED,
        ),
        _table(
            "balances",
            "a customer's account at the end of a month",
            _CUSTOMER,
            ("date", "date", "the last day of the month"),
            ("balance", "amount", "what is drawn of the limit"),
            ("limit", "amount", "the limit of the credit"),
            ("inflow", "amount", "what came in during the month"),
            ("outflow", "amount", "what went out during the month"),
            ("debt_service", "amount", "what was paid for debts during the month"),
        ),
        _table(
            "tickets",
            "a complaint or a request",
            ("ticket", "id", "unique but for duplicates"),
            _CUSTOMER,
            ("opened", "time", "when it was made"),
            ("closed", "time", "when it was settled; missing when it is open at the end of the book"),
            ("kind", "text", ", ".join(KINDS)),
            ("escalated", "yes or no", "whether it went to a superior"),
            _RECORDED,
        ),
        _table(
            "contacts",
            "an attempt to reach a customer",
            _CUSTOMER,
            ("time", "time", "when"),
            ("channel", "text", ", ".join(CHANNELS)),
            ("answered", "yes or no", "whether the customer answered"),
        ),
        _table("logins", "a visit of a customer to its account", _CUSTOMER, ("time", "time", "when")),
        _table(
            "limits",
            "the limit of a customer's credit from a day on",
            _CUSTOMER,
            ("date", "date", "the first day on which it holds"),
            ("limit", "amount", "the limit"),
        ),
        _table(
            "bureau",
            "a score from a credit bureau",
            _CUSTOMER,
            ("pulled", "date", "when it was asked for"),
            ("score", "number", "300 … 900; higher is better"),
        ),
        _table(
            "market",
            "an industry on a business day",
            ("industry", "text", ", ".join(INDUSTRIES)),
            ("date", "date", "the business day"),
            ("index", "amount", "the industry's index at its close"),
        ),
        _table(
            "statuses",
            "the end of a relation",
            _CUSTOMER,
            ("date", "date", "the day"),
            ("status", "text", ", ".join(STATUSES)),
        ),
        _table(
            "truth",
            "what is true of a customer on the first morning of a month, and nobody could know",
            _CUSTOMER,
            ("month", "date", "the as-of date: the first day of the month"),
            (
                "default_probability",
                "share",
                "of default on this day or within the horizon from it, given all that holds on this morning",
            ),
            ("churn_probability", "share", "of cancelling, likewise"),
            ("alive", "yes or no", "whether the relation has not ended before this day"),
        ),
    )
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
        names = customer_names(number) if column.name == "customer" else _NAMES[column.name]
        return pa.array(names, pa.string()).take(pa.array(values))
    # A probability that is missing is null, which any reader understands, and not NaN.
    return pa.array(values, _TYPES[column.kind], from_pandas=column.kind == "share")


def customer_names(number: int) -> list[str | None]:
    """Return the names of a block's customers, an unknown one's, and nobody's.

    Examples
    --------
    >>> customer_names(1)[0], customer_names(1)[-2:]
    ('C0000001', ['X0000001', None])
    """
    return [f"C{number + place:07d}" for place in range(NOBODY - 1)] + [f"X{number:07d}", None]
