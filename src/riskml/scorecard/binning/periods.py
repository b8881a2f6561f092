"""Periods: months, quarters or years in each of which a trend must hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.errors import DataError
from riskml.runtime.frame import level
from riskml.runtime.shapes import Levels, Step
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.counts import Counts, LevelCounts, NumericCounts

ENOUGH = 50  # events, and non-events, in a period that is made from dates
_MOST = 60
_CALENDAR = ("M", "Q", "Y")
_DAY = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}\S*(?: ?[+-]\d{2}:?\d{2})?)?$"


def one_for_each(periods: Any, rows: int) -> pd.Series:
    """Return the periods as a Series, one for each row."""
    # Of a Series the values alone count; an array would lose the zone of dates.
    series = periods.reset_index(drop=True) if isinstance(periods, pd.Series) else pd.Series(_flat(periods))
    if len(series) != rows or series.isna().any():
        raise DataError(
            f"periods must give one period for each of the {rows} rows; got {len(series)}",
            where=f"periods ({int(series.isna().sum())} of them blank)",
        )
    return series


def _flat(periods: Any) -> Any:
    return periods if isinstance(periods, pd.Index) else np.atleast_1d(np.asarray(periods)).ravel()


def period_codes(periods: Any, event: NDArray[Any]) -> tuple[NDArray[np.intp], list[str]]:
    """Return the period of each row as a number, and the periods' names in order."""
    series = _as_dates(one_for_each(periods, len(event)))
    if series.dtype.kind == "M":
        series = _calendar(series, event)
    codes, names = pd.factorize(series, sort=True)
    counts = np.bincount(2 * codes + event, minlength=2 * len(names)).reshape(-1, 2)
    check_periods([level(name) for name in names], counts)
    return np.asarray(codes, dtype=np.intp), [level(name) for name in names]


def check_periods(names: Sequence[str], counts: NDArray[Any]) -> None:
    """Refuse periods that are too many, or one without events or non-events."""
    if len(names) > _MOST:
        raise DataError(
            f"{len(names)} different periods: a trend cannot be asked of so many",
            where="periods",
            fix="hand in months, quarters or years, or dates (datetime64)",
        )
    if len(names) > 1 and not counts.all():
        first = int(np.flatnonzero(~counts.all(axis=1))[0])
        raise DataError(
            f"period {names[first]!r} has {counts[first, 1]:g} events and {counts[first, 0]:g} non-events",
            where="periods",
            fix="use longer periods: a trend needs both in each",
        )


def _as_dates(series: pd.Series) -> pd.Series:
    """Return dates of whatever spelling as timestamps without a zone, and labels as they are."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        days = _as_dates(series.astype(series.cat.categories.dtype))
        return days if days.dtype.kind == "M" else series
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return pd.Series(series.dt.tz_localize(None))
    if isinstance(series.dtype, pd.ArrowDtype) and series.dtype.kind == "M":
        series = series.astype(object)  # Arrow's dates have no calendar periods
    kind = pd.api.types.infer_dtype(series)
    if kind in ("date", "datetime"):
        # Zones may differ from row to row; the day is what counts.
        return pd.to_datetime(pd.Series([date.replace(tzinfo=None) if kind == "datetime" else date for date in series]))
    if kind == "string":
        # The day is what counts here too, whatever time and zone follow it.
        days = pd.to_datetime(
            series.astype(str).where(series.str.match(_DAY)).str[:10], format="%Y-%m-%d", errors="coerce"
        )
        return days if days.notna().all() else series
    return series


def _calendar(dates: pd.Series, event: NDArray[Any]) -> pd.Series:
    for frequency in _CALENDAR:
        periods = dates.dt.to_period(frequency).astype(str)
        codes = pd.factorize(periods)[0]
        if np.bincount(2 * codes + event, minlength=2 * (codes.max() + 1)).min() >= ENOUGH:
            return pd.Series(periods)
    return pd.Series("all", index=dates.index)


def by_period(bins: ColumnBins, counts: Counts, parts: Sequence[Counts], names: Sequence[str]) -> pd.DataFrame:
    """Return a column's bins in each period."""
    if isinstance(counts, NumericCounts) and isinstance(bins.shape, Step):
        slot = np.searchsorted(bins.shape.splits, [-np.inf, *counts.edges], side="right")
    elif isinstance(counts, LevelCounts) and isinstance(bins.shape, Levels):
        slot = np.array([bins.shape.levels[name] for name in counts.levels], dtype=np.intp)
    count, sums = len(names), np.zeros((bins.regular, len(names), 2))
    for number, part in enumerate(parts):
        np.add.at(sums[:, number], slot, part.counts)
    rows = sums.sum(axis=2)
    with np.errstate(invalid="ignore"):
        rate = sums[:, :, 1] / rows
    table = pd.DataFrame(
        {
            "column": bins.column,
            "bin": np.repeat(bins.labels[: bins.regular], count),
            "period": np.tile(names, bins.regular),
            "count": rows.ravel(),
            "event": sums[:, :, 1].ravel(),
            "event_rate": rate.ravel(),
        }
    )
    return table[table["count"] > 0].reset_index(drop=True)


def no_periods() -> pd.DataFrame:
    """Return the table of no periods."""
    return pd.DataFrame(columns=["column", "bin", "period", "count", "event", "event_rate"])
