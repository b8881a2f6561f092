"""Refit of a card around new bins of one characteristic, on its training rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from sklearn.base import clone

from riskml.errors import ConfigError, DataError
from riskml.schema import Schema
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.target import binary_target, row_weights
from riskml.scorecard.card.edits import Edit, given_bins
from riskml.scorecard.card.fitted import FittedCard

Card = TypeVar("Card", bound=FittedCard)
_NO_RULES: dict[str, Any] = {
    "min_iv": 0.0,
    "max_correlation": None,
    "max_vif": None,
    "selection": "all",
    "min_stability": None,
    "max_characteristics": None,
}
# What the whole card keeps, whatever a card of fewer columns has learned.
_OF_THE_WHOLE = {
    "binner_",
    "schema_",
    "tables_",
    "summary_",
    "selection_",
    "feature_names_in_",
    "n_features_in_",
    "classes_",
    "edits_",
    "fitted_with_",
}
_NOT_THE_ROWS = "these are not the rows the card was built on"


@dataclass(frozen=True)
class TrainingRows:
    """The rows that a card was fitted on."""

    X: Any
    y: Any
    sample_weight: Any = None
    periods: Any = None

    def check(self, card: FittedCard, column: str) -> None:
        """Refuse rows that lack what the card was fitted with, or that it was not fitted on."""
        if self.X is None or self.y is None:
            raise ConfigError(
                "new bins need new weights of evidence", where=f"column {column!r}", fix="hand in X and y"
            )
        for name in ("sample_weight", "periods"):
            needed, present = name in card.fitted_with_, getattr(self, name) is not None
            if needed != present:
                what = f"the card was fitted {'with' if needed else 'without'} {name}"
                fix = f"hand in the same {name}=" if needed else f"leave {name}= out, or fit a card with it"
                raise ConfigError(what, where=f"edit of column {column!r}", fix=fix)
        names = [name for name in card.schema_.names if name in {*card.model_.kinds, column}]
        self._compare(card, self.frame(card, names))

    def frame(self, card: FittedCard, names: Sequence[str]) -> pd.DataFrame:
        """Return some of the card's columns, in the form that its schema gives them."""
        known = card.schema_.names
        rows = self.X
        if not isinstance(rows, pd.DataFrame):
            array = np.asarray(rows)
            if array.ndim != 2 or array.shape[1] != len(known):
                raise DataError(f"the card has {len(known)} columns; got an array of shape {array.shape}", where="X")
            rows = pd.DataFrame(array, columns=list(known))
        return Schema(tuple(card.schema_[name] for name in names)).conform(rows)

    def _compare(self, card: FittedCard, frame: pd.DataFrame) -> None:
        classes, event = binary_target(frame, self.y)
        if list(classes) != list(card.classes_):
            raise DataError(
                f"{_NOT_THE_ROWS}: its classes are {card.classes_.tolist()}; got {classes.tolist()}", where="y"
            )
        weight = row_weights(self.sample_weight, len(frame))
        weight = np.ones(len(frame)) if weight is None else weight
        for name in map(str, frame):
            bins = card.binner_.bins_[name]
            slots = bins.shape.slot(frame[name].to_numpy())
            counts = np.zeros_like(bins.counts)
            np.add.at(counts, (slots, event), weight)
            expected, got = bins.counts.sum(axis=0), counts.sum(axis=0)
            if not np.allclose(got, expected, rtol=1e-9):
                raise DataError(
                    f"{_NOT_THE_ROWS}: it counted {expected[0]:g} non-events and {expected[1]:g} events; "
                    f"got {got[0]:g} and {got[1]:g}",
                    where="X and y",
                )
            if not np.allclose(counts, bins.counts, rtol=1e-9, atol=1e-9 * expected.sum()):
                raise DataError(f"{_NOT_THE_ROWS}: its bins hold other numbers of them", where=f"column {name!r}")


def with_bins(card: Card, change: Edit, rows: TrainingRows, *, reselect: bool) -> Card:
    """Return a card on which one characteristic has the bins of an edit."""
    rows.check(card, change.column)
    overrides = {str(name): dict(options) for name, options in (card.overrides or {}).items()}
    own = {name: value for name, value in overrides.get(change.column, {}).items() if name not in ("splits", "groups")}
    overrides[change.column] = own | change.bins
    if reselect:
        return _reselected(card, overrides, rows)
    return _around(card, change.column, overrides, rows)


def _reselected(card: Card, overrides: Mapping[str, Any], rows: TrainingRows) -> Card:
    new: Any = clone(card).set_params(overrides=overrides)
    rows.frame(card, card.schema_.names)
    X = rows.X
    if isinstance(X, pd.DataFrame):
        places = [str(name) for name in X.columns]
        X = X.iloc[:, [places.index(name) for name in card.schema_.names]]
    refitted: Card = new.fit(X, rows.y, rows.sample_weight, rows.periods)
    return refitted


def _around(card: Card, column: str, overrides: Mapping[str, Any], rows: TrainingRows) -> Card:
    names = [name for name in card.schema_.names if name in {*card.model_.kinds, column}]
    # The other columns' bins are fixed, not searched again.
    overrides_of = {name: {**overrides.get(name, {}), **_pinned(card.binner_.bins_[name], overrides)} for name in names}
    overrides_of[column] = overrides[column]
    narrow = clone(card).set_params(**_NO_RULES, overrides=overrides_of, always_keep=tuple(names))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="always_keep")  # it is refused, more clearly, in a moment
        narrow.fit(rows.frame(card, names), rows.y, rows.sample_weight, rows.periods)
    _refuse_lost(narrow, column)
    new = copy(card)
    new.overrides = overrides
    learned = {name: value for name, value in vars(narrow).items() if name.endswith("_") and name not in _OF_THE_WHOLE}
    for name, value in learned.items():
        setattr(new, name, value)
    new.binner_ = copy(card.binner_)
    new.binner_.overrides = overrides
    new.binner_.bins_ = {**card.binner_.bins_, column: narrow.binner_.bins_[column]}
    before, after = card.binner_.by_period_, narrow.binner_.by_period_
    changed = [before[before["column"] != column], after[after["column"] == column]]
    new.binner_.by_period_ = pd.concat([part for part in changed if len(part)] or [before], ignore_index=True)
    new.binner_.summarised()
    new.tables_, new.summary_ = new.binner_.tables_, new.binner_.summary_
    own = {"iv": new.binner_.bins_[column].iv, "kept": True, "reason": ""}
    edited = card.selection_["column"] == column
    new.selection_ = card.selection_.assign(
        **{name: card.selection_[name].mask(edited, value) for name, value in own.items()}
    )
    return new


def _pinned(bins: ColumnBins, overrides: Mapping[str, Any]) -> dict[str, Any]:
    # Which levels were rare is known to the search alone; and a column without cuts may have no row to cut.
    by_search = overrides.get(bins.column, {}).get("unseen") == "rare" or not bins.regular
    edited = given_bins(bins)
    return {} if by_search or edited.get("splits") == () else edited


def _refuse_lost(narrow: FittedCard, column: str) -> None:
    lost = narrow.selection_[~narrow.selection_["kept"]]
    if not len(lost):
        return
    # What was edited is told first.
    first = lost.iloc[int((lost["column"] == column).to_numpy().argmax())]
    raise ConfigError(
        f"with these bins {first['column']!r} cannot be on the card: {first['reason']}",
        where=f"edit of column {column!r}",
        fix="choose other bins, or edit with reselect=True to select all characteristics again",
    )
