"""Warning indicators: each customer's values and their changes against thresholds, and the alerts they add up to.

All customers are computed at once. A level is 0 (calm), 1 (amber) or 2 (red).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.warning import POINTS, IndicatorConfig, WarningRules
from riskml.expressions import parse
from riskml.warning.snapshot import Snapshot, values

_LABELS = ("", "amber", "red")


@dataclass(frozen=True)
class IndicatorLevels:
    """Indicators of a portfolio, each of shape (customers, indicators)."""

    values: pd.DataFrame  # float64
    measures: pd.DataFrame  # float64: what the thresholds are compared with, the value or its change
    own: pd.DataFrame  # int8: levels by the thresholds alone
    levels: pd.DataFrame  # int8: levels that have persisted long enough


def indicator_levels(rules: WarningRules, portfolio: pd.DataFrame, earlier: Sequence[Snapshot] = ()) -> IndicatorLevels:
    """Return the level of each indicator for each customer.

    Parameters
    ----------
    portfolio : DataFrame of shape (n, read)
        As ``riskml.warning.snapshot.rule_columns`` returns it.
    earlier : sequence of Snapshot
        Earlier as-of dates, oldest first. A customer who is in none of them has no past, so no change warns.
    """
    now = values(rules, portfolio)
    measured = measures(rules, now, earlier)
    own = own_levels(rules, measured, conditions(rules, portfolio))
    return IndicatorLevels(now, measured, own, persisted(rules, own, [snapshot.levels for snapshot in earlier]))


def measures(rules: WarningRules, now: pd.DataFrame, earlier: Sequence[Snapshot]) -> pd.DataFrame:
    """Return what the thresholds are compared with: a value, or its change against the customer's own past."""
    aligned = [
        (snapshot.values, None)
        if snapshot.values.index.equals(now.index)
        else (snapshot.values, snapshot.values.index.get_indexer(now.index))
        for snapshot in earlier
    ]
    columns = {}
    for name, indicator in rules.indicators.items():
        value = now[name].to_numpy()
        if indicator.measure != "level":
            # One indicator at a time, so that a portfolio of millions stays small in memory.
            past = [_past(frame, name, rows) for frame, rows in aligned[-indicator.against.last :]]
            value = _change(indicator, value, _base(indicator, past, len(now)))
        columns[name] = value
    return pd.DataFrame(columns, index=now.index)


def _past(frame: pd.DataFrame, name: str, rows: np.ndarray | None) -> np.ndarray:
    """Return the past values of an indicator; ``rows`` are those of the current customers, -1 where absent."""
    if name not in frame.columns:  # other rules were used then
        return np.full(len(frame) if rows is None else len(rows), np.nan)
    column = frame[name].to_numpy()
    return column if rows is None else np.where(rows >= 0, column[rows], np.nan)


def _base(indicator: IndicatorConfig, past: list[np.ndarray], size: int) -> np.ndarray:
    base = np.full(size, np.nan)
    if indicator.against.by == "mean":
        total, count = np.zeros(size), np.zeros(size)
        for column in past:
            known = ~np.isnan(column)
            total[known] += column[known]
            count += known
        np.divide(total, count, out=base, where=count > 0)
        return base
    for column in past:
        if indicator.against.by == "latest":
            base = np.where(np.isnan(column), base, column)
        else:
            base = (np.fmin if indicator.against.by == "min" else np.fmax)(base, column)
    return base


def _change(indicator: IndicatorConfig, value: np.ndarray, base: np.ndarray) -> np.ndarray:
    difference: np.ndarray = value - base if indicator.measure in ("rise", "growth") else base - value
    if indicator.measure in ("rise", "fall"):
        return difference
    share = np.full(len(base), np.nan)
    np.divide(difference, base, out=share, where=base > 0)
    return share


def conditions(rules: WarningRules, portfolio: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return, for each indicator with a condition, which customers meet it."""
    return {
        name: parse(indicator.where, where=f"rules {rules.name}, indicators.{name}.where").holds(portfolio).to_numpy()
        for name, indicator in rules.indicators.items()
        if indicator.where is not None
    }


def own_levels(rules: WarningRules, measured: pd.DataFrame, allowed: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the level of each indicator by its thresholds and its condition, shape (n, indicators)."""
    columns = {}
    for name, indicator in rules.indicators.items():
        level = np.zeros(len(measured), dtype=np.int8)
        measure = measured[name].to_numpy()
        for number, bound in ((1, indicator.amber), (2, indicator.red)):
            if bound is not None:
                level[measure >= bound if indicator.worse == "higher" else measure <= bound] = number
        if name in allowed:
            level[~allowed[name]] = 0
        columns[name] = level
    return pd.DataFrame(columns, index=measured.index)


def persisted(rules: WarningRules, own: pd.DataFrame, earlier: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the levels that were reached on this date and on enough of the last dates."""
    levels = own.copy()
    for name, indicator in rules.indicators.items():
        rule = indicator.persistence
        if rule.dates == 1:
            continue
        level = own[name].to_numpy()
        amber, red = (level >= 1).astype(np.int8), (level >= 2).astype(np.int8)
        for past in earlier[-(rule.of - 1) :]:
            if name in past.columns:
                before = past[name].reindex(own.index, fill_value=0).to_numpy()
                amber += before >= 1
                red += before >= 2
        lasting = np.where(amber >= rule.dates, 1, 0)
        levels[name] = np.minimum(level, np.where(red >= rule.dates, 2, lasting)).astype(np.int8)
    return levels


def signals(rules: WarningRules, levels: pd.DataFrame, portfolio: pd.DataFrame) -> pd.DataFrame:
    """Return the customers whose indicators add up to an alert, by level and priority."""
    # The meaning depends only on the pattern of levels, and there are few patterns.
    digits = 3 ** np.arange(levels.shape[1], dtype=np.int64)
    codes, pattern = np.unique(levels.to_numpy() @ digits, return_inverse=True)
    meanings = _meanings(rules, codes[:, None] // digits % 3)
    warned = meanings["level"].to_numpy()[pattern] > 0
    table = meanings.iloc[pattern[warned]].set_axis(levels.index[warned], axis=0)
    priority = parse(rules.alerts.priority, where=f"rules {rules.name}, alerts.priority")
    table.insert(2, "priority", priority.amounts(portfolio[warned].assign(**{POINTS: table["points"]})))
    # The portfolio is sorted by customer, which breaks ties: the same portfolio gives the same order.
    return table.sort_values(["level", "priority"], ascending=False, kind="stable")


def _meanings(rules: WarningRules, levels: np.ndarray) -> pd.DataFrame:
    """Return level, points, cause and signs of each row of indicator levels."""
    names = list(rules.indicators)
    weighted = levels * np.array([rules.indicators[name].weight for name in names])
    points = pd.Series(weighted.sum(axis=1))
    columns = pd.DataFrame(levels, columns=names).assign(**{POINTS: points})
    level = np.zeros(len(levels), dtype=np.int8)
    for number, bound in ((1, rules.alerts.amber), (2, rules.alerts.red)):
        reached = parse(bound).holds(columns) if isinstance(bound, str) else points >= bound
        level[reached.to_numpy()] = number
    level[~(levels > 0).any(axis=1)] = 0  # no indicator warns
    # Among equal points the higher level comes first, then the order of the rules.
    order = np.argsort(-(weighted + levels * 1e-9), axis=1, kind="stable")
    signs = [
        ", ".join(f"{names[column]} {_LABELS[row[column]]}" for column in ranked if row[column])
        for ranked, row in zip(order, levels, strict=True)
    ]
    causes = [names[ranked[0]] for ranked in order]
    return pd.DataFrame({"level": level, "points": points, "cause": causes, "signs": signs})
