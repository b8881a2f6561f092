"""`Scorecard`: bins → weights of evidence → logistic regression → points, as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd

from riskml.errors import ConfigError
from riskml.estimator import RiskEstimator
from riskml.runtime.model import Additive
from riskml.runtime.shapes import Levels, Line, Step
from riskml.scorecard.binner import OptimalBinner, SpecialValues
from riskml.scorecard.columns import ColumnBins, Monotonic
from riskml.scorecard.logistic import Logistic, fit_logistic
from riskml.scorecard.scaling import Scale, spread_points
from riskml.scorecard.selection import Method, Selection, SelectionRules, select
from riskml.scorecard.target import row_weights, without_zero_weights


class Scorecard(RiskEstimator):
    """A points card: the sum of one integer per characteristic, and a probability that rises as points fall.

    Every characteristic is cut into optimal bins (see `OptimalBinner`); the weights of evidence enter an L2-penalised
    logistic regression whose coefficients may not be negative, so that no characteristic points against its weight of
    evidence; the log-odds become points. Weights of evidence and probabilities are higher for riskier, points are
    higher for safer customers.

    Parameters
    ----------
    pdo : float, default 20
        Points that double the odds of a non-event.
    base_score : float, default 600
        The score at the base odds.
    base_odds : float, default 50
        Non-events per event at the base score.
    max_bins : int, default 10
    min_bin_size : float, default 0.03
    monotonic : str, default "auto"
    special_values : sequence of numbers, or mapping of column to codes, optional
    smoothing : float, default 20
        Rows of average risk added to each bin before its weight is taken: small bins are drawn to 0.
    overrides : mapping of column to mapping of option, optional
        As for `OptimalBinner`.
    C : float, default 0.3
        Inverse strength of the penalty on coefficients.
    flexibility : float, default 0.2
        How far (standard deviation in log-odds) a step from one bin to the next riskier one may depart from what the
        characteristic's coefficient times the difference of their weights says; never against that order. 0 is the
        classic card, whose log-odds are proportional to the weights of evidence. See `riskml.scorecard.steps`.
    min_iv, max_correlation, max_vif, min_stability, max_characteristics, always_keep
        Rules by which characteristics are dropped; see `SelectionRules`.
    selection : {"all", "stepwise", "l1"}, default "all"
        How characteristics are chosen among those that the rules leave.
    selection_p_value : float, default 0.05
        The level of the stepwise tests.
    random_state : int, default 0
        Seed of the folds of ``min_stability``.

    Attributes
    ----------
    card_ : DataFrame
        ``column``, ``bin``, ``woe``, ``points``: a row per bin. A score is the sum of one row's points per column.
    tables_, summary_, binner_
        The bins of all columns, dropped ones included.
    selection_ : DataFrame
        ``column``, ``iv``, ``kept``, ``reason``.
    coefficients_ : DataFrame
        ``column``, ``coefficient``, ``standard_error``, ``p_value``; the first row is the intercept.
    model_ : Additive
    classes_ : ndarray of shape (2,)
        The second is the event.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 22, 25, 31, 40, 44, 51, 60] * 10})
    >>> y = [1, 1, 0, 1, 0, 0, 1, 0] * 5 + [1, 1, 1, 0, 0, 0, 0, 0] * 5
    >>> card = Scorecard(max_bins=2, smoothing=0, C=1e6).fit(X, y)
    >>> card.card_[["bin", "points"]].head(2).to_dict("list")
    {'bin': ['(-inf, 40)', '[40, inf)'], 'points': [455, 543]}
    """

    card_: pd.DataFrame
    selection_: pd.DataFrame
    coefficients_: pd.DataFrame
    binner_: OptimalBinner
    model_: Additive

    def __init__(
        self,
        pdo: float = 20.0,
        base_score: float = 600.0,
        base_odds: float = 50.0,
        *,
        max_bins: int = 10,
        min_bin_size: float = 0.03,
        monotonic: Monotonic = "auto",
        special_values: SpecialValues | None = None,
        smoothing: float = 20.0,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        C: float = 0.3,
        flexibility: float = 0.2,
        min_iv: float = 0.01,
        max_correlation: float | None = 0.95,
        max_vif: float | None = None,
        selection: Method = "all",
        selection_p_value: float = 0.05,
        min_stability: float | None = None,
        max_characteristics: int | None = None,
        always_keep: Sequence[str] = (),
        random_state: int = 0,
    ) -> None:
        self.pdo = pdo
        self.base_score = base_score
        self.base_odds = base_odds
        self.max_bins = max_bins
        self.min_bin_size = min_bin_size
        self.monotonic = monotonic
        self.special_values = special_values
        self.smoothing = smoothing
        self.overrides = overrides
        self.C = C
        self.flexibility = flexibility
        self.min_iv = min_iv
        self.max_correlation = max_correlation
        self.max_vif = max_vif
        self.selection = selection
        self.selection_p_value = selection_p_value
        self.min_stability = min_stability
        self.max_characteristics = max_characteristics
        self.always_keep = always_keep
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Build the card.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional

        Returns
        -------
        Scorecard
        """
        scale = self.scale
        if not self.C > 0:
            raise ConfigError(f"C must be positive; got {self.C!r}", where="C")
        frame = self._named(X, reset=True)
        event = self._learn_target(frame, y)
        frame, event, weight = without_zero_weights(frame, event, row_weights(sample_weight, len(frame)))
        self.binner_ = OptimalBinner(
            max_bins=self.max_bins,
            min_bin_size=self.min_bin_size,
            monotonic=self.monotonic,
            special_values=self.special_values,
            smoothing=self.smoothing,
            overrides=self.overrides,
            constant="keep",
        ).fit(frame, event, weight)
        self.schema_ = self.binner_.schema_
        self.tables_, self.summary_ = self.binner_.tables_, self.binner_.summary_
        woe = self.binner_.transform(frame).to_numpy()
        rules = SelectionRules(
            self.min_iv,
            self.max_correlation,
            self.max_vif,
            self.selection,
            self.selection_p_value,
            self.min_stability,
            self.max_characteristics,
            self.always_keep,
        )
        selection = select(
            woe,
            event,
            weight,
            self.summary_,
            rules,
            C=self.C,
            flexibility=self.flexibility,
            random_state=self.random_state,
        )
        fit = fit_logistic(woe[:, selection.kept], event, weight, C=self.C)
        self._set_card(fit, selection, scale)
        return self

    @property
    def scale(self) -> Scale:
        """The points scale."""
        return Scale(float(self.pdo), float(self.base_score), float(self.base_odds))

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
        X : DataFrame or array of shape (n_rows, p)
        n : int
            Most reasons of a row.

        Returns
        -------
        DataFrame
            ``reason_1`` ... ``reason_n``: names of characteristics, by shortfall of points against the average in
            training, the largest first; None where no further one fell short.
        """
        if n < 1:
            raise ConfigError(f"n must be at least 1; got {n}", where="reasons")
        short = self.shortfalls(X)
        names = np.array([*short.columns, None], dtype=object)
        values = short.to_numpy()
        # Stable, so that equal shortfalls come in the card's order.
        order = np.argsort(-values, axis=1, kind="stable")[:, :n]
        counted = np.take_along_axis(values, order, axis=1) > 1e-9
        chosen = np.full((len(short), n), len(short.columns))
        chosen[:, : order.shape[1]] = np.where(counted, order, len(short.columns))
        return pd.DataFrame(names[chosen], index=short.index, columns=[f"reason_{k}" for k in range(1, n + 1)])

    def _set_card(self, fit: Logistic, selection: Selection, scale: Scale) -> None:
        bins = [list(self.binner_.bins_.values())[i] for i in selection.kept]
        steps = selection.steps
        values = [[steps.value_at(i, w) for w in part.shape.value] for i, part in enumerate(bins)]
        points = spread_points(steps.intercept, values, scale)
        shapes = tuple(_with(part.shape, value, point) for part, value, point in zip(bins, values, points, strict=True))
        base = 0.0 if shapes else float(np.round(scale.score(np.array(steps.intercept))))
        self.model_ = Additive(steps.intercept, shapes, base)
        self.selection_ = selection.table
        self.reference_points_ = {
            part.column: float(part.counts.sum(axis=1) @ np.asarray(point) / part.counts.sum())
            for part, point in zip(bins, points, strict=True)
        }
        self.coefficients_ = pd.DataFrame(
            {
                "column": ["intercept", *(part.column for part in bins)],
                "coefficient": [fit.intercept, *fit.coefficient],
                "standard_error": [fit.intercept_error, *fit.standard_error],
            }
        )
        self.card_ = _card(bins, shapes)


def _with(shape: Step | Levels, value: Sequence[float], points: Sequence[float]) -> Step | Levels:
    return replace(shape, value=tuple(value), points=tuple(points))


def _card(bins: Sequence[ColumnBins], shapes: Sequence[Step | Levels]) -> pd.DataFrame:
    rows = [
        (part.column, label, weight, int(point))
        for part, shape in zip(bins, shapes, strict=True)
        for label, weight, point in zip(part.labels, part.shape.value, shape.points, strict=True)
    ]
    return pd.DataFrame(rows, columns=["column", "bin", "woe", "points"])
