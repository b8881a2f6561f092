"""What a feature is: one figure, from a customer's records within a window before the as-of date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import narwhals as nw


@dataclass(frozen=True)
class Window:
    """A customer's records in a window, as narwhals expressions: what lies outside of it is null.

    Parameters
    ----------
    as_of : int
        The as-of date, in days since 1970-01-01. Every record is of an earlier day.
    newest, oldest : int
        Age in days of the newest and the oldest record of the window; a record of the day before is 1 day old.

    Examples
    --------
    The share of a customer's spending that went into gifts, as a feature of one's own:

    >>> def gift_share(orders: Records) -> nw.Expr:
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
        """Return a column as it is, for conditions."""
        return nw.col(name)

    def __getitem__(self, name: str) -> nw.Expr:
        """Return a column's values inside the window."""
        return nw.when(self.inside).then(nw.col(name))

    def where(self, condition: nw.Expr, name: str) -> nw.Expr:
        """Return a column's values inside the window where a condition holds."""
        return nw.when(self.inside & condition).then(nw.col(name))

    def ages(self, condition: nw.Expr | None = None) -> nw.Expr:
        """Return ages in days of the records inside the window, where a condition holds."""
        return nw.when(self.inside if condition is None else self.inside & condition).then(self.age)

    def count(self, condition: nw.Expr | None = None) -> nw.Expr:
        """Return how many records of the window meet a condition."""
        return nw.when(self.inside if condition is None else self.inside & condition).then(nw.lit(1)).count()

    def distinct(self, name: str) -> nw.Expr:
        """Return how many different values, null aside, a column has inside the window."""
        value = self[name]
        return value.n_unique() - value.is_null().any().cast(nw.Int64)


Compute = Callable[[Window], nw.Expr]


@dataclass(frozen=True)
class Feature:
    """A feature of one table."""

    name: str  # the column becomes ``<table>_<name>``, and ``_<days>d`` where it has windows
    unit: str  # such as "days", "money", "share", "records"
    description: str  # A line for the report; ``{days}`` stands for the window
    compute: Compute  # from `Window` to an aggregate expression
    needs: tuple[str, ...] = ()  # columns without which it is left out
    windowed: bool = True  # whether there is one for each observation window; the longest one is taken otherwise
    # whether it looks at the window before as well, so that twice the window must fit into the longest
    doubled: bool = False
    # the value of a customer without any record: 0 for counts and sums, None where there is nothing to tell
    empty: float | None = None
    # whether it grows with the window's length: its pace in a window is then compared with that in the next longer
    rate: bool = False
    # A column each value of which counts once: of records that share it the youngest is taken. Far quicker than
    # `Window.distinct` in every window
    per: str | None = None


def ratio(above: nw.Expr, below: nw.Expr) -> nw.Expr:
    """Return a ratio that is null where there is nothing below the line."""
    return nw.when(below != 0).then(above / below)


def growth(now: nw.Expr, past: nw.Expr) -> nw.Expr:
    """Return how many times the past something is; null where the past is not above nought: no ratio tells it."""
    return nw.when(past > 0).then(now / past)


def feature(
    table: str,
    *,
    unit: str,
    description: str,
    windowed: bool = True,
    empty: float | None = None,
) -> Callable[[Compute], Compute]:
    """Declare a feature of one's own: decorate a function from `Window` to an aggregate narwhals expression.

    Parameters
    ----------
    table : str
        The table's name in the experiment.
    unit, description, windowed, empty
        As for `Feature`.

    Returns
    -------
    callable
        The decorator; the function stays what it is.

    Examples
    --------
    >>> @feature("orders", unit="money", description="largest order of the last {days} days")
    ... def largest(orders):
    ...     return orders["amount"].max()
    """

    def declare(compute: Compute) -> Compute:
        made: Any = compute
        name = str(made.__name__)
        made.riskml_feature = (table, Feature(name, unit, description, compute, (), windowed, empty=empty))
        return compute

    return declare
