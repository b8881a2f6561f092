"""Draft bins of one column: every edit gives a new draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from riskml.errors import ConfigError, DataError
from riskml.runtime.frame import Floats
from riskml.runtime.shapes import Levels, Step
from riskml.scorecard.binning.candidates import Constraints
from riskml.scorecard.binning.column_bins import ColumnBins, bin_column
from riskml.scorecard.binning.counts import Counts, LevelCounts, NumericCounts
from riskml.scorecard.binning.labels import edge_text
from riskml.scorecard.binning.optimal import optimal_binning
from riskml.scorecard.binning.options import ColumnOptions, is_number


@dataclass(frozen=True)
class NumericDraft:
    """The bins of a numeric column."""

    column: str
    counts: NumericCounts  # among whose edges the cuts lie
    options: ColumnOptions  # the options of the column's bins
    splits: tuple[float, ...]  # where bins begin

    @cached_property
    def bins(self) -> ColumnBins:
        """The bins, as the binner would make them from these cuts."""
        options: dict[str, Any] = {"splits": self.splits, "groups": None}
        if not self.splits:
            # No cut is one bin, even of a column whose values are all missing.
            options = {"splits": None, "groups": None, "min_bins": 1, "max_bins": 1}
        return bin_column(self.column, self.counts, replace(self.options, **options))

    @property
    def override(self) -> dict[str, Any]:
        """What fixes these bins in ``OptimalBinner(overrides=...)``."""
        return {
            "splits": [int(cut) if cut.is_integer() and abs(cut) < 1e15 else cut for cut in map(float, self.splits)]
        }

    def merged(self, bin_: int, other: int) -> NumericDraft:
        """Return the draft with two neighbouring bins as one."""
        check_bin(self, bin_)
        check_bin(self, other)
        low, high = sorted((bin_, other))
        if high - low != 1:
            raise ConfigError("only neighbouring bins of numbers can be merged", where=f"column {self.column!r}")
        return replace(self, splits=self.splits[:low] + self.splits[high:])

    def split(self, bin_: int, at: float | None = None) -> NumericDraft:
        """Return the draft with a bin cut in two: at a value, or where the information value gains most."""
        check_bin(self, bin_)
        at = self._best_cut(bin_) if at is None else float(at)
        low, high = (-np.inf, *self.splits)[bin_], (*self.splits, np.inf)[bin_]
        if not low < at < high:
            raise ConfigError(
                f"{edge_text(at)} does not lie inside the bin {self.bins.labels[bin_]}", where=f"column {self.column!r}"
            )
        cut = replace(self, splits=(*self.splits[:bin_], at, *self.splits[bin_:]))
        if not cut.bins.counts[[bin_, bin_ + 1]].sum(axis=1).all():
            raise ConfigError(
                f"no row falls into a bin beside the split {edge_text(at)}", where=f"column {self.column!r}"
            )
        return cut

    def first_prebin(self, bin_: int) -> int:
        """Return the position of the first pre-bin of a bin; of the number of bins, how many pre-bins there are."""
        starts = [0, *(np.searchsorted(self.counts.edges, self.splits) + 1), len(self.counts.counts)]
        return int(starts[bin_])

    def _best_cut(self, bin_: int) -> float:
        first, end = self.first_prebin(bin_), self.first_prebin(bin_ + 1)
        filled = first + np.flatnonzero(self.counts.counts[first:end].sum(axis=1) > 0)
        cut = _best_start(self, self.counts.counts[filled])
        return float(self.counts.edges[filled[cut] - 1])


@dataclass(frozen=True)
class LevelDraft:
    """The groups of a categorical column."""

    column: str
    counts: LevelCounts
    options: ColumnOptions
    groups: tuple[tuple[str, ...], ...]

    @cached_property
    def bins(self) -> ColumnBins:
        """The bins, as the binner would make them from these groups."""
        return bin_column(self.column, self.counts, replace(self.options, groups=self.groups, splits=None))

    @property
    def override(self) -> dict[str, Any]:
        """What fixes these bins in ``OptimalBinner(overrides=...)``."""
        return {"groups": [list(group) for group in self.groups]}

    def merged(self, bin_: int, other: int) -> LevelDraft:
        """Return the draft with two groups as one, wherever they stand."""
        check_bin(self, bin_)
        check_bin(self, other)
        low, high = sorted((bin_, other))
        if low == high:
            raise ConfigError("a group cannot be merged with itself", where=f"column {self.column!r}")
        kept = [group for place, group in enumerate(self.groups) if place != high]
        kept[low] = self.groups[low] + self.groups[high]
        return replace(self, groups=tuple(kept))

    def split(self, bin_: int, at: float | None = None) -> LevelDraft:
        """Return the draft with a group cut in two along the event rate, where the information value gains most."""
        check_bin(self, bin_)
        if at is not None:
            raise ConfigError("groups of levels are not cut at a number", where=f"column {self.column!r}")
        ranked = sorted(self.groups[bin_], key=lambda name: (self.rate_of(name), name))
        cut = _best_start(self, self.counts.counts[[self._places[name] for name in ranked]])
        parts = (tuple(ranked[:cut]), tuple(ranked[cut:]))
        return replace(self, groups=(*self.groups[:bin_], *parts, *self.groups[bin_ + 1 :]))

    def taken_out(self, level: str) -> LevelDraft:
        """Return the draft with one level in its own group, next to the group that it leaves."""
        place = next((place for place, group in enumerate(self.groups) if level in group), None)
        if place is None:
            raise ConfigError(f"there is no level {level!r}", where=f"column {self.column!r}")
        rest = tuple(name for name in self.groups[place] if name != level)
        if not rest:
            raise ConfigError(f"the level {level!r} already has its own group", where=f"column {self.column!r}")
        lowest = self.rate_of(level) <= min(self.rate_of(name) for name in rest)
        parts = ((level,), rest) if lowest else (rest, (level,))
        return replace(self, groups=(*self.groups[:place], *parts, *self.groups[place + 1 :]))

    def rate_of(self, level: str) -> float:
        """Return the event rate of one level."""
        nonevent, event = self.rows_of(level)
        return float(event / max(nonevent + event, 1e-300))

    def rows_of(self, level: str) -> Floats:
        """Return non-events and events of one level, shape (2,)."""
        return np.asarray(self.counts.counts[self._places[level]])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.counts.levels)}


Draft = NumericDraft | LevelDraft


def draft_of(bins: ColumnBins, counts: Counts, options: ColumnOptions) -> Draft:
    """Return the draft that starts from fitted bins."""
    if isinstance(counts, NumericCounts) and isinstance(bins.shape, Step):
        return NumericDraft(bins.column, counts, options, bins.shape.splits)
    if isinstance(counts, LevelCounts) and isinstance(bins.shape, Levels):
        members: list[list[str]] = [[] for _ in range(bins.regular)]
        for name, group in bins.shape.levels.items():
            members[group].append(name)
        # Groups that were given may name levels that these rows lack.
        absent = tuple(name for name in bins.shape.levels if name not in set(counts.levels))
        counts = counts + LevelCounts(absent, np.zeros((len(absent), 2)), np.zeros(2))
        return LevelDraft(bins.column, counts, options, tuple(map(tuple, members)))
    raise DataError(
        f"the binner's column is {bins.shape.kind}, and the counts are {type(counts).__name__}",
        where=f"column {bins.column!r}",
    )


def _best_start(draft: Draft, counts: Any) -> int:
    """Return where the second of two bins begins, so that they are worth most together."""
    totals = draft.counts.totals
    options = draft.options.constraints(totals)
    both = replace(options, min_bins=2, max_bins=2)
    # A manual cut may make bins smaller than requested, if no other cut is left.
    for constraints in (both, Constraints(2, 2)):
        if len(counts) < 2:
            break
        best = optimal_binning(counts, "none", constraints, totals=totals, objective=draft.options.objective)
        if best is not None:
            return best.starts[1]
    raise ConfigError(
        "there is nothing left to cut in this bin", where=f"column {draft.column!r}", fix="give the value to cut at"
    )


def check_bin(draft: Draft, bin_: int) -> None:
    """Refuse a bin that is not there, or is no number of one."""
    if not is_number(bin_, whole=True) or not 0 <= bin_ < draft.bins.regular:
        raise ConfigError(
            f"there is no bin {bin_!r} to change; bins are 0 to {draft.bins.regular - 1}",
            where=f"column {draft.column!r}",
            fix="missing values and special codes keep bins of their own",
        )
