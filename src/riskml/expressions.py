"""Conditions and amounts in a policy or a warning rule: a small language over columns, which never runs any code.

An expression is text such as ``days_past_due >= 30 and not segment in ["key", "public"]``. It knows columns (one whose
name is no plain word stands in backticks), numbers, text, ``true`` and ``false``, comparisons, ``in`` a list, ``and``,
``or``, ``not``, ``+ - * /``, ``isnull(x)``, ``abs(x)``, ``min(x, y)`` and ``max(x, y)``, and nothing else.

What is missing is unknown, as in SQL: a comparison with it is neither true nor false, ``not`` leaves it so, and a
condition holds only where it is known to be true. Use ``isnull`` to ask for it. A division by 0 is missing too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskml.errors import ConfigError, DataError, did_you_mean, preview


@dataclass(frozen=True)
class Condition:
    """Where a condition is known to be true, and where it is known to be false."""

    true: npt.NDArray[np.bool_]
    false: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Numbers:
    """Numbers, NaN where missing."""

    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Texts:
    """Text, missing where unknown."""

    values: pd.Series


Value = Condition | Numbers | Texts


class Evaluation:
    """One expression on one frame."""

    def __init__(self, text: str, where: str, frame: pd.DataFrame) -> None:
        self.text, self.where, self.frame, self.rows = text, where, frame, len(frame)
        self.known: dict[str, Value] = {}

    def of(self, node: ast.expr) -> Value:
        """Return what a part of the expression gives for each row."""
        match node:
            case ast.BoolOp():
                conditions = [self._condition(value) for value in node.values]
                both = isinstance(node.op, ast.And)
                every, some = np.logical_and.reduce, np.logical_or.reduce
                true, false = [one.true for one in conditions], [one.false for one in conditions]
                return Condition(every(true), some(false)) if both else Condition(some(true), every(false))
            case ast.UnaryOp(op=ast.Not()):
                one = self._condition(node.operand)
                return Condition(one.false, one.true)
            case ast.UnaryOp():
                values = self._amount(node.operand)
                return Numbers(-values if isinstance(node.op, ast.USub) else values)
            case ast.BinOp():
                return self._calculated(node)
            case ast.Compare():
                return self._compared(node)
            case ast.Call():
                return self._called(node)
            case ast.Name():
                return self._column(node.id)
            case ast.Constant():
                return self._constant(node.value)
        raise AssertionError(ast.dump(node))  # pragma: no cover - the reader lets nothing else pass

    def _constant(self, value: Any) -> Value:
        if isinstance(value, bool):
            return Condition(np.full(self.rows, value), np.full(self.rows, not value))
        if isinstance(value, str):
            return Texts(pd.Series([value] * self.rows, index=self.frame.index, dtype=object))
        return Numbers(np.full(self.rows, float(value)))

    def _column(self, name: str) -> Value:
        if name not in self.known:
            names = [str(column) for column in self.frame.columns]
            self.known[name] = self._read(name, self.frame.iloc[:, names.index(name)])
        return self.known[name]

    def _read(self, name: str, series: pd.Series) -> Value:
        if isinstance(series.dtype, pd.CategoricalDtype):
            series = series.astype(series.cat.categories.dtype)
        kind = series.dtype.kind
        seen = pd.api.types.infer_dtype(series, skipna=True) if kind == "O" else kind
        if seen in ("b", "boolean"):
            empty = series.isna().to_numpy()
            true = series.astype(object).where(~empty, False).to_numpy(dtype=bool)
            return Condition(true & ~empty, ~true & ~empty)
        if seen in ("i", "u", "f", "integer", "floating", "mixed-integer-float", "decimal"):
            return Numbers(series.to_numpy(dtype=np.float64, na_value=np.nan))
        if seen == "empty":
            return Numbers(np.full(self.rows, np.nan))
        if seen in ("string", "O", "U", "S") or isinstance(series.dtype, pd.StringDtype):
            return Texts(series)
        raise DataError(
            f"the column {name!r} holds {'dates' if kind == 'M' else seen}; {self.text!r} can use numbers, "
            "text and true/false",
            where=self.where,
            fix="make a number of it, such as days before the as-of date",
        )

    def _condition(self, node: ast.expr) -> Condition:
        value = self.of(node)
        if not isinstance(value, Condition):
            self._mistaken(f"{ast.unparse(node)!r} is {word(value)}, where a condition is needed", "compare it")
        return value

    def _amount(self, node: ast.expr) -> npt.NDArray[np.float64]:
        value = self.of(node)
        if isinstance(value, Texts):
            self._mistaken(f"{ast.unparse(node)!r} is text, where a number is needed", "compare text with == or in")
        return numbers(value).values

    def _calculated(self, node: ast.BinOp) -> Numbers:
        left, right = self._amount(node.left), self._amount(node.right)
        with np.errstate(all="ignore"):
            match node.op:
                case ast.Add():
                    return Numbers(left + right)
                case ast.Sub():
                    return Numbers(left - right)
                case ast.Mult():
                    return Numbers(left * right)
            return Numbers(np.where(right == 0, np.nan, left / np.where(right == 0, 1.0, right)))

    def _called(self, node: ast.Call) -> Value:
        assert isinstance(node.func, ast.Name)
        if node.func.id == "isnull":
            empty = _missing(self.of(node.args[0]))
            return Condition(empty, ~empty)
        values = [self._amount(value) for value in node.args]
        if node.func.id == "abs":
            return Numbers(np.abs(values[0]))
        return Numbers(np.minimum(*values) if node.func.id == "min" else np.maximum(*values))

    def _compared(self, node: ast.Compare) -> Condition:
        result = self._constant(True)
        left_node = node.left
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            assert isinstance(result, Condition)
            if isinstance(operator, ast.In | ast.NotIn):
                condition = self._among(left_node, right_node)
                condition = condition if isinstance(operator, ast.In) else Condition(condition.false, condition.true)
            else:
                condition = self._pair(left_node, operator, right_node)
            result = Condition(result.true & condition.true, result.false | condition.false)
            left_node = right_node
        assert isinstance(result, Condition)
        return result

    def _among(self, node: ast.expr, items: ast.expr) -> Condition:
        assert isinstance(items, ast.List | ast.Tuple)
        constants: list[Any] = [item.value for item in items.elts if isinstance(item, ast.Constant)]
        operand = self.of(node)
        text = isinstance(operand, Texts)
        if any(isinstance(value, str) != text for value in constants):
            self._mistaken(
                f"{ast.unparse(node)!r} is {word(operand)}, and the list holds {'numbers' if text else 'text'}",
                "put text in quotation marks, and numbers without",
            )
        empty = _missing(operand)
        values = operand.values if isinstance(operand, Texts) else pd.Series(numbers(operand).values)
        inside = values.isin(constants if text else [*map(float, constants)]).to_numpy(dtype=bool) & ~empty
        return Condition(inside, ~inside & ~empty)

    def _pair(self, left_node: ast.expr, operator: ast.cmpop, right_node: ast.expr) -> Condition:
        left, right = self.of(left_node), self.of(right_node)
        if isinstance(left, Texts) != isinstance(right, Texts):
            self._mistaken(
                f"{ast.unparse(left_node)!r} is {word(left)} and {ast.unparse(right_node)!r} is {word(right)}: "
                "they cannot be compared",
                "put text in quotation marks, and numbers without",
            )
        unknown = _missing(left) | _missing(right)
        if isinstance(left, Texts) and isinstance(right, Texts):
            if not isinstance(operator, ast.Eq | ast.NotEq):
                self._mistaken("text has no order", "compare it with ==, != or in")
            equal = left.values.astype(object).to_numpy() == right.values.astype(object).to_numpy()
            true = np.asarray(equal, dtype=bool) == isinstance(operator, ast.Eq)
        else:
            a, b = numbers(left).values, numbers(right).values
            compare: dict[type[ast.cmpop], Any] = {
                ast.Eq: np.equal,
                ast.NotEq: np.not_equal,
                ast.Lt: np.less,
                ast.LtE: np.less_equal,
                ast.Gt: np.greater,
                ast.GtE: np.greater_equal,
            }
            true = compare[type(operator)](a, b)
        return Condition(true & ~unknown, ~true & ~unknown)

    def _mistaken(self, what: str, fix: str) -> NoReturn:
        raise DataError(f"{what} (in {self.text!r})", where=self.where, fix=fix)


def numbers(value: Value) -> Numbers:
    """Return a condition or numbers as numbers: 1 where true, 0 where false."""
    if isinstance(value, Condition):
        return Numbers(np.where(value.true, 1.0, np.where(value.false, 0.0, np.nan)))
    assert isinstance(value, Numbers)
    return value


def _missing(value: Value) -> npt.NDArray[np.bool_]:
    if isinstance(value, Condition):
        return ~value.true & ~value.false
    if isinstance(value, Numbers):
        return np.isnan(value.values)
    return value.values.isna().to_numpy(dtype=bool)


def word(value: Value) -> str:
    """Return what kind of value it is, in words."""
    return "a condition" if isinstance(value, Condition) else "a number" if isinstance(value, Numbers) else "text"


_MOST_CHARACTERS = 2_000
_MOST_NESTED = 50
_LANGUAGE = "it may hold columns, numbers, text, comparisons, and/or/not, in [..], + - * /, isnull, abs, min, max"
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`([^`\n]+)`|(#)|[\r\n]+""")
_STAND_IN = re.compile(r"__column_(\d+)__")
_TRUTH = {"true": True, "false": False}
_COMPARE = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_FUNCTIONS = {"isnull": 1, "abs": 1, "min": 2, "max": 2}


@dataclass(frozen=True)
class Expression:
    """An expression that was read and found harmless; `parse` makes one.

    Examples
    --------
    >>> book = pd.DataFrame({"limit": [100.0, 0.0, None], "balance": [90.0, 10.0, 5.0]})
    >>> parse("balance / limit > 0.8").holds(book).tolist()
    [True, False, False]
    >>> parse("not balance / limit > 0.8 or isnull(limit)").holds(book).tolist()
    [False, False, True]
    """

    text: str  # as it was written
    columns: tuple[str, ...]  # the columns that it reads, in the order they are named
    tree: ast.expr  # what it says; for this class alone
    where: str = ""  # where it was written, for errors

    def check(self, columns: Iterable[object]) -> None:
        """Raise a ConfigError when one of the expression's columns is not among those of a table."""
        known = [str(name) for name in columns]
        absent = [name for name in self.columns if name not in known]
        if absent:
            raise ConfigError(
                f"{self.text!r} reads the column{'s' if len(absent) > 1 else ''} {preview(absent)}, "
                "which the table does not have",
                where=self.where,
                fix=did_you_mean(absent[0], known) or f"the table has {preview(known)}",
            )

    def holds(self, frame: pd.DataFrame) -> pd.Series:
        """Return where the condition is known to be true."""
        value = self._evaluated(frame)
        if not isinstance(value, Condition):
            raise ConfigError(
                f"{self.text!r} is {word(value)}, not a condition",
                where=self.where,
                fix="compare it with something, as in `late_days > 30`",
            )
        return pd.Series(value.true, index=frame.index)

    def amounts(self, frame: pd.DataFrame) -> pd.Series:
        """Return the numbers that the expression gives, NaN where one of its columns is missing."""
        value = self._evaluated(frame)
        if isinstance(value, Texts):
            raise ConfigError(f"{self.text!r} is text, not a number", where=self.where)
        return pd.Series(numbers(value).values, index=frame.index)

    def _evaluated(self, frame: pd.DataFrame) -> Value:
        self.check(frame.columns)
        return Evaluation(self.text, self.where, frame).of(self.tree)


def parse(text: str, *, where: str = "") -> Expression:
    """Read an expression, and refuse whatever is not of the language.

    Examples
    --------
    >>> parse("`late days` > 30 and region == 'north'").columns
    ('late days', 'region')
    >>> parse("__import__('os').system('ls')")
    Traceback (most recent call last):
    ...
    riskml.errors.ConfigError: "__import__('os').system('ls')" holds a call of something that is no function here
      fix:   it may hold columns, numbers, text, comparisons, and/or/not, in [..], + - * /, isnull, abs, min, max
    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigError("an expression is missing", where=where, fix="write one, as in `days_past_due >= 30`")
    if len(text) > _MOST_CHARACTERS:
        raise ConfigError(
            f"an expression has at most {_MOST_CHARACTERS} characters, this one has {len(text)}: {text[:60]!r}…",
            where=where,
            fix="split the rule in two",
        )
    quoted: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        if match[3] is not None:
            raise ConfigError(f"{text!r} holds a comment", where=where, fix="write it beside the expression")
        if match[2] is None:
            return " "  # an expression may go over several lines
        quoted.append(match[2])
        return f"__column_{len(quoted) - 1}__"

    try:
        tree = ast.parse(_QUOTED.sub(stand_in, text.strip()), mode="eval").body
    except ConfigError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise ConfigError(f"{text!r} cannot be read: {reason}", where=where, fix=_LANGUAGE) from None
    reader = _Reader(text, quoted, where)
    tree = reader.read(tree, 0)
    return Expression(text.strip(), tuple(dict.fromkeys(reader.columns)), tree, where)


class _Reader:
    """Goes once through a tree, lets only the language pass, and names the columns in full."""

    def __init__(self, text: str, quoted: list[str], where: str) -> None:
        self.text, self.quoted, self.where = text, quoted, where
        self.columns: list[str] = []

    def read(self, node: ast.expr, depth: int) -> ast.expr:
        if depth > _MOST_NESTED:
            self._refuse("more levels of brackets and signs than are understood")
        deeper = depth + 1
        match node:
            case ast.BoolOp():
                node.values = [self.read(value, deeper) for value in node.values]
            case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd()):
                node.operand = self.read(node.operand, deeper)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                node.left, node.right = self.read(node.left, deeper), self.read(node.right, deeper)
            case ast.Compare():
                self._comparison(node, deeper)
            case ast.Call():
                self._call(node, deeper)
            case ast.Name():
                return self._name(node)
            case ast.Constant(value=bool() | int() | float() | str()):
                if isinstance(node.value, int | float) and not np.isfinite(float(node.value)):
                    self._refuse("an infinite number")
            case ast.Constant(value=None):
                self._refuse("None: ask for what is missing with isnull(column)")
            case _:
                self._refuse(f"something that is not understood ({type(node).__name__})")
        return node

    def _comparison(self, node: ast.Compare, depth: int) -> None:
        node.left = self.read(node.left, depth)
        for place, (operator, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if isinstance(operator, ast.In | ast.NotIn):
                if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
                    self._refuse("`in` without a list after it, as in `segment in ['key', 'public']`")
                for item in right.elts:
                    if not (isinstance(item, ast.Constant) and isinstance(item.value, str | int | float)):
                        self._refuse("a list of anything else than numbers or text")
            elif isinstance(operator, _COMPARE):
                node.comparators[place] = self.read(right, depth)
            else:
                self._refuse("`is`: use == or isnull(column)")

    def _call(self, node: ast.Call, depth: int) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            self._refuse("a call of something that is no function here")
        if node.keywords or len(node.args) != _FUNCTIONS[name]:
            self._refuse(f"{name} with {len(node.args) + len(node.keywords)} values; it takes {_FUNCTIONS[name]}")
        node.args = [self.read(value, depth) for value in node.args]

    def _name(self, node: ast.Name) -> ast.expr:
        stood = _STAND_IN.fullmatch(node.id)
        if stood:
            if int(stood[1]) >= len(self.quoted):
                self._refuse("a name that is kept for the reader")
            name = self.quoted[int(stood[1])]
        elif node.id in _TRUTH:
            return ast.Constant(value=_TRUTH[node.id])
        else:
            name = node.id
        self.columns.append(name)
        return ast.Name(id=name, ctx=ast.Load())

    def _refuse(self, what: str) -> NoReturn:
        raise ConfigError(f"{self.text!r} holds {what}", where=self.where, fix=_LANGUAGE)
