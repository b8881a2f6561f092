"""Calendar of a simulation: months as days since 1970-01-01."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskml.data.simulate.settings import Settings

NEVER = np.int64(10**7)  # a day after all others
DAY = np.int64(86_400_000_000)  # microseconds


@dataclass(frozen=True)
class Calendar:
    """The months of a simulation, and those after it that the true probabilities need."""

    months: int  # of the simulation
    first: NDArray[np.int64]  # the first day of each month
    days: NDArray[np.int64]  # the number of days of each month
    of_year: NDArray[np.int64]  # 0 is January

    @property
    def start(self) -> int:
        """The first day of the simulation."""
        return int(self.first[0])

    @property
    def end(self) -> int:
        """The day after the last of the simulation."""
        return int(self.first[self.months])

    def month(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the month of a day: 0 before the simulation, the last month after it."""
        month = np.searchsorted(self.first, day, side="right") - 1
        return np.clip(month, 0, self.months - 1)


def calendar_of(settings: Settings) -> Calendar:
    """Return the calendar of a simulation.

    Examples
    --------
    >>> calendar_of(Settings(months=3, start="2024-01-15", horizon_days=1)).days.tolist()[:3]
    [31, 29, 31]
    """
    ahead = settings.horizon_days // 28 + 1
    begin = np.datetime64(settings.start, "D").astype("datetime64[M]")
    months = begin + np.arange(settings.months + ahead + 1)
    first = months.astype("datetime64[D]").astype(np.int64)
    return Calendar(settings.months, first, np.diff(first), months[:-1].astype(np.int64) % 12)
