"""Options and limits of the assignment, as arrays; money and hours are whole hundredths."""

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
UNIT = 100  # money in cents, hours in hundredths: integers add up exactly


@dataclass(frozen=True)
class Limit:
    """A budget or a capacity."""

    name: str  # as in the policy: ``limits.roles.risk.hours``
    measure: Measure
    treatments: npt.NDArray[np.bool_]  # those that count against it
    amount: int  # in hundredths of money or hours; actions as they are


@dataclass(frozen=True)
class Options:
    """One row for each customer and possible action, customers in ascending order."""

    customer: Ints  # position of the customer
    treatment: Ints
    benefit: Floats  # expected, in money, net of costs
    cost: Ints  # in cents
    hours: Ints  # of each treatment, in hundredths
    likeness: Floats  # measures of similarity, such as expected loss and value at stake

    def __len__(self) -> int:
        """Return the number of options."""
        return len(self.customer)

    @cached_property
    def starts(self) -> Ints:
        """Row of the first option of each customer."""
        return np.flatnonzero(np.append(True, np.diff(self.customer) != 0))

    @cached_property
    def lengths(self) -> Ints:
        """Number of options of each customer."""
        return np.diff(np.append(self.starts, len(self)))

    def uses(self, limit: Limit, rows: Ints | slice = slice(None)) -> Ints:
        """Return the use of a limit by each of some options."""
        treatment = self.treatment[rows]
        amounts: Ints | int = 1
        if limit.measure == "money":
            amounts = self.cost[rows]
        elif limit.measure == "hours":
            amounts = self.hours[treatment]
        return np.where(limit.treatments[treatment], amounts, 0)

    def net(self, limits: Sequence[Limit], prices: Floats) -> Floats:
        """Return the benefit of each option minus the price of its use of the limits."""
        of_cent, of_action = np.zeros(len(self.hours)), np.zeros(len(self.hours))
        for limit, price in zip(limits, prices, strict=True):
            counted = limit.treatments * price
            if limit.measure == "money":
                of_cent += counted
            else:
                of_action += counted * (self.hours if limit.measure == "hours" else 1)
        return self.benefit - self.cost * of_cent[self.treatment] - of_action[self.treatment]

    def total(self, limits: Sequence[Limit], rows: Ints) -> Floats:
        """Return the total use of each limit by some options."""
        kinds = len(self.hours)
        count = np.bincount(self.treatment[rows], minlength=kinds).astype(float)
        money = np.bincount(self.treatment[rows], weights=self.cost[rows], minlength=kinds)
        by = {"money": money, "hours": count * self.hours, "actions": count}
        return np.array([by[limit.measure][limit.treatments].sum() for limit in limits])

    def at(self, rows: npt.NDArray[np.bool_] | Ints) -> Options:
        """Return some of the options."""
        parts = (self.customer[rows], self.treatment[rows], self.benefit[rows], self.cost[rows])
        return Options(*parts, self.hours, self.likeness[rows])
