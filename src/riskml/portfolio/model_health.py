"""What monitoring says of the model that a book is managed with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from riskml.errors import InputError
from riskml.io import read_json
from riskml.runs.months import MONITORING, MonthStore

_FOLDER = "monitoring"
_NEEDED = ("severity", "what", "next_step")


@dataclass(frozen=True)
class Health:
    """A monitored month, in a few words.

    Parameters
    ----------
    as_of : str
        Its day.
    next_step : str
        What it calls for: repair, retrain, recalibrate, watch or none.
    findings : tuple of mapping
        ``severity``, ``what``, ``next_step``, and ``what_zh`` where there is one.
    """

    as_of: str
    next_step: str
    findings: tuple[Mapping[str, str], ...]


def read_health(file: Path) -> Health:
    """Read a ``monitoring.json``."""
    try:
        said = read_json(file)
        found = tuple(
            {name: str(one[name]) for name in (*_NEEDED, *({"what_zh"} & set(one)))} for one in said["findings"]
        )
        return Health(str(said.get("as_of", "")), str(said.get("next_step", "")), found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"it holds no findings of a monitoring: {error!r}", where=str(file), fix="name a monitoring.json"
        ) from None


def health_of(model: Path, as_of: dt.date) -> Health | None:
    """Return what the newest month of a run says, up to a day; None where the model is no run, or was not monitored."""
    if not (model / "run.json").is_file():
        return None
    month = MonthStore(model / _FOLDER, MONITORING).newest(upto=as_of)
    return None if month is None else read_health(month.folder / MONITORING)
