"""Observation window, and features as aggregates of a customer's records within it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw


@dataclass(frozen=True)
class Window:
    """A customer's records in a window, as narwhals expressions that are null outside of it.

    Parameters
    ----------
    as_of : int
        The as-of date, in days since 1970-01-01. Every record is of an earlier day.
    newest, oldest : int
        Age in days of the newest and the oldest record of the window; a record of the day before is 1 day old.

    Examples
    --------
    The share of a customer's spending on gifts, as a custom feature:

    >>> def gift_share(orders: Window) -> nw.Expr:
    ...     return orders.where(orders.column("kind") == "gifts", "amount").sum() / orders["amount"].sum()
    """

    as_of: int
    newest: int
    oldest: int

    @property
    def age(self) -> nw.Expr:
        """Days from the record to the as-of date; 1 or more."""
        return nw.lit(self.as_of) - nw.col("day")

    @property
    def inside(self) -> nw.Expr:
        """Whether a record lies in the window."""
        return (self.age >= self.newest) & (self.age <= self.oldest)

    @property
    def days(self) -> int:
        """Length of the window."""
        return self.oldest - self.newest + 1

    @property
    def before(self) -> Window:
        """The window of the same length that ends where this one begins."""
        return Window(self.as_of, self.oldest + 1, self.oldest + self.days)

    def column(self, name: str) -> nw.Expr:
        """Return a column without the window's limits, for conditions."""
        return nw.col(name)

    def __getitem__(self, name: str) -> nw.Expr:
        """Return a column's values inside the window."""
        return nw.when(self.inside).then(nw.col(name))

    def where(self, condition: nw.Expr, name: str) -> nw.Expr:
        """Return a column's values inside the window where a condition holds."""
        return nw.when(self.inside & condition).then(nw.col(name))

    def ages(self, condition: nw.Expr | None = None) -> nw.Expr:
        """Return the age in days of the records inside the window where a condition holds."""
        return nw.when(self.inside if condition is None else self.inside & condition).then(self.age)

    def count(self, condition: nw.Expr | None = None) -> nw.Expr:
        """Return the number of records inside the window where a condition holds."""
        return nw.when(self.inside if condition is None else self.inside & condition).then(nw.lit(1)).count()

    def distinct(self, name: str) -> nw.Expr:
        """Return the number of distinct non-null values of a column inside the window."""
        value = self[name]
        return value.n_unique() - value.is_null().any().cast(nw.Int64)


Formula = Callable[[Window], nw.Expr]


@dataclass(frozen=True)
class Feature:
    """A feature of one table."""

    name: str  # the column is ``<table>_<name>``, with ``_<days>d`` where it is windowed
    unit: str  # such as "days", "money", "share", "records"
    description: str  # for the report; ``{days}`` stands for the window
    compute: Formula  # from `Window` to an aggregate expression
    needs: Sequence[str] = ()  # columns that it requires
    windowed: bool = True  # one column per observation window, or one for the longest
    doubled: bool = False  # whether it also reads the window before, so that twice the window must fit the longest
    empty: float | None = None  # the value without records: 0 for counts and sums, None where unknown
    rate: bool = False  # whether it grows with the window: its pace is then compared with the next longer window's
    # a column whose values count once: of records that share one the youngest is taken; faster than `Window.distinct`
    per: str | None = None


def ratio(above: nw.Expr, below: nw.Expr) -> nw.Expr:
    """Return a ratio that is null where the denominator is 0."""
    return nw.when(below != 0).then(above / below)


def growth(now: nw.Expr, past: nw.Expr) -> nw.Expr:
    """Return the ratio of now to the past; null where the past is not positive."""
    return nw.when(past > 0).then(now / past)


def feature(
    table: str, *, unit: str, description: str, windowed: bool = True, empty: float | None = None
) -> Callable[[Formula], Formula]:
    """Declare a custom feature: decorate a function from `Window` to an aggregate narwhals expression.

    Parameters
    ----------
    table : str
        The table's name in the experiment.
    unit, description, windowed, empty
        As for `Feature`.

    Returns
    -------
    callable
        The decorator, which returns the function unchanged.

    Examples
    --------
    >>> @feature("orders", unit="money", description="largest order of the last {days} days")
    ... def largest(orders):
    ...     return orders["amount"].max()
    """

    def declare(compute: Formula) -> Formula:
        function: Any = compute
        feature = Feature(function.__name__, unit, description, compute, windowed=windowed, empty=empty)
        function.riskml_feature = (table, feature)
        return compute

    return declare
