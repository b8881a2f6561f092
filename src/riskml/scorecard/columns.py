"""The bins of one column: from its counts and what is asked of it, to slots with labels and weights of evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import ConfigError
from riskml.runtime.frame import Floats, level
from riskml.runtime.shapes import Levels, Step
from riskml.schema import near, shortened
from riskml.scorecard.binning import AUTO, choose_trend, diagnose, infeasible
from riskml.scorecard.counts import Counts, LevelCounts, NumericCounts
from riskml.scorecard.labels import MISSING, UNSEEN, group_labels, interval_labels, special_label
from riskml.scorecard.options import ColumnOptions
from riskml.scorecard.runs import Trend
from riskml.scorecard.woe import woe


@dataclass(frozen=True)
class ColumnBins:
    """The bins of one column.

    Parameters
    ----------
    shape : Step or Levels
        Finds a value's slot; its ``value`` is the weight of evidence of each slot.
    labels : tuple of str
        What each slot holds, for people.
    counts : ndarray of shape (slots, 2)
        Non-events and events of each slot, as counted.
    row : tuple of int
        The bin of each slot; slots that share a bin (missing values merged with it) share its weight.
    trend : str
        How the event rate goes over the regular bins.
    totals : ndarray of shape (2,)
        Non-events and events of all rows.
    note : str
        Why the column has one bin only, or where a trend does not hold; "" where there is nothing to say.
    """

    shape: Step | Levels
    labels: tuple[str, ...]
    counts: Floats
    row: tuple[int, ...]
    trend: str
    totals: Floats
    note: str = ""

    @property
    def column(self) -> str:
        """The column's name."""
        return self.shape.column

    @property
    def regular(self) -> int:
        """How many slots are regular bins."""
        return len(self.shape.splits) + 1 if isinstance(self.shape, Step) else len(self.shape.value) - 2

    def table(self, *, empty: bool = False) -> pd.DataFrame:
        """Return bin, count, event, event_rate, woe and iv: a row per bin that holds rows, or per bin at all."""
        bins = np.zeros((max(self.row) + 1, 2))
        np.add.at(bins, list(self.row), self.counts)
        names = [" or ".join(self._labels_of(bin_)) for bin_ in range(len(bins))]
        weights = np.array([self.shape.value[self.row.index(bin_)] for bin_ in range(len(bins))])
        nonevent, event = bins[:, 0], bins[:, 1]
        count = nonevent + event
        with np.errstate(invalid="ignore"):
            rate = event / count
        share_gap = event / self.totals[1] - nonevent / self.totals[0]
        table = pd.DataFrame(
            {
                "bin": names,
                "count": _whole_if_whole(count),
                "event": _whole_if_whole(event),
                "event_rate": rate,
                "woe": weights,
                "iv": np.where(count > 0, share_gap * weights, 0.0),
            }
        )
        return table if empty else table[count > 0].reset_index(drop=True)

    @property
    def iv(self) -> float:
        """Information value over all bins, missing values and special codes included."""
        return float(self.table()["iv"].sum())

    def woe(self, values: NDArray[Any]) -> Floats:
        """Return the weight of evidence of each value, shape (n,)."""
        return self.shape.contribution(values)

    def _labels_of(self, bin_: int) -> list[str]:
        return [label for label, row in zip(self.labels, self.row, strict=True) if row == bin_]


def bin_column(
    column: str,
    counts: Counts,
    options: ColumnOptions,
    by_period: Sequence[Counts] | None = None,
    special_levels: Sequence[str] = (),
) -> ColumnBins:
    """Return the best bins of a column.

    Parameters
    ----------
    column : str
    counts : NumericCounts or LevelCounts
    options : ColumnOptions
    by_period : sequence of the same kind of counts, optional
        Over the same pre-bins: the trend must hold in each.
    special_levels : sequence of str, optional
        Levels of a categorical column that each get a bin of their own.

    Raises
    ------
    ConfigError
        When an option makes no sense.
    FitError
        When no binning satisfies the constraints; the message names the one that binds.
    """
    options.check(column)
    periods = [part.counts for part in by_period or []]
    if isinstance(counts, NumericCounts):
        return _numeric(column, counts, options, periods)
    return _categorical(column, counts, options, special_levels, periods)


def _numeric(column: str, counts: NumericCounts, options: ColumnOptions, periods: Sequence[Floats]) -> ColumnBins:
    totals, note = counts.totals, ""
    if options.groups is not None:
        raise ConfigError("groups are given for a numeric column", where=f"column {column!r}", mend="give splits")
    if options.splits is not None:
        splits = _given_splits(column, counts, options.splits)
        starts = tuple(int(i) for i in np.searchsorted(counts.edges, splits) + 1)
        bins = np.add.reduceat(counts.counts, [0, *starts], axis=0)
    else:
        filled = counts.counts.sum(axis=1) > 0
        used = counts.without_empty()
        if periods and filled.any():
            periods = [part[filled] for part in periods]
        starts = _best(column, used.counts, totals, options, periods)
        bins = np.add.reduceat(used.counts, starts, axis=0)
        note = _why_one_bin(used.counts, totals, options, periods) if len(starts) == 1 else ""
        splits = used.edges[np.asarray(starts[1:], dtype=int) - 1]
    codes = tuple(counts.special)
    slots = np.vstack([bins, counts.missing[None], *(counts.special[code][None] for code in codes)])
    labels = (*interval_labels(splits), MISSING, *map(special_label, codes))
    row = _rows_of(slots, missing=len(bins), options=options)
    shape = Step(column, tuple(map(float, splits)), codes, _weights(slots, row, totals, options.smoothing))
    return ColumnBins(shape, labels, slots, row, trend_of(bins), totals, note)


def _categorical(
    column: str,
    counts: LevelCounts,
    options: ColumnOptions,
    special_levels: Sequence[str],
    periods: Sequence[Floats],
) -> ColumnBins:
    totals, note = counts.totals, ""
    if options.splits is not None:
        raise ConfigError("splits are given for a categorical column", where=f"column {column!r}", mend="give groups")
    rare: frozenset[int] = frozenset()
    if options.groups is not None:
        counts, groups = _given_groups(column, counts, options.groups)
    else:
        groups, rare, note = _sought_groups(column, counts, options, special_levels, periods)
    bins = np.array([counts.counts[group].sum(axis=0) for group in groups]).reshape(-1, 2)
    slots = np.vstack([bins, counts.missing[None], np.zeros((1, 2))])
    labels = (*group_labels([[counts.levels[i] for i in group] for group in groups]), MISSING, UNSEEN)
    row = _rows_of(slots, missing=len(bins), options=options)
    weights = list(_weights(slots, row, totals, options.smoothing))
    if options.unseen == "worst" and groups:
        weights[-1] = max(weights[: len(groups)])
    if options.unseen == "rare":
        weights[-1] = next((weights[g] for g, group in enumerate(groups) if rare & set(group)), 0.0)
    members = {counts.levels[i]: g for g, group in enumerate(groups) for i in group}
    return ColumnBins(Levels(column, members, tuple(weights)), labels, slots, row, trend_of(bins), totals, note)


def _best(
    column: str, counts: Floats, totals: Floats, options: ColumnOptions, periods: Sequence[Floats]
) -> tuple[int, ...]:
    constraints = options.constraints(float(totals.sum()))
    by_period = np.stack(list(periods)) if periods else None
    candidates = _candidates(options)
    ask = partial(choose_trend, counts, totals=totals, objective=options.objective, by_period=by_period)
    found = ask(candidates, constraints)
    if found and options.smoothing and found.trend != "none":
        bins = np.add.reduceat(counts, list(found.starts), axis=0)
        if trend_of(bins) != trend_of(bins + options.smoothing * totals / totals.sum()):
            # Smoothing moves small bins more than large ones: the trend has to hold for both rates.
            found = ask((found.trend,), replace(constraints, smoothing=options.smoothing)) or found
    if found is None and constraints.min_bins > 1:
        raise infeasible(column, counts, candidates[0], constraints)
    # Too few rows for even one bin of the asked size: all of them together are still the column's one bin.
    return found.starts if found else (0,)


def _candidates(options: ColumnOptions) -> tuple[Trend, ...]:
    if options.monotonic == "auto":
        return AUTO
    return ("ascending", "descending") if options.monotonic == "auto_asc_desc" else (options.monotonic,)


def _why_one_bin(counts: Floats, totals: Floats, options: ColumnOptions, periods: Sequence[Floats]) -> str:
    """Return why a column was left with one regular bin."""
    if len(counts) < 2:
        return "one value only" if counts.sum() else "no value that is not missing or a special code"
    constraints = replace(options.constraints(float(totals.sum())), min_bins=2)
    if options.max_bins < 2:
        return "max_bins=1"
    ask = partial(choose_trend, counts, _candidates(options), totals=totals, objective=options.objective)
    if periods and ask(constraints):
        return "no cut keeps its trend in every period"
    loose = ask(replace(constraints, min_event=0.0, min_nonevent=0.0))
    if loose and not np.add.reduceat(counts, list(loose.starts), axis=0).all():
        return (
            "every cut leaves a bin without events or without non-events (min_events, min_nonevents): "
            "the column may give the outcome away"
        )
    trend = _candidates(options)[0]
    binding = diagnose(counts, trend, constraints, objective=options.objective, totals=totals, given="min_bins")
    return f"no cut is allowed by {binding}"


def _sought_groups(
    column: str, counts: LevelCounts, options: ColumnOptions, special: Sequence[str], periods: Sequence[Floats]
) -> tuple[list[list[int]], frozenset[int], str]:
    """Return groups of levels, which levels were pooled as rare, and a note; levels are ordered by event rate."""
    rows = counts.counts.sum(axis=1)
    total = float(counts.totals.sum())
    alone = [[i] for i, name in enumerate(counts.levels) if name in special]
    is_special = np.isin(np.arange(len(rows)), [i for unit in alone for i in unit])
    is_rare = (rows < options.rare_share * total) & ~is_special
    units = [[int(i)] for i in np.flatnonzero(~is_rare & ~is_special)]
    rare = [int(i) for i in np.flatnonzero(is_rare)]
    if rare:
        units.append(rare)
    if not units:
        return alone, frozenset(), "no level that is not missing or a special code"
    merged = np.array([counts.counts[unit].sum(axis=0) for unit in units])
    rate = merged[:, 1] / np.maximum(merged.sum(axis=1), 1e-300)
    # Names break ties, so that the order does not depend on the rows' order.
    order = sorted(range(len(units)), key=lambda u: (rate[u], units[u] == rare, counts.levels[units[u][0]]))
    ordered = merged[order]
    asked = options if options.monotonic == "none" else replace(options, monotonic="ascending")
    in_periods = [np.array([part[units[u]].sum(axis=0) for u in order]) for part in periods]
    starts = _best(column, ordered, counts.totals, asked, in_periods)
    ends = [*starts[1:], len(order)]
    groups = [[i for u in order[a:b] for i in units[u]] for a, b in zip(starts, ends, strict=True)]
    note = _why_one_bin(ordered, counts.totals, asked, in_periods) if len(starts) == 1 and not alone else ""
    return groups + alone, frozenset(rare), note


def _given_splits(column: str, counts: NumericCounts, given: Sequence[float]) -> Floats:
    splits = np.asarray(list(given), dtype=np.float64)
    if not np.isfinite(splits).all() or (np.diff(splits) <= 0).any():
        raise ConfigError(
            f"splits must be finite and rise strictly; got {list(given)}", where=f"column {column!r}", mend="sort them"
        )
    absent = splits[~np.isin(splits, counts.edges)]
    if len(absent):
        raise ConfigError(
            f"the counts have no edge at {absent.tolist()}",
            where=f"column {column!r}",
            mend="count with the splits among the edges",
        )
    rows = np.flatnonzero(counts.counts.sum(axis=1) > 0)
    starts = np.searchsorted(counts.edges, splits) + 1
    # A part of the rows may leave a bin between two others empty; what lies beyond all values is a mistake.
    outside = splits[(starts <= rows[0]) | (starts > rows[-1])] if len(rows) else []
    if len(outside):
        raise ConfigError(
            f"no row falls into a bin beside the split {outside[0]:g}: it lies outside the column's range",
            where=f"column {column!r}, splits",
            mend="leave that split out; on a part of the rows, a bin at the end that is too small may be lost",
        )
    return splits


def _given_groups(
    column: str, counts: LevelCounts, given: Sequence[Sequence[Any]]
) -> tuple[LevelCounts, list[list[int]]]:
    """Return the counts with every level that is named, and the groups: what is not named is one group more.

    A part of the rows (a fold) may lack a level that all of them have: it stays in its group, without a row.
    """
    named = [[level(value) for value in group] for group in given]
    flat = [name for group in named for name in group]
    twice = sorted({name for name in flat if flat.count(name) > 1})
    if twice:
        raise ConfigError(
            f"levels named twice: {twice}", where=f"column {column!r}, groups", mend="name each level of the data once"
        )
    absent = tuple(name for name in flat if name not in set(counts.levels))
    rest = [name for name in counts.levels if name not in set(flat)]
    lost = [name for group in named if group and set(group) <= set(absent) for name in group]
    # Where every level of the data has its group, a group without a level is a matter of few rows and not of spelling.
    if lost and (rest or len(absent) == len(flat)):
        raise ConfigError(
            f"levels that the data do not have: {lost}",
            where=f"column {column!r}, groups",
            mend=near(lost[0], rest or counts.levels) or f"the levels are {shortened(counts.levels)}",
        )
    counts = counts + LevelCounts(absent, np.zeros((len(absent), 2)), np.zeros(2))
    position = {name: i for i, name in enumerate(counts.levels)}
    return counts, [[position[name] for name in group] for group in [*named, rest] if group]


def _rows_of(slots: Floats, missing: int, options: ColumnOptions) -> tuple[int, ...]:
    """Return the bin of each slot; missing values share the nearest bin where that is asked for."""
    own = list(range(len(slots)))
    if options.missing == "own" or not slots[missing].sum() or missing == 0:
        return tuple(own)
    rows = slots[:missing].sum(axis=1)
    if not rows.any():
        return tuple(own)
    away = np.abs(slots[:missing, 1] / np.maximum(rows, 1e-300) - slots[missing, 1] / slots[missing].sum())
    nearest = int(np.where(rows > 0, away, np.inf).argmin())
    return tuple(nearest if slot == missing else slot - (slot > missing) for slot in own)


def _weights(slots: Floats, row: Sequence[int], totals: Floats, smoothing: float) -> tuple[float, ...]:
    bins = np.zeros((max(row) + 1, 2))
    np.add.at(bins, list(row), slots)
    bins = bins + smoothing * totals / totals.sum() if smoothing else bins
    weights = woe(bins[:, 1], bins[:, 0], totals)
    return tuple(float(weights[bin_]) for bin_ in row)


def trend_of(bins: Floats) -> str:
    """Return how the event rate goes over bins (non-events, events): the name a person would give it.

    >>> trend_of(np.array([[9, 1], [5, 5], [8, 2]]))
    'peak'
    """
    filled = bins[bins.sum(axis=1) > 0]
    rate = filled[:, 1] / filled.sum(axis=1)
    steps = np.sign(np.diff(rate))
    steps = steps[steps != 0]
    if not len(steps):
        return "flat"
    turns = int((np.diff(steps) != 0).sum())
    if turns > 1:
        return "none"
    rises = steps[0] > 0
    if turns == 0:
        return "ascending" if rises else "descending"
    return "peak" if rises else "valley"


def _whole_if_whole(values: Floats) -> NDArray[Any]:
    whole = np.round(values)
    return whole.astype(np.int64) if np.allclose(values, whole, rtol=0, atol=1e-9) else values
