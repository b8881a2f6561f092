"""Snapshot of an as-of date: the columns of a portfolio that the rules read, and one value for each indicator."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.warning import TIER, WarningRules
from riskml.data.portfolio import text_ids
from riskml.data.sources.digest import content_hash
from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.expressions import parse


@dataclass(frozen=True)
class Snapshot:
    """Indicators of an as-of date, with which later dates are compared."""

    as_of: dt.date
    values: pd.DataFrame  # the value of each indicator, not its change; NaN where unknown
    levels: pd.DataFrame  # the level of each indicator by its thresholds: 0 calm, 1 amber, 2 red

    def to_bytes(self) -> bytes:
        """Return the snapshot as a Parquet file."""
        file = io.BytesIO()
        both = pd.concat([self.values, self.levels.add_prefix("level:")], axis=1)
        both.to_parquet(file, compression="zstd")
        return file.getvalue()

    @classmethod
    def from_bytes(cls, as_of: dt.date, content: bytes) -> Snapshot:
        """Read what ``to_bytes`` wrote."""
        both = pd.read_parquet(io.BytesIO(content))
        names = [name for name in both.columns if not name.startswith("level:")]
        levels = both[[f"level:{name}" for name in names]]
        return cls(as_of, both[names], levels.set_axis(names, axis=1))


def rule_columns(rules: WarningRules, frame: pd.DataFrame, customer: str = "customer") -> pd.DataFrame:
    """Return the columns of a scored portfolio that the rules read, by customer.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
        One row per customer.
    customer : str
        Name of the index or of the column that holds the customers' IDs.

    Returns
    -------
    DataFrame of shape (n, read)
        Index: the IDs as text, sorted. With ``tier_number`` where the rules read the tier.

    Raises
    ------
    DataError
        When the portfolio is empty, an ID is missing or occurs twice, or a tier is not one of the rules' tiers.
    ConfigError
        When a column that the rules read is missing.
    """
    ids = text_ids(frame, customer)
    absent = [name for name in rules.columns if name not in frame.columns]
    if absent:
        known = [str(name) for name in frame.columns]
        raise ConfigError(
            f"the rules read {preview(absent)}, which the portfolio does not have",
            where=f"rules {rules.name}",
            fix=did_you_mean(absent[0], known) or f"the portfolio has {preview(known)}",
        )
    columns = frame[list(rules.columns)].set_axis(ids, axis=0)
    if rules.tiers and "tier" in columns:
        columns = columns.assign(**{TIER: _tier_numbers(columns["tier"], rules.tiers)})
    return columns if ids.is_monotonic_increasing else columns.sort_index()


def _tier_numbers(tiers: pd.Series, order: tuple[str, ...]) -> pd.Series:
    numbers = tiers.astype(object).map({name: float(number) for number, name in enumerate(order)})
    unknown = numbers.isna() & tiers.notna()
    if unknown.any():
        raise DataError(
            f"the tier {str(tiers[unknown].iloc[0])!r} is not one of the rules' tiers {', '.join(order)}",
            where="column 'tier'",
            fix="list the tiers of the model in the rules, lowest risk first",
        )
    return numbers.astype(np.float64)


def portfolio_digest(portfolio: pd.DataFrame) -> str:
    """Return a digest (64 hexadecimal digits) of the columns that `rule_columns` returned."""
    return content_hash(portfolio.reset_index())


def values(rules: WarningRules, portfolio: pd.DataFrame) -> pd.DataFrame:
    """Return the value of each indicator, shape (customers, indicators); NaN where unknown."""
    columns = {}
    for name, indicator in rules.indicators.items():
        where = f"rules {rules.name}, indicators.{name}"
        amounts = parse(indicator.value, where=where).amounts(portfolio).to_numpy(np.float64)
        columns[name] = np.where(np.isfinite(amounts), amounts, np.nan)
    return pd.DataFrame(columns, index=portfolio.index)


def alert_key(rule: str, customer: str, opened: dt.date) -> str:
    """Return the key of an alert, 20 hexadecimal digits, from the rules, the customer and the opening date."""
    return hashlib.sha256(f"{rule}\n{opened}\n{customer}".encode()).hexdigest()[:20]
