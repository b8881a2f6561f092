"""Expressions over columns: their syntax, which never runs code, and their value on arrays; without pandas."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .checksums import PackageError


class ExpressionError(PackageError):
    """An expression that cannot be read or evaluated: what is wrong, and how to correct it."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


@dataclass(frozen=True)
class Condition:
    """Three-valued condition: where it is known to be true, and where it is known to be false."""

    true: NDArray[np.bool_]
    false: NDArray[np.bool_]

    def inverted(self) -> Condition:
        """Return the negation."""
        return Condition(self.false, self.true)


Value = Condition | NDArray[Any]  # numbers, NaN where missing; or text, as objects with None where missing
_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}  # fmt: skip
_QUOTES = "put text in quotation marks, and numbers without"


class Evaluation:
    """Evaluation of one expression on the columns of some rows."""

    def __init__(self, text: str, column: Callable[[str], Value], rows: int) -> None:
        self.text, self.column, self.rows = text, column, rows
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
            return np.full(self.rows, value, dtype=object)
        return np.full(self.rows, float(value))

    def _column(self, name: str) -> Value:
        if name not in self.known:
            self.known[name] = self.column(name)
        return self.known[name]

    def _condition(self, node: ast.expr) -> Condition:
        value = self.of(node)
        if not isinstance(value, Condition):
            self._refuse(f"{ast.unparse(node)!r} is {kind_of(value)}, where a condition is needed", "compare it")
        return value

    def _amount(self, node: ast.expr) -> NDArray[Any]:
        value = self.of(node)
        if is_text(value):
            self._refuse(f"{ast.unparse(node)!r} is text, where a number is needed", "compare text with == or in")
        return numbers(value)

    def _arithmetic(self, node: ast.BinOp) -> NDArray[Any]:
        left: NDArray[np.float64] = self._amount(node.left)
        right: NDArray[np.float64] = self._amount(node.right)
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
        text = is_text(operand)
        if any(isinstance(value, str) != text for value in constants):
            other = "numbers" if text else "text"
            self._refuse(f"{ast.unparse(node)!r} is {kind_of(operand)}, and the list holds {other}", _QUOTES)
        empty = _missing(operand)
        values = numbers(operand).tolist()
        among = frozenset(constants if text else map(float, constants))
        inside = np.array([value in among for value in values], dtype=np.bool_) & ~empty
        return Condition(inside, ~inside & ~empty)

    def _pair(self, left_node: ast.expr, operator: ast.cmpop, right_node: ast.expr) -> Condition:
        left, right = self.of(left_node), self.of(right_node)
        unknown = _missing(left) | _missing(right)
        if is_text(left) and is_text(right):
            if not isinstance(operator, ast.Eq | ast.NotEq):
                self._refuse("text has no order", "compare it with ==, != or in")
            equal = left == right
            true = np.asarray(equal, dtype=bool) == isinstance(operator, ast.Eq)
        elif is_text(left) or is_text(right):
            names = (f"{ast.unparse(node)!r} is {kind_of(of)}" for node, of in ((left_node, left), (right_node, right)))
            self._refuse(f"{' and '.join(names)}: they cannot be compared", _QUOTES)
        else:
            true = _COMPARE[type(operator)](numbers(left), numbers(right))
        return Condition(true & ~unknown, ~true & ~unknown)

    def _refuse(self, what: str, fix: str) -> NoReturn:
        raise ExpressionError(f"{what} (in {self.text!r})", fix)


def numbers(value: Value) -> NDArray[Any]:
    """Return a condition or numbers as numbers: 1 where true, 0 where false."""
    if isinstance(value, Condition):
        return np.where(value.true, 1.0, np.where(value.false, 0.0, np.nan))
    return value


def is_text(value: Value) -> bool:
    """Return whether a value is text."""
    return isinstance(value, np.ndarray) and value.dtype == object


def _missing(value: Value) -> NDArray[np.bool_]:
    if isinstance(value, Condition):
        return ~value.true & ~value.false
    return np.asarray(value == None, dtype=bool) if is_text(value) else np.isnan(value)  # noqa: E711 - each element


def kind_of(value: Value) -> str:
    """Return the kind of a value in words."""
    return "a condition" if isinstance(value, Condition) else "text" if is_text(value) else "a number"


_MOST_CHARACTERS = 2_000
_MOST_NESTED = 50
_LANGUAGE = "it may have columns, numbers, text, comparisons, and/or/not, in [..], + - * /, isnull, abs, min, max"
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`([^`\n]+)`|(#)|[\r\n]+""")
_STAND_IN = re.compile(r"__column_(\d+)__")
_TRUTH = {"true": True, "false": False}
_FUNCTIONS = {"isnull": 1, "abs": 1, "min": 2, "max": 2}  # number of arguments


def parse(text: str) -> tuple[str, tuple[str, ...], ast.expr]:
    """Return the text, the columns in order of first mention and the tree of an expression; refuse other languages."""
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("an expression is missing", "write one, as in `days_past_due >= 30`")
    if len(text) > _MOST_CHARACTERS:
        what = f"an expression must not exceed {_MOST_CHARACTERS} characters, this one has {len(text)}: {text[:60]!r}…"
        raise ExpressionError(what, "split the rule in two")
    quoted: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        if match[3] is not None:
            raise ExpressionError(f"{text!r} has a comment", "write it outside the expression")
        if match[2] is None:
            return " "  # an expression may span several lines
        quoted.append(match[2])
        return f"__column_{len(quoted) - 1}__"

    try:
        tree = ast.parse(_QUOTED.sub(stand_in, text.strip()), mode="eval").body
    except ExpressionError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise ExpressionError(f"{text!r} cannot be read: {reason}", _LANGUAGE) from None
    reader = _Reader(text, quoted)
    tree = reader.read(tree, 0)
    return text.strip(), tuple(dict.fromkeys(reader.columns)), tree


class _Reader:
    """Check of a tree: only the language passes, and quoted columns get their names back."""

    def __init__(self, text: str, quoted: list[str]) -> None:
        self.text, self.quoted = text, quoted
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
        raise ExpressionError(f"{self.text!r} has {what}", _LANGUAGE)
