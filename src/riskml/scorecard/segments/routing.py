"""Routing of rows to segments: splits, and their rules as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import ConfigError, RiskmlError, did_you_mean
from riskml.runtime.additive import Split
from riskml.runtime.frame import levels
from riskml.runtime.shapes import Levels, Step
from riskml.scorecard.segments.tree import Finder, Limits, Node

OTHERS, MISSING, EVERYONE = "others", "missing", "all"
_MOST_VALUES = 100
_POOL_EVENTS = 10  # fewer, and the pooled values cannot carry a card


@dataclass(frozen=True)
class Routing:
    """The splits, and each segment's name and rule in the order of their numbers."""

    splits: tuple[Split, ...]
    rules: Mapping[str, str]


def asked_columns(segment_by: Any, names: Sequence[str]) -> tuple[list[str], bool]:
    """Return the columns that may make segments, and whether the values of one of them are to be the segments."""
    if segment_by is None:
        return list(names), False
    if isinstance(segment_by, (Mapping, set, frozenset)):
        # The order of names decides between equal splits.
        raise ConfigError(f"segment_by is a column's name, or a list of them; got {segment_by!r}", where="segment_by")
    many = not isinstance(segment_by, str) and isinstance(segment_by, Iterable)
    # A table may name its columns by numbers; the schema's names are their texts.
    columns = [str(name) for name in (segment_by if many else [segment_by])]
    if not columns:
        raise ConfigError("no column is named", where="segment_by", fix="None lets a tree look at all columns")
    for name in columns:
        if name not in names:
            raise ConfigError(f"no column is called {name!r}", where="segment_by", fix=did_you_mean(name, names))
    return list(dict.fromkeys(columns)), not many


def by_value(values: pd.Series, event: NDArray[np.int8], limits: Limits) -> Routing:
    """Return segments that are the values of one column."""
    column = str(values.name)
    text = levels(values)
    code, known = pd.factorize(text, sort=True, use_na_sentinel=True)
    code = np.where(code < 0, len(known), code)
    rows_of, events_of = np.bincount(code, minlength=len(known) + 1), np.bincount(code, event, minlength=len(known) + 1)
    # Numbers in their order, not in that of their texts.
    if values.dtype == np.float64:
        order = np.argsort([float(key) for key in known], kind="stable")
        known, rows_of, events_of = known[order], rows_of[[*order, -1]], events_of[[*order, -1]]
    keys: list[str | None] = [str(key) for key in known] + ([None] if rows_of[-1] else [])
    if len(keys) > _MOST_VALUES:
        raise ConfigError(
            f"{len(keys):,} distinct values are no segments",
            where=f"segment_by, column {column!r}",
            fix=f"let a tree cut the column: segment_by=[{column!r}]",
        )
    rows = {key: int(count) for key, count in zip(keys, rows_of, strict=False)}
    events = {key: int(count) for key, count in zip(keys, events_of, strict=False)}
    own = [
        key
        for key in sorted(keys, key=lambda key: -rows[key])
        if rows[key] >= limits.min_rows and min(events[key], rows[key] - events[key]) >= limits.min_events
    ]
    rest = [key for key in keys if key not in own]
    if len(own) > limits.max_segments or (rest and _carries(rest, rows, events, limits)):
        own = own[: limits.max_segments - 1]
    pool = [key for key in keys if key not in own]
    if not own:
        return Routing((), {EVERYONE: "everyone"})
    largest = own[0]
    alone = _carries(pool, rows, events, limits)
    ordered = sorted(own, key=lambda key: (key is None, str(key)))
    taken = {key for key in own if key is not None}
    names = [_free(MISSING, "no value", taken) if key is None else key for key in ordered]
    number = {key: i for i, key in enumerate(ordered)}
    # A level may be called as the pool is.
    pooled = len(ordered) if alone else number[largest]
    if alone:
        names.append(_free(OTHERS, "pooled", {*names}))
    to = {key: number.get(key, pooled) for key in keys}
    rules = {name: f"{column} is {name}" for name in names}
    rules[names[pooled]] = _in_words(column, [] if alone else [names[pooled]], pool, None in to)
    return Routing((_split(values, column, to, pooled),), rules)


def _carries(
    keys: Sequence[str | None], rows: Mapping[str | None, int], events: Mapping[str | None, int], limits: Limits
) -> bool:
    count, risky = sum(rows[key] for key in keys), sum(events[key] for key in keys)
    return min(risky, count - risky) >= min(_POOL_EVENTS, limits.min_events)


def _free(name: str, what: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name} ({what})"
    return name


def pooled_rules(column: str, name: str, here: Sequence[str], *, blank: bool) -> list[str]:
    """Return what the rule may say of the segment that takes all other values: its splits do not tell everything."""
    # The largest segment takes them where they could not carry a card; it stands first.
    own = [name] if name in here else []
    orders: list[tuple[list[str], list[str | None]]] = [(own, [value for value in here if value not in own])]
    orders += [([], list(here))]
    if not blank:
        return [_in_words(column, first, pool, True) for first, pool in orders]
    seen = [_in_words(column, first, [*pool, None], True) for first, pool in orders]
    never_seen = [_in_words(column, first, pool, False) for first, pool in orders]
    return [*seen, *never_seen, _in_words(column, [name], list(here), True)]


def _in_words(column: str, first: Sequence[str], pool: Sequence[str | None], knows_missing: bool) -> str:
    named = [*first, *(key for key in pool if key is not None), *([MISSING] if None in pool else [])]
    rest = "a value not seen in training" if knows_missing else "missing, or a value not seen in training"
    return f"{column} is {'; '.join(named)}; or {rest}"


def _split(values: pd.Series, column: str, to: Mapping[str | None, int], rest: int) -> Split:
    named = [key for key in to if key is not None]
    missing, others = ~to.get(None, rest), ~rest
    if values.dtype == np.float64:
        # Every segment's value is a code: what is none of them falls into the one bin, the first slot.
        own = [key for key in named if to[key] != rest]
        step = Step(column, (), tuple(map(float, own)), (0.0,) * (len(own) + 2))
        return Split(step, (others, missing, *(~to[key] for key in own)))
    shape = Levels(column, {key: i for i, key in enumerate(named)}, (0.0,) * (len(named) + 2))
    return Split(shape, (*(~to[key] for key in named), missing, others))


def by_tree(tree: Node, finders_of: Mapping[str, Finder]) -> Routing:
    """Return the segments that are a tree's leaves, from left to right."""
    splits: list[Split] = []
    leaves: list[Node] = []

    def walk(node: Node) -> int:
        if not node.children:
            leaves.append(node)
            return ~(len(leaves) - 1)
        position, finder = len(splits), finders_of[node.column]
        splits.append(Split(finder.shape, ()))  # its place: later splits stand behind it
        left, right = (walk(child) for child in node.children)
        to = tuple(left if slot in node.left else right for slot in range(len(finder.labels)))
        splits[position] = Split(finder.shape, to)
        return position

    walk(tree)
    rules = tree_rules(splits)
    return Routing(tuple(splits), {f"segment {number + 1}": rules[number] for number in range(len(leaves))})


def tree_rules(splits: Sequence[Split]) -> dict[int, str]:
    """Return the rule of each segment by its number, where all splits of a column have the same slots."""
    rules: dict[int, str] = {}

    def walk(place: int, limits: Mapping[str, tuple[Finder, tuple[int, ...]]]) -> None:
        if place < 0:
            words = [f"{column} in {{{finder.words(slots)}}}" for column, (finder, slots) in limits.items()]
            rules[~place] = " and ".join(words) or "everyone"
            return
        split = splits[place]
        column, finder = split.shape.column, Finder(split.shape)
        _, before = limits.get(column, (finder, tuple(range(len(split.to)))))
        for goal in dict.fromkeys(split.to):
            side = tuple(slot for slot in before if split.to[slot] == goal)
            walk(goal, {**limits, column: (finder, side)})

    walk(0 if splits else ~0, {})
    return rules


@contextmanager
def naming(segment: str) -> Iterator[None]:
    """Name the segment in every error that is raised inside."""
    try:
        yield
    except RiskmlError as error:
        where = f"segment {segment!r}" + (f", {error.where}" if error.where else "")
        raise type(error)(error.what, where=where, fix=error.fix) from error
