"""Expression of a derived column as SQL, with the same value for the same row: unknown where it is unknown."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
from sqlglot import exp

Sql = exp.Expression
_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Eq: exp.EQ, ast.NotEq: exp.NEQ, ast.Lt: exp.LT, ast.LtE: exp.LTE, ast.Gt: exp.GT, ast.GtE: exp.GTE,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[exp.Binary]] = {ast.Add: exp.Add, ast.Sub: exp.Sub, ast.Mult: exp.Mul}
_LARGEST = float(np.finfo(np.float64).max)


class ExpressionWriter:
    """Writes the tree of an expression; ``column`` has the SQL of a column, ``among`` compares text to the letter."""

    def __init__(
        self,
        column: Callable[[str], Sql],
        kind: Callable[[str], str],
        among: Callable[[Sql, Sequence[str]], Sql],
        number: Callable[[float], Sql],
    ) -> None:
        self._column, self._kind, self._among, self._literal = column, kind, among, number

    def finite(self, node: ast.expr) -> Sql:
        """Return the number of an expression, NULL where it is unknown or not finite."""
        value = self._number(node)
        beyond = exp.GT(this=exp.Abs(this=value.copy()), expression=self._literal(_LARGEST))
        return exp.Case(ifs=[exp.If(this=beyond, true=exp.Null())], default=value)

    def _number(self, node: ast.expr) -> Sql:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return exp.cast(self._literal(float(value)), "double")
            case ast.Name():
                return self._column(node.id)
            case ast.UnaryOp(op=ast.USub()):
                return exp.Paren(this=exp.Neg(this=self._number(node.operand)))
            case ast.UnaryOp(op=ast.UAdd()):
                return self._number(node.operand)
            case ast.BinOp(op=ast.Div()):
                divide = partial(exp.Div, typed=True, safe=False)
                below = exp.Nullif(this=self._number(node.right), expression=self._literal(0.0))
                return exp.Paren(this=divide(this=self._number(node.left), expression=below))
            case ast.BinOp():
                kind = _ARITHMETIC[type(node.op)]
                return exp.Paren(this=kind(this=self._number(node.left), expression=self._number(node.right)))
            case ast.Call(func=ast.Name(id="abs")):
                return exp.Abs(this=self._number(node.args[0]))
            case ast.Call(func=ast.Name(id="min" | "max" as name)):
                left, right = (self._number(value) for value in node.args)
                unknown = exp.Or(this=_null(left), expression=_null(right))
                first = (exp.LTE if name == "min" else exp.GTE)(this=left.copy(), expression=right.copy())
                ifs = [exp.If(this=unknown, true=exp.Null()), exp.If(this=first, true=left.copy())]
                return exp.Case(ifs=ifs, default=right.copy())
        condition = self._condition(node)
        ifs = [
            exp.If(this=condition, true=exp.cast(self._literal(1.0), "double")),
            exp.If(this=exp.Not(this=exp.Paren(this=condition.copy())), true=exp.cast(self._literal(0.0), "double")),
        ]
        return exp.Case(ifs=ifs, default=exp.Null())

    def _condition(self, node: ast.expr) -> Sql:
        match node:
            case ast.BoolOp():
                kind = exp.And if isinstance(node.op, ast.And) else exp.Or
                parts = [self._condition(value) for value in node.values]
                return exp.Paren(this=reduce(lambda left, right: kind(this=left, expression=right), parts))
            case ast.UnaryOp(op=ast.Not()):
                return exp.Paren(this=exp.Not(this=exp.Paren(this=self._condition(node.operand))))
            case ast.Compare():
                operands = [node.left, *node.comparators]
                pairs = [
                    self._pair(left, operator, right)
                    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False)
                ]
                return exp.Paren(this=reduce(lambda left, right: exp.And(this=left, expression=right), pairs))
            case ast.Call(func=ast.Name(id="isnull")):
                value = node.args[0]
                return exp.Paren(this=_null(self._text(value) if self._is_text(value) else self._number(value)))
        assert isinstance(node, ast.Constant)  # true or false: the reader refuses the rest
        return exp.Paren(this=exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(int(bool(node.value)))))

    def _pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Sql:
        if isinstance(operator, ast.In | ast.NotIn):
            assert isinstance(right, ast.List | ast.Tuple)
            values: list[Any] = [item.value for item in right.elts if isinstance(item, ast.Constant)]
            inside = (
                self._among(self._text(left), values)
                if self._is_text(left)
                else exp.In(this=self._number(left), expressions=[self._literal(float(value)) for value in values])
            )
            return inside if isinstance(operator, ast.In) else exp.Not(this=inside)
        if not self._is_text(left):
            compared: Sql = _COMPARE[type(operator)](this=self._number(left), expression=self._number(right))
            return compared
        if isinstance(left, ast.Constant):
            left, right = right, left
        if isinstance(right, ast.Constant):
            same = self._among(self._text(left), [str(right.value)])
        else:
            same = exp.EQ(this=self._text(left), expression=self._text(right))
        return same if isinstance(operator, ast.Eq) else exp.Not(this=same)

    def _is_text(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, str)
        return isinstance(node, ast.Name) and self._kind(node.id) != "numeric"

    def _text(self, node: ast.expr) -> Sql:
        if isinstance(node, ast.Constant):
            return exp.Literal.string(str(node.value))
        assert isinstance(node, ast.Name)
        return self._column(node.id)


def _null(x: Sql) -> Sql:
    return exp.Is(this=x, expression=exp.Null())
