"""Fitted scorecard: points, probabilities and reasons from its characteristics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from riskml.base import RiskEstimator, pandas_or_array
from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.additive import Additive
from riskml.runtime.dataframes import like
from riskml.runtime.shapes import Levels, Line, Step
from riskml.schema import Schema
from riskml.scorecard.binning.binner import OptimalBinner, SpecialValues
from riskml.scorecard.binning.options import Monotonic, Seed, check_seed, is_number
from riskml.scorecard.card.edits import Edit, average_points, slots_of, with_points
from riskml.scorecard.card.scaling import Scale
from riskml.scorecard.card.selection import Method, SelectionRules
from riskml.scorecard.display.tables import card_html


def check_number(n: Any) -> None:
    """Refuse a number of reasons that is none."""
    if not (is_number(n, whole=True) and n >= 1):
        raise ConfigError(f"n is a whole number, at least 1; got {n!r}", where="reasons")


def largest_shortfalls(short: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the names of the largest shortfalls of each row, shape (n_rows, n)."""
    names = np.array([*short.columns, None], dtype=object)
    values = short.to_numpy()
    # Stable, so that equal shortfalls come in the card's order.
    order = np.argsort(-values, axis=1, kind="stable")[:, :n]
    counted = np.take_along_axis(values, order, axis=1) > 1e-9
    chosen = np.full((len(short), n), len(short.columns))
    chosen[:, : order.shape[1]] = np.where(counted, order, len(short.columns))
    columns = [f"reason_{k}" for k in range(1, n + 1)]
    # The type is named, or pandas would make its own kind of text of the names, and NaN of None.
    return pd.DataFrame(names[chosen], index=short.index, columns=columns, dtype=object)


@dataclass(eq=False, repr=False)
class FittedCard(RiskEstimator):
    """The scoring part of `Scorecard`, for cards that were fitted or read from a file."""

    pdo: float = 20.0
    base_score: float = 600.0
    base_odds: float = 50.0
    _: KW_ONLY
    max_bins: int = 10
    min_bin_size: float = 0.03
    monotonic: Monotonic = "auto"
    special_values: SpecialValues | None = None
    smoothing: float = 20.0
    overrides: Mapping[str, Mapping[str, Any]] | None = None
    C: float = 0.3
    flexibility: float = 0.2
    min_iv: float = 0.01
    max_correlation: float | None = 0.95
    max_vif: float | None = None
    selection: Method = "all"
    selection_p_value: float = 0.05
    min_stability: float | None = None
    max_characteristics: int | None = None
    always_keep: Sequence[str] = ()
    random_state: Seed = 0
    card_: pd.DataFrame = field(init=False)
    selection_: pd.DataFrame = field(init=False)
    coefficients_: pd.DataFrame = field(init=False)
    tables_: dict[str, pd.DataFrame] = field(init=False)
    summary_: pd.DataFrame = field(init=False)
    binner_: OptimalBinner = field(init=False)
    model_: Additive = field(init=False)
    reference_points_: dict[str, float] = field(init=False)
    edits_: tuple[Edit, ...] = field(init=False)
    fitted_with_: tuple[str, ...] = field(init=False)

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
        """Return the score of each row as a series, shape (n,), a whole number; more points are safer."""
        frame = self._read(X)
        columns = {shape.column: frame[shape.column].to_numpy() for shape in self.model_.shapes}
        total = self.model_.points(columns) if columns else np.full(len(frame), self.model_.base_points)
        return like(X, pd.Series(np.asarray(total).round().astype(np.int64), index=frame.index, name="points"))

    def shortfalls(self, X: Any) -> pd.DataFrame:
        """Return by how many points each characteristic stays below its reference, shape (n, characteristics).

        The reference is the average of the characteristic's points in training.
        """
        return like(X, self._shortfalls(self._read(X)))

    def _shortfalls(self, frame: pd.DataFrame) -> pd.DataFrame:
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
            hence the default; more are allowed where the lender's staff read them.

        Returns
        -------
        DataFrame
            ``reason_1`` ... ``reason_n``: names of characteristics, by shortfall of points against the average in
            training, the largest first; None where no further one fell short.
        """
        check_number(n)
        return like(X, largest_shortfalls(self._shortfalls(self._read(X)), n))

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
        X = pandas_or_array(X)
        # Who scores need not know the columns that the card dropped.
        if hasattr(self, "model_") and isinstance(X, pd.DataFrame):
            there, kept = set(map(str, X.columns)), [shape.column for shape in self.model_.shapes]
            if kept and there.issuperset(kept) and not there.issuperset(self.schema_.names):
                return Schema(tuple(self.schema_[name] for name in kept)).conform(X)
        return super()._read(X)

    def _fitted_html(self) -> str:
        return card_html(self)
