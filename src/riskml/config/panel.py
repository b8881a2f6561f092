"""Panel section of an experiment: tables of dated records, as-of dates, windows and outcome."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from riskml.config.base import Name, Part, Text, TimeZone, refuse_password

Role = Literal[
    "purchases", "invoices", "payments", "balances", "service", "contacts", "activity", "bureau", "attributes",
    "market", "statuses",
]  # fmt: skip
# The roles whose records show that somebody is a customer.
BEHAVIOUR: tuple[Role, ...] = (
    "purchases", "invoices", "balances", "service", "contacts", "activity", "bureau",
)  # fmt: skip
# Columns of a table of each role besides its time: those it needs, and optional ones.
_COLUMNS: dict[Role, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "purchases": (("amount",), ("kind",)),
    "invoices": (("due", "amount"), ("invoice", "paid", "paid_amount")),
    "payments": (("invoice", "amount"), ()),
    "balances": (("balance",), ("limit", "inflow", "outflow", "debt_service")),
    "service": ((), ("kind", "closed", "escalated", "complaint")),
    "contacts": ((), ("kind", "answered")),
    "activity": ((), ("kind", "amount")),
    "bureau": ((), ("score",)),
    "attributes": (("columns",), ()),
    "market": (("by", "value"), ()),
    "statuses": (("kind",), ()),
}
NEEDED = {role: needed for role, (needed, _) in _COLUMNS.items()}
ALLOWED = {role: optional for role, (_, optional) in _COLUMNS.items()}
_BY_ROLE = sorted({name for names in (*NEEDED.values(), *ALLOWED.values()) for name in names})


class TableConfig(Part):
    """One table of dated records, and the roles of its columns."""

    role: Role
    source: Text = Field(
        description="a CSV or Parquet file, a folder of Parquet files, a sample, a DuckDB file, or a database's URL"
    )
    table: str | None = Field(None, description="databases: the table or view to read, or a SELECT")
    customer: str | None = Field(None, description="the customer's column (default: that of the panel)")
    time: Text = Field(description="when it happened; for attributes, from when they hold")
    recorded: str | None = Field(None, description="when it became known, if later than it happened")
    key: str | None = Field(None, description="key of the records: of two with the same key the first counts")
    amount: str | None = None
    kind: str | None = Field(None, description="a category: of goods, of a ticket, of a status")
    due: str | None = Field(None, description="invoices: when the payment is due")
    invoice: str | None = Field(None, description="invoices and payments: the invoice's number, which joins them")
    paid: str | None = Field(None, description="invoices without a table of payments: when it was paid, else empty")
    paid_amount: str | None = Field(None, description="invoices without a table of payments: how much was paid")
    balance: str | None = None
    limit: str | None = None
    inflow: str | None = Field(None, description="balances: money that came in since the last record")
    outflow: str | None = Field(None, description="balances: money that went out since the last record")
    debt_service: str | None = Field(None, description="balances: interest and repayments since the last record")
    closed: str | None = Field(None, description="service: when it was resolved, else empty")
    escalated: str | None = Field(None, description="service: true where it was escalated")
    complaint: tuple[str, ...] = Field(("complaint",), description="service: the kinds that are complaints")
    answered: str | None = Field(None, description="contacts: true where the customer answered")
    score: str | None = Field(None, description="bureau: the score")
    by: str | None = Field(None, description="market: the column it shares with the attributes, such as industry")
    value: str | None = Field(None, description="market: the index")
    columns: tuple[str, ...] = Field((), description="attributes: the columns that become features")

    @model_validator(mode="after")
    def _source_without_a_password(self) -> TableConfig:
        refuse_password(self.source, "source")
        return self

    @model_validator(mode="after")
    def _columns_are_those_of_the_role(self) -> TableConfig:
        absent = [name for name in NEEDED[self.role] if not getattr(self, name)]
        if absent:
            raise ValueError(f"a table of {self.role} needs {' and '.join(absent)}")
        known = {*NEEDED[self.role], *ALLOWED[self.role]}
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        unknown = [name for name in _BY_ROLE if name not in known and getattr(self, name) != defaults[name]]
        if unknown:
            raise ValueError(f"a table of {self.role} has no {unknown[0]}; its keys are {', '.join(sorted(known))}")
        if self.paid_amount and not self.paid:
            raise ValueError("paid_amount needs paid: the day from which it is known")
        return self


class EveryMonth(Part):
    """As-of dates on the first day of every month, both ends included."""

    every: Literal["month"] = "month"
    first: dt.date
    last: dt.date

    @model_validator(mode="after")
    def _in_order(self) -> EveryMonth:
        if self.last < self.first:
            raise ValueError("last lies before first")
        if self.first.day > 1 and self.last < (self.first.replace(day=28) + dt.timedelta(days=4)).replace(day=1):
            raise ValueError(f"no month begins between {self.first} and {self.last}")
        return self


def _kind_of_dates(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return "dates"
    return "months" if isinstance(value, dict | EveryMonth) else None


AsOf = Annotated[
    Annotated[tuple[dt.date, ...], Tag("dates")] | Annotated[EveryMonth, Tag("months")],
    Discriminator(
        _kind_of_dates,
        custom_error_type="as_of",
        custom_error_message="Input should be a list of dates, or {every: month, first: 2023-01-01, last: 2024-01-01}",
    ),
]


class OutcomeConfig(Part):
    """The event in the performance window after an as-of date."""

    rule: Literal["no_purchase", "cancellation", "spending_fall", "days_past_due", "status", "unpaid_amount"]
    table: Name = Field(description="the table of the rule")
    days: int = Field(90, ge=1, le=3650, description="length of the performance window")
    gap: int = Field(0, ge=0, le=3650, description="days between the as-of date and the performance window")
    over: float | None = Field(None, ge=0, description="days_past_due: more days than this; unpaid_amount: more money")
    values: tuple[str, ...] = Field((), description="status and cancellation: the kinds that are the event")
    fall: float = Field(0.5, gt=0, le=1, description="spending_fall: by this share or more")

    @model_validator(mode="after")
    def _rule_has_its_parameters(self) -> OutcomeConfig:
        if self.rule in ("days_past_due", "unpaid_amount") and self.over is None:
            raise ValueError(f"the rule {self.rule} needs over: the threshold")
        if self.rule in ("status", "cancellation") and not self.values:
            raise ValueError(f"the rule {self.rule} needs values: the kinds that are the event")
        return self


# The role of the table that each rule reads.
RULE_ROLE: dict[str, Role] = {
    "no_purchase": "purchases",
    "spending_fall": "purchases",
    "days_past_due": "invoices",
    "unpaid_amount": "invoices",
    "status": "statuses",
    "cancellation": "statuses",
}


class PopulationConfig(Part):
    """Customers who are eligible on an as-of date."""

    min_history_days: int = Field(0, ge=0, description="days since the first record that a customer needs")
    active_days: int | None = Field(None, ge=1, description="days before the as-of date that need a purchase")
    already: bool = Field(True, description="exclude customers who had the event before")
    gone: tuple[Text, ...] = Field((), description="kinds of a status that end the relation")


class PanelConfig(Part):
    """One row per customer and as-of date, from dated records."""

    tables: dict[Name, TableConfig] = Field(min_length=1)
    customer: Text = Field("customer", description="the customer's column, unless a table names another")
    as_of: AsOf = Field(description="as-of dates")
    windows: tuple[int, ...] = Field((30, 90, 180, 365), min_length=1, description="observation windows in days")
    outcome: OutcomeConfig
    population: PopulationConfig = PopulationConfig()
    until: dt.date | None = Field(
        None,
        description="the day of the extract, itself incomplete (default: the day after the outcome's last record)",
    )
    timezone: TimeZone = Field("UTC", description="zone in which a timestamp with a zone becomes a day")
    own: str | None = Field(None, description="a Python file with custom features, relative to the experiment")
    engine: Literal["duckdb", "spark"] = "duckdb"
    memory: str = Field("4GB", pattern=r"^\d+(MB|GB)$", description="memory limit of DuckDB, beyond which it uses disk")

    @model_validator(mode="after")
    def _dates_and_windows_rise(self) -> PanelConfig:
        for name, values in (("as_of", self.as_of), ("windows", self.windows)):
            if isinstance(values, tuple):
                if not values:
                    raise ValueError(f"{name} is empty")
                if any(later <= earlier for earlier, later in pairwise(values)):  # type: ignore[operator]
                    raise ValueError(f"{name} must rise strictly")
        if self.windows[0] < 1:
            raise ValueError("a window needs at least one day")
        return self

    @model_validator(mode="after")
    def _tables_fit_together(self) -> PanelConfig:
        read = self.tables.get(self.outcome.table)
        if read is None:
            raise ValueError(f"outcome.table names {self.outcome.table!r}; the tables are {', '.join(self.tables)}")
        needed = RULE_ROLE[self.outcome.rule]
        if read.role != needed:
            raise ValueError(
                f"the rule {self.outcome.rule} reads a table of {needed}; {self.outcome.table} has {read.role}"
            )
        if self.population.active_days and not self.of_role("purchases", "activity"):
            raise ValueError("population.active_days needs a table of purchases or activity")
        if self.population.gone and not self.of_role("statuses"):
            raise ValueError("population.gone needs a table of statuses")
        if not self.of_role("attributes", *BEHAVIOUR):
            raise ValueError("no table lists the customers: add attributes, or records of what customers do")
        for role in ("attributes", "payments", "invoices"):
            if len(self.of_role(role)) > 1:
                raise ValueError(f"only one table may have the role {role}")
        if self.of_role("payments") and not all(self.tables[name].invoice for name in self.of_role("invoices")):
            raise ValueError("payments are joined to invoices by number: set the key invoice of the table of invoices")
        if self.of_role("payments") and not self.of_role("invoices"):
            raise ValueError("payments need a table of invoices")
        for name in self.of_role("market"):
            shared = self.tables[name].by
            if not any(shared in self.tables[other].columns for other in self.of_role("attributes")):
                raise ValueError(f"{name}.by names {shared!r}: it must be among the columns of the attributes")
        return self

    def of_role(self, *roles: Role) -> tuple[str, ...]:
        """Return the names of the tables of some roles."""
        return tuple(name for name, table in self.tables.items() if table.role in roles)

    def dates(self) -> tuple[dt.date, ...]:
        """Return the as-of dates, in order."""
        if isinstance(self.as_of, tuple):
            return self.as_of
        first = self.as_of.first
        months = (self.as_of.last.year - first.year) * 12 + self.as_of.last.month - first.month
        numbers = range(first.year * 12 + first.month - 1, first.year * 12 + first.month + months)
        firsts = (dt.date(number // 12, number % 12 + 1, 1) for number in numbers)
        return tuple(date for date in firsts if first <= date <= self.as_of.last)

    def located(self, folder: Path) -> PanelConfig:
        """Return the panel with the paths of its files absolute, read from a folder; samples and URLs stay."""

        def path(source: str) -> str:
            is_file = "://" not in source and ("/" in source or Path(source).suffix or (folder / source).is_dir())
            return str((folder / Path(source).expanduser()).resolve()) if is_file else source

        tables = {name: table.model_copy(update={"source": path(table.source)}) for name, table in self.tables.items()}
        own = None if self.own is None else str((folder / self.own).resolve())
        return self.model_copy(update={"tables": tables, "own": own})
