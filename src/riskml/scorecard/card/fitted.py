"""Fitted scorecard: points, probabilities and reasons from its characteristics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from riskml.base import RiskEstimator
from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.additive import Additive
from riskml.runtime.shapes import Levels, Line, Step
from riskml.schema import Schema
from riskml.scorecard.binning.binner import OptimalBinner
from riskml.scorecard.binning.options import Seed, check_seed, is_number
from riskml.scorecard.card.edits import Edit, average_points, slots_of, with_points
from riskml.scorecard.card.reasons import check_number, largest_shortfalls
from riskml.scorecard.card.scaling import Scale
from riskml.scorecard.card.selection import Method, SelectionRules
from riskml.scorecard.display.html import card_html


class FittedCard(RiskEstimator):
    """The scoring part of `Scorecard`, for cards that were fitted or read from a file."""

    card_: pd.DataFrame
    selection_: pd.DataFrame
    coefficients_: pd.DataFrame
    tables_: dict[str, pd.DataFrame]
    summary_: pd.DataFrame
    binner_: OptimalBinner
    model_: Additive
    reference_points_: dict[str, float]
    edits_: tuple[Edit, ...]
    fitted_with_: tuple[str, ...]
    pdo: float
    base_score: float
    base_odds: float
    overrides: Any
    C: float
    flexibility: float
    min_iv: float
    max_correlation: float | None
    max_vif: float | None
    selection: Method
    selection_p_value: float
    min_stability: float | None
    max_characteristics: int | None
    always_keep: Sequence[str]
    random_state: Seed

    @property
    def scale(self) -> Scale:
        """The points scale."""
        for name in ("pdo", "base_score", "base_odds"):
            if not is_number(getattr(self, name)):
                raise ConfigError(f"{name} must be a number; got {getattr(self, name)!r}", where=name)
        return Scale(float(self.pdo), float(self.base_score), float(self.base_odds))

    @property
    def rules(self) -> SelectionRules:
        """The rules by which characteristics are dropped."""
        return SelectionRules(
            self.min_iv,
            self.max_correlation,
            self.max_vif,
            self.selection,
            self.selection_p_value,
            self.min_stability,
            self.max_characteristics,
            self.always_keep,
        )

    def check_numbers(self) -> None:
        """Refuse a C that is not above 0, a flexibility below 0, and a random_state that is no seed."""
        if not (is_number(self.C) and self.C > 0):
            raise ConfigError(f"C must be positive, and a number; got {self.C!r}", where="C")
        if not (is_number(self.flexibility) and self.flexibility >= 0):
            raise ConfigError(
                f"flexibility must not be negative, and a number; got {self.flexibility!r}", where="flexibility"
            )
        check_seed(self.random_state)

    @property
    def _shapes(self) -> list[Step | Levels]:
        return [shape for shape in self.model_.shapes if not isinstance(shape, Line)]

    def points(self, X: Any) -> pd.Series:
        """Return the score of each row, shape (n,), a whole number; more points are safer."""
        frame = self._read(X)
        columns = {shape.column: frame[shape.column].to_numpy() for shape in self.model_.shapes}
        total = self.model_.points(columns) if columns else np.full(len(frame), self.model_.base_points)
        return pd.Series(np.asarray(total).round().astype(np.int64), index=frame.index, name="points")

    def shortfalls(self, X: Any) -> pd.DataFrame:
        """Return by how many points each characteristic stays below its reference, shape (n, characteristics).

        The reference is the average of the characteristic's points in training.
        """
        frame = self._read(X)
        data = {
            shape.column: self.reference_points_[shape.column]
            - np.asarray(shape.points)[shape.slot(frame[shape.column].to_numpy())]
            for shape in self._shapes
        }
        return pd.DataFrame(data, index=frame.index)

    def reasons(self, X: Any, n: int = 4) -> pd.DataFrame:
        """Return the characteristics that cost each row the most points, shape (n_rows, n).

        Parameters
        ----------
        n : int, default 4
            Most reasons of a row. More than four are not likely to help the customer (Regulation B, comment 9(b)(2)),
            hence the default; more may be asked for where people of the lender read them.

        Returns
        -------
        DataFrame
            ``reason_1`` ... ``reason_n``: names of characteristics, by shortfall of points against the average in
            training, the largest first; None where no further one fell short.
        """
        check_number(n)
        return largest_shortfalls(self.shortfalls(X), n)

    def card_of(self, shapes: Sequence[Step | Levels]) -> pd.DataFrame:
        """Return column, bin, woe and points: a row for every slot of every characteristic."""
        rows = [
            (shape.column, label, weight, int(point))
            for shape in shapes
            for bins in [self.binner_.bins_[shape.column]]
            for label, weight, point in zip(bins.labels, bins.shape.value, shape.points, strict=True)
        ]
        return pd.DataFrame(rows, columns=["column", "bin", "woe", "points"])

    def _set_points(self, change: Edit) -> dict[str, int]:
        """Set the points of an edit, and return those that they take the place of."""
        shapes = {shape.column: shape for shape in self._shapes}
        where = f"points of {change.column!r} by {change.by} on {change.when}"
        if change.column not in shapes:
            raise ConfigError(
                f"the card has no characteristic {change.column!r}",
                where=where,
                fix=did_you_mean(change.column, shapes),
            )
        bins, old = self.binner_.bins_[change.column], shapes[change.column]
        points = change.points or {}
        before = {label: int(old.points[slots_of(bins, label)[0]]) for label in points}
        shape = with_points(old, bins, points, self.scale)
        shapes[change.column] = shape
        self.model_ = replace(self.model_, shapes=tuple(shapes.values()))
        self.reference_points_ = {**self.reference_points_, change.column: average_points(bins, shape.points)}
        self.card_ = self.card_of(list(shapes.values()))
        return before

    def _read(self, X: Any) -> pd.DataFrame:
        # Who scores need not know the columns that the card dropped.
        if hasattr(self, "model_") and isinstance(X, pd.DataFrame):
            there, kept = set(map(str, X.columns)), [shape.column for shape in self.model_.shapes]
            if kept and there.issuperset(kept) and not there.issuperset(self.schema_.names):
                return Schema(tuple(self.schema_[name] for name in kept)).conform(X)
        return super()._read(X)

    def _fitted_html(self) -> str:
        return card_html(self)
