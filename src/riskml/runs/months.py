"""Store of months: one folder per date, written whole or not at all, with a JSON file of its state."""

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

MONITORING, PORTFOLIO = "monitoring.json", "month.json"
"""The state files of `riskml monitor` and of `riskml manage`."""


@dataclass(frozen=True)
class StoredMonth:
    """A month that is complete on disk."""

    folder: Path
    state: dict[str, Any]  # content of the state file
    state_file: str

    @property
    def as_of(self) -> dt.date:
        """The date of the month."""
        return dt.date.fromisoformat(self.state["as_of"])

    def update(self, **changes: Any) -> StoredMonth:
        """Write changed entries to the state file."""
        state = self.state | changes
        write_json(self.folder / self.state_file, state)
        return StoredMonth(self.folder, state, self.state_file)

    def read(self, name: str) -> pd.DataFrame:
        """Read a Parquet table of the month, such as ``scores`` or ``customers``."""
        file = self.folder / f"{name}.parquet"
        if not file.is_file():
            raise InputError(f"the month has no table {name!r}", where=str(self.folder))
        return pd.read_parquet(file)


@dataclass(frozen=True)
class MonthStore:
    """Folder of months, each with the same kind of state file."""

    folder: Path
    state_file: str

    def months(self, upto: dt.date | None = None) -> list[StoredMonth]:
        """Return the months, earliest first, up to and including a date."""
        months = [self.open(path.parent) for path in sorted(self.folder.glob(f"????-??-??/{self.state_file}"))]
        return [month for month in months if upto is None or month.as_of <= upto]

    def newest(self, upto: dt.date | None = None) -> StoredMonth | None:
        """Return the last month, up to and including a date."""
        months = self.months(upto)
        return months[-1] if months else None

    def open(self, folder: Path) -> StoredMonth:
        """Open the folder of one month.

        Raises
        ------
        InputError
            When it is not the folder of a month, or its state cannot be read.
        """
        file = folder / self.state_file
        try:
            state = read_json(file)
            dt.date.fromisoformat(state["as_of"])
        except FileNotFoundError:
            command = "monitor" if self.state_file == MONITORING else "manage"
            raise InputError(
                f"not the folder of a month: it has no {self.state_file}",
                where=str(folder),
                fix=f"name a folder written by `riskml {command}`",
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"the state of a month cannot be read: {error!r}", where=str(file)) from None
        return StoredMonth(folder, state, self.state_file)

    def write(self, state: dict[str, Any], write_files: Callable[[Path], None], *, replace: bool) -> StoredMonth:
        """Write a month's folder, which appears once it is complete; with ``replace``, in place of an earlier one."""
        day = state["as_of"]
        target, temporary = self.folder / day, self.folder / f".{day}.{os.getpid()}.part"
        old = self.folder / f".{day}.old"
        for leftover in self.folder.glob(f".{day}.*.part"):  # of a process that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        try:
            temporary.mkdir(parents=True)
            write_files(temporary)
            write_json(temporary / self.state_file, state)
            shutil.rmtree(old, ignore_errors=True)
            if replace and target.exists():
                target.rename(old)
            temporary.rename(target)
        except OSError as error:
            raise InputError(f"the month cannot be written: {error.strerror or error}", where=str(target)) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
            elif old.exists():
                old.rename(target)
        return StoredMonth(target, state, self.state_file)
