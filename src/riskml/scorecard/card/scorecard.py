"""`Scorecard`: a scikit-learn classifier from bins to weights of evidence, logistic regression and points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from riskml.base import pandas_or_array, unchanged_on_failure
from riskml.runtime.additive import Additive
from riskml.runtime.frame import Floats
from riskml.runtime.frame import columns as read_columns
from riskml.scorecard.binning.binner import OptimalBinner
from riskml.scorecard.binning.periods import one_for_each
from riskml.scorecard.binning.target import row_weights, without_zero_weights
from riskml.scorecard.card.edits import Edit, average_points, given_bins, standing_points
from riskml.scorecard.card.file import card_document, card_from_document, read_document, write_document
from riskml.scorecard.card.fitted import FittedCard
from riskml.scorecard.card.flexible_regression import log_odds
from riskml.scorecard.card.refit import TrainingRows, with_bins
from riskml.scorecard.card.scaling import Ranking, Scale, finer_points, spread_points
from riskml.scorecard.card.selection import Selection, select


class Scorecard(FittedCard):
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
    smoothing : float, default 20
        Rows of average risk added to each bin before its weight is taken: small bins are drawn to 0.
    overrides : mapping of column to mapping of option, optional
        As for `OptimalBinner`.
    C : float, default 0.3
        Inverse strength of the penalty on coefficients.
    flexibility : float, default 0.2
        How far (standard deviation in log-odds) a step from one bin to the next riskier one may depart from what the
        characteristic's coefficient times the difference of their weights says; never against that order. 0 is the
        classic card, whose log-odds are proportional to the weights of evidence. See
        `riskml.scorecard.card.flexible_regression`.
    min_iv, max_correlation, max_vif, min_stability, max_characteristics, always_keep
        Rules by which characteristics are dropped; see `SelectionRules`.
    selection : {"all", "stepwise", "l1"}, default "all"
        How characteristics are chosen among those that the rules leave.
    selection_p_value : float, default 0.05
        The level of the stepwise tests.
    random_state : int or None, default 0
        Seed of the folds of ``min_stability``; see `riskml.scorecard.binning.options.check_seed`.

    Attributes
    ----------
    card_ : DataFrame
        ``column``, ``bin``, ``woe``, ``points``: a row per bin. A score is the sum of one row's points per column.
    tables_, summary_, binner_
        The bins of all columns, dropped ones included.
    selection_ : DataFrame
        ``column``, ``iv``, ``kept``, ``reason``.
    coefficients_ : DataFrame
        ``column``, ``coefficient``, ``standard_error``, ``p_value`` of the classic card: the logistic regression on the
        kept characteristics' weights of evidence; the first row is the intercept. Where ``flexibility`` is above 0 the
        card that scores departs from it, bin by bin, so that its points are no multiples of the weights.
    reference_points_ : dict of column to float
        The average of each characteristic's points in training, which reasons compare with.
    edits_ : tuple of Edit
        Manual edits: change, author, date and reason.
    fitted_with_ : tuple of str
        Which of ``sample_weight`` and ``periods`` the fit was given.
    classes_ : ndarray of shape (2,)
        The second is the event.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 22, 25, 31, 40, 44, 51, 60] * 10})
    >>> y = [1, 1, 0, 1, 0, 0, 1, 0] * 5 + [1, 1, 1, 0, 0, 0, 0, 0] * 5
    >>> card = Scorecard(max_bins=2, smoothing=0, C=1e6).fit(X, y)
    >>> card.card_[["bin", "points"]].head(2).to_dict("list")
    {'bin': ['(-inf, 36)', '[36, inf)'], 'points': [455, 543]}
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, periods: Any = None) -> Self:
        """Build the card.

        Parameters
        ----------
        periods : array of shape (n,), optional
            The period of each row, or its date: the trend of every characteristic then holds in each period; see
            `OptimalBinner.fit`.

        Raises
        ------
        DataError, ConfigError, FitError
            When the table, a parameter, or both together are impossible. A fit that fails leaves what was learned
            before.

        Warns
        -----
        UserWarning
            When whole points rank the training rows worse than the log-odds do by more than 0.001 AUC: the points are
            then too coarse (``pdo`` too small); or when a column of ``always_keep`` had to go all the same.
        """
        with unchanged_on_failure(self):
            self.check_numbers()
            scale = self.scale
            frame = self._named(X, reset=True)
            # Before the search for bins, which takes longest: a misspelt name fails at once.
            self.rules.check([str(name) for name in frame.columns])
            arguments = {"sample_weight": sample_weight, "periods": periods}
            self.fitted_with_ = tuple(name for name, values in arguments.items() if values is not None)
            event = self._learn_target(frame, y)
            weight = row_weights(sample_weight, len(frame))
            if periods is not None:
                periods = one_for_each(periods, len(frame))[slice(None) if weight is None else weight > 0]
            frame, event, weight = without_zero_weights(frame, event, weight)
            self.binner_ = OptimalBinner(
                max_bins=self.max_bins,
                min_bin_size=self.min_bin_size,
                monotonic=self.monotonic,
                special_values=self.special_values,
                smoothing=self.smoothing,
                overrides=self.overrides,
                constant="keep",
            ).fit(frame, event, weight, periods)
            self.schema_ = self.binner_.schema_
            self.tables_, self.summary_ = self.binner_.tables_, self.binner_.summary_
            woe = self.binner_.transform(frame).to_numpy()

            def woe_from(rows: NDArray[np.bool_]) -> Floats:
                own = None if weight is None else weight[rows]
                when = None if periods is None else periods[rows]
                return np.asarray(
                    clone(self.binner_).fit(frame[rows], event[rows], own, when).transform(frame).to_numpy()
                )

            selection = select(
                woe,
                event,
                weight,
                self.summary_,
                self.rules,
                woe_from=woe_from,
                notes=[bins.note for bins in self.binner_.bins_.values()],
                C=self.C,
                flexibility=self.flexibility,
                random_state=self.random_state,
            )
            self._set_card(selection, scale, frame, event, weight)
            return self

    def edit(
        self,
        column: str,
        *,
        by: str,
        why: str,
        when: str | date,
        points: Mapping[str, int] | None = None,
        splits: Sequence[float] | None = None,
        groups: Sequence[Sequence[Any]] | None = None,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        periods: Any = None,
        reselect: bool = False,
    ) -> Self:
        """Return a new card with one characteristic edited, and the edit recorded in ``edits_``.

        Parameters
        ----------
        by, why : str
            Who changes it, and for what reason.
        when : str or date
            The day, as ``2026-03-01``.
        points : mapping of bin label to int, optional
            New points; the probabilities follow them. Values that share a bin move together.
        splits : sequence of float, optional
            New cuts of a numeric column; an empty one makes it one bin. Needs X and y.
        groups : sequence of sequences of level, optional
            New groups of a categorical column. Needs X and y.
        X, y
            The training rows, on which the card is refitted around the new bins. Earlier edits of points stay,
            unless the bins that they are of are changed.
        sample_weight, periods
            Those of the fit, where it had some.
        reselect : bool, default False
            Let all rules select the characteristics again. By default they stay as they are, with the edited one.

        Returns
        -------
        Scorecard
            This one is left as it is.

        Raises
        ------
        ConfigError
            When the column, a bin or the combination of arguments does not exist, or a characteristic could not stay
            on the card beside the new bins.
        DataError
            When X and y are not the rows that the card was fitted on.
        """
        check_is_fitted(self)
        change = Edit(column, by, why, when, points=points, splits=splits, groups=groups)
        change.check(self.schema_.names)
        if change.points is not None:
            edited = copy(self)
            before: Any = edited._set_points(change)
        else:
            rows = TrainingRows(pandas_or_array(X), y, sample_weight, periods)
            edited = with_bins(self, change, rows, reselect=reselect)
            for earlier in standing_points((*self.edits_, change)):
                edited._set_points(earlier)
            (before,) = given_bins(self.binner_.bins_[change.column]).values()
        edited.edits_ = (*self.edits_, replace(change, before=before))
        return edited

    def save(self, path: str | Path) -> None:
        """Write the card to one readable file, ``.yaml`` or ``.json``."""
        check_is_fitted(self)
        write_document(path, card_document(self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a card that ``save`` wrote: it scores as the saved one does.

        Raises
        ------
        DataError
            When the file is no card, or was edited into something that cannot score; the message names the
            characteristic and what is wrong.
        """
        return card_from_document(cls, read_document(path), str(path))

    def _set_card(
        self, selection: Selection, scale: Scale, frame: pd.DataFrame, event: NDArray[np.int8], weight: Floats | None
    ) -> None:
        bins = [list(self.binner_.bins_.values())[i] for i in selection.kept]
        flexible, fit = selection.flexible, selection.fit
        values = [log_odds(flexible, i, part, classic=not self.flexibility) for i, part in enumerate(bins)]
        columns = read_columns(self.schema_.conform(frame), {part.column: part.shape.kind for part in bins})
        slots = [part.shape.slot(columns[part.column]) for part in bins]
        ranking = Ranking.of(slots, values, event, weight)
        points = finer_points(spread_points(flexible.intercept, values, scale), values, ranking)
        ranking.warn_of_loss(points, scale.pdo)
        shapes = tuple(
            replace(part.shape, value=tuple(value), points=tuple(point))
            for part, value, point in zip(bins, values, points, strict=True)
        )
        base = 0.0 if shapes else float(np.round(scale.score(np.array(flexible.intercept))))
        self.model_ = Additive(flexible.intercept, shapes, base)
        self.selection_ = selection.table
        self.reference_points_ = {
            part.column: average_points(part, point) for part, point in zip(bins, points, strict=True)
        }
        self.coefficients_ = pd.DataFrame(
            {
                "column": ["intercept", *(part.column for part in bins)],
                "coefficient": [fit.intercept, *fit.coefficient],
                "standard_error": [fit.intercept_error, *fit.standard_error],
                "p_value": [np.nan, *fit.p_value],
            }
        )
        self.card_ = self.card_of(shapes)
        self.edits_ = ()
