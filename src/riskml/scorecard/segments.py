"""`SegmentedScorecard`: one card per segment, under the interface of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from riskml.errors import ConfigError
from riskml.estimator import FrameEstimator
from riskml.runtime.frame import Floats, levels
from riskml.runtime.model import probability
from riskml.schema import Schema, near
from riskml.scorecard.binner import OptimalBinner
from riskml.scorecard.card import Scorecard
from riskml.scorecard.target import binary_target, row_weights, without_zero_weights

OTHERS = "others"


class SegmentedScorecard(ClassifierMixin, FrameEstimator):  # type: ignore[misc]
    """A scorecard for each segment of customers.

    Parameters
    ----------
    card : Scorecard, optional
        Its parameters are every segment's; the defaults when None.
    segment_by : str or sequence of str, optional
        One column's name: its values are the segments, small ones pooled as ``others``. Several names: a tree on the
        weights of evidence of these columns finds the segments. None: a tree on all columns.
    max_segments : int, default 4
        Most segments that the tree makes.
    min_segment_share : float, default 0.15
        Least share of rows in a segment.
    min_segment_events : int, default 50
        Least events, and non-events, in a segment.

    Attributes
    ----------
    cards_ : dict of segment to Scorecard
    segments_ : DataFrame
        ``segment``, ``rule``, ``count``, ``event_rate``.
    card_ : DataFrame
        ``segment``, ``column``, ``bin``, ``woe``, ``points``.

    Notes
    -----
    Cards share one points scale, so that equal points mean equal odds in every segment.
    """

    cards_: dict[str, Scorecard]
    segments_: pd.DataFrame
    classes_: NDArray[Any]

    def __init__(
        self,
        card: Scorecard | None = None,
        segment_by: str | Sequence[str] | None = None,
        *,
        max_segments: int = 4,
        min_segment_share: float = 0.15,
        min_segment_events: int = 50,
    ) -> None:
        self.card = card
        self.segment_by = segment_by
        self.max_segments = max_segments
        self.min_segment_share = min_segment_share
        self.min_segment_events = min_segment_events

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the segments and build their cards.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional

        Returns
        -------
        SegmentedScorecard
        """
        if self.max_segments < 1 or not 0 < self.min_segment_share < 1 or self.min_segment_events < 1:
            raise ConfigError(
                "max_segments and min_segment_events are at least 1, min_segment_share is a share of rows; got "
                f"{self.max_segments}, {self.min_segment_events} and {self.min_segment_share}",
                where="SegmentedScorecard",
            )
        frame = self._named(X, reset=True)
        self.classes_, event = binary_target(frame, y)
        frame, event, weight = without_zero_weights(frame, event, row_weights(sample_weight, len(frame)))
        self.schema_ = Schema.infer(frame)
        conformed = self.schema_.conform(frame)
        segment = self._learn_segments(conformed, event, weight)
        self.cards_ = {}
        rows = []
        for name in sorted(set(segment)):
            of_segment = segment == name
            part = None if weight is None else weight[of_segment]
            base = Scorecard() if self.card is None else self.card
            self.cards_[name] = clone(base).fit(
                conformed[of_segment], self.classes_[event[of_segment].astype(int)], part
            )
            rows.append(
                (name, self.rules_[name], int(of_segment.sum()), float(np.average(event[of_segment], weights=part)))
            )
        self.segments_ = pd.DataFrame(rows, columns=["segment", "rule", "count", "event_rate"])
        cards = [card.card_.assign(segment=name) for name, card in self.cards_.items()]
        self.card_ = pd.concat(cards, ignore_index=True)[["segment", "column", "bin", "woe", "points"]]
        return self

    def segment(self, X: Any) -> pd.Series:
        """Return the segment of each row, shape (n,)."""
        frame = self._read(X)
        return pd.Series(self._segment(frame), index=frame.index, name="segment")

    def decision_function(self, X: Any) -> Floats:
        """Return log-odds of the event, shape (n,); higher is riskier."""
        return self._from_cards(self._read(X), lambda card, part: card.decision_function(part)).to_numpy(np.float64)

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of ``classes_``, shape (n, 2); the second column is the event's."""
        event = probability(self.decision_function(X))
        return np.column_stack([1.0 - event, event])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the more probable class of each row, shape (n,)."""
        event = self.decision_function(X) > 0
        return np.asarray(self.classes_[event.astype(int)])

    def points(self, X: Any) -> pd.Series:
        """Return the score of each row on its segment's card, shape (n,); more points are safer."""
        return self._from_cards(self._read(X), lambda card, part: card.points(part)).astype(np.int64).rename("points")

    def reasons(self, X: Any, n: int = 4) -> pd.DataFrame:
        """Return each row's reasons by its segment's card, shape (n_rows, n); see `Scorecard.reasons`."""
        frame = self._read(X)
        segment = self._segment(frame)
        out = pd.DataFrame(index=frame.index, columns=[f"reason_{k}" for k in range(1, n + 1)], dtype=object)
        for name, card in self.cards_.items():
            of_segment = np.flatnonzero(segment == name)
            if len(of_segment):
                out.iloc[of_segment] = card.reasons(frame.iloc[of_segment], n).to_numpy(dtype=object)
        return out

    def _from_cards(self, frame: pd.DataFrame, answer: Any) -> pd.Series:
        segment = self._segment(frame)
        out = np.zeros(len(frame))
        for name, card in self.cards_.items():
            of_segment = segment == name
            if of_segment.any():
                out[of_segment] = np.asarray(answer(card, frame[of_segment]))
        return pd.Series(out, index=frame.index)

    def _learn_segments(self, frame: pd.DataFrame, event: NDArray[np.int8], weight: Floats | None) -> NDArray[Any]:
        names = list(frame.columns)
        asked = [self.segment_by] if isinstance(self.segment_by, str) else list(self.segment_by or names)
        for name in asked:
            if name not in names:
                raise ConfigError(f"no column is called {name!r}", where="segment_by", mend=near(name, names))
        self.named_: dict[str, str] | None = None
        if isinstance(self.segment_by, str):
            return self._by_column(frame, event)
        self.finder_ = OptimalBinner(max_bins=6, constant="keep").fit(frame[asked], event, weight)
        woe = self.finder_.transform(frame[asked]).to_numpy()
        # Weights of evidence of equal size everywhere: the tree's cuts are then sets of bins that a person can name.
        self.tree_ = DecisionTreeClassifier(
            max_leaf_nodes=max(self.max_segments, 2),
            min_samples_leaf=max(1, int(np.ceil(self.min_segment_share * len(frame)))),
            random_state=0,
        )
        self.tree_.fit(woe, event, weight)
        self.pooled_ = self._pooled_leaves(woe, event)
        self.rules_ = self._rules(asked)
        return self._segment(frame)

    def _by_column(self, frame: pd.DataFrame, event: NDArray[np.int8]) -> NDArray[Any]:
        values = _as_levels(frame[str(self.segment_by)])
        self.named_ = {}
        for name in sorted(set(values)):
            of_segment = values == name
            events = int(event[of_segment].sum())
            enough = min(events, int(of_segment.sum()) - events) >= self.min_segment_events
            large = of_segment.mean() >= self.min_segment_share
            self.named_[str(name)] = str(name) if enough and large else OTHERS
        kept = sorted({name for name in self.named_.values() if name != OTHERS})
        segment = self._segment(frame)
        rest = event[segment == OTHERS]
        if not kept or (len(rest) and len(np.unique(rest)) < 2):
            # What is left could not carry a card: it joins the largest segment.
            counts = pd.Series(segment[segment != OTHERS]).value_counts()
            joined = str(counts.index[0]) if len(counts) else "all"
            self.named_ = {name: joined if to == OTHERS else to for name, to in self.named_.items()}
        self.default_ = OTHERS if OTHERS in self.named_.values() else sorted(set(self.named_.values()))[0]
        self.rules_ = {name: f"{self.segment_by} is {name}" for name in set(self.named_.values())}
        return self._segment(frame)

    def _segment(self, frame: pd.DataFrame) -> NDArray[Any]:
        check_is_fitted(self, "named_")
        if self.named_ is not None:
            default = getattr(self, "default_", OTHERS)
            values = _as_levels(frame[str(self.segment_by)])
            return np.array([self.named_.get(str(value), default) for value in values], dtype=object)
        leaf = self.tree_.apply(self.finder_.transform(frame[list(self.finder_.schema_.names)]).to_numpy())
        return np.array([f"segment {self.pooled_[int(number)]}" for number in leaf], dtype=object)

    def _pooled_leaves(self, woe: Floats, event: NDArray[np.int8]) -> dict[int, int]:
        """Return the segment number of each leaf; leaves with too few events share their sibling's."""
        tree = self.tree_.tree_
        members = {node: [node] for node in range(tree.node_count) if tree.children_left[node] < 0}
        leaf = self.tree_.apply(woe)

        def few(nodes: list[int]) -> bool:
            rows = np.isin(leaf, nodes)
            events = int(event[rows].sum())
            return min(events, int(rows.sum()) - events) < self.min_segment_events

        def leaves(node: int) -> list[list[int]]:
            if tree.children_left[node] < 0:
                return [members[node]]
            groups = leaves(int(tree.children_left[node])) + leaves(int(tree.children_right[node]))
            return [sum(groups, [])] if any(map(few, groups)) else groups

        groups = leaves(0) if self.max_segments > 1 else [list(members)]
        return {node: number for number, group in enumerate(groups, start=1) for node in group}

    def _rules(self, columns: Sequence[str]) -> dict[str, str]:
        """Return each segment's rule, in bins."""
        tree = self.tree_.tree_
        found: dict[str, list[str]] = {}

        def walk(node: int, limits: dict[int, tuple[float, float]]) -> None:
            if tree.children_left[node] < 0:
                found.setdefault(f"segment {self.pooled_[node]}", []).append(self._in_words(limits, columns))
                return
            column, cut = int(tree.feature[node]), float(tree.threshold[node])
            low, high = limits.get(column, (-np.inf, np.inf))
            walk(int(tree.children_left[node]), {**limits, column: (low, cut)})
            walk(int(tree.children_right[node]), {**limits, column: (cut, high)})

        walk(0, {})
        return {name: " or ".join(rules) for name, rules in found.items()}

    def _in_words(self, limits: dict[int, tuple[float, float]], columns: Sequence[str]) -> str:
        parts = []
        for column, (low, high) in limits.items():
            table = self.finder_.tables_[columns[column]]
            inside = table.loc[(table["woe"] > low) & (table["woe"] <= high), "bin"]
            parts.append(f"{columns[column]} in {{{'; '.join(inside)}}}")
        return " and ".join(parts) or "everyone"

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _as_levels(values: pd.Series) -> NDArray[Any]:
    named = levels(values)
    return np.where(pd.isna(named), "missing", named).astype(object)
