"""Derived columns: computed from raw columns when customers are read, for tables and single records alike."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .checksums import PackageError
from .encoding import Columns
from .expression import Evaluation, ExpressionError, is_text, numbers, parse
from .frame import columns as read_columns

if TYPE_CHECKING:
    import pandas as pd


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


MODULES = ("numpy", "pandas")
"""What a features file may import."""
BLOB = "features.py"
_ROW_BY_ROW = "only a function of a frame, row by row, is accepted"


class SourceError(PackageError):
    """A features file that fails; its cause is the function's own error."""


@dataclass(frozen=True)
class Function:
    """Columns by a function of the user's features file: from a frame to a frame, row by row."""

    file: str  # its name
    source: str
    name: str
    kinds: Mapping[str, str]  # of the columns that it reads
    makes: Mapping[str, str]

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the file names."""
        return tuple(self.kinds)

    @property
    def definition(self) -> str:
        """File and function."""
        return f"computed by {self.file}:{self.name}"

    def to_dict(self, blobs: dict[str, bytes]) -> dict[str, Any]:
        """Return all but the source, which is a file of the model."""
        blobs[BLOB] = self.source.encode("utf-8")
        return {"file": self.file, "function": self.name, "reads": dict(self.kinds), "makes": dict(self.makes)}

    def values(self, columns: Columns, rows: int) -> Columns:
        """Return what the function makes; numbers that are not finite are missing."""
        import pandas as pd

        frame = self.result(columns, rows)
        absent = [name for name in self.makes if name not in frame.columns]
        if absent:
            raise SourceError(f"{self.name} returns no column {absent[0]!r}")
        numbers = {
            name: pd.to_numeric(frame[name], errors="coerce").replace([np.inf, -np.inf], np.nan)
            for name, kind in self.makes.items()
            if kind == "numeric"
        }
        return read_columns(frame.assign(**numbers), self.makes)

    def result(self, columns: Columns, rows: int) -> pd.DataFrame:
        """Return the function's frame; its failure raises a SourceError."""
        import pandas as pd

        data = {
            name: pd.Series(columns[name], dtype=np.float64 if kind == "numeric" else object)
            for name, kind in self.kinds.items()
        }
        index = pd.RangeIndex(rows)
        try:
            frame = self._function(pd.DataFrame(data, index=index))
        except SourceError:
            raise
        except Exception as error:
            raise _failure(self.file, error) from error
        if hasattr(frame, "fit"):
            raise SourceError(f"{self.name} returns a transformer with fit; {_ROW_BY_ROW}")
        if not isinstance(frame, pd.DataFrame):
            raise SourceError(f"{self.name} must return a DataFrame; got {type(frame).__name__}")
        if len(frame) != rows or not frame.index.equals(index):
            raise SourceError(
                f"{self.name} must return the rows it is given, with their index: {rows} rows became {len(frame)}"
            )
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        if not frame.columns.is_unique:
            raise SourceError(f"{self.name} returns two columns {frame.columns[frame.columns.duplicated()][0]!r}")
        return frame

    @cached_property
    def _function(self) -> Callable[[pd.DataFrame], Any]:
        names: dict[str, Any] = {"__name__": self.file.removesuffix(".py")}
        names["__builtins__"] = {**vars(builtins), "__import__": _allowed_import}
        try:
            exec(compile(self.source, self.file, "exec"), names)  # noqa: S102 - the modeller's own, checksummed
        except Exception as error:
            raise _failure(self.file, error) from error
        function = names.get(self.name)
        if not callable(function):
            raise SourceError(f"the file has no function {self.name}")
        if hasattr(function, "fit"):
            raise SourceError(f"{self.name} is a transformer with fit; {_ROW_BY_ROW}")
        return function  # type: ignore[no-any-return]


def _allowed_import(name: str, *args: Any, **options: Any) -> Any:
    if name.split(".")[0] not in (*MODULES, "__future__"):
        raise ImportError(f"import of {name}: only {' and '.join(MODULES)} are available", name=name)
    return __import__(name, *args, **options)


def _failure(file: str, error: Exception) -> SourceError:
    """Return an error with the line of the file that raised it."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    first = (str(error).strip().splitlines() or [""])[0]
    return SourceError(f"{file}{'' if line is None else f':{line}'}: {type(error).__name__}: {first}")


def step_from_dict(payload: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Step:
    """Return the step that ``to_dict`` wrote."""
    if "function" in payload:
        source = blobs[BLOB].decode("utf-8")
        return Function(payload["file"], source, payload["function"], payload["reads"], payload["makes"])
    return Formula(payload["name"], payload["expression"])


def computed(columns: Columns, steps: Sequence[Step], rows: int) -> Columns:
    """Return columns and those that steps make of them."""
    every = dict(columns)
    for step in steps:
        every |= step.values(every, rows)
    return every
