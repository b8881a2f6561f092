"""Canonical form of a table of dated records: fixed column names, and days as whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from riskml.config.panel import ALLOWED, NEEDED, PanelConfig, TableConfig

_DAYS = ("time", "recorded", "due", "paid", "closed")
_NUMBERS = (
    "amount", "paid_amount", "balance", "limit", "inflow", "outflow", "debt_service", "score", "value",
)  # fmt: skip
_FLAGS = ("escalated", "answered")
_TIMES = frozenset({"date", "timestamp", "timestamp with zone"})
_WHOLE_OR_TEXT = frozenset({"integer", "text"})


@dataclass(frozen=True)
class Dialect:
    """The SQL that differs between engines."""

    quote: Callable[[str], str]  # A column's name as an identifier
    # days since 1970-01-01 of a date or stamp: from the identifier, its kind and the time zone
    day: Callable[[str, str, str], str]
    text: str  # the types of text and of numbers
    number: str


def columns_read(table: TableConfig, panel: PanelConfig) -> dict[str, frozenset[str]]:
    """Return the columns that a table must have, and the kinds that each may be of."""
    columns: dict[str, frozenset[str]] = {}
    for role, name in _configured_columns(table, panel).items():
        if role in _DAYS:
            columns[name] = _TIMES
        elif role in _NUMBERS:
            columns[name] = frozenset({"integer", "number"})
        elif role in _FLAGS:
            columns[name] = frozenset({"boolean", "integer"})
        else:
            columns[name] = _WHOLE_OR_TEXT if role != "kind" else frozenset({"integer", "text", "boolean"})
    return columns | dict.fromkeys(table.columns, frozenset({"integer", "number", "text", "boolean"}))


def _configured_columns(table: TableConfig, panel: PanelConfig) -> dict[str, str]:
    """Return the columns that a table names, by their canonical names."""
    names = ("time", "recorded", "key", *NEEDED[table.role], *ALLOWED[table.role])
    columns = {name: getattr(table, name) for name in names if isinstance(getattr(table, name), str)}
    if table.role != "market":
        columns["customer"] = table.customer or panel.customer
    return columns


def select(
    table: TableConfig,
    panel: PanelConfig,
    kinds: Mapping[str, str],
    source: str,
    dialect: Dialect,
    *,
    integer_ids: bool,
) -> str:
    """Return the SQL that brings a table into its canonical form."""
    columns = _configured_columns(table, panel)
    parts = {}
    for role, name in columns.items():
        column = dialect.quote(name)
        if role in _DAYS:
            parts[role] = dialect.day(column, kinds[name], panel.timezone)
        elif role in _NUMBERS:
            number = f"cast({column} as {dialect.number})"
            parts[role] = f"nullif({number}, cast('NaN' as {dialect.number}))"  # some writers keep NaN for nothing
        elif role in _FLAGS:
            parts[role] = f"cast({column} as int)"
        elif role == "customer" and integer_ids:
            parts[role] = f"cast({column} as bigint)"
        elif role in ("customer", "invoice"):  # files pad keys with blanks
            parts[role] = f"nullif(trim(cast({column} as {dialect.text})), '')"
        else:
            parts[role] = f"cast({column} as {dialect.text})"
    day, recorded = parts.pop("time"), parts.pop("recorded", None)
    parts["day"] = day
    parts["known"] = day if recorded is None else f"greatest({day}, coalesce({recorded}, {day}))"
    listed = [f"{columns} as {dialect.quote(role)}" for role, columns in parts.items()]
    listed += [dialect.quote(name) for name in table.columns if name not in parts]
    query = f"select {', '.join(listed)} from {source}"
    if table.key is None:
        return query
    # All columns decide, so that two records of one day and key give the same in every run and on every engine.
    rest = [
        dialect.quote(name) for name in dict.fromkeys((*parts, *table.columns)) if name not in ("key", "known", "day")
    ]
    order = ", ".join(f"{name} nulls last" for name in (dialect.quote("known"), dialect.quote("day"), *rest))
    key = dialect.quote("key")
    first = f"row_number() over (partition by {key} order by {order}) as nth"
    repeats = f"case when {key} is null then 0 else count(*) over (partition by {key}) - 1 end as repeats"
    return (
        f"select * from (select *, {first}, {repeats} from ({query}) as read) as numbered"
        f" where nth = 1 or {key} is null"
    )
