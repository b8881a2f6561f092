"""Segments in which one card would not do: a tree that splits where separate coefficients pay.

Model-based recursive partitioning: the node's model is a logistic regression on the single card's weights of evidence.
A strong predictor is already on the card, and splitting on it gains nothing; what pays is a column by whose value the
*coefficients* differ. A split must raise the log-likelihood by more than half its further parameters times log(n),
which is the Bayesian information criterion.

References
----------
Zeileis, Hothorn and Hornik (2008), Model-based recursive partitioning, Journal of Computational and Graphical
Statistics 17. Coppersmith, Hong and Hosking (1999), Partitioning nominal attributes in decision trees, Data Mining and
Knowledge Discovery 3: levels in the order of their first principal component.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.runtime.frame import Floats
from riskml.runtime.model import probability
from riskml.runtime.shapes import Levels, Step
from riskml.schema import Schema
from riskml.scorecard.binning.binner import OptimalBinner
from riskml.scorecard.binning.labels import MISSING, special_label
from riskml.scorecard.binning.prebins import prebin_edges

_PARTS = 8  # quantile bins of a number
_RARE = 0.01  # levels with a smaller share of rows stand together
_MOST_SPLITS = 3  # splits, of the best by approximation, whose gain is computed exactly
_RIDGE = 1.0  # draws a node's coefficients to its parent's, so that separate classes have finite ones


@dataclass(frozen=True)
class Finder:
    """The slots of a column among which splits are searched: cut without the outcome."""

    shape: Step | Levels

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each slot holds; an interval's words are made of its bounds."""
        if isinstance(self.shape, Step):
            codes = map(special_label, self.shape.special)
            return (*[""] * (len(self.shape.splits) + 1), MISSING, *codes)
        groups: list[list[str]] = [[] for _ in self.shape.value[2:]]
        for name, group in self.shape.levels.items():
            groups[group].append(name)
        return (*map("; ".join, groups), MISSING, "Other levels")

    def words(self, slots: Sequence[int]) -> str:
        """Return what some slots hold, neighbouring intervals as one."""
        if isinstance(self.shape, Levels):
            return "; ".join(self.labels[slot] for slot in slots)
        bounds = [-np.inf, *self.shape.splits, np.inf]
        regular = sorted(slot for slot in slots if slot < len(bounds) - 1)
        runs: list[list[int]] = []
        for slot in regular:
            if runs and runs[-1][1] == slot:
                runs[-1][1] = slot + 1
            else:
                runs.append([slot, slot + 1])
        parts = [f"{'(' if low == 0 else '['}{bounds[low]:g}, {bounds[high]:g})" for low, high in runs]
        return "; ".join(parts + [self.labels[slot] for slot in slots if slot >= len(bounds) - 1])


@dataclass(frozen=True)
class Limits:
    """How far a tree may grow."""

    max_segments: int
    min_rows: float
    min_events: int


@dataclass(frozen=True)
class Node:
    """A segment, or a split of rows in two."""

    rows: NDArray[np.intp]
    column: str = ""  # the column that splits; empty for a segment
    left: tuple[int, ...] = ()  # the slots that go left
    children: tuple[Node, ...] = ()  # two, or none


def finders(frame: pd.DataFrame, schema: Schema) -> dict[str, Finder]:
    """Return the slots of every column of a conformed frame; ``schema`` has its special values."""
    by_column: dict[str, Finder] = {}
    for column in schema:
        values = frame[column.name].to_numpy()
        if column.kind == "numeric":
            codes = tuple(float(code) for code in column.special)
            edges = tuple(float(edge) for edge in prebin_edges(values, _PARTS, codes))
            shape: Step | Levels = Step(column.name, edges, codes, (0.0,) * (len(edges) + 2 + len(codes)))
        else:
            share = pd.Series(values).value_counts(normalize=True)
            names = sorted(str(name) for name in share[share >= _RARE].index)
            shape = Levels(column.name, {name: i for i, name in enumerate(names)}, (0.0,) * (len(names) + 2))
        by_column[column.name] = Finder(shape)
    return by_column


def regressors(binner: OptimalBinner, selection: pd.DataFrame, frame: pd.DataFrame) -> Floats:
    """Return the regressors of the tree's models, shape (n, any): weights of evidence of the card's characteristics."""
    woe = binner.transform(frame)
    parts = [woe[name].to_numpy() for name in selection.loc[selection["kept"], "column"]]
    # A bent weight of evidence, such as two opposite slopes make together, has lost the direction: ranks have it.
    bent = binner.summary_.query("n_bins > 1")
    for name in bent.loc[~bent["trend"].isin(("ascending", "descending")), "column"]:
        if name in binner.schema_.numeric:
            parts.append((frame[name].rank(pct=True).fillna(0.5).to_numpy() - 0.5) * np.sqrt(12))
    return np.column_stack(parts) if parts else np.zeros((len(frame), 0))


def grow(
    slots: dict[str, NDArray[np.intp]],
    finders_of: dict[str, Finder],
    design: Floats,
    event: NDArray[np.int8],
    weight: Floats | None,
    limits: Limits,
) -> Node:
    """Return the tree whose splits pay, the most profitable first."""
    weight = np.ones(len(event)) if weight is None else weight / weight.mean()
    data = _Data(np.column_stack([np.ones(len(event)), design]), event.astype(np.float64), weight)
    root = Node(np.arange(len(event)))
    start = np.zeros(data.design.shape[1])
    fits: dict[tuple[int, ...], _Fit] = {(): data.fit(root.rows, start)}
    leaves: dict[tuple[int, ...], Node] = {(): root}
    best: dict[tuple[int, ...], _Split | None] = {(): _best_split(data, root.rows, fits[()], slots, finders_of, limits)}
    splits: dict[tuple[int, ...], Node] = {}
    while len(leaves) < limits.max_segments:
        offers = {path: split for path, split in best.items() if split is not None}
        if not offers:
            break
        path = max(offers, key=lambda path: offers[path].gain)
        split = offers[path]
        splits[path] = replace(leaves.pop(path), column=split.column, left=split.left)
        del best[path]
        for side, rows in enumerate((split.rows_left, split.rows_right)):
            child = (*path, side)
            leaves[child] = Node(rows)
            fit = data.fit(rows, fits[path].coefficient)
            fits[child] = fit
            best[child] = _best_split(data, rows, fit, slots, finders_of, limits)

    def built(path: tuple[int, ...]) -> Node:
        if path in leaves:
            return leaves[path]
        return replace(splits[path], children=(built((*path, 0)), built((*path, 1))))

    return built(())


@dataclass(frozen=True)
class _Fit:
    coefficient: Floats
    log_likelihood: float


@dataclass(frozen=True)
class _Split:
    gain: float  # of log-likelihood, beyond the penalty
    column: str
    left: tuple[int, ...]
    rows_left: NDArray[np.intp]
    rows_right: NDArray[np.intp]


@dataclass(frozen=True)
class _Data:
    design: Floats
    event: Floats
    weight: Floats

    def fit(self, rows: NDArray[np.intp], start: Floats) -> _Fit:
        """Return the logistic regression of some rows, drawn a little to the coefficients it starts from."""
        x, y, w, b = self.design[rows], self.event[rows], self.weight[rows], start
        ridge = _RIDGE * np.eye(len(b))
        ridge[0, 0] = 1e-6
        loss = self._loss(x, y, w, b, start, ridge)
        for _ in range(25):
            p = probability(x @ b)
            hessian = (x * (w * p * (1 - p))[:, None]).T @ x + ridge
            step = np.linalg.solve(hessian, x.T @ (w * (y - p)) - ridge @ (b - start))
            scale = 1.0
            while (after := self._loss(x, y, w, b + scale * step, start, ridge)) > loss and scale > 1e-4:
                scale /= 2
            b, before, loss = b + scale * step, loss, after
            if before - after < 1e-6:
                break
        return _Fit(b, -self._loss(x, y, w, b, b, ridge))

    @staticmethod
    def _loss(x: Floats, y: Floats, w: Floats, b: Floats, start: Floats, ridge: Floats) -> float:
        margin = x @ b
        away = b - start
        return float(w @ (np.logaddexp(0, margin) - y * margin) + away @ ridge @ away / 2)


def _best_split(
    data: _Data,
    rows: NDArray[np.intp],
    fit: _Fit,
    slots: dict[str, NDArray[np.intp]],
    finders_of: dict[str, Finder],
    limits: Limits,
) -> _Split | None:
    """Return the split that pays most, or None where none pays."""
    x, y, w = data.design[rows], data.event[rows], data.weight[rows]
    p = probability(x @ fit.coefficient)
    score = x * (w * (y - p))[:, None]
    spread = w * p * (1 - p)
    offers: list[tuple[float, str, tuple[int, ...]]] = []
    for name, finder in finders_of.items():
        at = slots[name][rows]
        count = len(finder.labels)
        filled = np.bincount(at, minlength=count)
        if (filled > 0).sum() < 2:
            continue
        events = np.bincount(at, y, minlength=count)
        U = np.stack([score[at == slot].sum(axis=0) for slot in range(count)])
        H = np.stack([(x[at == slot] * spread[at == slot, None]).T @ x[at == slot] for slot in range(count)])
        for left in _groupings(finder, filled, U, H):
            inside = np.isin(np.arange(count), left)
            sides = [(int(filled[side].sum()), float(events[side].sum())) for side in (inside, ~inside)]
            if any(n < limits.min_rows or min(e, n - e) < limits.min_events for n, e in sides):
                continue
            gain = sum(_one_step(U[side].sum(axis=0), H[side].sum(axis=0)) for side in (inside, ~inside))
            offers.append((gain, name, left))
    # The further parameters: the other child's coefficients, and the cut.
    penalty = (x.shape[1] + 1) / 2 * np.log(len(data.event))
    best: _Split | None = None
    for _, name, left in sorted(offers, reverse=True)[:_MOST_SPLITS]:
        inside = np.isin(slots[name][rows], left)
        halves = rows[inside], rows[~inside]
        after = sum(data.fit(half, fit.coefficient).log_likelihood for half in halves)
        gain = after - fit.log_likelihood - penalty
        if gain > 0 and (best is None or gain > best.gain):
            filled = np.bincount(slots[name][rows], minlength=len(finders_of[name].labels))
            best = _Split(gain, name, _with_empty(left, filled), *halves)
    return best


def _with_empty(left: tuple[int, ...], filled: NDArray[np.intp]) -> tuple[int, ...]:
    """Return the left slots, with those that no row has when the left side is the larger one."""
    inside = np.isin(np.arange(len(filled)), left)
    if filled[inside].sum() >= filled[~inside].sum():
        inside |= filled == 0
    else:
        inside &= filled > 0
    return tuple(int(slot) for slot in np.flatnonzero(inside))


def _groupings(finder: Finder, filled: NDArray[np.intp], U: Floats, H: Floats) -> Iterator[tuple[int, ...]]:
    """Yield the slots that may go left: below a cut of a number, or first in an order of levels."""
    there = [int(slot) for slot in np.flatnonzero(filled)]
    if isinstance(finder.shape, Levels):
        order = _principal_order(there, U, H)
        yield from (tuple(order[:cut]) for cut in range(1, len(order)))
        return
    regular = [slot for slot in there if slot <= len(finder.shape.splits)]
    other = [slot for slot in there if slot > len(finder.shape.splits)]
    for cut in range(1, len(regular)):
        yield tuple(regular[:cut])
        if other:
            yield (*regular[:cut], *other)
    if other and regular:
        yield from ((slot,) for slot in other)


def _principal_order(there: list[int], U: Floats, H: Floats) -> list[int]:
    """Return levels in the order of the first principal component of their scores."""
    scale = np.sqrt(np.maximum(np.diagonal(H.sum(axis=0)), 1e-12))
    size = np.maximum(H[there, 0, 0], 1e-12)[:, None]
    # Scores of equally precise rows: a level's mean, weighed by the root of its information.
    means = U[there] / scale / np.sqrt(size)
    first = np.linalg.svd(means, full_matrices=False)[2][0]
    return [there[i] for i in np.argsort((U[there] / scale / size) @ first, kind="stable")]


def _one_step(U: Floats, H: Floats) -> float:
    """Return about how much log-likelihood a separate fit of some rows gains: half of Rao's score statistic."""
    ridge = _RIDGE * np.eye(len(U))
    return float(U @ np.linalg.solve(H + ridge, U) / 2)
