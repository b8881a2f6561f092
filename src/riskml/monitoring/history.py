"""The months of a model side by side: figures by date, so that a trend is seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import pandas as pd

from riskml.runs.months import StoredMonth

PREFIX = "monitor."
Figures = Mapping[dt.date, Mapping[str, float]]


def of_months(done: Iterable[StoredMonth]) -> dict[dt.date, dict[str, float]]:
    """Return the figures of the months that are on disk."""
    return {month.as_of: dict(month.state["metrics"]) for month in done}


def history(*sources: Figures) -> pd.DataFrame:
    """Return the figures of all months, the earliest first; of a date that several know, the last one counts."""
    found: dict[dt.date, Mapping[str, float]] = {}
    for source in sources:
        found |= source
    rows = {day: {name.removeprefix(PREFIX): value for name, value in found[day].items()} for day in sorted(found)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="as_of")
