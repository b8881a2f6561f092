"""Catalog of a panel's features: those of the tables' roles, and custom ones."""

from __future__ import annotations

import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import yaml

from riskml.config.base import first_duplicate
from riskml.config.panel import PanelConfig, Role, TableConfig
from riskml.errors import ConfigError
from riskml.features.themes.contact import ACTIVITY, CONTACTS, SERVICE
from riskml.features.themes.financial import BALANCES, BUREAU
from riskml.features.themes.market import MARKET
from riskml.features.themes.payment import INVOICES
from riskml.features.themes.purchase import PURCHASES
from riskml.features.window import Feature, Formula, Window, growth, ratio

# Names of the panel's own columns and of those in the canonical form of its tables.
_RESERVED = frozenset({"customer", "as_of", "outcome", "first", "state", "day", "known", "key", "by", "latest"})
_FORMULAS: Mapping[Role, Mapping[str, Formula]] = {
    "purchases": PURCHASES,
    "invoices": INVOICES,
    "balances": BALANCES,
    "service": SERVICE,
    "contacts": CONTACTS,
    "activity": ACTIVITY,
    "bureau": BUREAU,
    "market": MARKET,
}
_FACTS = yaml.safe_load(Path(__file__).with_name("features.yaml").read_text(encoding="utf-8"))
FEATURES: Mapping[Role, tuple[Feature, ...]] = {
    role: tuple(Feature(name, compute=formula, **_FACTS[role][name]) for name, formula in formulas.items())
    for role, formulas in _FORMULAS.items()
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
        """Return it from the panel's columns."""
        scale = self.long.days / self.short.days
        return growth(nw.col(self.short.name) * scale, nw.col(self.long.name)).alias(self.name)


@dataclass(frozen=True)
class Against:
    """The growth of a customer's spending over the growth of its market's index in the same days."""

    name: str
    table: str
    description: str
    spending: Column  # spending over that of the window before
    market: Column  # the market's return
    unit: str = "ratio"

    def expression(self) -> nw.Expr:
        """Return it from the panel's columns."""
        return ratio(nw.col(self.spending.name), 1.0 + nw.col(self.market.name)).alias(self.name)


@dataclass(frozen=True)
class Catalog:
    """All columns of a panel, in order."""

    columns: tuple[Column, ...]
    changes: tuple[Change | Against, ...]  # computed from other columns
    attributes: tuple[str, ...]

    def of(self, table: str) -> tuple[Column, ...]:
        """Return the columns of a table."""
        return tuple(column for column in self.columns if column.table == table)

    @property
    def computed(self) -> tuple[Column | Change | Against, ...]:
        """All computed columns."""
        return (*self.columns, *self.changes)

    def descriptions(self) -> list[dict[str, str]]:
        """Return name, table, unit and description of each column, for the report."""
        rows = [
            {"column": column.name, "table": column.table, "unit": column.unit, "description": column.description}
            for column in self.computed
        ]
        return rows + [
            {"column": name, "table": "attributes", "unit": "", "description": "as last known before the as-of date"}
            for name in self.attributes
        ]


def catalog(panel: PanelConfig, custom: Sequence[tuple[str, Feature]] = ()) -> Catalog:
    """Return the columns of a panel."""
    with_features = [name for name, table in panel.tables.items() if table.role in FEATURES]
    for name, feature in custom:
        if name not in with_features:
            raise ConfigError(
                f"the feature {feature.name!r} reads the table {name!r}",
                where="panel.own",
                fix=f"name one of {', '.join(with_features)}",
            )
    columns: list[Column] = []
    changes: list[Change | Against] = []
    for name, table in panel.tables.items():
        features = [*FEATURES.get(table.role, ()), *(feature for of, feature in custom if of == name)]
        for feature in features:
            if all(_has(table, panel, need) for need in feature.needs):
                of_feature = _columns(name, feature, panel.windows)
                columns += of_feature
                changes += _changes(name, feature, of_feature)
    changes += _against(panel, columns)
    attributes = tuple(name for table in panel.of_role("attributes") for name in panel.tables[table].columns)
    listed = Catalog(tuple(columns), tuple(changes), attributes)
    reserved = next((name for name in attributes if name in _RESERVED), None)
    if reserved:
        raise ConfigError(
            f"an attribute cannot be called {reserved!r}: the panel has a column of that name",
            where="panel.tables",
            fix="rename the column in its source",
        )
    duplicate = first_duplicate([column.name for column in listed.computed] + list(attributes))
    if duplicate:
        raise ConfigError(f"two features are called {duplicate!r}", where="panel", fix="rename a table or a feature")
    return listed


def _has(table: TableConfig, panel: PanelConfig, need: str) -> bool:
    return bool(getattr(table, need)) or (need in ("paid", "paid_amount") and bool(panel.of_role("payments")))


def _columns(table: str, feature: Feature, windows: Sequence[int]) -> list[Column]:
    fitting = [days for days in windows if not feature.doubled or 2 * days <= windows[-1]]
    columns = []
    for days in fitting if feature.windowed else windows[-1:]:
        name = f"{table}_{feature.name}" + (f"_{days}d" if feature.windowed else "")
        description = feature.description.replace("{days}", str(days))
        columns.append(Column(name, table, feature.unit, description, feature, days))
    return columns


def _changes(table: str, feature: Feature, columns: Sequence[Column]) -> list[Change]:
    if not feature.rate:
        return []
    changes = []
    for short, long in zip(columns, columns[1:], strict=False):
        name = f"{table}_{feature.name}_change_{short.days}_{long.days}d"
        description = f"pace of {short.description} over that of {long.days} days"
        changes.append(Change(name, table, description, short, long))
    return changes


def _against(panel: PanelConfig, columns: Sequence[Column]) -> list[Against]:
    by_name = {column.name: column for column in columns}
    columns_against = []
    for table in panel.of_role("purchases"):
        for market in panel.of_role("market"):
            for days in panel.windows:
                spending = by_name.get(f"{table}_sum_trend_{days}d")
                if spending is not None:
                    name = f"{table}_against_{market}_{days}d"
                    description = f"{spending.description}, over how {market} went in these days"
                    index = by_name[f"{market}_return_{days}d"]
                    columns_against.append(Against(name, table, description, spending, index))
    return columns_against


def custom_features(file: Path) -> tuple[tuple[str, Feature], ...]:
    """Return the features that a user's Python file declares with `riskml.features.feature`."""
    if not file.is_file():
        raise ConfigError("the file of custom features does not exist", where=f"panel.own: {file}")
    try:
        names = runpy.run_path(str(file))
    except Exception as error:
        raise ConfigError(
            f"the file of custom features cannot be run: {type(error).__name__}: {error}", where=f"panel.own: {file}"
        ) from None
    features = tuple(value.riskml_feature for value in names.values() if hasattr(value, "riskml_feature"))
    if not features:
        raise ConfigError(
            "the file declares no feature",
            where=f"panel.own: {file}",
            fix="write @feature('<table>', unit=…, description=…) above a function of its records",
        )
    return features
