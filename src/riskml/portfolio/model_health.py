"""Model health: the findings of monitoring, for the risk committee report."""

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
    """Findings of a monitored month."""

    as_of: str
    next_step: str  # repair, retrain, recalibrate, watch or none
    findings: tuple[Mapping[str, str], ...]  # ``severity``, ``what``, ``next_step``, and ``what_zh`` if there is one


def read_health(file: Path) -> Health:
    """Read a ``monitoring.json``."""
    try:
        state = read_json(file)
        findings = tuple(
            {name: str(finding[name]) for name in (*_NEEDED, *({"what_zh"} & set(finding)))}
            for finding in state["findings"]
        )
        return Health(str(state.get("as_of", "")), str(state.get("next_step", "")), findings)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the file has no findings of monitoring: {error!r}", where=str(file), fix="name a monitoring.json"
        ) from None


def health_of(model: Path, as_of: dt.date) -> Health | None:
    """Return the findings of a run's newest month up to a date; None for another model, or one never monitored."""
    if not (model / "run.json").is_file():
        return None
    month = MonthStore(model / _FOLDER, MONITORING).newest(upto=as_of)
    return None if month is None else read_health(month.folder / MONITORING)
