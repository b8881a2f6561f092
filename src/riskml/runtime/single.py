"""Scoring of single records without pandas: the model as plain Python functions, in microseconds."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .additive import Additive, Pairwise, Segmented
from .boosted import Boosted, Boosting
from .checksums import PackageError
from .encoding import LARGEST, Columns, Encoding
from .forest import Walk, read_xgboost
from .model import Blend, Model, Tree
from .parse import Value, read
from .shapes import Levels, Line, Shape, Step

Record = Mapping[str, Value]
_PROBES = 16  # rows on which our tree walk must agree with the library bit for bit


class Scorer:
    """Scoring of one customer at a time."""

    def __init__(
        self,
        model: Model,
        bounds: Sequence[float],
        tiers: Sequence[str],
        known_levels: Mapping[str, frozenset[Any]],
        missing_words: Mapping[str, frozenset[str]],
    ) -> None:
        self._kinds = model.kinds
        self._margin, self._points = margin_of(model), points_of(model)
        self._bounds, self._tiers = bounds, tiers
        self._known_levels = known_levels  # of columns whose unseen levels are refused
        self._missing_words = missing_words

    def score(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return probability, points (if the model has them) and tier."""
        values = self._read(record)
        chance = probability_of(self._margin(values))
        tier = self._tiers[max(bisect_right(self._bounds, chance) - 1, 0)]
        if self._points is None:
            return {"probability": chance, "tier": tier}
        return {"probability": chance, "points": self._points(values), "tier": tier}

    def arrays(self, record: Mapping[str, Any]) -> Columns:
        """Return the values as arrays of one element."""
        return arrays(self._read(record), self._kinds)

    def _read(self, record: Mapping[str, Any]) -> dict[str, Value]:
        if self._missing_words:
            record = {
                **record,
                **{name: None for name, words in self._missing_words.items() if _is_word(record, name, words)},
            }
        values = read(record, self._kinds)
        for name, known in self._known_levels.items():
            if values[name] not in known:
                raise PackageError(f"column {name!r}: level {values[name]!r} was not seen in training")
        return values


def _is_word(record: Mapping[str, Any], name: str, words: frozenset[str]) -> bool:
    value = record.get(name)
    return isinstance(value, str) and value.strip() in words


def probability_of(margin: float) -> float:
    """Return the probability of the event from log-odds, without overflow."""
    # numpy's exponential: the same result as for a table, bit for bit, also at the bound of a tier.
    e = float(np.exp(-abs(margin)))
    return (1.0 if margin >= 0 else e) / (1.0 + e)


def margin_of(model: Model) -> Callable[[Record], float]:
    """Return the log-odds of the event as a function of one customer's values."""
    if isinstance(model, Additive):
        return _additive(model.intercept, [(shape.column, _value(shape)) for shape in model.shapes])
    if isinstance(model, Tree):
        return _tree(model)
    if isinstance(model, Blend):
        return _blend(model)
    if isinstance(model, Pairwise):
        return _pairwise(model)
    if isinstance(model, Segmented):
        return _segmented(model, [margin_of(card) for card in model.models])
    if isinstance(model, Boosted):
        return _boosted(model)
    return lambda record: float(model.margin(arrays(record, model.kinds))[0])


def points_of(model: Model) -> Callable[[Record], float] | None:
    """Return the points as a function of one customer's values, or None if the model has none."""
    if isinstance(model, Additive) and model.base_points is not None:
        shapes = [shape for shape in model.shapes if isinstance(shape, (Step, Levels))]
        return _additive(model.base_points, [(shape.column, _slotted(shape, shape.points)) for shape in shapes])
    if isinstance(model, Segmented) and model.base_points is not None:
        cards = [points_of(card) for card in model.models]
        return _segmented(model, [card for card in cards if card is not None])
    return None


def arrays(record: Record, kinds: Mapping[str, str]) -> Columns:
    """Return one customer's values as arrays of one element."""
    return {
        name: np.array([record[name]], dtype=np.float64 if kind == "numeric" else object)
        for name, kind in kinds.items()
    }


def _additive(start: float, parts: list[tuple[str, Callable[[Any], float]]]) -> Callable[[Record], float]:
    def total(record: Record) -> float:
        value = start
        for column, part in parts:
            value += part(record[column])
        return value

    return total


def _value(shape: Shape) -> Callable[[Any], float]:
    return _line(shape) if isinstance(shape, Line) else _slotted(shape, shape.value)


def _slotted(shape: Step | Levels, values: tuple[float, ...]) -> Callable[[Any], float]:
    if isinstance(shape, Levels):
        known = {name: values[slot] for name, slot in shape.levels.items()}
        other = values[len(shape.value) - 1]
        known[None] = values[len(shape.value) - 2]  # type: ignore[index]
        return lambda value: known.get(value, other)
    splits, missing = shape.splits, values[len(shape.splits) + 1]
    special = {code: values[len(splits) + 2 + position] for position, code in enumerate(shape.special)}

    def step(value: float) -> float:
        if value != value:
            return missing
        if special and value in special:
            return special[value]
        return values[bisect_right(splits, value)]

    return step


def _slot(shape: Step | Levels) -> Callable[[Any], int]:
    count = len(shape.value) if isinstance(shape, Levels) else len(shape.splits) + 2 + len(shape.special)
    return _slotted(shape, tuple(range(count)))  # type: ignore[return-value]


def _line(shape: Line) -> Callable[[Any], float]:
    knots, values = shape.knots, shape.value[: len(shape.knots)]
    missing = shape.value[len(knots)]
    special = {code: shape.value[len(knots) + 1 + position] for position, code in enumerate(shape.special)}
    # The same operations as np.interp, for bit-identical results.
    slopes = [(values[i + 1] - values[i]) / (knots[i + 1] - knots[i]) for i in range(len(knots) - 1)]

    def line(value: float) -> float:
        if value != value:
            return missing
        if value in special:
            return special[value]
        if value >= knots[-1]:
            return values[-1]
        position = bisect_right(knots, value) - 1
        return values[0] if position < 0 else slopes[position] * (value - knots[position]) + values[position]

    return line


_FLOAT32 = struct.Struct("f")


def _single(value: float) -> float:
    """Return a number as float32, which trees compare."""
    if value != value:
        return value
    return float(_FLOAT32.unpack(_FLOAT32.pack(min(max(value, -LARGEST), LARGEST)))[0])


def _encoders(encoding: Encoding) -> list[tuple[str, Callable[[Any], float]]]:
    nan = float("nan")

    def level_of(levels: Mapping[str, float]) -> Callable[[Any], float]:
        known = {name: _single(number) for name, number in levels.items()}
        return lambda value: known.get(value, nan)

    return [(name, _single if levels is None else level_of(levels)) for name, levels in encoding.levels.items()]


def _tree(model: Tree) -> Callable[[Record], float]:
    encoders = _encoders(model.encoding)
    nodes = list(
        zip(model.feature, model.threshold, model.left, model.right, model.missing_left, model.value, strict=True)
    )

    def margin(record: Record) -> float:
        node = nodes[0]
        while node[2] >= 0:
            column, encode = encoders[node[0]]
            x = encode(record[column])
            left = node[4] if x != x else x <= node[1]
            node = nodes[node[2] if left else node[3]]
        value: float = node[5]
        return value

    return margin


def _blend(model: Blend) -> Callable[[Record], float]:
    parts = [(weight, margin_of(part)) for weight, part in zip(model.weights, model.models, strict=True)]

    def margin(record: Record) -> float:
        total = model.intercept
        for weight, part in parts:
            total += weight * part(record)
        return total

    return margin


def _pairwise(model: Pairwise) -> Callable[[Record], float]:
    main = margin_of(model.main)
    pairs = [
        (pair.first.column, _slot(pair.first), pair.second.column, _slot(pair.second), pair.value)
        for pair in model.pairs
    ]

    def margin(record: Record) -> float:
        total = main(record)
        for first, row, second, column, values in pairs:
            total += values[row(record[first])][column(record[second])]
        return total

    return margin


def _segmented(model: Segmented, cards: list[Callable[[Record], float]]) -> Callable[[Record], float]:
    splits = [(split.shape.column, _slot(split.shape), split.to) for split in model.splits]

    def total(record: Record) -> float:
        position = 0 if splits else ~0
        while position >= 0:
            column, slot, to = splits[position]
            position = to[slot(record[column])]
        return cards[~position](record)

    return total


def _boosted(model: Boosted) -> Callable[[Record], float]:
    encoders = _encoders(model.encoding)

    def library(record: Record) -> float:
        return float(model.margin(arrays(record, model.kinds))[0])

    walk = _walk(model) if isinstance(model, Boosting) else None
    if walk is None:
        return library

    def margin(record: Record) -> float:
        return walk.margin(np.array([encode(record[column]) for column, encode in encoders], dtype=np.float32))

    return margin


def _walk(model: Boosting) -> Walk | None:
    """Return the trees as arrays, or None if their results are not bit-identical to the library's."""
    try:
        walk = Walk([read_xgboost(content) for content in model.as_json()])
    except (ValueError, KeyError, IndexError):
        return None  # an unknown kind of trees, or a later format
    probes = _probes(model.encoding)
    expected = model.margin_of_matrix(probes)
    return walk if [walk.margin(row) for row in probes] == expected.tolist() else None


def _probes(encoding: Encoding) -> Any:
    draw = np.random.default_rng(7)
    rows = np.empty((_PROBES, len(encoding.levels)), dtype=np.float32)
    for position, levels in enumerate(encoding.levels.values()):
        numbers = [*(levels or {}).values()] or [0.0, 1.0]
        rows[:, position] = (
            draw.normal(0, 10.0 ** draw.integers(0, 6, _PROBES)) if levels is None else draw.choice(numbers, _PROBES)
        )
    rows[draw.random(rows.shape) < 0.1] = np.nan
    return rows
