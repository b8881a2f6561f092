"""The folder of a monitored model: one folder for each date, whole or not there."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.errors import InputError
from riskml.io import read_json, write_json

STATE, CUSTOMERS = "monitoring.json", "customers.parquet"


@dataclass(frozen=True)
class StoredReport:
    """A date that is done."""

    folder: Path
    state: dict[str, Any]  # what ``monitoring.json`` holds

    @property
    def as_of(self) -> dt.date:
        """The day that was monitored."""
        return dt.date.fromisoformat(self.state["as_of"])

    def update(self, **changes: Any) -> StoredReport:
        """Return the month with other entries in its ``monitoring.json``."""
        state = self.state | changes
        write_json(self.folder / STATE, state)
        return StoredReport(self.folder, state)

    def customers(self) -> pd.DataFrame:
        """Return its customers: ``probability``, ``tier`` and what else is known of them, by customer."""
        file = self.folder / CUSTOMERS
        if not file.is_file():
            raise InputError("the month holds no scored customers", where=str(self.folder))
        return pd.read_parquet(file)


def opened(folder: Path) -> StoredReport:
    """Open a monitored date."""
    try:
        state = read_json(folder / STATE)
        dt.date.fromisoformat(state["as_of"])
    except FileNotFoundError:
        raise InputError(
            f"this is no monitored month: it has no {STATE}", where=str(folder), fix="`riskml monitor` makes them"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the state of a month cannot be read: {error!r}", where=str(folder / STATE)) from None
    return StoredReport(folder, state)


def months(folder: Path) -> list[StoredReport]:
    """Return the dates that are done, the earliest first."""
    return [opened(path.parent) for path in sorted(folder.glob(f"????-??-??/{STATE}"))]


def newest(folder: Path, upto: dt.date | None = None) -> StoredReport | None:
    """Return the last date that is done, up to and with a day where one is given."""
    done = [month for month in months(folder) if upto is None or month.as_of <= upto]
    return done[-1] if done else None


def before(folder: Path, as_of: dt.date) -> StoredReport | None:
    """Return the last date before a day whose customers were scored, and go by a name."""
    done = [month for month in months(folder) if month.as_of < as_of and month.state["scored"] and month.state["named"]]
    return done[-1] if done else None


def write_month(folder: Path, state: dict[str, Any], write: Callable[[Path], None]) -> StoredReport:
    """Write a date's folder, which appears when it is whole, and takes the place of an earlier one of that date."""
    day = state["as_of"]
    place, temporary, old = folder / day, folder / f".{day}.{os.getpid()}.part", folder / f".{day}.old"
    for left in folder.glob(f".{day}.*.part"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        write(temporary)
        write_json(temporary / STATE, state)
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        temporary.rename(place)
    except OSError as error:
        raise InputError(f"the month cannot be written: {error.strerror or error}", where=str(place)) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)
        elif old.exists():
            old.rename(place)
    return StoredReport(place, state)
