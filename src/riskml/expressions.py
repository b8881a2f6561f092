"""Expressions of policies and warning rules: a small language over columns that never runs code.

An expression is text such as ``days_past_due >= 30 and not segment in ["key", "public"]``. It has columns (in backticks
unless the name is a plain word), numbers, text, ``true`` and ``false``, comparisons, ``in`` a list, ``and``, ``or``,
``not``, ``+ - * /``, ``isnull(x)``, ``abs(x)``, ``min(x, y)`` and ``max(x, y)``.

Missing values are unknown, as in SQL: a comparison with one is neither true nor false, nor is its ``not``, and a
condition holds only where it is known to be true. A division by 0 is missing too.
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
    """Three-valued condition: where it is known to be true, and where it is known to be false."""

    true: npt.NDArray[np.bool_]
    false: npt.NDArray[np.bool_]

    def inverted(self) -> Condition:
        """Return the negation."""
        return Condition(self.false, self.true)


Numbers = npt.NDArray[np.float64]  # NaN where missing
Value = Condition | Numbers | pd.Series  # a Series is text
_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}  # fmt: skip
_QUOTES = "put text in quotation marks, and numbers without"


class Evaluation:
    """Evaluation of one expression on one frame."""

    def __init__(self, text: str, where: str, frame: pd.DataFrame) -> None:
        self.text, self.where, self.frame, self.rows = text, where, frame, len(frame)
        self.known: dict[str, Value] = {}

    def of(self, node: ast.expr) -> Value:
        """Return the value of a node for each row."""
        match node:
            case ast.BoolOp():
                conditions = [self._condition(value) for value in node.values]
                true, false = [one.true for one in conditions], [one.false for one in conditions]
                every, some = np.logical_and.reduce, np.logical_or.reduce
                both = isinstance(node.op, ast.And)
                return Condition(every(true), some(false)) if both else Condition(some(true), every(false))
            case ast.UnaryOp(op=ast.Not()):
                return self._condition(node.operand).inverted()
            case ast.UnaryOp():
                values = self._amount(node.operand)
                return -values if isinstance(node.op, ast.USub) else values
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
            case ast.Name():
                return self._column(node.id)
            case ast.Constant():
                return self._constant(node.value)
        raise AssertionError(ast.dump(node))  # pragma: no cover - the reader refuses other nodes

    def _constant(self, value: Any) -> Value:
        if isinstance(value, bool):
            return Condition(np.full(self.rows, value), np.full(self.rows, not value))
        if isinstance(value, str):
            return pd.Series([value] * self.rows, index=self.frame.index, dtype=object)
        return np.full(self.rows, float(value))

    def _column(self, name: str) -> Value:
        if name not in self.known:
            names = [str(column) for column in self.frame.columns]
            self.known[name] = self._read(name, self.frame.iloc[:, names.index(name)])
        return self.known[name]

    def _read(self, name: str, series: pd.Series) -> Value:
        if isinstance(series.dtype, pd.CategoricalDtype):
            series = series.astype(series.cat.categories.dtype)
        kind = series.dtype.kind
        inferred = pd.api.types.infer_dtype(series, skipna=True) if kind == "O" else kind
        if inferred in ("b", "boolean"):
            empty = series.isna().to_numpy()
            true = series.astype(object).where(~empty, False).to_numpy(dtype=bool)
            return Condition(true & ~empty, ~true & ~empty)
        if inferred in ("i", "u", "f", "integer", "floating", "mixed-integer-float", "decimal"):
            return series.to_numpy(dtype=np.float64, na_value=np.nan)
        if inferred == "empty":
            return np.full(self.rows, np.nan)
        if inferred in ("string", "O", "U", "S") or isinstance(series.dtype, pd.StringDtype):
            return series
        raise DataError(
            f"the column {name!r} has {'dates' if kind == 'M' else inferred}; {self.text!r} needs numbers, text or "
            "true/false",
            where=self.where,
            fix="convert it to a number, such as days before the as-of date",
        )

    def _condition(self, node: ast.expr) -> Condition:
        value = self.of(node)
        if not isinstance(value, Condition):
            self._refuse(f"{ast.unparse(node)!r} is {kind_of(value)}, where a condition is needed", "compare it")
        return value

    def _amount(self, node: ast.expr) -> Numbers:
        value = self.of(node)
        if isinstance(value, pd.Series):
            self._refuse(f"{ast.unparse(node)!r} is text, where a number is needed", "compare text with == or in")
        return numbers(value)

    def _arithmetic(self, node: ast.BinOp) -> Numbers:
        left, right = self._amount(node.left), self._amount(node.right)
        with np.errstate(all="ignore"):
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
            return np.where(right == 0, np.nan, left / np.where(right == 0, 1.0, right))

    def _call(self, node: ast.Call) -> Value:
        assert isinstance(node.func, ast.Name)
        if node.func.id == "isnull":
            empty = _missing(self.of(node.args[0]))
            return Condition(empty, ~empty)
        function: Any = {"abs": np.abs, "min": np.minimum, "max": np.maximum}[node.func.id]
        return np.asarray(function(*(self._amount(value) for value in node.args)))

    def _comparison(self, node: ast.Compare) -> Condition:
        result = Condition(np.full(self.rows, True), np.full(self.rows, False))
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                condition = self._among(left, right)
                condition = condition if isinstance(operator, ast.In) else condition.inverted()
            else:
                condition = self._pair(left, operator, right)
            result = Condition(result.true & condition.true, result.false | condition.false)
            left = right
        return result

    def _among(self, node: ast.expr, items: ast.expr) -> Condition:
        assert isinstance(items, ast.List | ast.Tuple)
        constants: list[Any] = [item.value for item in items.elts if isinstance(item, ast.Constant)]
        operand = self.of(node)
        text = isinstance(operand, pd.Series)
        if any(isinstance(value, str) != text for value in constants):
            other = "numbers" if text else "text"
            self._refuse(f"{ast.unparse(node)!r} is {kind_of(operand)}, and the list holds {other}", _QUOTES)
        empty = _missing(operand)
        values = operand if isinstance(operand, pd.Series) else pd.Series(numbers(operand))
        inside = values.isin(constants if text else [*map(float, constants)]).to_numpy(dtype=bool) & ~empty
        return Condition(inside, ~inside & ~empty)

    def _pair(self, left_node: ast.expr, operator: ast.cmpop, right_node: ast.expr) -> Condition:
        left, right = self.of(left_node), self.of(right_node)
        unknown = _missing(left) | _missing(right)
        if isinstance(left, pd.Series) and isinstance(right, pd.Series):
            if not isinstance(operator, ast.Eq | ast.NotEq):
                self._refuse("text has no order", "compare it with ==, != or in")
            equal = left.astype(object).to_numpy() == right.astype(object).to_numpy()
            true = np.asarray(equal, dtype=bool) == isinstance(operator, ast.Eq)
        elif isinstance(left, pd.Series) or isinstance(right, pd.Series):
            names = (f"{ast.unparse(node)!r} is {kind_of(of)}" for node, of in ((left_node, left), (right_node, right)))
            self._refuse(f"{' and '.join(names)}: they cannot be compared", _QUOTES)
        else:
            true = _COMPARE[type(operator)](numbers(left), numbers(right))
        return Condition(true & ~unknown, ~true & ~unknown)

    def _refuse(self, what: str, fix: str) -> NoReturn:
        raise DataError(f"{what} (in {self.text!r})", where=self.where, fix=fix)


def numbers(value: Condition | Numbers) -> Numbers:
    """Return a condition or numbers as numbers: 1 where true, 0 where false."""
    if isinstance(value, Condition):
        return np.where(value.true, 1.0, np.where(value.false, 0.0, np.nan))
    return value


def _missing(value: Value) -> npt.NDArray[np.bool_]:
    if isinstance(value, Condition):
        return ~value.true & ~value.false
    return value.isna().to_numpy(dtype=bool) if isinstance(value, pd.Series) else np.isnan(value)


def kind_of(value: Value) -> str:
    """Return the kind of a value in words."""
    return "a condition" if isinstance(value, Condition) else "text" if isinstance(value, pd.Series) else "a number"


_MOST_CHARACTERS = 2_000
_MOST_NESTED = 50
_LANGUAGE = "it may have columns, numbers, text, comparisons, and/or/not, in [..], + - * /, isnull, abs, min, max"
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`([^`\n]+)`|(#)|[\r\n]+""")
_STAND_IN = re.compile(r"__column_(\d+)__")
_TRUTH = {"true": True, "false": False}
_FUNCTIONS = {"isnull": 1, "abs": 1, "min": 2, "max": 2}  # number of arguments


@dataclass(frozen=True)
class Expression:
    """A checked expression, made by `parse`.

    Examples
    --------
    >>> customers = pd.DataFrame({"limit": [100.0, 0.0, None], "balance": [90.0, 10.0, 5.0]})
    >>> parse("balance / limit > 0.8").holds(customers).tolist()
    [True, False, False]
    >>> parse("not balance / limit > 0.8 or isnull(limit)").holds(customers).tolist()
    [False, False, True]
    """

    text: str
    columns: tuple[str, ...]  # the columns that it reads, in order of first mention
    tree: ast.expr  # private to this module
    where: str = ""  # its place in a file, for errors

    def check(self, columns: Iterable[object]) -> None:
        """Refuse a table that lacks one of the expression's columns."""
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
        value = self._value(frame)
        if not isinstance(value, Condition):
            what = f"{self.text!r} is {kind_of(value)}, not a condition"
            raise ConfigError(what, where=self.where, fix="compare it, as in `late_days > 30`")
        return pd.Series(value.true, index=frame.index)

    def amounts(self, frame: pd.DataFrame) -> pd.Series:
        """Return the numbers of the expression, NaN where one of its columns is missing."""
        value = self._value(frame)
        if isinstance(value, pd.Series):
            raise ConfigError(f"{self.text!r} is text, not a number", where=self.where)
        return pd.Series(numbers(value), index=frame.index)

    def _value(self, frame: pd.DataFrame) -> Value:
        self.check(frame.columns)
        return Evaluation(self.text, self.where, frame).of(self.tree)


def parse(text: str, *, where: str = "") -> Expression:
    """Parse an expression, and refuse other languages.

    Examples
    --------
    >>> parse("`late days` > 30 and region == 'north'").columns
    ('late days', 'region')
    >>> parse("__import__('os').system('ls')")
    Traceback (most recent call last):
    ...
    riskml.errors.ConfigError: "__import__('os').system('ls')" has a call of an unknown function
      fix:   it may have columns, numbers, text, comparisons, and/or/not, in [..], + - * /, isnull, abs, min, max
    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigError("an expression is missing", where=where, fix="write one, as in `days_past_due >= 30`")
    if len(text) > _MOST_CHARACTERS:
        what = f"an expression must not exceed {_MOST_CHARACTERS} characters, this one has {len(text)}: {text[:60]!r}…"
        raise ConfigError(what, where=where, fix="split the rule in two")
    quoted: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        if match[3] is not None:
            raise ConfigError(f"{text!r} has a comment", where=where, fix="write it outside the expression")
        if match[2] is None:
            return " "  # an expression may span several lines
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
    """Check of a tree: only the language passes, and quoted columns get their names back."""

    def __init__(self, text: str, quoted: list[str], where: str) -> None:
        self.text, self.quoted, self.where = text, quoted, where
        self.columns: list[str] = []

    def read(self, node: ast.expr, depth: int) -> ast.expr:
        if depth > _MOST_NESTED:
            self._refuse(f"more than {_MOST_NESTED} levels of brackets and operators")
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
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                if name not in _FUNCTIONS:
                    self._refuse("a call of an unknown function")
                values = len(node.args) + len(node.keywords)
                if node.keywords or values != _FUNCTIONS[name]:
                    self._refuse(f"{name} with {values} values; it takes {_FUNCTIONS[name]}")
                node.args = [self.read(value, deeper) for value in node.args]
            case ast.Name():
                return self._name(node)
            case ast.Constant(value=bool() | int() | float() | str()):
                self._check_number(node.value)
            case ast.Constant(value=None):
                self._refuse("None: use isnull(column) for missing values")
            case _:
                self._refuse(f"unknown syntax ({type(node).__name__})")
        return node

    def _comparison(self, node: ast.Compare, depth: int) -> None:
        node.left = self.read(node.left, depth)
        for number, (operator, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if isinstance(operator, ast.In | ast.NotIn):
                if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
                    self._refuse("`in` without a list after it, as in `segment in ['key', 'public']`")
                for item in right.elts:
                    if not (isinstance(item, ast.Constant) and isinstance(item.value, str | int | float)):
                        self._refuse("a list of other values than numbers or text")
                    self._check_number(item.value)
            elif type(operator) in _COMPARE:
                node.comparators[number] = self.read(right, depth)
            else:
                self._refuse("`is`: use == or isnull(column)")

    def _check_number(self, value: object) -> None:
        try:
            infinite = isinstance(value, int | float) and not np.isfinite(float(value))
        except OverflowError:
            infinite = True
        if infinite:
            self._refuse("a number beyond all floats")

    def _name(self, node: ast.Name) -> ast.expr:
        if node.id in _TRUTH:
            return ast.Constant(value=_TRUTH[node.id])
        name, stand_in = node.id, _STAND_IN.fullmatch(node.id)
        if stand_in:
            if int(stand_in[1]) >= len(self.quoted):
                self._refuse("a reserved name")
            name = self.quoted[int(stand_in[1])]
        self.columns.append(name)
        return ast.Name(id=name, ctx=ast.Load())

    def _refuse(self, what: str) -> NoReturn:
        raise ConfigError(f"{self.text!r} has {what}", where=self.where, fix=_LANGUAGE)
