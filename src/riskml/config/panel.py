"""What an experiment may say of dated records: their tables, the as-of dates, the windows and the outcome."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
_PASSWORD = re.compile(r"://[^/?#@:]*:(?P<in_place>[^?]+)@|[?&]\w*(?:pass|pwd)\w*=(?P<in_query>[^&]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{\w+\}")


def without_password(address: str | None, what: str) -> None:
    """Refuse an address that holds a password: an experiment is written into the run's notebooks and MLflow."""
    match = _PASSWORD.search(address or "")
    if match and not _VARIABLE.fullmatch(match["in_place"] or match["in_query"]):
        raise ValueError(
            f"{what} holds a password, which would be written down: set it in the environment, and "
            "say ${NAME} in its place"
        )


Role = Literal[
    "purchases",
    "invoices",
    "payments",
    "balances",
    "service",
    "contacts",
    "activity",
    "bureau",
    "attributes",
    "market",
    "statuses",
]


class Part(BaseModel):
    """A part of an experiment: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


# The roles whose records show that somebody is a customer.
BEHAVIOUR: tuple[Role, ...] = (
    "purchases", "invoices", "balances", "service", "contacts", "activity", "bureau",
)  # fmt: skip
# What a table of each role must say beside its time, and what it may say.
NEEDED: dict[Role, tuple[str, ...]] = {
    "purchases": ("amount",),
    "invoices": ("due", "amount"),
    "payments": ("invoice", "amount"),
    "balances": ("balance",),
    "service": (),
    "contacts": (),
    "activity": (),
    "bureau": (),
    "attributes": ("columns",),
    "market": ("by", "value"),
    "statuses": ("kind",),
}
ALLOWED: dict[Role, tuple[str, ...]] = {
    "purchases": ("kind",),
    "invoices": ("invoice", "paid", "paid_amount"),
    "payments": (),
    "balances": ("limit", "inflow", "outflow", "debt_service"),
    "service": ("kind", "closed", "escalated", "complaint"),
    "contacts": ("kind", "answered"),
    "activity": ("kind", "amount"),
    "bureau": ("score",),
    "attributes": (),
    "market": (),
    "statuses": (),
}
_BY_ROLE = sorted({name for names in (*NEEDED.values(), *ALLOWED.values()) for name in names})


class TableConfig(Part):
    """One table of dated records, and which of its columns is what."""

    role: Role
    source: Text = Field(
        description="a CSV or Parquet file, a folder of Parquet files, a sample, a DuckDB file, or a database's URL"
    )
    table: str | None = Field(None, description="of a database: the table or view to read, or a SELECT")
    customer: str | None = Field(None, description="the customer's column; that of the panel when left out")
    time: Text = Field(description="when it happened; for attributes, from when they hold")
    recorded: str | None = Field(None, description="when it became known, where that is later than it happened")
    key: str | None = Field(None, description="what numbers the records: of two with one key the first counts")
    amount: str | None = None
    kind: str | None = Field(None, description="a category: of goods, of a ticket, of a status")
    due: str | None = Field(None, description="invoices: when the payment is due")
    invoice: str | None = Field(None, description="invoices and payments: the invoice's number, which ties them")
    paid: str | None = Field(None, description="invoices without a table of payments: when it was paid, else empty")
    paid_amount: str | None = Field(None, description="invoices without a table of payments: how much was paid")
    balance: str | None = None
    limit: str | None = None
    inflow: str | None = Field(None, description="balances: money that came in since the last record")
    outflow: str | None = Field(None, description="balances: money that went out since the last record")
    debt_service: str | None = Field(None, description="balances: interest and repayments since the last record")
    closed: str | None = Field(None, description="service: when it was resolved, else empty")
    escalated: str | None = Field(None, description="service: true where it went to a manager")
    complaint: tuple[str, ...] = Field(("complaint",), description="service: the kinds that are complaints")
    answered: str | None = Field(None, description="contacts: true where the customer answered")
    score: str | None = Field(None, description="bureau: the score that was seen")
    by: str | None = Field(None, description="market: the column that the customers' attributes share, as industry")
    value: str | None = Field(None, description="market: the index")
    columns: tuple[str, ...] = Field((), description="attributes: the columns that become features")

    @model_validator(mode="after")
    def _source_without_a_password(self) -> TableConfig:
        without_password(self.source, "source")
        return self

    @model_validator(mode="after")
    def _columns_are_those_of_the_role(self) -> TableConfig:
        absent = [name for name in NEEDED[self.role] if not getattr(self, name)]
        if absent:
            raise ValueError(f"a table of {self.role} needs {' and '.join(absent)}")
        known = {*NEEDED[self.role], *ALLOWED[self.role]}
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        strange = [name for name in _BY_ROLE if name not in known and getattr(self, name) != defaults[name]]
        if strange:
            raise ValueError(f"a table of {self.role} has no {strange[0]}; it may say {', '.join(sorted(known))}")
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


def _way(raw: Any) -> str | None:
    if isinstance(raw, list | tuple):
        return "dates"
    return "months" if isinstance(raw, dict | EveryMonth) else None


AsOf = Annotated[
    Annotated[tuple[dt.date, ...], Tag("dates")] | Annotated[EveryMonth, Tag("months")],
    Discriminator(
        _way,
        custom_error_type="as_of",
        custom_error_message="Input should be a list of dates, or {every: month, first: 2023-01-01, last: 2024-01-01}",
    ),
]


class OutcomeConfig(Part):
    """What counts as the event, in the performance window after an as-of date."""

    rule: Literal["no_purchase", "cancellation", "spending_fall", "days_past_due", "status", "unpaid_amount"]
    table: Name = Field(description="the table that the rule reads")
    days: int = Field(90, ge=1, le=3650, description="length of the performance window")
    gap: int = Field(0, ge=0, le=3650, description="days between the as-of date and the performance window")
    over: float | None = Field(None, ge=0, description="days_past_due: more days than this; unpaid_amount: more money")
    values: tuple[str, ...] = Field((), description="status and cancellation: the kinds that are the event")
    fall: float = Field(0.5, gt=0, le=1, description="spending_fall: by this share or more")

    @model_validator(mode="after")
    def _rule_has_its_figures(self) -> OutcomeConfig:
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
    """Which customers are looked at on an as-of date."""

    min_history_days: int = Field(0, ge=0, description="younger customers are too new to judge")
    active_days: int | None = Field(None, ge=1, description="only those with a purchase in so many days before")
    already: bool = Field(True, description="leave out those who have had the event before")
    gone: tuple[Text, ...] = Field((), description="kinds of a status after which a customer is none any more")


class PanelConfig(Part):
    """One row per customer and as-of date, from dated records."""

    tables: dict[Name, TableConfig] = Field(min_length=1)
    customer: Text = Field("customer", description="the customer's column in every table that names no other")
    as_of: AsOf = Field(description="the dates on which customers are looked at")
    windows: tuple[int, ...] = Field((30, 90, 180, 365), min_length=1, description="observation windows in days")
    outcome: OutcomeConfig
    population: PopulationConfig = PopulationConfig()
    until: dt.date | None = Field(
        None,
        description="the day the tables were drawn, itself not whole; the one after the outcome's last record if empty",
    )
    timezone: str = Field("UTC", description="in which a stamp with a zone becomes a day")
    own: str | None = Field(None, description="a Python file with features of your own, beside the experiment")
    engine: Literal["duckdb", "spark"] = "duckdb"
    memory: str = Field("4GB", pattern=r"^\d+(MB|GB)$", description="that DuckDB may take before it uses the disk")

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{value!r} is no time zone; write it as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _dates_and_windows_rise(self) -> PanelConfig:
        for name, values in (("as_of", self.as_of), ("windows", self.windows)):
            if isinstance(values, tuple):
                if not values:
                    raise ValueError(f"{name} is empty")
                if any(later <= earlier for earlier, later in zip(values, values[1:], strict=False)):  # type: ignore[operator]
                    raise ValueError(f"{name} must rise, each once")
        if self.windows[0] < 1:
            raise ValueError("a window has at least one day")
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
            raise ValueError("no table says who the customers are: add attributes, or what customers do")
        for role in ("attributes", "payments", "invoices"):
            if len(self.of_role(role)) > 1:
                raise ValueError(f"only one table may have the role {role}")
        if self.of_role("payments") and not all(self.tables[name].invoice for name in self.of_role("invoices")):
            raise ValueError("payments are tied to invoices by their number: give invoices its invoice")
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
        dates = (dt.date(number // 12, number % 12 + 1, 1) for number in numbers)
        return tuple(date for date in dates if first <= date <= self.as_of.last)

    def located(self, folder: Path) -> PanelConfig:
        """Return the panel with the paths of its files absolute, read from a folder; samples and URLs stay."""

        def path(source: str) -> str:
            is_file = "://" not in source and ("/" in source or Path(source).suffix or (folder / source).is_dir())
            return str((folder / Path(source).expanduser()).resolve()) if is_file else source

        tables = {name: table.model_copy(update={"source": path(table.source)}) for name, table in self.tables.items()}
        own = None if self.own is None else str((folder / self.own).resolve())
        return self.model_copy(update={"tables": tables, "own": own})
