"""Expression of a derived column as nodes of an ONNX graph, with the same value for the same row."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np

from riskml.errors import InputError

_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "Equal", ast.Lt: "Less", ast.LtE: "LessOrEqual", ast.Gt: "Greater", ast.GtE: "GreaterOrEqual",
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div"}
_LARGEST = float(np.finfo(np.float64).max)


class Nodes(Protocol):
    """A graph that takes constants and operators, and returns the names of their results."""

    def constant(self, values: Any, dtype: Any = ...) -> str:
        """Return the name of a constant."""

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Return the name of an operator's result."""


@dataclass(frozen=True)
class _Condition:
    """Where a condition is known to be true, and where it is known to be false."""

    true: str
    false: str


class ExpressionNodes:
    """Writes the tree of an expression; ``code`` numbers the texts of a column (missing: -1, others: -2)."""

    def __init__(self, graph: Nodes, kinds: Callable[[str], str], code: Callable[[str, dict[str, int]], str]) -> None:
        self._graph, self._kind, self._code = graph, kinds, code
        self._nan = graph.constant(np.nan)

    def finite(self, node: ast.expr) -> str:
        """Return the number of an expression, shape (n, 1) or (1, 1); NaN where it is unknown or not finite."""
        value = self._number(node)
        beyond = self._op("Greater", self._op("Abs", value), self._graph.constant(_LARGEST))
        return self._op("Where", beyond, self._nan, value)

    def _op(self, kind: str, *inputs: str) -> str:
        return self._graph.op(kind, *inputs)

    def _number(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._graph.constant([[float(value)]])
            case ast.Name():
                return node.id
            case ast.UnaryOp(op=ast.USub()):
                return self._op("Neg", self._number(node.operand))
            case ast.UnaryOp(op=ast.UAdd()):
                return self._number(node.operand)
            case ast.BinOp():
                left, right = self._number(node.left), self._number(node.right)
                if isinstance(node.op, ast.Div):
                    right = self._op("Where", self._op("Equal", right, self._graph.constant(0.0)), self._nan, right)
                return self._op(_ARITHMETIC[type(node.op)], left, right)
            case ast.Call(func=ast.Name(id="abs")):
                return self._op("Abs", self._number(node.args[0]))
            case ast.Call(func=ast.Name(id="min" | "max" as name)):
                left, right = (self._number(value) for value in node.args)
                first = self._op("LessOrEqual" if name == "min" else "GreaterOrEqual", left, right)
                unknown = self._op("Or", self._op("IsNaN", left), self._op("IsNaN", right))
                return self._op("Where", unknown, self._nan, self._op("Where", first, left, right))
        condition = self._condition(node)
        zero, one = self._graph.constant(0.0), self._graph.constant(1.0)
        return self._op("Where", condition.true, one, self._op("Where", condition.false, zero, self._nan))

    def _condition(self, node: ast.expr) -> _Condition:
        match node:
            case ast.BoolOp():
                parts = [self._condition(value) for value in node.values]
                both = isinstance(node.op, ast.And)
                return reduce(self._and if both else self._or, parts)
            case ast.UnaryOp(op=ast.Not()):
                condition = self._condition(node.operand)
                return _Condition(condition.false, condition.true)
            case ast.Compare():
                operands = [node.left, *node.comparators]
                pairs = zip(operands, node.ops, operands[1:], strict=False)
                return reduce(self._and, [self._pair(*pair) for pair in pairs])
            case ast.Call(func=ast.Name(id="isnull")):
                missing = self._missing(node.args[0])
                return _Condition(missing, self._op("Not", missing))
        assert isinstance(node, ast.Constant)  # true or false: the reader refuses the rest
        marks = [self._graph.constant([[mark]], np.bool_) for mark in (bool(node.value), not node.value)]
        return _Condition(*marks)

    def _and(self, left: _Condition, right: _Condition) -> _Condition:
        return _Condition(self._op("And", left.true, right.true), self._op("Or", left.false, right.false))

    def _or(self, left: _Condition, right: _Condition) -> _Condition:
        return _Condition(self._op("Or", left.true, right.true), self._op("And", left.false, right.false))

    def _pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> _Condition:
        if isinstance(left, ast.Constant) and isinstance(left.value, str):
            left, right = right, left
        if self._is_text(left) and self._is_text(right):
            raise InputError(
                f"ONNX of {ast.unparse(left)} == {ast.unparse(right)} is not written: two columns of text",
                fix="use the wheel or SQL",
            )
        missing = self._missing(left)
        if isinstance(operator, ast.In | ast.NotIn):
            assert isinstance(right, ast.List | ast.Tuple)
            values: list[Any] = [item.value for item in right.elts if isinstance(item, ast.Constant)]
            same = reduce(lambda one, other: self._op("Or", one, other), [self._same(left, value) for value in values])
        elif self._is_text(left):
            assert isinstance(right, ast.Constant)
            same = self._same(left, right.value)
        else:
            missing = self._op("Or", missing, self._missing(right))
            kind = _COMPARE[ast.Eq if isinstance(operator, ast.NotEq) else type(operator)]
            same = self._op(kind, self._number(left), self._number(right))
        known = self._op("Not", missing)
        true, false = self._op("And", same, known), self._op("And", self._op("Not", same), known)
        return _Condition(false, true) if isinstance(operator, ast.NotEq | ast.NotIn) else _Condition(true, false)

    def _same(self, node: ast.expr, value: Any) -> str:
        if not self._is_text(node):
            return self._op("Equal", self._number(node), self._graph.constant(float(value)))
        assert isinstance(node, ast.Name)
        # The empty text is a missing one.
        codes = self._code(node.id, {"": -1} | ({value: 1} if value else {}))
        return self._op("Equal", codes, self._graph.constant(1, np.int64))

    def _missing(self, node: ast.expr) -> str:
        if not self._is_text(node):
            return self._op("IsNaN", self._number(node))
        assert isinstance(node, ast.Name)
        return self._op("Equal", self._code(node.id, {"": -1}), self._graph.constant(-1, np.int64))

    def _is_text(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and self._kind(node.id) != "numeric"
