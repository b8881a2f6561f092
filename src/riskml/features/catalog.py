"""Which features a panel has: those of the tables' roles, and the user's own."""

from __future__ import annotations

import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw

from riskml.config.panel import PanelConfig, Role, TableConfig
from riskml.errors import ConfigError
from riskml.features.themes.contact import ACTIVITY, CONTACTS, SERVICE
from riskml.features.themes.financial import BALANCES, BUREAU
from riskml.features.themes.market import MARKET
from riskml.features.themes.payment import INVOICES
from riskml.features.themes.purchase import PURCHASES
from riskml.features.window import Feature, Window, growth, ratio

# What the panel itself calls its columns, and its tables theirs.
_TAKEN = frozenset({"customer", "as_of", "outcome", "first", "state", "day", "known", "key", "by", "latest"})
FEATURES: Mapping[Role, tuple[Feature, ...]] = {
    "purchases": PURCHASES,
    "invoices": INVOICES,
    "balances": BALANCES,
    "service": SERVICE,
    "contacts": CONTACTS,
    "activity": ACTIVITY,
    "bureau": BUREAU,
    "market": MARKET,
}


@dataclass(frozen=True)
class Column:
    """One column of a panel."""

    name: str
    table: str
    unit: str
    description: str
    feature: Feature
    days: int  # length of its window

    def expression(self, as_of: int) -> nw.Expr:
        """Return the aggregate of the table's records."""
        return self.feature.compute(Window(as_of, 1, self.days)).alias(self.name)


@dataclass(frozen=True)
class Change:
    """The pace of a window over the pace of the next longer one."""

    name: str
    table: str
    description: str
    short: Column
    long: Column
    unit: str = "ratio"

    def expression(self) -> nw.Expr:
        """Return it, from the panel's columns."""
        scale = self.long.days / self.short.days
        return growth(nw.col(self.short.name) * scale, nw.col(self.long.name)).alias(self.name)


@dataclass(frozen=True)
class Against:
    """A customer's spending against its market: how it went, over how the market's index went in the same days."""

    name: str
    table: str
    description: str
    spending: Column  # spending over that of the window before, and the market's return
    market: Column
    unit: str = "ratio"

    def expression(self) -> nw.Expr:
        """Return it, from the panel's columns."""
        return ratio(nw.col(self.spending.name), 1.0 + nw.col(self.market.name)).alias(self.name)


@dataclass(frozen=True)
class Catalog:
    """All columns of a panel, in order.

    Parameters
    ----------
    changes : tuple of Change or Against
        Worked out from other columns.
    """

    columns: tuple[Column, ...]
    changes: tuple[Change | Against, ...]
    attributes: tuple[str, ...]

    def of(self, table: str) -> tuple[Column, ...]:
        """Return the columns of a table."""
        return tuple(column for column in self.columns if column.table == table)

    @property
    def made(self) -> tuple[Column | Change | Against, ...]:
        """All columns that are worked out."""
        return (*self.columns, *self.changes)

    def descriptions(self) -> list[dict[str, str]]:
        """Return name, table, unit and description of each column, for the report."""
        rows = [
            {"column": one.name, "table": one.table, "unit": one.unit, "description": one.description}
            for one in self.made
        ]
        return rows + [
            {"column": name, "table": "attributes", "unit": "", "description": "as last known before the as-of date"}
            for name in self.attributes
        ]


def catalog(panel: PanelConfig, own: Sequence[tuple[str, Feature]] = ()) -> Catalog:
    """Return the columns of a panel."""
    for name, feature in own:
        if name not in panel.tables or panel.tables[name].role not in FEATURES:
            raise ConfigError(
                f"the feature {feature.name!r} reads the table {name!r}",
                where="panel.own",
                fix=f"name one of {', '.join(name for name in panel.tables if panel.tables[name].role in FEATURES)}",
            )
    columns: list[Column] = []
    changes: list[Change | Against] = []
    for name, table in panel.tables.items():
        features = [*FEATURES.get(table.role, ()), *(feature for of, feature in own if of == name)]
        for feature in features:
            if all(_has(table, panel, need) for need in feature.needs):
                made = list(_columns(name, feature, panel.windows))
                columns += made
                changes += _changes(name, feature, made)
    changes += _against(panel, columns)
    attributes = tuple(name for table in panel.of_role("attributes") for name in panel.tables[table].columns)
    listed = Catalog(tuple(columns), tuple(changes), attributes)
    names = [column.name for column in listed.made] + list(attributes)
    taken = next((name for name in attributes if name in _TAKEN), None)
    if taken:
        raise ConfigError(
            f"an attribute cannot be called {taken!r}: the panel has a column of that name",
            where="panel.tables",
            fix="rename the column in its source",
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f"two features have the name {twice!r}", where="panel", fix="rename a table or a feature")
    return listed


def _has(table: TableConfig, panel: PanelConfig, need: str) -> bool:
    return bool(getattr(table, need)) or (need in ("paid", "paid_amount") and bool(panel.of_role("payments")))


def _columns(table: str, feature: Feature, windows: Sequence[int]) -> list[Column]:
    if not feature.windowed:
        described = feature.description.replace("{days}", str(windows[-1]))
        return [Column(f"{table}_{feature.name}", table, feature.unit, described, feature, windows[-1])]
    fitting = [days for days in windows if not feature.doubled or 2 * days <= windows[-1]]
    return [
        Column(
            f"{table}_{feature.name}_{days}d",
            table,
            feature.unit,
            feature.description.replace("{days}", str(days)),
            feature,
            days,
        )
        for days in fitting
    ]


def _changes(table: str, feature: Feature, made: Sequence[Column]) -> list[Change]:
    if not feature.rate:
        return []
    return [
        Change(
            f"{table}_{feature.name}_change_{short.days}_{long.days}d",
            table,
            f"pace of {short.description} over that of {long.days} days",
            short,
            long,
        )
        for short, long in zip(made, made[1:], strict=False)
    ]


def _against(panel: PanelConfig, columns: Sequence[Column]) -> list[Against]:
    by_name = {column.name: column for column in columns}
    pairs = [
        (table, market, by_name.get(f"{table}_sum_trend_{days}d"), by_name[f"{market}_return_{days}d"])
        for table in panel.of_role("purchases")
        for market in panel.of_role("market")
        for days in panel.windows
    ]
    return [
        Against(
            f"{table}_against_{market}_{spending.days}d",
            table,
            f"{spending.description}, over how {market} went in these days",
            spending,
            index,
        )
        for table, market, spending, index in pairs
        if spending is not None
    ]


def own_features(file: Path) -> tuple[tuple[str, Feature], ...]:
    """Return the features that a user's Python file declares with `riskml.features.feature`."""
    if not file.is_file():
        raise ConfigError("the file of your own features does not exist", where=f"panel.own: {file}")
    try:
        names = runpy.run_path(str(file))
    except Exception as error:
        raise ConfigError(
            f"the file of your own features cannot be run: {type(error).__name__}: {error}", where=f"panel.own: {file}"
        ) from None
    features = tuple(value.riskml_feature for value in names.values() if hasattr(value, "riskml_feature"))
    if not features:
        raise ConfigError(
            "the file declares no feature",
            where=f"panel.own: {file}",
            fix="write @feature('<table>', unit=…, description=…) above a function of its records",
        )
    return features
