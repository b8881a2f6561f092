"""Drift of definitions: changes from one as-of date to the next that are larger than seasonal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.features.findings import CHANCE, FEW, Dates, Finding, Severity, feature_names, written
from riskml.metrics import psi_test
from riskml.metrics.stability import ACT

REDEFINED_PSI = 1.0
"""PSI between consecutive as-of dates that no season explains: the column's meaning has changed."""
_MISSING = 0.25  # change of the share of missing values from one date to the next
_LEVEL = 0.01  # share of rows of a level that appears or disappears
_RATE = (1.5, 3.0)  # ratio of consecutive event rates: watch and act


def drift(frame: pd.DataFrame, dates: Dates, whole_from: Mapping[str, pd.Timestamp] | None = None) -> Iterator[Finding]:
    """Yield changes between consecutive as-of dates that are larger than seasonal: values, levels, event rate."""
    whole_from = whole_from or {}
    yield from _event_rates(frame, dates)
    for column in feature_names(frame):
        values = frame[column]
        numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
        samples = [values.iloc[rows] for rows in dates.sample]
        missing = np.array([one.isna().mean() for one in samples])
        yield from _missing(column, missing, dates, whole_from.get(column))
        levels = [] if numeric else list(_levels(column, samples, dates))
        yield from levels or _shifts(column, [one.dropna() for one in samples], dates, whole_from.get(column))


def _event_rates(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    outcome = frame["outcome"].to_numpy(dtype=np.float64)
    size = np.array([len(rows) for rows in dates.rows], dtype=np.float64)
    events = np.array([outcome[rows].sum() for rows in dates.rows])
    for now in range(1, len(size)):
        before = now - 1
        pooled = (events[now] + events[before]) / (size[now] + size[before])
        error = np.sqrt(pooled * (1 - pooled) * (1 / size[now] + 1 / size[before]))
        rates = events[before] / size[before], events[now] / size[now]
        if error == 0 or abs(rates[1] - rates[0]) < CHANCE * error:
            continue
        times = max(rates) / min(rates) if min(rates) else float("inf")
        if times > _RATE[0]:
            what = (
                f"the event rate goes from {rates[0]:.2%} to {rates[1]:.2%} on {written(dates.days[now])}: "
                "is the outcome's table complete, and its definition the same?"
            )
            yield Finding("drifting definition", "outcome", what, "act" if times > _RATE[1] else "watch", times)


def _missing(
    column: str, missing: NDArray[np.float64], dates: Dates, whole_from: pd.Timestamp | None
) -> Iterator[Finding]:
    if len(missing) < 2:
        return
    steps = np.diff(missing)
    now = int(np.abs(steps).argmax()) + 1
    if abs(steps[now - 1]) > _MISSING:
        before, after = missing[now - 1], missing[now]
        what = f"missing goes from {before:.0%} to {after:.0%} on {written(dates.days[now])}"
        more = int((np.abs(steps) > _MISSING).sum()) - 1
        what += f", and jumps at {_dates(more, 'other ')}" if more else ""
        short = whole_from is not None and dates.days[now - 1] < whole_from
        what += _incomplete_until(whole_from) if short else ""
        everywhere = min(before, after) < 0.05 and max(before, after) > 0.95
        severity: Severity = "act" if everywhere and not short else "watch"
        yield Finding("drifting definition", column, what, severity, float(abs(steps[now - 1])))


def _incomplete_until(whole_from: pd.Timestamp | None) -> str:
    return f": its table begins within its window until {written(whole_from)}"


def _dates(number: int, which: str = "") -> str:
    return f"{number} {which}date{'s' if number > 1 else ''}"


def _shifts(column: str, samples: list[pd.Series], dates: Dates, whole_from: pd.Timestamp | None) -> Iterator[Finding]:
    """Yield the largest PSI of known values between consecutive dates."""
    shifts: dict[pd.Timestamp, float] = {}
    short: dict[pd.Timestamp, float] = {}
    for now in range(1, len(samples)):
        before, after = samples[now - 1], samples[now]
        if min(len(before), len(after)) >= FEW:
            test = psi_test(before, after)
            if test.verdict == "act":
                (short if whole_from is not None and dates.days[now - 1] < whole_from else shifts)[dates.days[now]] = (
                    test.psi
                )
    moves = shifts or short
    if not moves:
        return
    day, worst = max(moves.items(), key=lambda one: one[1])
    what = f"PSI {worst:.2f} on {written(day)} against the date before, over {ACT:g} at {_dates(len(moves))}"
    follows_date = len(shifts) > max(1, (len(samples) - 1) / 2)
    means = ": a season, or another definition?"
    severity: Severity = "watch"
    if not shifts:
        means = _incomplete_until(whole_from)
    elif follows_date:
        means = ": it tells the date, as a market's index does, or the age of customers without new ones"
    elif worst > REDEFINED_PSI:
        means, severity = ": its unit or its meaning changes", "act"
    yield Finding("drifting definition", column, what + means, severity, worst)


def _levels(column: str, samples: list[pd.Series], dates: Dates) -> Iterator[Finding]:
    """Yield the largest level that appears or disappears between two dates."""
    shares: list[Mapping[Any, float]] = [dict(one.value_counts(normalize=True)) for one in samples]
    largest: Finding | None = None
    others = -1
    for now in range(1, len(shares)):
        before, after = shares[now - 1], shares[now]
        for level, share, absent, verb in (
            *((level, share, before, "appears") for level, share in after.items()),
            *((level, share, after, "disappears") for level, share in before.items()),
        ):
            if share < _LEVEL or level in absent or not before or not after:
                continue
            others += 1
            if largest is None or share > largest.figure:
                what = f"the level {level!r} ({share:.0%} of the rows) {verb} on {written(dates.days[now])}"
                largest = Finding("drifting definition", column, what, "watch", float(share))
    if largest is not None:
        yield replace(largest, finding=largest.finding + (f", and {others} more levels" if others else ""))
