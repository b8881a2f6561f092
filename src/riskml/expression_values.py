"""What an expression gives on a frame: conditions of three states, numbers and text."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskml.errors import DataError


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
    """One expression on one frame.

    Parameters
    ----------
    text, where : str
        The expression and its place, for errors.
    frame : DataFrame of shape (n, any)
        Has all columns that the expression reads.
    """

    def __init__(self, text: str, where: str, frame: pd.DataFrame) -> None:
        self.text, self.where, self.frame, self.rows = text, where, frame, len(frame)
        self.known: dict[str, Value] = {}

    def of(self, node: ast.expr) -> Value:
        """Return what a part of the expression gives for each row."""
        match node:
            case ast.BoolOp():
                found = [self._condition(value) for value in node.values]
                both = isinstance(node.op, ast.And)
                every, some = np.logical_and.reduce, np.logical_or.reduce
                true, false = [one.true for one in found], [one.false for one in found]
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
        found = self.of(node)
        if not isinstance(found, Condition):
            self._mistaken(f"{ast.unparse(node)!r} is {word(found)}, where a condition is needed", "compare it")
        return found

    def _amount(self, node: ast.expr) -> npt.NDArray[np.float64]:
        found = self.of(node)
        if isinstance(found, Texts):
            self._mistaken(f"{ast.unparse(node)!r} is text, where a number is needed", "compare text with == or in")
        return numbers(found).values

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
                found = self._among(left_node, right_node)
                found = found if isinstance(operator, ast.In) else Condition(found.false, found.true)
            else:
                found = self._pair(left_node, operator, right_node)
            result = Condition(result.true & found.true, result.false | found.false)
            left_node = right_node
        assert isinstance(result, Condition)
        return result

    def _among(self, node: ast.expr, items: ast.expr) -> Condition:
        assert isinstance(items, ast.List | ast.Tuple)
        wanted: list[Any] = [item.value for item in items.elts if isinstance(item, ast.Constant)]
        found = self.of(node)
        text = isinstance(found, Texts)
        if any(isinstance(value, str) != text for value in wanted):
            self._mistaken(
                f"{ast.unparse(node)!r} is {word(found)}, and the list holds {'numbers' if text else 'text'}",
                "put text in quotation marks, and numbers without",
            )
        empty = _missing(found)
        values = found.values if isinstance(found, Texts) else pd.Series(numbers(found).values)
        inside = values.isin(wanted if text else [*map(float, wanted)]).to_numpy(dtype=bool) & ~empty
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


def numbers(found: Value) -> Numbers:
    """Return a condition or numbers as numbers: 1 where true, 0 where false."""
    if isinstance(found, Condition):
        return Numbers(np.where(found.true, 1.0, np.where(found.false, 0.0, np.nan)))
    assert isinstance(found, Numbers)
    return found


def _missing(found: Value) -> npt.NDArray[np.bool_]:
    if isinstance(found, Condition):
        return ~found.true & ~found.false
    if isinstance(found, Numbers):
        return np.isnan(found.values)
    return found.values.isna().to_numpy(dtype=bool)


def word(found: Value) -> str:
    """Return what kind of value it is, in words."""
    return "a condition" if isinstance(found, Condition) else "a number" if isinstance(found, Numbers) else "text"
