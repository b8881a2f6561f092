"""Editing session: the current column, its draft, and the history of changes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.base import pandas_or_array
from riskml.display.format import number
from riskml.errors import ConfigError, DataError, did_you_mean
from riskml.runtime.frame import Floats
from riskml.schema import Column, Schema
from riskml.scorecard import OptimalBinner
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.counts import Counts, NumericCounts, count_levels, count_numeric, in_periods
from riskml.scorecard.binning.labels import edge_text
from riskml.scorecard.binning.options import ColumnOptions, is_number
from riskml.scorecard.binning.periods import by_period, period_codes
from riskml.scorecard.binning.prebins import prebin_edges
from riskml.scorecard.binning.target import binary_target, row_weights, without_zero_weights
from riskml.scorecard.editor.draft import Draft, LevelDraft, NumericDraft, check_bin, draft_of


@dataclass(frozen=True)
class RowSource:
    """Counts rows."""

    frame: pd.DataFrame
    event: NDArray[np.int8]
    weight: Floats | None
    max_prebins: int
    period: NDArray[np.intp] | None = None  # the number of each row's period
    names: tuple[str, ...] = ()  # the periods' names

    @classmethod
    def of(cls, binner: OptimalBinner, X: Any, y: Any, sample_weight: Any = None, periods: Any = None) -> Self:
        """Return the rows that a binner was fitted on; what does not fit together is refused."""
        X = pandas_or_array(X)
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X), columns=binner.schema_.names)
        names = [str(name) for name in frame.columns]
        absent = [name for name in binner.schema_.names if name not in names]
        if absent:
            raise DataError(
                f"the rows lack columns of the binner: {', '.join(absent)}", fix="hand in the rows it was fitted on"
            )
        with warnings.catch_warnings():
            # What there is to say of the target, the fit has said.
            warnings.simplefilter("ignore", UserWarning)
            classes, event = binary_target(frame, y)
        if list(classes) != list(binner.classes_):
            raise DataError(f"the binner was fitted on the classes {list(binner.classes_)}; got {list(classes)}")
        period, called = (None, []) if periods is None else period_codes(periods, event)
        weight = row_weights(sample_weight, len(frame))
        if period is not None and weight is not None:
            period = period[weight > 0]
        frame, event, weight = without_zero_weights(frame, event, weight)
        return cls(frame, event, weight, binner.max_prebins, period, tuple(called))

    @property
    def fit_arguments(self) -> tuple[str, ...]:
        """What the fit was given besides X and y."""
        return ("sample_weight",) * (self.weight is not None) + ("periods",) * (self.period is not None)

    def in_periods(self, column: Column, bins: ColumnBins) -> pd.DataFrame | None:
        """Return ``bin``, ``period``, ``event_rate`` of a column's bins."""
        if self.period is None:
            return None
        counts = self.counts(column, np.asarray(getattr(bins.shape, "splits", ()), dtype=np.float64))
        parts = in_periods(counts, self._values(column), self.event, self.weight, self.period)
        return by_period(bins, counts, parts, self.names)

    def counts(self, column: Column, cuts: Floats) -> Counts:
        """Return the counts over quantile pre-bins, with further edges at the cuts."""
        values = self._values(column)
        if column.kind == "categorical":
            return count_levels(values, self.event, self.weight)
        special = tuple(float(code) for code in column.special)
        edges = np.union1d(prebin_edges(values, self.max_prebins, special, self.weight), cuts)
        return count_numeric(values, self.event, edges, special, self.weight)

    def _values(self, column: Column) -> NDArray[Any]:
        position = [str(name) for name in self.frame.columns].index(column.name)
        return np.asarray(Schema((column,)).conform(self.frame.iloc[:, [position]])[column.name].to_numpy())


@dataclass(frozen=True)
class CountSource:
    """Has counts, and no rows."""

    of_columns: Mapping[str, Counts]
    fit_arguments: tuple[str, ...] = ()

    def in_periods(self, column: Column, bins: ColumnBins) -> None:
        """Return None: counts know of no period."""

    def counts(self, column: Column, cuts: Floats) -> Counts:
        """Return the counts; a cut where they have no edge is refused."""
        if column.name not in self.of_columns:
            raise DataError(f"no counts are given for the column {column.name!r}")
        counts = self.of_columns[column.name]
        if isinstance(counts, NumericCounts) and len(absent := np.setdiff1d(cuts, counts.edges)):
            raise DataError(
                f"the counts have no edge at {', '.join(map(edge_text, absent))}",
                where=f"column {column.name!r}",
                fix="cut at an edge of the pre-bins, or make the editor from rows",
            )
        return counts


Source = RowSource | CountSource


@dataclass(frozen=True)
class _Change:
    before: Draft
    after: Draft


class Session:
    """The drafts of all columns, and every change that was made to them."""

    def __init__(self, binner: OptimalBinner, source: Source, column: str | None = None) -> None:
        self._binner, self.source = binner, source
        self._drafts: dict[str, Draft] = {}
        summary = binner.summary_
        self._ivs = dict(zip(map(str, summary["column"]), map(float, summary["iv"]), strict=True))
        self.done: list[_Change] = []  # changes that can be undone
        self.undone: list[_Change] = []  # changes that can be made again
        ranked = binner.summary_.sort_values("iv", ascending=False, kind="stable")["column"]
        self.columns = tuple(str(name) for name in ranked)
        self.column = self._known(column or self.columns[0])

    @property
    def draft(self) -> Draft:
        """The draft of the current column."""
        return self._draft(self.column)

    @property
    def start(self) -> Draft:
        """The draft that this column began with."""
        return self._first(self.column)

    @property
    def edited(self) -> tuple[str, ...]:
        """The columns whose bins are not those that they began with."""
        return tuple(name for name in self.columns if self._is_edited(name))

    @property
    def edits(self) -> dict[str, dict[str, Any]]:
        """The ``splits`` or ``groups`` of the edited columns."""
        return {name: self._drafts[name].override for name in self.edited}

    @property
    def overrides(self) -> dict[str, dict[str, Any]]:
        """What makes all of these bins in ``OptimalBinner(overrides=...)``: the binner's own, and the edits."""
        overrides = {str(name): dict(own) for name, own in (self._binner.overrides or {}).items()}
        return {**overrides, **{name: {**overrides.get(name, {}), **own} for name, own in self.edits.items()}}

    @property
    def in_periods(self) -> pd.DataFrame | None:
        """The bins of the current column in each period, where there are periods."""
        return self.source.in_periods(self._column(self.column), self.draft.bins)

    def iv(self, column: str) -> float:
        """Return a column's information value as it is now."""
        return self._drafts[column].bins.iv if column in self._drafts else self._ivs[column]

    def pick(self, column: str) -> str:
        """Look at another column."""
        self.column = self._known(column)
        return ""

    def merge(self, bin_: int, other: int | None = None) -> str:
        """Make two bins one: a bin and the next, or two groups of levels."""
        draft = self.draft
        check_bin(draft, bin_)
        return self._changed(draft.merged(bin_, bin_ + 1 if other is None else other), "Merged")

    def split(self, bin_: int, at: float | None = None) -> str:
        """Cut a bin in two, at a value or where it gains most."""
        draft = self.draft
        if isinstance(draft, NumericDraft) and at is not None:
            if not is_number(at):
                raise ConfigError(f"a number is needed to cut at; got {at!r}", where=f"column {draft.column!r}")
            # Rows can be counted at any value; counts alone refuse one that is not among their edges.
            cuts = np.union1d(draft.counts.edges, [at])
            if len(cuts) > len(draft.counts.edges):
                counts = self.source.counts(self._column(self.column), cuts)
                draft = replace(draft, counts=counts) if isinstance(counts, NumericCounts) else draft
        return self._changed(draft.split(bin_, at), "Split")

    def take_out(self, level: str) -> str:
        """Move one level into its own group."""
        draft = self.draft
        if not isinstance(draft, LevelDraft):
            raise ConfigError("a column of numbers has no levels", where=f"column {self.column!r}")
        return self._changed(draft.taken_out(level), f"Took {level} out")

    def undo(self) -> str:
        """Take the last change back."""
        if not self.done:
            raise ConfigError("there is nothing to undo")
        change = self.done.pop()
        self.undone.append(change)
        return self._put(change.before, "Undone")

    def redo(self) -> str:
        """Make the change again that was taken back last."""
        if not self.undone:
            raise ConfigError("there is nothing to redo")
        change = self.undone.pop()
        self.done.append(change)
        return self._put(change.after, "Done again")

    def reset(self) -> str:
        """Reset the bins of the current column."""
        if not self._is_edited(self.column):
            return "These bins are as they were."
        return self._changed(self.start, "Reset")

    def binner(self) -> OptimalBinner:
        """Return a fitted binner with the edited bins; its ``overrides`` make the same bins again."""
        made = copy(self._binner)
        made.overrides = self.overrides or None
        made.bins_ = {name: self._drafts[name].bins if name in self._drafts else b for name, b in made.bins_.items()}
        edited = set(self.edited)
        unchanged = made.by_period_[~made.by_period_["column"].isin(edited)]
        changed = [self.source.in_periods(self._column(name), made.bins_[name]) for name in self.edited]
        made.by_period_ = pd.concat([unchanged, *(part for part in changed if part is not None)], ignore_index=True)
        return made.summarised()

    def _changed(self, after: Draft, verb: str) -> str:
        # The numbers are made before anything is kept: what the engine refuses has not happened.
        message = _change_text(verb, self.draft, after)
        self.done.append(_Change(self.draft, after))
        self.undone.clear()
        self._drafts[after.column] = after
        return message

    def _put(self, draft: Draft, verb: str) -> str:
        message = _change_text(verb, self._draft(draft.column), draft)
        self.column, self._drafts[draft.column] = draft.column, draft
        return message

    def _draft(self, column: str) -> Draft:
        if column not in self._drafts:
            self._drafts[column] = self._first(column)
        return self._drafts[column]

    def _first(self, column: str) -> Draft:
        bins = self._binner.bins_[column]
        draft = draft_of(bins, self._counted(column), self._options(column))
        if column not in self._drafts:
            _check_same_rows(draft.bins, bins)
        return draft

    def _counted(self, column: str) -> Counts:
        known = self._drafts.get(column)
        if known is not None:
            return known.counts
        cuts = np.asarray(getattr(self._binner.bins_[column].shape, "splits", ()), dtype=np.float64)
        return self.source.counts(self._column(column), cuts)

    def _is_edited(self, column: str) -> bool:
        draft = self._drafts.get(column)
        return draft is not None and _parts(draft) != _parts(self._first(column))

    def _options(self, column: str) -> ColumnOptions:
        known = {field.name for field in fields(ColumnOptions)} - {"splits", "groups"}
        values = {name: getattr(self._binner, name) for name in known}
        own = (self._binner.overrides or {}).get(column, {})
        return ColumnOptions(**values | {name: value for name, value in own.items() if name in known})

    def _column(self, column: str) -> Column:
        return next(known for known in self._binner.schema_ if known.name == column)

    def _known(self, column: str) -> str:
        if column not in self.columns:
            raise ConfigError(f"no column is called {column!r}", fix=did_you_mean(column, self.columns))
        return column


def _check_same_rows(counted: ColumnBins, fitted: ColumnBins) -> None:
    """Refuse rows, or weights, that are not those of the fit: every number of the page would be another's."""
    if counted.counts.shape == fitted.counts.shape and np.allclose(counted.counts, fitted.counts, rtol=1e-6):
        return
    ours, theirs = (float(bins.counts.sum()) for bins in (counted, fitted))
    raise DataError(
        f"these are not the rows that the binner was fitted on: they count {ours:,.10g}, and the binner {theirs:,.10g}"
        + (" in other bins" if np.isclose(ours, theirs) else ""),
        where=f"column {fitted.column!r}",
        fix="hand in the same X, y and sample_weight as to fit",
    )


def _change_text(verb: str, before: Draft, after: Draft) -> str:
    return f"{verb}: information value {number(before.bins.iv)} → {number(after.bins.iv)}."


def _parts(draft: Draft) -> set[Any]:
    """Return what makes the bins: groups are the same in any order."""
    return set(draft.splits) if isinstance(draft, NumericDraft) else {frozenset(group) for group in draft.groups}
