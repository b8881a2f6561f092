"""The months of a book, as days since 1970-01-01."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskml.data.simulate.settings import Book

NEVER = np.int64(10**7)  # a day after all others
DAY = np.int64(86_400_000_000)  # microseconds


@dataclass(frozen=True)
class Calendar:
    """The months of a book, and those that the true probabilities look ahead to."""

    months: int  # those of the book
    first: NDArray[np.int64]  # the first day of each month
    days: NDArray[np.int64]  # how many days each has
    of_year: NDArray[np.int64]  # 0 is January

    @property
    def start(self) -> int:
        """The first day of the book."""
        return int(self.first[0])

    @property
    def end(self) -> int:
        """The day after the last of the book: it is written on the morning of this day."""
        return int(self.first[self.months])

    def month(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the month that holds a day: before the book 0, after it the last."""
        found = np.searchsorted(self.first, day, side="right") - 1
        return np.clip(found, 0, self.months - 1)


def calendar(book: Book) -> Calendar:
    """Return the calendar of a book.

    Examples
    --------
    >>> calendar(Book(months=3, start="2024-01-15", horizon_days=1)).days.tolist()[:3]
    [31, 29, 31]
    """
    ahead = book.horizon_days // 28 + 1
    begin = np.datetime64(book.start, "D").astype("datetime64[M]")
    months = begin + np.arange(book.months + ahead + 1)
    first = months.astype("datetime64[D]").astype(np.int64)
    return Calendar(book.months, first, np.diff(first), months[:-1].astype(np.int64) % 12)
