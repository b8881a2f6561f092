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
from typing import NoReturn

import numpy as np
import pandas as pd

from riskml.errors import ConfigError
from riskml.expression_values import Condition, Evaluation, Texts, Value, numbers, word
from riskml.schema import near, shortened

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

    Parameters
    ----------
    text : str
        As it was written.
    columns : tuple of str
        The columns that it reads, in the order they are named.
    tree : ast.expr
        What it says; for this class alone.
    where : str
        Where it was written, for errors.

    Examples
    --------
    >>> book = pd.DataFrame({"limit": [100.0, 0.0, None], "balance": [90.0, 10.0, 5.0]})
    >>> parse("balance / limit > 0.8").holds(book).tolist()
    [True, False, False]
    >>> parse("not balance / limit > 0.8 or isnull(limit)").holds(book).tolist()
    [False, False, True]
    """

    text: str
    columns: tuple[str, ...]
    tree: ast.expr
    where: str = ""

    def check(self, columns: Iterable[object]) -> None:
        """Raise a ConfigError when one of the expression's columns is not among those of a table."""
        known = [str(name) for name in columns]
        absent = [name for name in self.columns if name not in known]
        if absent:
            raise ConfigError(
                f"{self.text!r} reads the column{'s' if len(absent) > 1 else ''} {shortened(absent)}, "
                "which the table does not have",
                where=self.where,
                fix=near(absent[0], known) or f"the table has {shortened(known)}",
            )

    def holds(self, frame: pd.DataFrame) -> pd.Series:
        """Return where the condition is known to be true.

        Parameters
        ----------
        frame : DataFrame of shape (n, any)

        Returns
        -------
        Series of bool, shape (n,)
            The same index.

        Raises
        ------
        ConfigError
            When the frame lacks a column, or the expression is no condition.
        DataError
            When a column is of a kind that the expression cannot use.
        """
        found = self._evaluated(frame)
        if not isinstance(found, Condition):
            raise ConfigError(
                f"{self.text!r} is {word(found)}, not a condition",
                where=self.where,
                fix="compare it with something, as in `late_days > 30`",
            )
        return pd.Series(found.true, index=frame.index)

    def amounts(self, frame: pd.DataFrame) -> pd.Series:
        """Return the numbers that the expression gives, NaN where one of its columns is missing.

        Parameters
        ----------
        frame : DataFrame of shape (n, any)

        Returns
        -------
        Series of float, shape (n,)
            The same index. A condition counts as 1 where true and 0 where false.

        Raises
        ------
        ConfigError
            When the frame lacks a column, or the expression gives text.
        DataError
            When a column is of a kind that the expression cannot use.
        """
        found = self._evaluated(frame)
        if isinstance(found, Texts):
            raise ConfigError(f"{self.text!r} is text, not a number", where=self.where)
        return pd.Series(numbers(found).values, index=frame.index)

    def _evaluated(self, frame: pd.DataFrame) -> Value:
        self.check(frame.columns)
        return Evaluation(self.text, self.where, frame).of(self.tree)


def parse(text: str, *, where: str = "") -> Expression:
    """Read an expression, and refuse whatever is not of the language.

    Parameters
    ----------
    text : str
    where : str, optional
        Where it was written: the file and its key.

    Returns
    -------
    Expression

    Raises
    ------
    ConfigError
        When it cannot be read, or holds anything else.

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
        told = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise ConfigError(f"{text!r} cannot be read: {told}", where=where, fix=_LANGUAGE) from None
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
