"""XGBoost trees as plain arrays, for single-record scoring and for the export to other formats.

For one customer, walking the arrays is faster than a call of the library per booster.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Forest:
    """The trees of one booster."""

    columns: int  # of the matrix; the marks follow
    marks: tuple[tuple[int, tuple[float, ...]], ...]  # for each mark: its column, and the codes of its levels
    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    left: NDArray[np.int32]  # a leaf is its own child
    right: NDArray[np.int32]
    threshold: NDArray[np.float32]  # smaller values go left; the value of a leaf
    missing_left: NDArray[np.bool_]
    cover: NDArray[np.float32]  # weight of the training rows in the node
    depth: int  # steps to the deepest leaf
    base: float  # log-odds before any tree, as float32

    @property
    def leaf(self) -> NDArray[np.bool_]:
        """Whether a node is a leaf, shape (nodes,)."""
        return np.asarray(self.left == np.arange(len(self.left)))

    def extended(self, matrix: Matrix) -> Matrix:
        """Return the matrix followed by the marks, shape (n, columns + marks)."""
        if not self.marks:
            return matrix
        marked = [_mark(matrix[:, column], levels) for column, levels in self.marks]
        return np.column_stack([matrix, *marked]).astype(np.float32, copy=False)


def read_xgboost(content: bytes) -> Forest:
    """Return the trees of a booster with objective binary:logistic."""
    learner = json.loads(content)["learner"]
    booster = learner["gradient_booster"]
    if learner["objective"]["name"] != "binary:logistic" or booster["name"] != "gbtree":
        raise ValueError(f"trees of {learner['objective']['name']}, {booster['name']}")
    columns = int(learner["learner_model_param"]["num_feature"])
    marks: dict[tuple[int, tuple[float, ...]], int] = {}
    parts = [_tree(tree, columns, marks) for tree in booster["model"]["trees"]]
    sizes = [len(part["left"]) for part in parts]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    shift = np.repeat(starts[:-1], sizes)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    return Forest(
        columns=columns,
        marks=tuple(marks),
        roots=starts[:-1],
        feature=joined["feature"].astype(np.int32),
        left=(joined["left"] + shift).astype(np.int32),
        right=(joined["right"] + shift).astype(np.int32),
        threshold=joined["threshold"].astype(np.float32),
        missing_left=joined["missing_left"].astype(bool),
        cover=joined["cover"].astype(np.float32),
        depth=max(_depth(part) for part in parts),
        base=_base(learner["learner_model_param"]["base_score"]),
    )


def _tree(tree: Mapping[str, Any], columns: int, marks: dict[tuple[int, tuple[float, ...]], int]) -> dict[str, Any]:
    left, right = np.asarray(tree["left_children"]), np.asarray(tree["right_children"])
    own = np.arange(len(left))
    leaf = left < 0
    feature = np.where(leaf, 0, np.asarray(tree["split_indices"]))
    # XGBoost compares in float32; its JSON has the shortest decimals of those.
    threshold = np.asarray(tree["split_conditions"], dtype=np.float64)
    starts, sizes = tree["categories_segments"], tree["categories_sizes"]
    for node, start, size in zip(tree["categories_nodes"], starts, sizes, strict=True):
        levels = tuple(float(level) for level in tree["categories"][start : start + size])
        feature[node] = columns + marks.setdefault((int(feature[node]), levels), len(marks))
        threshold[node] = 0.5
    return {
        "left": np.where(leaf, own, left),
        "right": np.where(leaf, own, right),
        "feature": feature,
        "threshold": threshold,
        "missing_left": np.asarray(tree["default_left"], dtype=bool),
        "cover": np.asarray(tree["sum_hessian"], dtype=np.float64),
    }


def _depth(part: Mapping[str, Any]) -> int:
    depth, nodes = 0, np.zeros(1, dtype=np.intp)
    while len(nodes := nodes[part["left"][nodes] != nodes]):
        nodes = np.concatenate([part["left"][nodes], part["right"][nodes]])
        depth += 1
    return depth


def _base(score: str | float) -> float:
    chance = np.float32(float(str(score).strip("[]")))
    return float(-np.log(np.float32(1) / chance - np.float32(1)))


def _mark(values: Matrix, levels: tuple[float, ...]) -> Matrix:
    marked = np.isin(values, np.asarray(levels, dtype=np.float32)).astype(np.float32)
    marked[np.isnan(values)] = np.nan
    return marked


class Walk:
    """Mean log-odds of several boosters, one row at a time."""

    def __init__(self, forests: Sequence[Forest]) -> None:
        sizes = [len(forest.left) for forest in forests]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        columns = forests[0].columns
        marks: dict[tuple[int, tuple[float, ...]], int] = {}
        features = []
        for forest in forests:
            own = [columns + marks.setdefault(mark, len(marks)) for mark in forest.marks]
            features.append(np.asarray([*range(columns), *own], dtype=np.intp)[forest.feature])
        self._feature = np.concatenate(features)
        self._threshold = np.concatenate([forest.threshold for forest in forests])
        self._missing_left = np.concatenate([forest.missing_left for forest in forests])
        shifted = [
            np.stack([forest.right + start, forest.left + start], axis=1)
            for forest, start in zip(forests, starts, strict=True)
        ]
        self._next = np.concatenate(shifted).astype(np.intp).ravel()  # of each node: right, left
        self._roots = np.concatenate([forest.roots + start for forest, start in zip(forests, starts, strict=True)])
        self._roots = self._roots.astype(np.intp)
        self._depth = max(forest.depth for forest in forests)
        ends = np.cumsum([len(forest.roots) for forest in forests])
        self._parts = [slice(end - len(forest.roots), end) for end, forest in zip(ends, forests, strict=True)]
        self._bases = [np.float32(forest.base) for forest in forests]
        self._marks: list[tuple[int, dict[float, Matrix], Matrix]] = _tables(marks)

    def margin(self, row: Matrix) -> float:
        """Return the mean log-odds of a row, shape (columns,)."""
        if self._marks:
            row = np.concatenate([row, *(known.get(float(row[c]), none) for c, known, none in self._marks)])
        missing = bool(np.isnan(row).any())
        node = self._roots
        for _ in range(self._depth):
            values = row.take(self._feature.take(node))
            left = values < self._threshold.take(node)
            if missing:
                left |= np.isnan(values) & self._missing_left.take(node)
            node = self._next.take(2 * node + left)
        leaves = self._threshold.take(node)
        # Summed one by one in float32, as XGBoost does.
        total = 0.0
        for part, base in zip(self._parts, self._bases, strict=True):
            total += float(np.add.accumulate(np.concatenate([[base], leaves[part]], dtype=np.float32))[-1])
        return total / len(self._parts)


def _tables(marks: Mapping[tuple[int, tuple[float, ...]], int]) -> list[tuple[int, dict[float, Matrix], Matrix]]:
    """Return for each run of marks of one column the marks by level, and those of a missing value."""
    tables: list[tuple[int, dict[float, Matrix], Matrix]] = []
    runs: list[tuple[int, list[tuple[float, ...]]]] = []
    for column, levels in marks:
        if not runs or runs[-1][0] != column:
            runs.append((column, []))
        runs[-1][1].append(levels)
    for column, sets in runs:
        every = sorted(set().union(*sets))
        known = {level: np.array([level in one for one in sets], dtype=np.float32) for level in every}
        tables.append((column, _Marks(known, len(sets)), np.full(len(sets), np.nan, dtype=np.float32)))
    return tables


class _Marks(dict[float, Matrix]):
    """The marks of each level; zeros for other levels."""

    def __init__(self, known: Mapping[float, Matrix], count: int) -> None:
        super().__init__(known)
        self._nothing = np.zeros(count, dtype=np.float32)

    def get(self, level: float, none: Any = None) -> Any:
        if level != level:
            return none
        return super().get(level, self._nothing)
