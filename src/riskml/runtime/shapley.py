"""Exact Shapley values of shallow trees from precomputed tables.

The values are those of Lundberg et al. (2020, Nature Machine Intelligence 2): a row without a value of a column goes
both ways by the weight of the training rows. A leaf of value ``v`` whose path splits on the columns ``U`` adds to
column ``i`` of them ``v (o_i - r_i) sum_S |S|! (|U|-|S|-1)! / |U|! prod_{j in S} o_j prod_{j not in S} r_j``, over the
sets ``S`` of the other columns, where ``o_j`` is 1 if the row follows the path at all splits on ``j``, else 0, and
``r_j`` is the share of training rows that do. Each of the ``2^|U|`` possible results is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from .forest import Forest, Matrix
from .frame import Floats

DEEPEST = 4  # for deeper trees the library's recursion is as fast
_FEW_SPLITS = 8  # up to which the values of a tree are one table
_ROWS = 8192  # per chunk, which fits into the processor's cache

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class _Leaf:
    """A leaf: for each column of its path, the positions of its splits and their directions."""

    columns: tuple[int, ...]
    steps: tuple[tuple[tuple[int, bool], ...], ...]
    table: Floats  # shape (columns, 2 ** columns): value of each column by which columns follow the path


@dataclass(frozen=True)
class _Tree:
    splits: tuple[tuple[int, float, bool], ...]  # column of the extended matrix, threshold, whether missing goes left
    leaves: tuple[_Leaf, ...]
    columns: tuple[int, ...]
    table: Floats | None  # shape (columns, 2 ** splits), for a tree with few splits


class Shapley:
    """The Shapley values of one booster."""

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        own = [*range(forest.columns), *(column for column, _ in forest.marks)]
        trees = [_tree(forest, int(root), own) for root in forest.roots]
        self._trees = [tree for tree, _ in trees]
        self._expected = forest.base + sum(expected for _, expected in trees)

    def values(self, matrix: Matrix) -> Floats:
        """Return the value of each column, and the expected value last, shape (n, columns + 1)."""
        out = np.zeros((self._forest.columns + 1, len(matrix)))
        out[-1] = self._expected
        for start in range(0, len(matrix), _ROWS):
            self._add(matrix[start : start + _ROWS], out[:, start : start + _ROWS])
        return out.T

    def _add(self, matrix: Matrix, out: Floats) -> None:
        columns = np.ascontiguousarray(self._forest.extended(matrix).T)
        missing = np.isnan(columns)
        holes: list[bool] = [bool(row.any()) for row in missing]
        for tree in self._trees:
            left = []
            for column, threshold, missing_left in tree.splits:
                goes = columns[column] < np.float32(threshold)
                left.append(goes | missing[column] if missing_left and holes[column] else goes)
            if tree.table is None:
                for leaf in tree.leaves:
                    outcome = _outcome(leaf, left)
                    for column, values in zip(leaf.columns, leaf.table, strict=True):
                        out[column] += values.take(outcome)
            else:
                outcome = _number(left, len(matrix))
                for column, values in zip(tree.columns, tree.table, strict=True):
                    out[column] += values.take(outcome)


def _tree(forest: Forest, root: int, own: list[int]) -> tuple[_Tree, float]:
    """Return the tables of a tree, and its expected value."""
    splits: list[tuple[int, float, bool]] = []
    leaves: list[_Leaf] = []
    expected = 0.0

    def descend(node: int, path: list[tuple[int, bool, int, float]]) -> None:
        nonlocal expected
        if forest.left[node] == node:
            leaf, share = _leaf(path, float(forest.threshold[node]))
            leaves.append(leaf)
            expected += share * float(forest.threshold[node])
            return
        split = len(splits)
        feature = int(forest.feature[node])
        splits.append((feature, float(forest.threshold[node]), bool(forest.missing_left[node])))
        for child, left in ((int(forest.left[node]), True), (int(forest.right[node]), False)):
            share = float(forest.cover[child]) / float(forest.cover[node])
            descend(child, [*path, (split, left, own[feature], share)])

    descend(root, [])
    columns = tuple(dict.fromkeys(column for leaf in leaves for column in leaf.columns))
    table = _tree_table(len(splits), leaves, columns) if len(splits) <= _FEW_SPLITS else None
    return _Tree(tuple(splits), tuple(leaves), columns, table), expected


def _leaf(path: list[tuple[int, bool, int, float]], value: float) -> tuple[_Leaf, float]:
    """Return a leaf, and the share of training rows that reach it."""
    columns = tuple(dict.fromkeys(column for _, _, column, _ in path))
    steps = tuple(tuple((split, left) for split, left, own, _ in path if own == column) for column in columns)
    shares = np.array([np.prod([share for _, _, own, share in path if own == column]) for column in columns])
    return _Leaf(columns, steps, _leaf_table(value, shares)), float(np.prod(shares))


def _leaf_table(value: float, shares: Floats) -> Floats:
    """Return the value of each column by which columns follow the path, shape (columns, 2 ** columns)."""
    count = len(shares)
    numbers = np.arange(2**count)
    keeps = (numbers >> np.arange(count)[:, None]) & 1
    table = np.empty((count, len(numbers)))
    for column in range(count):
        # Coefficients by the size of S: the product over the others of (share + keeps t).
        sizes = np.zeros((count, len(numbers)))
        sizes[0] = 1.0
        for other in range(count):
            if other != column:
                sizes[1:] = sizes[1:] * shares[other] + sizes[:-1] * keeps[other]
                sizes[0] *= shares[other]
        weights = np.array([factorial(k) * factorial(count - k - 1) / factorial(count) for k in range(count)])
        table[column] = value * (keeps[column] - shares[column]) * (weights @ sizes)
    return table


def _tree_table(splits: int, leaves: list[_Leaf], columns: tuple[int, ...]) -> Floats:
    """Return the value of each column over all leaves by which splits go left, shape (columns, 2 ** splits)."""
    numbers = np.arange(2**splits)
    left = [(numbers >> split) & 1 == 1 for split in range(splits)]
    table = np.zeros((len(columns), len(numbers)))
    for leaf in leaves:
        outcome = _outcome(leaf, left)
        for column, values in zip(leaf.columns, leaf.table, strict=True):
            table[columns.index(column)] += values.take(outcome)
    return table


def _outcome(leaf: _Leaf, left: list[Bools]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the column index into the table of a leaf for each row."""
    follows = []
    for steps in leaf.steps:
        keeps = np.ones(1, dtype=bool)
        for split, goes_left in steps:
            keeps = keeps & (left[split] if goes_left else ~left[split])
        follows.append(keeps)
    return _number(follows, len(left[0]) if left else 1)


def _number(bits: list[Bools], rows: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the numbers encoded by bits, the first one least significant."""
    number = np.zeros(rows, dtype=np.uint8)
    for position, bit in enumerate(bits):
        number |= bit.view(np.uint8) << np.uint8(position)
    return number
