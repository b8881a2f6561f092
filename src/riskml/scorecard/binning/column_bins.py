"""Bins of one column: labels, counts and weights of evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import ConfigError, did_you_mean, preview
from riskml.runtime.frame import Floats, level
from riskml.runtime.shapes import Levels, Step
from riskml.scorecard.binning.counts import Counts, LevelCounts, NumericCounts
from riskml.scorecard.binning.labels import MISSING, UNSEEN, group_labels, interval_labels, special_label
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.binning.search import BinSearchResult, note_of, search_bins, search_groups
from riskml.scorecard.binning.woe import woe


@dataclass(frozen=True)
class ColumnBins:
    """The bins of one column."""

    shape: Step | Levels  # finds a value's slot; its ``value`` is the weight of evidence of each slot
    labels: tuple[str, ...]  # what each slot holds, for people
    counts: Floats  # non-events and events of each slot, as counted
    # the bin of each slot; slots that share a bin (missing values merged with it) share its weight
    row: tuple[int, ...]
    trend: str  # how the event rate goes over the regular bins, special levels not among them
    totals: Floats  # non-events and events of all rows
    note: str = ""  # why the column has one bin only, or where a trend does not hold; "" where there is nothing to say
    special: int = 0  # how many of the bins before the missing values' are special levels: the last ones

    @property
    def column(self) -> str:
        """The column's name."""
        return self.shape.column

    @property
    def regular(self) -> int:
        """How many slots come before the missing values': regular bins, and then special levels."""
        return len(self.shape.splits) + 1 if isinstance(self.shape, Step) else len(self.shape.value) - 2

    @property
    def n_bins(self) -> int:
        """How many slots are regular bins: those that ``max_bins`` and the trend are about."""
        return self.regular - self.special

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
    """Return the best bins of a column."""
    options.check(column)
    periods = [part.counts for part in by_period or []]
    if isinstance(counts, NumericCounts):
        return _numeric(column, counts, options, periods)
    return _categorical(column, counts, options, special_levels, periods)


def _numeric(column: str, counts: NumericCounts, options: ColumnOptions, periods: Sequence[Floats]) -> ColumnBins:
    totals, codes = counts.totals, tuple(counts.special)
    if options.groups is not None:
        raise ConfigError("groups are given for a numeric column", where=f"column {column!r}", fix="give splits")
    result: BinSearchResult | None = None
    if options.splits is not None:
        splits = _fixed_splits(column, counts, options.splits)
        starts = tuple(int(i) for i in np.searchsorted(counts.edges, splits) + 1)
        bins = np.add.reduceat(counts.counts, [0, *starts], axis=0)
    else:
        used = counts.without_empty().coarse(options.prebins)
        first = np.searchsorted(counts.edges, used.edges) + 1
        parts = [np.add.reduceat(part, [0, *first], axis=0) for part in periods]
        result = search_bins(column, used.counts, totals, options, parts)
        bins = np.add.reduceat(used.counts, result.starts, axis=0)
        splits = used.edges[np.asarray(result.starts[1:], dtype=int) - 1]
    slots = np.vstack([bins, counts.missing[None], *(counts.special[code][None] for code in codes)])
    labels = (*interval_labels(splits), MISSING, *map(special_label, codes))
    row = _rows_of(slots, regular=len(bins), missing=len(bins), options=options)
    shape = Step(column, tuple(map(float, splits)), codes, _weights(slots, row, totals, options.smoothing))
    note = note_of(result, slots, row, len(bins))
    return ColumnBins(shape, labels, slots, row, trend_of(bins), totals, note)


def _categorical(
    column: str, counts: LevelCounts, options: ColumnOptions, special_levels: Sequence[str], periods: Sequence[Floats]
) -> ColumnBins:
    totals = counts.totals
    if options.splits is not None:
        raise ConfigError("splits are given for a categorical column", where=f"column {column!r}", fix="give groups")
    rare: frozenset[int] = frozenset()
    result: BinSearchResult | None = None
    if options.groups is not None:
        counts, groups = _fixed_groups(column, counts, options.groups)
        named = {level(value) for group in options.groups for value in group}
        alone = [i for i, name in enumerate(counts.levels) if name in special_levels and name not in named]
        groups = [rest for group in groups if (rest := [i for i in group if i not in alone]) or not group]
    else:
        alone = [i for i, name in enumerate(counts.levels) if name in special_levels]
        groups, rare, result = search_groups(column, counts, options, alone, periods)
    regular = len(groups)
    groups = [*groups, *([i] for i in alone)]
    bins = np.array([counts.counts[group].sum(axis=0) for group in groups]).reshape(-1, 2)
    slots = np.vstack([bins, counts.missing[None], np.zeros((1, 2))])
    names = group_labels([[counts.levels[i] for i in group] for group in groups])
    labels = (*names[:regular], *map(special_label, names[regular:]), MISSING, UNSEEN)
    row = _rows_of(slots, regular=regular, missing=len(bins), options=options)
    weights = list(_weights(slots, row, totals, options.smoothing))
    if options.unseen == "worst" and regular:
        weights[-1] = max(weights[:regular])
    if options.unseen == "rare":
        weights[-1] = next((weights[g] for g, group in enumerate(groups) if rare & set(group)), 0.0)
    members = {counts.levels[i]: g for g, group in enumerate(groups) for i in group}
    shape = Levels(column, members, tuple(weights))
    once = counts.counts.sum(axis=1) <= 1
    notes = [note_of(result, slots, row, regular)]
    if len(once) > 1 and once.mean() > 0.5:
        notes.append(f"{int(once.sum()):,} of {len(once):,} levels occur once: an identifier, or free text?")
    note = "; ".join(filter(None, notes))
    return ColumnBins(shape, labels, slots, row, trend_of(bins[:regular]), totals, note, len(alone))


def _fixed_splits(column: str, counts: NumericCounts, requested: Sequence[float]) -> Floats:
    splits = np.asarray(list(requested), dtype=np.float64)
    if not np.isfinite(splits).all() or (np.diff(splits) <= 0).any():
        raise ConfigError(
            f"splits must be finite and rise strictly; got {list(requested)}",
            where=f"column {column!r}",
            fix="sort them",
        )
    absent = splits[~np.isin(splits, counts.edges)]
    if len(absent):
        raise ConfigError(
            f"the counts have no edge at {absent.tolist()}",
            where=f"column {column!r}",
            fix="count with the splits among the edges",
        )
    rows = np.flatnonzero(counts.counts.sum(axis=1) > 0)
    starts = np.searchsorted(counts.edges, splits) + 1
    # A part of the rows may leave a bin between two others empty; what lies beyond all values is a mistake.
    outside = splits[(starts <= rows[0]) | (starts > rows[-1])] if len(rows) else []
    if len(outside):
        raise ConfigError(
            f"no row falls into a bin beside the split {outside[0]:g}: it lies outside the column's range",
            where=f"column {column!r}, splits",
            fix="leave that split out; on a part of the rows, a bin at the end that is too small may be lost",
        )
    return splits


def _fixed_groups(
    column: str, counts: LevelCounts, groups: Sequence[Sequence[Any]]
) -> tuple[LevelCounts, list[list[int]]]:
    """Return the counts with every level that is named, and the groups: what is not named is one group more."""
    named = [[level(value) for value in group] for group in groups]
    flat = [name for group in named for name in group]
    twice = sorted({name for name in flat if flat.count(name) > 1})
    if twice:
        raise ConfigError(
            f"levels named twice: {twice}", where=f"column {column!r}, groups", fix="name each level of the data once"
        )
    absent = tuple(name for name in flat if name not in set(counts.levels))
    rest = [name for name in counts.levels if name not in set(flat)]
    lost = [name for group in named if group and set(group) <= set(absent) for name in group]
    # Where every level of the data has its group, a group without a level is a matter of few rows and not of spelling.
    if lost and (rest or len(absent) == len(flat)):
        raise ConfigError(
            f"levels that the data do not have: {lost}",
            where=f"column {column!r}, groups",
            fix=did_you_mean(lost[0], rest or counts.levels) or f"the levels are {preview(counts.levels)}",
        )
    counts = counts + LevelCounts(absent, np.zeros((len(absent), 2)), np.zeros(2))
    position = {name: i for i, name in enumerate(counts.levels)}
    return counts, [[position[name] for name in group] for group in [*named, rest] if group]


def _rows_of(slots: Floats, regular: int, missing: int, options: ColumnOptions) -> tuple[int, ...]:
    """Return the bin of each slot; missing values share the nearest regular bin with ``missing="nearest"``."""
    own = list(range(len(slots)))
    rows = slots[:regular].sum(axis=1)
    if options.missing == "own" or not slots[missing].sum() or not rows.any():
        return tuple(own)
    rate = np.where(rows > 0, slots[:regular, 1] / np.maximum(rows, 1e-300), np.inf)
    nearest = int(np.abs(rate - slots[missing, 1] / slots[missing].sum()).argmin())
    return tuple(nearest if slot == missing else slot - (slot > missing) for slot in own)


def _weights(slots: Floats, row: Sequence[int], totals: Floats, smoothing: float) -> tuple[float, ...]:
    bins = np.zeros((max(row) + 1, 2))
    np.add.at(bins, list(row), slots)
    bins = bins + smoothing * totals / totals.sum() if smoothing else bins
    weights = woe(bins[:, 1], bins[:, 0], totals)
    return tuple(float(weights[bin_]) for bin_ in row)


def trend_of(bins: Floats) -> str:
    """Return how the event rate goes over bins (non-events, events): the name a person would give it."""
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
    # A float holds no whole number beyond; further still it would overflow.
    exact = (np.abs(values) <= 2**53).all() and np.allclose(values, whole, rtol=0, atol=1e-9)
    return whole.astype(np.int64) if exact else values
