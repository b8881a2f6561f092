"""Decision tree small enough to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.tree import DecisionTreeClassifier

from riskml.base import RiskEstimator
from riskml.models.family import Family, directions
from riskml.runtime.encoding import Encoding
from riskml.runtime.frame import Floats
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.model import Tree
from riskml.schema import Schema


@dataclass(eq=False, repr=False)
class RiskTree(RiskEstimator):
    """A shallow classification tree over numbers, levels and missing values.

    Levels are put in order of their event rate, which for two classes finds the best split among all groupings
    (Breiman et al. 1984, theorem 4.5). Leaves are smoothed towards the overall rate, so that no customer's
    probability is exactly 0 or 1. A gap in a column that had none in training has the rate of the rows that reach the
    first split on it.

    Parameters
    ----------
    min_leaf_share : float, default=0.02
        Least share of the training rows in a leaf.
    smoothing : float, default=5.0
        Rows of the overall event rate that are added to each node's own.
    monotone : mapping of column name to "ascending" or "descending", optional
        How the risk has to go where a numeric column rises.

    Examples
    --------
    >>> X = pd.DataFrame({"late": [0, 1, 5, 9] * 10})
    >>> RiskTree().fit(X, [0, 0, 1, 1] * 10).predict(X.head(4)).tolist()
    [0, 0, 1, 1]
    """

    max_depth: int = 5
    min_leaf_share: float = 0.02
    smoothing: float = 5.0
    monotone: Mapping[str, str] | None = None
    random_state: int = 0
    model_: Tree = field(init=False)

    def fit(self, X: Any, y: Any) -> Self:
        """Grow the tree; the greater class of y is the event."""
        frame = self._learn_schema(X)
        target = self._learn_target(frame, y)
        encoding = by_event_rate(frame, target, self.schema_)
        matrix = encoding.matrix(read_columns(frame, encoding.kinds))
        grown = DecisionTreeClassifier(
            max_depth=self.max_depth,
            min_samples_leaf=max(1, int(np.ceil(self.min_leaf_share * len(frame)))),
            monotonic_cst=directions(self.schema_, self.monotone) if self.monotone else None,
            random_state=self.random_state,
        ).fit(matrix, target)
        tree = grown.tree_
        # `value` holds shares of the classes; counts are weighted by the rows that reached the node.
        rows, rate = tree.n_node_samples, tree.value[:, 0, 1]
        overall = rate[0]
        events = rows * rate + self.smoothing * overall
        others = rows * (1.0 - rate) + self.smoothing * (1.0 - overall)
        complete = np.asarray(~np.isnan(matrix).any(axis=0))
        self.model_ = Tree(encoding, **_with_gaps(tree, np.log(events / others), complete))
        return self


def _with_gaps(tree: Any, value: Floats, complete: NDArray[np.bool_]) -> dict[str, tuple[Any, ...]]:
    """Return the nodes of a tree, in which a gap that training never had ends with the average of the rows there.

    A column that was complete has taught no way for a missing value: before the first of its splits on a path, one
    more split leads those rows to a leaf of the node's own value.
    """
    nodes: list[list[Any]] = []  # feature, threshold, left, right, missing_left, value

    def add(feature: int, threshold: float, missing_left: bool, value: float) -> int:
        nodes.append([feature, threshold, -1, -1, missing_left, value])
        return len(nodes) - 1

    def copy(node: int, passed: frozenset[int]) -> int:
        column = int(tree.feature[node])
        if column >= 0 and complete[column] and column not in passed:
            split = add(column, np.inf, False, float(value[node]))
            nodes[split][2] = copy(node, passed | {column})
            nodes[split][3] = add(-2, -2.0, False, float(value[node]))
            return split
        split = add(column, float(tree.threshold[node]), bool(tree.missing_go_to_left[node]), float(value[node]))
        if column >= 0:
            nodes[split][2:4] = [copy(int(side[node]), passed) for side in (tree.children_left, tree.children_right)]
        return split

    copy(0, frozenset())
    names = ("feature", "threshold", "left", "right", "missing_left", "value")
    return dict(zip(names, zip(*nodes, strict=True), strict=True))


def by_event_rate(frame: pd.DataFrame, target: Any, schema: Schema, smoothing: float = 20.0) -> Encoding:
    """Return an encoding that numbers the levels of each column in order of their smoothed event rate."""
    outcome = pd.Series(np.asarray(target, dtype=float), index=frame.index)
    overall = outcome.mean()
    levels: dict[str, dict[str, float] | None] = {}
    for column in schema:
        if column.kind == "numeric":
            levels[column.name] = None
            continue
        groups = outcome.groupby(frame[column.name], sort=True).agg(["sum", "count"])
        rate = (groups["sum"] + smoothing * overall) / (groups["count"] + smoothing)
        order = rate.sort_values(kind="stable").index
        levels[column.name] = {str(level): float(rank) for rank, level in enumerate(order)}
    return Encoding(levels)


FAMILY = Family(
    "tree",
    label="the decision tree",
    description="a short list of yes-or-no questions; each customer ends in one leaf",
    colour="#009e73",
    estimator=RiskTree,
    space={
        "max_depth": IntDistribution(2, 6),
        "min_leaf_share": FloatDistribution(0.005, 0.05, log=True),
        "smoothing": FloatDistribution(1.0, 50.0, log=True),
    },
    defaults={"max_depth": 5, "min_leaf_share": 0.02, "smoothing": 5.0},
    complexity=0,
    interpretable=True,
    time_share=0.1,
    recalibrate=True,
)
