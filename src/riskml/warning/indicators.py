"""Signs of trouble: how a customer's values moved against its own past, and what that adds up to.

Everything is worked out for all customers at once. A level is 0 (calm), 1 (amber) or 2 (red).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.warning import POINTS, IndicatorConfig, WarningRules
from riskml.expressions import parse
from riskml.warning.snapshot import Reading, values

_LABELS = ("", "amber", "red")


@dataclass(frozen=True)
class IndicatorLevels:
    """A day's book as the indicators see it.

    Parameters
    ----------
    values, measures : DataFrame of float64, shape (customers, indicators)
        Each indicator's value, and what its thresholds are held against: the value or its change.
    own : DataFrame of int8, shape (customers, indicators)
        Each indicator's level by itself.
    levels : DataFrame of int8, shape (customers, indicators)
        Those that have persisted as long as they must.
    """

    values: pd.DataFrame
    measures: pd.DataFrame
    own: pd.DataFrame
    levels: pd.DataFrame


def judge_book(rules: WarningRules, book: pd.DataFrame, earlier: Sequence[Reading] = ()) -> IndicatorLevels:
    """Return what each indicator says of each customer.

    Parameters
    ----------
    book : DataFrame of shape (n, read)
        As ``riskml.warning.snapshot.read_book`` returns it.
    earlier : sequence of Reading
        The as-of dates before, oldest first. A customer who is not in them has no past: no change warns.
    """
    now = values(rules, book)
    held = measures(rules, now, earlier)
    allowed = conditions(rules, book)
    own = own_levels(rules, held, allowed)
    return IndicatorLevels(now, held, own, persisted(rules, own, [reading.levels for reading in earlier]))


def measures(rules: WarningRules, now: pd.DataFrame, earlier: Sequence[Reading]) -> pd.DataFrame:
    """Return what the thresholds are held against: a level as it is, a change against the customer's own past."""
    aligned = [reading.values if reading.values.index.equals(now.index) else None for reading in earlier]
    places = [
        None if same is not None else reading.values.index.get_indexer(now.index)
        for same, reading in zip(aligned, earlier, strict=True)
    ]
    columns = {}
    for name, one in rules.indicators.items():
        value = now[name].to_numpy()
        if one.measure == "level":
            columns[name] = value
            continue
        # Only what is read is put in order, one indicator at a time: a book of millions stays small in memory.
        past = [
            _taken(reading, name, place)
            for reading, place in list(zip(earlier, places, strict=True))[-one.against.last :]
        ]
        columns[name] = _change(one, value, _base(one, past, len(now)))
    return pd.DataFrame(columns, index=now.index)


def _taken(reading: Reading, name: str, places: np.ndarray | None) -> np.ndarray:
    if name not in reading.values.columns:  # the rules were others then
        return np.full(len(reading.values) if places is None else len(places), np.nan)
    column = reading.values[name].to_numpy()
    return column if places is None else np.where(places >= 0, column[places], np.nan)


def _base(one: IndicatorConfig, past: list[np.ndarray], size: int) -> np.ndarray:
    base = np.full(size, np.nan)
    if one.against.by == "mean":
        total, count = np.zeros(size), np.zeros(size)
        for column in past:
            known = ~np.isnan(column)
            total[known] += column[known]
            count += known
        np.divide(total, count, out=base, where=count > 0)
        return base
    for column in past:
        if one.against.by == "latest":
            base = np.where(np.isnan(column), base, column)
        else:
            base = (np.fmin if one.against.by == "min" else np.fmax)(base, column)
    return base


def _change(one: IndicatorConfig, value: np.ndarray, base: np.ndarray) -> np.ndarray:
    difference: np.ndarray = value - base if one.measure in ("rise", "growth") else base - value
    if one.measure in ("rise", "fall"):
        return difference
    share = np.full(len(base), np.nan)
    np.divide(difference, base, out=share, where=base > 0)
    return share


def conditions(rules: WarningRules, book: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return, for each indicator that has a condition, the customers who meet it."""
    return {
        name: parse(one.where, where=f"rules {rules.name}, indicators.{name}.where").holds(book).to_numpy()
        for name, one in rules.indicators.items()
        if one.where is not None
    }


def own_levels(rules: WarningRules, held: pd.DataFrame, allowed: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the level of each indicator by its thresholds and its condition, shape (n, indicators)."""
    columns = {}
    for name, one in rules.indicators.items():
        level = np.zeros(len(held), dtype=np.int8)
        measure = held[name].to_numpy()
        for number, bound in ((1, one.amber), (2, one.red)):
            if bound is not None:
                level[measure >= bound if one.worse == "higher" else measure <= bound] = number
        if name in allowed:
            level[~allowed[name]] = 0
        columns[name] = level
    return pd.DataFrame(columns, index=held.index)


def persisted(rules: WarningRules, own: pd.DataFrame, earlier: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return levels that were reached today, and on enough of the last dates."""
    levels = own.copy()
    for name, one in rules.indicators.items():
        rule = one.persistence
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


def signals(rules: WarningRules, levels: pd.DataFrame, book: pd.DataFrame) -> pd.DataFrame:
    """Return the customers whose indicators add up to an alert, who comes first on top."""
    # What levels add up to depends on them alone: it is worked out once for each pattern of levels, and those are few.
    digits = 3 ** np.arange(levels.shape[1], dtype=np.int64)
    codes, pattern = np.unique(levels.to_numpy() @ digits, return_inverse=True)
    meanings = _meanings(rules, codes[:, None] // digits % 3)
    warned = meanings["level"].to_numpy()[pattern] > 0
    table = meanings.iloc[pattern[warned]].set_axis(levels.index[warned], axis=0)
    priority = parse(rules.alerts.priority, where=f"rules {rules.name}, alerts.priority")
    table.insert(2, "priority", priority.amounts(book[warned].assign(**{POINTS: table["points"]})))
    # The customers' names, in whose order the book is, break ties: the same book gives the same order.
    return table.sort_values(["level", "priority"], ascending=False, kind="stable")


def _meanings(rules: WarningRules, levels: np.ndarray) -> pd.DataFrame:
    """Return what each row of levels adds up to: level, points, cause, signs."""
    names = list(rules.indicators)
    weighted = levels * np.array([rules.indicators[name].weight for name in names])
    points = pd.Series(weighted.sum(axis=1))
    seen = pd.DataFrame(levels, columns=names).assign(**{POINTS: points})
    level = np.zeros(len(levels), dtype=np.int8)
    for number, bound in ((1, rules.alerts.amber), (2, rules.alerts.red)):
        reached = parse(bound).holds(seen) if isinstance(bound, str) else points >= bound
        level[reached.to_numpy()] = number
    level[~(levels > 0).any(axis=1)] = 0  # without a sign there is nothing to tell
    # Of equal points the higher level leads, then what stands first in the rules.
    order = np.argsort(-(weighted + levels * 1e-9), axis=1, kind="stable")
    signs = [
        ", ".join(f"{names[place]} {_LABELS[bound[place]]}" for place in places if bound[place])
        for places, bound in zip(order, levels, strict=True)
    ]
    return pd.DataFrame(
        {"level": level, "points": points, "cause": [names[places[0]] for places in order], "signs": signs}
    )
