"""The folder of a managed book: one folder for each as-of date, whole or not there, and the alerts of all."""

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

STATE, ALERTS = "month.json", "alerts.db"


@dataclass(frozen=True)
class StoredMonth:
    """An as-of date that is done.

    Parameters
    ----------
    state : dict
        ``as_of``, ``digest``, ``model``, ``policy`` and counts: what ``month.json`` holds.
    """

    folder: Path
    state: dict[str, Any]

    @property
    def as_of(self) -> dt.date:
        """The day the book is of."""
        return dt.date.fromisoformat(self.state["as_of"])

    def read(self, name: str) -> pd.DataFrame:
        """Return a table of the month: ``scores``, ``actions``, ``left_out``."""
        return pd.read_parquet(self.folder / f"{name}.parquet")


def months(folder: Path) -> list[StoredMonth]:
    """Return the as-of dates of a managed book, the earliest first.

    Raises
    ------
    InputError
        When a month's state cannot be read.
    """
    found = []
    for path in sorted(folder.glob(f"????-??-??/{STATE}")):
        try:
            found.append(StoredMonth(path.parent, read_json(path)))
        except (OSError, ValueError) as error:
            raise InputError(f"the state of a month cannot be read: {error}", where=str(path)) from None
    return found


def before(folder: Path, as_of: dt.date) -> StoredMonth | None:
    """Return the last month before an as-of date; refuse a date before the last one that is done."""
    done = months(folder)
    if done and done[-1].as_of > as_of:
        raise InputError(
            f"the as-of date {as_of} lies before {done[-1].as_of}, which is done",
            where=str(folder),
            fix="manage months in order; use another folder to look back",
        )
    earlier = [month for month in done if month.as_of < as_of]
    return earlier[-1] if earlier else None


def done_already(folder: Path, as_of: dt.date, digest: str) -> StoredMonth | None:
    """Return the month of an as-of date if it is done from the same inputs, None if it is not done."""
    found = next((month for month in months(folder) if month.as_of == as_of), None)
    if found is not None and found.state["digest"] != digest:
        raise InputError(
            f"the as-of date {as_of} was done with another book, model, policy or rules",
            where=str(found.folder),
            fix="its actions are out already: give corrections with the next as-of date, or take another folder",
        )
    return found


def write_month(folder: Path, state: dict[str, Any], write: Callable[[Path], None]) -> StoredMonth:
    """Write an as-of date's folder, which appears when it is whole."""
    place = folder / state["as_of"]
    temporary = folder / f".{state['as_of']}.{os.getpid()}.part"
    for left in folder.glob(f".{state['as_of']}.*.part"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        write(temporary)
        write_json(temporary / STATE, state)
        temporary.rename(place)
    except OSError as error:
        raise InputError(f"the month cannot be written: {error.strerror or error}", where=str(place)) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return StoredMonth(place, state)
