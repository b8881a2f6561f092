"""What could be done for a book, and the limits of what can be: plain arrays, whole numbers where limits are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Measure = Literal["money", "hours", "actions"]
UNIT = 100  # money in cents, hours in hundredths: whole numbers, which add up without error


@dataclass(frozen=True)
class Limit:
    """A budget or a capacity."""

    name: str  # as the policy says it: ``limits.roles.risk.hours``
    measure: Measure
    treatments: npt.NDArray[np.bool_]  # those that count against it
    amount: int  # in hundredths of money or hours; actions as they are


@dataclass(frozen=True)
class Options:
    """What could be done: one row for each customer and action, customers in ascending order."""

    customer: Ints  # position of the customer
    treatment: Ints
    benefit: Floats  # expected, in money, above 0; costs are taken off
    cost: Ints  # in cents
    hours: Ints  # of each treatment, in hundredths
    likeness: Floats  # what makes customers alike, such as expected loss and value at stake

    def __len__(self) -> int:
        """Return the number of options."""
        return len(self.customer)

    @cached_property
    def starts(self) -> Ints:
        """Where the options of each customer start."""
        return np.flatnonzero(np.append(True, np.diff(self.customer) != 0))

    @cached_property
    def lengths(self) -> Ints:
        """How many options each customer has."""
        return np.diff(np.append(self.starts, len(self)))

    def uses(self, limit: Limit, rows: Ints | slice = slice(None)) -> Ints:
        """Return what some options take of a limit."""
        treatment = self.treatment[rows]
        amounts: Ints | int = 1
        if limit.measure == "money":
            amounts = self.cost[rows]
        elif limit.measure == "hours":
            amounts = self.hours[treatment]
        return np.where(limit.treatments[treatment], amounts, 0)

    def net(self, limits: Sequence[Limit], prices: Floats) -> Floats:
        """Return what each option brings after the prices of what it takes."""
        of_cent, of_action = np.zeros(len(self.hours)), np.zeros(len(self.hours))
        for limit, price in zip(limits, prices, strict=True):
            counted = limit.treatments * price
            if limit.measure == "money":
                of_cent += counted
            else:
                of_action += counted * (self.hours if limit.measure == "hours" else 1)
        return self.benefit - self.cost * of_cent[self.treatment] - of_action[self.treatment]

    def total(self, limits: Sequence[Limit], rows: Ints) -> Floats:
        """Return what some options take of each limit, together."""
        kinds = len(self.hours)
        count = np.bincount(self.treatment[rows], minlength=kinds).astype(float)
        money = np.bincount(self.treatment[rows], weights=self.cost[rows], minlength=kinds)
        by = {"money": money, "hours": count * self.hours, "actions": count}
        return np.array([by[limit.measure][limit.treatments].sum() for limit in limits])

    def at(self, rows: npt.NDArray[np.bool_] | Ints) -> Options:
        """Return some of the options."""
        parts = (self.customer[rows], self.treatment[rows], self.benefit[rows], self.cost[rows])
        return Options(*parts, self.hours, self.likeness[rows])
