"""Derived columns: computed from raw columns when customers are read, for tables and single records alike."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from .encoding import Columns
from .expression import Evaluation, ExpressionError, is_text, numbers, parse


class Step(Protocol):
    """A computation of one or several columns."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that it reads: raw ones, or those of earlier steps."""

    @property
    def makes(self) -> Mapping[str, str]:
        """The kinds of the columns that it makes."""

    @property
    def definition(self) -> str:
        """How its columns are computed, for readers."""

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return the step as JSON's types; files are added to the blobs."""

    def values(self, columns: Columns, rows: int) -> Columns:
        """Return the columns that it makes."""


@dataclass(frozen=True)
class Formula:
    """A number by an expression, missing where it is unknown or not finite."""

    name: str
    text: str

    @cached_property
    def _parsed(self) -> tuple[str, tuple[str, ...], ast.expr]:
        return parse(self.text)

    @property
    def tree(self) -> ast.expr:
        """The expression's syntax tree."""
        return self._parsed[2]

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the expression."""
        return self._parsed[1]

    @property
    def makes(self) -> Mapping[str, str]:
        """One number."""
        return {self.name: "numeric"}

    @property
    def definition(self) -> str:
        """The expression."""
        return self.text

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return name and expression."""
        return {"name": self.name, "expression": self.text}

    def values(self, columns: Columns, rows: int) -> Columns:
        """Return the number of each row; text raises an ExpressionError."""
        text, _, tree = self._parsed
        value = Evaluation(text, columns.__getitem__, rows).of(tree)
        if is_text(value):
            raise ExpressionError(f"{text!r} is text, not a number")
        amounts = numbers(value).astype(np.float64)
        return {self.name: np.where(np.isfinite(amounts), amounts, np.nan)}


@dataclass(frozen=True)
class Derivation:
    """Steps in the order in which they are computed, and the kinds of the raw columns that they read."""

    steps: tuple[Step, ...] = ()
    inputs: Mapping[str, str] | None = None

    @cached_property
    def made(self) -> dict[str, Step]:
        """The step of each derived column."""
        return {name: step for step in self.steps for name in step.makes}

    @cached_property
    def raw(self) -> dict[str, frozenset[str]]:
        """The raw columns that each derived column needs, directly or not."""
        raw: dict[str, frozenset[str]] = {}
        for step in self.steps:
            needs = frozenset[str]().union(*(raw.get(name, {name}) for name in step.reads))
            raw |= dict.fromkeys(step.makes, needs)
        return raw

    def only(self, names: Collection[str]) -> Derivation:
        """Return the part that some columns need."""
        _, steps = self.plan(dict.fromkeys(names, ""), self._all_raw)
        kept = tuple(step for step in self.steps if step in steps)
        raw = {name for step in kept for name in step.reads}
        return Derivation(kept, {name: kind for name, kind in (self.inputs or {}).items() if name in raw})

    @cached_property
    def _all_raw(self) -> frozenset[str]:
        return frozenset(self.inputs or ())

    def plan(self, kinds: Mapping[str, str], present: Collection[str]) -> tuple[dict[str, str], list[Step]]:
        """Return the kinds of the columns to read for those of some kinds, and the steps to compute.

        A derived column that is present is read where its raw columns are not.
        """
        read: dict[str, str] = {}
        steps: list[Step] = []

        def need(name: str, kind: str) -> None:
            step = self.made.get(name)
            if step is None or (name in present and not self.raw[name] <= frozenset(present)):
                read[name] = kind
            elif step not in steps:
                for column in step.reads:
                    earlier = self.made.get(column)
                    need(column, earlier.makes[column] if earlier else (self.inputs or {})[column])
                steps.append(step)

        for name, kind in kinds.items():
            need(name, kind)
        return read, steps


def step_from_dict(payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Step:
    """Return the step that ``to_dict`` wrote."""
    return Formula(payload["name"], payload["expression"])


def computed(columns: Columns, steps: Sequence[Step], rows: int) -> Columns:
    """Return columns and those that steps make of them."""
    every = dict(columns)
    for step in steps:
        every |= step.values(every, rows)
    return every
