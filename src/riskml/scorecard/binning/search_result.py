"""What the search found among a column's pre-bins or levels, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from riskml.runtime.frame import Floats
from riskml.scorecard.binning.candidates import Trend
from riskml.scorecard.binning.counts import LevelCounts, coarse_starts
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.binning.search import Search, best_bins, diagnose, why_one_bin


@dataclass(frozen=True)
class BinSearchResult:
    """What the search for bins found."""

    search: Search
    starts: tuple[int, ...]
    trend: Trend
    note: str


def sought_bins(
    column: str, counts: Floats, totals: Floats, options: ColumnOptions, periods: Sequence[Floats], note: str = ""
) -> BinSearchResult:
    """Return the best bins of pre-bins in order; a note in hand comes before what the search says."""
    search = Search.of(counts, totals, options, np.stack(list(periods)) if periods else None)
    starts, trend, more = best_bins(column, search, smoothing=options.smoothing, keep=options.constant == "keep")
    return BinSearchResult(search, starts, trend, "; ".join(filter(None, [note, more])))


def sought_groups(
    column: str, counts: LevelCounts, options: ColumnOptions, alone: Sequence[int], periods: Sequence[Floats]
) -> tuple[list[list[int]], frozenset[int], BinSearchResult | None]:
    """Return groups of levels, which levels were pooled as rare, and the search; levels are ordered by event rate."""
    rows = counts.counts.sum(axis=1)
    total = float(counts.totals.sum())
    is_special = np.isin(np.arange(len(rows)), alone)
    is_rare = (rows < options.rare_share * total) & ~is_special
    units = [[int(i)] for i in np.flatnonzero(~is_rare & ~is_special)]
    rare = [int(i) for i in np.flatnonzero(is_rare)]
    if rare:
        units.append(rare)
    asked = _of_levels(options)
    if not units:
        nothing = Search.of(np.zeros((0, 2)), counts.totals, asked, None)
        return [], frozenset(), BinSearchResult(nothing, (), "none", why_one_bin(nothing))
    merged = np.array([counts.counts[unit].sum(axis=0) for unit in units])
    rate = merged[:, 1] / np.maximum(merged.sum(axis=1), 1e-300)
    # Names break ties, so that the order does not depend on the rows' order.
    order = sorted(range(len(units)), key=lambda u: (rate[u], units[u] == rare, counts.levels[units[u][0]]))
    first = coarse_starts(merged[order], options.max_prebins)
    note = f"{len(order):,} levels were taken together to {len(first)} (max_prebins)" if len(first) < len(order) else ""
    ends = [*first[1:].tolist(), len(order)]
    ranked = [[i for u in order[a:b] for i in units[u]] for a, b in zip(first.tolist(), ends, strict=True)]
    ordered = np.array([counts.counts[unit].sum(axis=0) for unit in ranked])
    in_periods = [np.array([part[unit].sum(axis=0) for unit in ranked]) for part in periods]
    sought = sought_bins(column, ordered, counts.totals, asked, in_periods, note)
    ends = [*sought.starts[1:], len(ranked)]
    groups = [[i for unit in ranked[a:b] for i in unit] for a, b in zip(sought.starts, ends, strict=True)]
    return groups, frozenset(rare), sought


def unmet(bins: Floats, totals: Floats, options: ColumnOptions, *, levels: bool) -> str:
    """Return the option that these bins cannot have been found with, or nothing."""
    # One bin is what a column without any allowed cut is left with, whatever was asked; given bins are as given.
    if len(bins) < 2 or options.splits is not None or options.groups is not None:
        return ""
    if len(bins) > options.max_bins:
        return f"max_bins={options.max_bins}"
    search = Search.of(bins, totals, _of_levels(options) if levels else options, None)
    search = search.asking(min_bins=len(bins), max_bins=len(bins))
    return "" if search.best() else diagnose(search)


def _of_levels(options: ColumnOptions) -> ColumnOptions:
    # Levels are put in the order of their event rate first.
    return options if options.monotonic == "none" else replace(options, monotonic="ascending")


def note_of(sought: BinSearchResult | None, slots: Floats, row: Sequence[int], regular: int) -> str:
    """Return what there is to say of bins; missing values that joined one of them are looked at again."""
    if sought is None:
        return ""
    bins = np.zeros((regular, 2))
    joined = [(slot, bin_) for slot, bin_ in enumerate(row) if bin_ < regular]
    np.add.at(bins, [bin_ for _, bin_ in joined], slots[[slot for slot, _ in joined]])
    broken = len(joined) > regular > 1 and not sought.search.allows(bins, sought.trend)
    said = "the missing values that joined the nearest bin break the trend, or a constraint between neighbours"
    return "; ".join(filter(None, [sought.note, said if broken else ""]))
