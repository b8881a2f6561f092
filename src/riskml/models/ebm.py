"""Explainable boosting machine: a curve per column, and tables of pairs of columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from riskml.base import RiskEstimator
from riskml.models.family import Family, directions
from riskml.runtime.additive import Additive, Pair, Pairwise
from riskml.runtime.encoding import Columns
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.shapes import Levels, Step


@dataclass(eq=False, repr=False)
class RiskEBM(RiskEstimator):
    """Explainable boosting machine (InterpretML) over numbers, native categories and missing values.

    Boosting that visits one column at a time, which gives a step curve per column, or a value per level;
    then a table for each of the pairs of columns that add most. It is a model of plain numbers: InterpretML is needed
    to fit it, and not to score.

    Needs the extra ``ebm``.

    Parameters
    ----------
    bags : int, default=8
        Models that are averaged (``outer_bags``); each stops early on its own held-out rows.
    interactions : str or int, default="3x"
        Pairs of columns: as a multiple of the number of columns, or their number.
    max_bins, max_interaction_bins : int, default=256 and 32
        Bins of a number, alone and in a pair.
    max_leaves, min_samples_leaf, smoothing_rounds, max_rounds, reg_lambda
        As in InterpretML.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where a numeric column rises; such a column is in no pair.

    Notes
    -----
    Lou et al. (2013), "Accurate intelligible models with pairwise interactions"; Nori et al. (2019), "InterpretML: a
    unified framework for machine learning interpretability".
    """

    bags: int = 8
    interactions: str | int = "3x"
    learning_rate: float = 0.03
    max_bins: int = 256
    max_interaction_bins: int = 32
    max_leaves: int = 2
    min_samples_leaf: int = 4
    smoothing_rounds: int = 75
    max_rounds: int = 10_000
    reg_lambda: float = 0.0
    monotone: Mapping[str, str] | None = None
    random_state: int = 0
    model_: Additive | Pairwise = field(init=False)

    def fit(self, X: Any, y: Any) -> Self:
        """Boost the curves, then the pairs; the greater class of y is the event."""
        frame = self._learn_schema(X)
        target = self._learn_target(frame, y)
        kinds = {column.name: column.kind for column in self.schema_}
        signs = directions(self.schema_, self.monotone) if self.monotone else None
        fitted = self._boosted(_table(read_columns(frame, kinds)), target, kinds, signs)
        self.model_ = _plain(fitted, kinds)
        return self

    def _boosted(
        self, table: NDArray[np.object_], target: NDArray[np.int8], kinds: Mapping[str, str], signs: list[int] | None
    ) -> Any:
        from interpret.glassbox import ExplainableBoostingClassifier

        machine = ExplainableBoostingClassifier(
            feature_names=list(kinds),
            feature_types=["continuous" if kind == "numeric" else "nominal" for kind in kinds.values()],
            outer_bags=self.bags,
            interactions=self.interactions,
            learning_rate=self.learning_rate,
            max_bins=self.max_bins,
            max_interaction_bins=self.max_interaction_bins,
            max_leaves=self.max_leaves,
            min_samples_leaf=self.min_samples_leaf,
            smoothing_rounds=self.smoothing_rounds,
            max_rounds=self.max_rounds,
            reg_lambda=self.reg_lambda,
            monotone_constraints=signs,
            # One process: the kit itself runs fits side by side.
            n_jobs=1,
            random_state=self.random_state,
        )
        # It warns of InterpretML's own pictures. `catch_warnings` is not for fits in several threads.
        warnings.filterwarnings("ignore", "Missing values detected", UserWarning, r"interpret\.")
        return machine.fit(table, target)


def _table(columns: Columns) -> NDArray[np.object_]:
    """Return numbers and levels side by side, as InterpretML reads them; missing as NaN and None."""
    return np.column_stack([_message(values).astype(object) for values in columns.values()])


def _message(values: NDArray[Any]) -> NDArray[Any]:
    # InterpretML looks for the least of nothing where a number is missing everywhere; a constant says as little.
    return np.zeros(len(values)) if values.dtype.kind == "f" and np.isnan(values).all() else values


def _plain(fitted: Any, kinds: Mapping[str, str]) -> Additive | Pairwise:
    """Return the numbers of a fitted machine."""
    names = list(kinds)
    shapes: list[Step | Levels] = []
    pairs: list[Pair] = []
    for places, scores in zip(fitted.term_features_, fitted.term_scores_, strict=True):
        # The bins of numbers are coarser in pairs; where they are not, they are listed once.
        bins = [fitted.bins_[place][: len(places)][-1] for place in places]
        sides = [_axis(names[place], kinds[names[place]], cuts) for place, cuts in zip(places, bins, strict=True)]
        for axis, side in enumerate(sides):
            scores = np.take(scores, _slots(side, scores.shape[axis]), axis=axis)
        if len(sides) == 1:
            shapes.append(type(sides[0])(**{**vars(sides[0]), "value": tuple(scores.tolist())}))
        else:
            pairs.append(Pair(sides[0], sides[1], tuple(tuple(row) for row in scores.tolist())))
    main = Additive(float(np.ravel(fitted.intercept_)[0]), tuple(shapes))
    return Pairwise(main, tuple(pairs)) if pairs else main


def _axis(name: str, kind: str, cuts: Any) -> Step | Levels:
    """Return what finds a value's slot; InterpretML counts levels from 1."""
    if kind == "numeric":
        return Step(name, tuple(np.asarray(cuts, dtype=float).tolist()), (), ())
    levels = {str(level): int(number) - 1 for level, number in cuts.items()}
    return Levels(name, levels, (0.0,) * (len(set(levels.values())) + 2))


def _slots(side: Step | Levels, count: int) -> list[int]:
    """Return where InterpretML keeps the value of each slot: missing is its first one, unseen its last."""
    inside = list(range(1, count - 1))
    return [*inside, 0] if isinstance(side, Step) else [*inside, 0, count - 1]


FAMILY = Family(
    "ebm",
    label="the explainable boosting machine",
    description="a curve for each column and a table for some pairs of columns, added",
    colour="#004d40",
    estimator=RiskEBM,
    space={
        "interactions": CategoricalDistribution((0, "1x", "3x")),
        "learning_rate": FloatDistribution(0.01, 0.08, log=True),
        "max_leaves": IntDistribution(2, 4),
        "min_samples_leaf": IntDistribution(2, 50, log=True),
        "smoothing_rounds": IntDistribution(10, 500, log=True),
    },
    defaults={
        "interactions": "3x",
        "learning_rate": 0.03,
        "max_leaves": 2,
        "min_samples_leaf": 4,
        "smoothing_rounds": 75,
    },
    complexity=3,
    interpretable=True,
    time_share=0.4,
    search_overrides={"bags": 2},
    bags=8,
    early_stopping=True,
    recalibrate=True,
    library="interpret.glassbox",
    extra=True,
)
