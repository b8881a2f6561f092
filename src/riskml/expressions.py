"""Expressions of policies and warning rules: a small language over columns that never runs code.

An expression is text such as ``days_past_due >= 30 and not segment in ["key", "public"]``. It has columns (in backticks
unless the name is a plain word), numbers, text, ``true`` and ``false``, comparisons, ``in`` a list, ``and``, ``or``,
``not``, ``+ - * /``, ``isnull(x)``, ``abs(x)``, ``min(x, y)`` and ``max(x, y)``.

Missing values are unknown, as in SQL: a comparison with one is neither true nor false, nor is its ``not``, and a
condition holds only where it is known to be true. A division by 0 is missing too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.runtime import expression as language
from riskml.runtime.expression import Condition, Evaluation, ExpressionError, Value, is_text, kind_of, numbers


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
        if is_text(value):
            raise ConfigError(f"{self.text!r} is text, not a number", where=self.where)
        return pd.Series(numbers(value), index=frame.index)

    def _value(self, frame: pd.DataFrame) -> Value:
        self.check(frame.columns)
        try:
            return Evaluation(self.text, lambda name: self._column(frame, name), len(frame)).of(self.tree)
        except ExpressionError as error:
            raise DataError(error.what, where=self.where, fix=error.fix) from None

    def _column(self, frame: pd.DataFrame, name: str) -> Value:
        series = frame.iloc[:, [str(column) for column in frame.columns].index(name)]
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
            return np.full(len(series), np.nan)
        if inferred in ("string", "O", "U", "S") or isinstance(series.dtype, pd.StringDtype):
            return series.astype(object).where(series.notna(), None).to_numpy(dtype=object)
        raise DataError(
            f"the column {name!r} has {'dates' if kind == 'M' else inferred}; {self.text!r} needs numbers, text or "
            "true/false",
            where=self.where,
            fix="convert it to a number, such as days before the as-of date",
        )


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
    try:
        return Expression(*language.parse(text), where)
    except ExpressionError as error:
        raise ConfigError(error.what, where=where, fix=error.fix) from None
