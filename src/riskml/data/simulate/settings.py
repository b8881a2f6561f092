"""Settings of a simulation: size, period, seed and scenario."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from riskml.errors import InputError

MOST_CUSTOMERS = 10_000_000
# Customers per block; each block has its own random numbers. It is not a parameter, so that a customer's records depend
# only on the seed and not on the number of customers or the size of the files.
BLOCK = 1_000


@dataclass(frozen=True)
class Drift:
    """Concept drift: from a month on, stress counts for less, leverage for more, and large customers are riskier.

    Parameters
    ----------
    date : str
        ISO 8601; the drift begins with the month of this date.
    size : float
        0 for none; 1 is clearly visible.
    """

    date: str
    size: float = 1.0

    def __post_init__(self) -> None:
        _month(self.date, "drift.date")
        _between(self.size, 0, 2, "drift.size")


@dataclass(frozen=True)
class Shock:
    """Economic shock in one month: the market falls and the customers' stress rises, without warning.

    Parameters
    ----------
    date : str
        ISO 8601; the shock comes in the month of this date.
    size : float
        0 for none; 1 multiplies the hazard of default by about 3, more in cyclical industries.
    """

    date: str
    size: float = 1.0

    def __post_init__(self) -> None:
        _month(self.date, "shock.date")
        _between(self.size, 0, 5, "shock.size")


@dataclass(frozen=True)
class Late:
    """Records that become known after the event.

    Parameters
    ----------
    share : float
        Share of orders, invoices, payments and tickets: 0 … 1.
    days : float
        Mean of their exponential delay.
    """

    share: float
    days: float = 5.0

    def __post_init__(self) -> None:
        _between(self.share, 0, 1, "late.share")
        _between(self.days, 0.001, 365, "late.days")


@dataclass(frozen=True)
class Scenario:
    """Deviations from a plain simulation.

    Parameters
    ----------
    dirty : float
        Share of the rows of orders, invoices, payments, tickets, contacts and logins with an error: a duplicate, a
        missing customer, an unknown customer, a time in the future, or a negative amount.
    late_payers : float
        Share of the customers who always pay about two weeks late without being riskier.
    """

    drift: Drift | None = None
    shock: Shock | None = None
    late: Late | None = None
    dirty: float = 0.0
    late_payers: float = 0.1

    def __post_init__(self) -> None:
        _between(self.dirty, 0, 0.5, "dirty")
        _between(self.late_payers, 0, 1, "late_payers")


@dataclass(frozen=True)
class Settings:
    """All settings of a simulated portfolio.

    Parameters
    ----------
    customers : int
        1 … 10,000,000.
    start : str
        ISO 8601: the simulation starts on the first day of this date's month.
    months : int
        1 … 240.
    horizon_days : int
        Horizon of the true probabilities: 1 … 730.
    chunk : int
        Customers per part file, a multiple of 1,000. Memory grows with it; no value depends on it.

    Raises
    ------
    InputError
        When a setting is out of range, or a drift or shock lies outside the months.
    """

    customers: int = 10_000
    start: str = "2021-01-01"
    months: int = 36
    seed: int = 7
    horizon_days: int = 90
    chunk: int = 10_000
    switches: Scenario = field(default_factory=Scenario)

    def __post_init__(self) -> None:
        _between(self.customers, 1, MOST_CUSTOMERS, "customers")
        _between(self.months, 1, 240, "months")
        _between(self.seed, 0, 2**63 - 1, "seed")
        _between(self.horizon_days, 1, 730, "horizon_days")
        if self.chunk < BLOCK or self.chunk % BLOCK:
            raise InputError(f"expected a multiple of {BLOCK}, got {self.chunk}", where="chunk")
        first = _month(self.start, "start")
        for name in ("drift", "shock"):
            switch = getattr(self.switches, name)
            if switch is not None and not 0 <= _months_between(first, _month(switch.date, name)) < self.months:
                what = f"{switch.date} is not within the {self.months} months from {first}"
                raise InputError(what, where=f"{name}.date", fix="choose a date in this period")

    def month_of(self, date: str) -> int:
        """Return the month of a date, counted from the first month, which is 0."""
        return _months_between(_month(self.start, "start"), _month(date, "date"))


def _month(date: str, where: str) -> np.datetime64:
    try:
        month: np.datetime64 = np.datetime64(date, "D").astype("datetime64[M]")
    except ValueError:
        month = np.datetime64("NaT", "M")
    if np.isnat(month) or not np.datetime64("1970-01") <= month <= np.datetime64("2200-01"):
        raise InputError(f"{date!r} is not a date from 1970 to 2200", where=where, fix="write it as 2021-01-31")
    return month


def _months_between(first: np.datetime64, other: np.datetime64) -> int:
    return int((other - first).astype(np.int64))


def _between(value: float, low: float, high: float, where: str) -> None:
    if not low <= value <= high:  # NaN is not, either
        raise InputError(
            f"{value} is out of range", where=where, fix=f"choose a value from {low:,} to {high:,}".replace(".0 ", " ")
        )
