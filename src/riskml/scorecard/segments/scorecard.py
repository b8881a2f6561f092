"""`SegmentedScorecard`: one card per segment, with the interface of one card."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from riskml.base import RiskEstimator, unchanged_on_failure
from riskml.errors import ConfigError, DataError, did_you_mean
from riskml.runtime.additive import Segmented
from riskml.runtime.dataframes import like
from riskml.runtime.frame import Floats
from riskml.runtime.frame import columns as read_columns
from riskml.schema import Schema
from riskml.scorecard.binning.periods import one_for_each
from riskml.scorecard.binning.target import binary_target, row_weights, without_zero_weights
from riskml.scorecard.card.edits import Edit
from riskml.scorecard.card.file import read_document, write_document
from riskml.scorecard.card.fitted import check_number
from riskml.scorecard.card.scaling import Scale
from riskml.scorecard.card.scorecard import Scorecard
from riskml.scorecard.display.tables import segments_html
from riskml.scorecard.segments.file import Saved, segmented_document, segmented_from_document
from riskml.scorecard.segments.file_checks import PARAMETERS, check_parameters
from riskml.scorecard.segments.gain import payoff
from riskml.scorecard.segments.routing import EVERYONE, Routing, asked_columns, by_tree, by_value, naming
from riskml.scorecard.segments.tree import Finder, Limits, finders, grow, regressors


@dataclass(eq=False, repr=False)
class SegmentedScorecard(RiskEstimator):
    """A scorecard for each segment of customers.

    Parameters
    ----------
    card : Scorecard, optional
        Its parameters are every segment's; the defaults when None.
    segment_by : column name, or sequence of them, optional
        One name: the column's values are the segments, small ones pooled as ``others``. Several names (or a list of
        one): a tree on these columns finds the segments. None: a tree on all columns.
    max_segments : int, default 4
        Most segments. Of a named column the largest values have their own, and all others are pooled.
    min_segment_share : float, default 0.15
        Least share of rows in a segment; the pool may be smaller.
    min_segment_events : int, default 50
        Least events, and non-events, in a segment; a pool needs 10 of each, or joins the largest segment.
    cv : int, splitter or iterable of (train, test), optional
        Folds in which segments are compared with the single card, see ``comparison_``; None compares nothing. A file
        cannot hold a splitter: see `save`.
    random_state : int, optional
        Seed of these folds, 0 by default.

    Attributes
    ----------
    segments_ : DataFrame
        ``segment``, ``rule``, ``count``, ``event_rate``.
    card_, selection_, coefficients_ : DataFrame
        As a card's, with a first column ``segment``.
    comparison_ : DataFrame
        With ``cv``: ``model`` (single card, segments, gain), ``auc``, ``auc_sd``, ``log_loss``, ``log_loss_sd``, over
        the same folds.
    finder_ : dict of column to Finder
        The bins among which the tree's splits were searched; empty for a named column, and for loaded cards.

    Notes
    -----
    Cards share one points scale, so that equal points mean equal odds in every segment.

    The tree does not split on what is risky, which the single card knows already, but where customers need other
    coefficients than all others; when no split pays, there is one segment. See `riskml.scorecard.segments.tree`.
    Rows with an unseen value go with the larger part, or a named column's pool; ``segments_`` says which.

    `contributions` adds up to the log-odds as for one card: how a segment's intercept differs from the average one is
    attributed to the columns that define the segment.
    """

    card: Scorecard | None = None
    segment_by: Any = None
    _: KW_ONLY
    max_segments: int = 4
    min_segment_share: float = 0.15
    min_segment_events: int = 50
    cv: Any = None
    random_state: int | None = 0
    cards_: dict[str, Scorecard] = field(init=False)
    segments_: pd.DataFrame = field(init=False)
    model_: Segmented = field(init=False)
    finder_: dict[str, Finder] = field(init=False)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, periods: Any = None) -> Self:
        """Find the segments and build their cards.

        Parameters
        ----------
        periods : array of shape (n,), optional
            As for `Scorecard.fit`.

        Raises
        ------
        ConfigError, DataError, FitError
            As a card's; the message names the segment.
        """
        self._check()
        with unchanged_on_failure(self):
            raw = self._named(X, reset=True)
            self.classes_, event = binary_target(raw, y)
            weight = row_weights(sample_weight, len(raw))
            period = None if periods is None else one_for_each(periods, len(raw))
            if self.cv is not None:
                # Before rows without weight are left out: the user's folds count them.
                models = {"single card": self._template, "segments": copy(self).set_params(cv=None)}
                args = (Schema.infer(raw).conform(raw), event, weight, period)
                self.comparison_ = payoff(models, *args, cv=self.cv, random_state=self.random_state)
            elif hasattr(self, "comparison_"):
                del self.comparison_  # of an earlier fit
            if period is not None and weight is not None:
                period = period[weight > 0]
            raw, event, weight = without_zero_weights(raw, event, weight)
            frame = Schema.infer(raw).conform(raw)
            routing, single = self._learn_routing(frame, event, weight, period)
            model = Segmented(routing.splits, tuple(routing.rules), (), ())
            segment = model.segment({name: frame[name].to_numpy() for name in model.kinds} or {"": event})
            self.cards_ = {}
            rows = []
            for number, (name, rule) in enumerate(routing.rules.items()):
                inside = segment == number
                part = None if weight is None else weight[inside]
                if single is None or routing.splits:
                    card = clone(self._template)
                    own = None if period is None else period[inside]
                    with naming(name):
                        card.fit(frame[inside], self.classes_[event[inside].astype(int)], part, own)
                else:
                    card = single
                self.cards_[name] = card
                rows.append((name, rule, int(inside.sum()), float(np.average(event[inside], weights=part))))
            self.segments_ = pd.DataFrame(rows, columns=["segment", "rule", "count", "event_rate"])
            self._assemble(routing)
        return self

    @property
    def scale(self) -> Scale:
        """The points scale."""
        return self._template.scale

    @property
    def edits_(self) -> dict[str, tuple[Edit, ...]]:
        """Manual edits of each segment's card; segments without any are left out."""
        return {name: card.edits_ for name, card in self.cards_.items() if card.edits_}

    def segment(self, X: Any) -> pd.Series:
        """Return the segment of each row, shape (n,)."""
        frame = self._read(X)
        return like(X, pd.Series(self._segment(frame), index=frame.index, name="segment"))

    def points(self, X: Any) -> pd.Series:
        """Return the score of each row on its segment's card, shape (n,); more points are safer."""
        frame = self._read(X)
        columns = read_columns(frame, self.model_.kinds)
        total = self.model_.points(columns) if columns else np.full(len(frame), self.model_.base_points)
        return like(X, pd.Series(np.asarray(total).round().astype(np.int64), index=frame.index, name="points"))

    def shortfalls(self, X: Any) -> pd.DataFrame:
        """Return by how many points each characteristic stays below its reference, shape (n, characteristics).

        The reference is the average in training of the row's segment; NaN where its card has no such characteristic.
        """
        frame = self._read(X)
        names = {shape.column: None for card in self.cards_.values() for shape in card.model_.shapes}
        out = pd.DataFrame(np.nan, index=frame.index, columns=list(names))
        for rows, card in self._parts(frame):
            short = card.shortfalls(frame.iloc[rows])
            out.iloc[rows, out.columns.get_indexer(short.columns)] = short.to_numpy()
        return like(X, out)

    def reasons(self, X: Any, n: int = 4) -> pd.DataFrame:
        """Return each row's reasons by its segment's card, shape (n_rows, n); see `Scorecard.reasons`."""
        frame = self._read(X)
        check_number(n)
        out = pd.DataFrame(index=frame.index, columns=[f"reason_{k}" for k in range(1, n + 1)], dtype=object)
        for rows, card in self._parts(frame):
            out.iloc[rows] = card.reasons(frame.iloc[rows], n).to_numpy(dtype=object)
        return like(X, out)

    def edit(
        self,
        segment: str,
        column: str,
        *,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        periods: Any = None,
        **change: Any,
    ) -> Self:
        """Return new cards with one characteristic of one segment's card edited.

        Parameters
        ----------
        X, y, sample_weight, periods
            The training rows of all segments, where new bins need them; those of the segment are used.
        **change
            As for `Scorecard.edit`.

        Returns
        -------
        SegmentedScorecard
            This one is left as it is.
        """
        check_is_fitted(self)
        if segment not in self.cards_:
            raise ConfigError(
                f"no segment is called {segment!r}",
                where="edit",
                fix=did_you_mean(segment, self.cards_) or f"segments are {', '.join(map(repr, self.cards_))}",
            )
        rows: dict[str, Any] = {"y": y, "sample_weight": sample_weight, "periods": periods}
        rows = {name: values for name, values in rows.items() if values is not None}
        if X is not None:
            frame = self._read(X)
            inside = self._segment(frame) == segment
            rows = {"X": frame} | {name: _each(values, name, len(frame)) for name, values in rows.items()}
            rows = {name: values[inside] for name, values in rows.items()}
        edited = copy(self)
        with naming(segment):
            edited.cards_ = {**self.cards_, segment: self.cards_[segment].edit(column, **change, **rows)}
        edited._assemble(Routing(self.model_.splits, dict(self.segments_[["segment", "rule"]].to_numpy())))
        return edited

    def save(self, path: str | Path) -> None:
        """Write the rule and all cards to one readable file, ``.yaml`` or ``.json``.

        Raises
        ------
        ConfigError
            When a parameter is something that text cannot hold, as a splitter: save after ``set_params(cv=None)``.
        """
        check_is_fitted(self)
        write_document(
            path,
            segmented_document(Saved(self.model_.splits, self.cards_, self.segments_), self.get_params(deep=False)),
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what ``save`` wrote: it scores as the saved one does.

        Raises
        ------
        DataError
            When the file is something else, or was edited into something that cannot score.
        """
        saved, parameters = segmented_from_document(read_document(path), str(path))
        unedited = [card for card in saved.cards.values() if not card.edits_]
        loaded = cls(clone([*unedited, *saved.cards.values()][0]), **parameters)
        loaded.cards_, loaded.segments_, loaded.finder_ = dict(saved.cards), saved.segments, {}
        first = next(iter(saved.cards.values()))
        loaded.classes_ = first.classes_
        loaded.feature_names_in_, loaded.n_features_in_ = first.feature_names_in_, first.n_features_in_
        loaded._assemble(Routing(saved.splits, dict(saved.segments[["segment", "rule"]].to_numpy())))
        return loaded

    def _fitted_html(self) -> str:
        return segments_html(self.segments_, self.cards_)

    @property
    def _template(self) -> Scorecard:
        return Scorecard() if self.card is None else self.card

    def _assemble(self, routing: Routing) -> None:
        """Set what follows from the cards."""
        self.model_ = Segmented(
            routing.splits,
            tuple(routing.rules),
            tuple(card.model_ for card in self.cards_.values()),
            tuple(float(count) for count in self.segments_["count"] / self.segments_["count"].sum()),
        )
        # All cards know all columns, and special codes as the template says.
        self.schema_ = next(iter(self.cards_.values())).schema_
        self.tables_ = {name: card.tables_ for name, card in self.cards_.items()}
        self.card_ = self._stacked(lambda card: card.card_)
        self.selection_ = self._stacked(lambda card: card.selection_)
        self.coefficients_ = self._stacked(lambda card: card.coefficients_)

    def _stacked(self, part: Callable[[Scorecard], pd.DataFrame]) -> pd.DataFrame:
        frames = {name: part(card) for name, card in self.cards_.items()}
        table = pd.concat([frame.assign(segment=name) for name, frame in frames.items()], ignore_index=True)
        return table[["segment", *next(iter(frames.values())).columns]]

    def _segment(self, frame: pd.DataFrame) -> NDArray[Any]:
        columns = read_columns(frame, self.model_.kinds)
        number = self.model_.segment(columns) if columns else np.zeros(len(frame), dtype=int)
        return np.array(self.model_.names, dtype=object)[number]

    def _parts(self, frame: pd.DataFrame) -> Iterable[tuple[NDArray[np.intp], Scorecard]]:
        segment = self._segment(frame)
        parts = ((np.flatnonzero(segment == name), card) for name, card in self.cards_.items())
        return [(rows, card) for rows, card in parts if len(rows)]

    def _learn_routing(
        self, frame: pd.DataFrame, event: NDArray[np.int8], weight: Floats | None, periods: pd.Series | None
    ) -> tuple[Routing, Scorecard | None]:
        """Return the segments, and the single card where it was needed to find them."""
        limits = Limits(self.max_segments, self.min_segment_share * len(frame), self.min_segment_events)
        self.finder_ = {}
        columns, named = asked_columns(self.segment_by, list(frame.columns))
        if named:
            return by_value(frame[columns[0]], event, limits), None
        if self.max_segments == 1:
            return Routing((), {EVERYONE: "everyone"}), None
        single = clone(self._template).fit(frame, self.classes_[event.astype(int)], weight, periods)
        # Special codes are the card's, and a column's kind too.
        self.finder_ = finders(frame[columns], Schema(tuple(single.schema_[name] for name in columns)))
        slots = {name: finder.shape.slot(frame[name].to_numpy()) for name, finder in self.finder_.items()}
        design = regressors(single.binner_, single.selection_, frame)
        return by_tree(grow(slots, self.finder_, design, event, weight, limits), self.finder_), single

    def _check(self) -> None:
        check_parameters({name: getattr(self, name) for name in PARAMETERS})
        if not isinstance(self._template, Scorecard):
            raise ConfigError(f"card must be a Scorecard; got {type(self.card).__name__}", where="card")
        if getattr(self.card, "edits_", ()):
            raise ConfigError(
                "the card was edited manually, and a segment's card would not have its edits",
                where="card",
                fix="hand in sklearn.base.clone(card), and edit the segments' cards: SegmentedScorecard.edit",
            )


def _each(values: Any, name: str, rows: int) -> Any:
    """Return the outcome, the weight or the period of each row."""
    if name == "periods":
        return one_for_each(values, rows)
    if name == "sample_weight":
        return row_weights(values, rows)
    outcomes = np.atleast_1d(np.asarray(values))
    if len(outcomes) != rows:
        raise DataError(f"{rows} rows have {len(outcomes)} values", where=name)
    return outcomes
