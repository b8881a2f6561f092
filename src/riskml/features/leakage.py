"""What in a panel may know the future, or the outcome itself: heuristics, each stated as a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.data.suspicion import LEAK_AUC, identifier_reason, solo_auc
from riskml.features.coverage import Coverage
from riskml.panel_config import PanelConfig
from riskml.validation import auc, psi_test
from riskml.validation.stability import ACT

Severity = Literal["act", "watch", "info"]

WATCH_AUC = 0.90
"""A single column that ranks the outcome better than this is worth a look; above `LEAK_AUC` it is suspected."""
ORDER_AUC = (0.60, 0.75)
"""A number or a place that ranks the outcome better than this is to be watched, or acted on."""
REDEFINED_PSI = 1.0
"""No season moves a column so far from one as-of date to the next: what it means has changed."""
_MISSING = 0.25  # share of missing values that comes or goes from one date to the next
_LEVEL = 0.01  # share of rows of a level that appears or vanishes
_RATE = (1.5, 3.0)  # times the event rate of the date before
_CHANCE = 4.0  # standard errors within which nothing is told from chance
_LATE = 0.05  # share of records
_FEW = 20  # events, and others, below which a date is not judged by its outcome
_ROWS = (2_000, 20_000, 200_000)  # that are looked at: at the least and at the most of one date, and of all together
_NOT_FEATURES = ("row", "customer", "as_of", "outcome")

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Finding:
    """A line of the report.

    Parameters
    ----------
    check : str
        What was looked for.
    column : str
        The column, or the table.
    finding : str
        What was found, and what it means.
    severity : str
        "act": do not trust a model before this is understood; "watch": it may be so; "info": as it should be, or
        cannot be told.
    figure : float
        The figure that decides.
    """

    check: str
    column: str
    finding: str
    severity: Severity
    figure: float


@dataclass(frozen=True)
class Dates:
    """A panel's rows by as-of date, and a bounded sample of them.

    Parameters
    ----------
    days : tuple of Timestamp
        In order.
    rows : tuple of array
        Places of all rows of each date, in the frame's order.
    sample : tuple of array
        Places of the rows that columns are compared on.
    judged : tuple of array
        Places of the rows on which columns rank the outcome, events before others; empty where there are too few. How
        many of each are drawn does not matter to an AUC.
    """

    days: tuple[pd.Timestamp, ...]
    rows: tuple[Rows, ...]
    sample: tuple[Rows, ...]
    judged: tuple[Rows, ...]


def leakage_report(
    frame: pd.DataFrame, panel: PanelConfig, coverage: Coverage, *, part: pd.Series | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return what in a panel may know the future or the outcome, the gravest first.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
        ``customer``, ``as_of``, ``outcome`` (0 or 1) and features, in the order in which a model would be given them.
    panel : PanelConfig
    coverage : Coverage
        Records of each table by day.
    part : Series of shape (n,), optional
        "train" and other parts, by the index of ``frame``.
    seed : int, default 0
        Of large panels a sample is looked at: 200,000 rows, or 2,000 of each as-of date where that is more.

    Returns
    -------
    DataFrame
        ``check``, ``column``, ``finding``, ``severity`` ("act", "watch", "info"), ``figure``.
    """
    dates = _dates(frame, seed)
    found = [
        *recorded_later(panel, coverage),
        *targets_in_disguise(frame, dates),
        *order(frame, dates),
        *shared_customers(frame, panel, part),
        *drift(frame, dates),
    ]
    table = pd.DataFrame([vars(one) for one in found], columns=["check", "column", "finding", "severity", "figure"])
    rank = table["severity"].map({"act": 0, "watch": 1, "info": 2})
    return table.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)


def _dates(frame: pd.DataFrame, seed: int) -> Dates:
    stamps = pd.to_datetime(frame["as_of"])
    codes, days = pd.factorize(stamps, sort=True)
    rows = tuple(np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(days)))[:-1]))
    most = int(np.clip(_ROWS[2] // max(len(days), 1), *_ROWS[:2]))
    event = frame["outcome"].to_numpy() == 1
    draw = np.random.default_rng(seed)

    def some(places: Rows, most: int) -> Rows:
        return places if len(places) <= most else np.sort(draw.choice(places, most, replace=False))

    def judged(places: Rows) -> Rows:
        events, others = places[event[places]], places[~event[places]]
        if min(len(events), len(others)) < _FEW:
            return places[:0]
        few = some(events, most // 2)
        return np.concatenate([few, some(others, most - len(few))])

    return Dates(tuple(days), rows, tuple(some(one, most) for one in rows), tuple(judged(one) for one in rows))


# -- the checks


def recorded_later(panel: PanelConfig, coverage: Coverage) -> Iterator[Finding]:
    """Yield of each table how much of it was recorded after the fact, or that it cannot be told."""
    check, shortest, longest = "recorded after the fact", panel.windows[0], panel.windows[-1]
    for name, table in panel.tables.items():
        if table.recorded is None:
            said = "cannot be told: it has no column of when records became known; what is corrected later leaks"
            yield Finding(check, name, said, "info", float("nan"))
            continue
        share, delay = coverage.lateness(name)
        said = f"{share:.1%} of the records were recorded later, {delay:.0f} days in the mean; they count from then on"
        if share > _LATE and delay > longest:
            after = f"longer than the window of {longest} days: the stamps may be those of a load, not of the knowledge"
            yield Finding(check, name, f"{said}; {after}", "act" if share > 0.5 else "watch", delay)
        else:
            yield Finding(check, name, said, "watch" if share > _LATE and delay > shortest else "info", delay)


def targets_in_disguise(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield the columns that alone rank the outcome too well at an as-of date, by `solo_auc`."""
    named = {day: rows for day, rows in zip(dates.days, dates.judged, strict=True) if len(rows)}
    outcomes = {day: frame["outcome"].iloc[rows] for day, rows in named.items()}
    for column in _features(frame):
        values = frame[column]
        aucs = {day: solo_auc(values.iloc[rows], outcomes[day], most_rows=_ROWS[1]) for day, rows in named.items()}
        beyond = {day: value for day, value in aucs.items() if value > WATCH_AUC}
        if beyond:
            day, worst = max(beyond.items(), key=lambda one: one[1])
            where = f"{len(beyond)} of {len(aucs)} as-of dates" if len(aucs) > 1 else "its as-of date"
            said = (
                f"alone it ranks the outcome with an AUC of {worst:.3f} on {_day(day)}, over {WATCH_AUC:g} at {where}"
            )
            means = ": it may be the outcome itself, or be filled in after it"
            yield Finding("target in disguise", column, said + means, "act" if worst > LEAK_AUC else "watch", worst)


def order(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield columns that number customers, and whether their number or the rows' order tells the outcome or time."""
    check, largest = "order", max(dates.sample, key=len)
    for column in _features(frame):
        reason = identifier_reason(frame[column].iloc[largest])
        if reason:
            yield Finding(check, column, f"it names customers rather than describing them: {reason}", "act", 1.0)
    number = _numbers(frame["customer"])
    if number is not None and not np.isnan(number).any():
        yield from _ranks("customer", "the customer's number", number, frame, dates)
        yield from _seen_in_order(number, frame)
    place = np.arange(len(frame), dtype=np.float64)
    if number is None or not all(_sorted(number[rows]) for rows in dates.rows):
        yield from _ranks("(rows)", "the order of the rows", place, frame, dates)


def shared_customers(frame: pd.DataFrame, panel: PanelConfig, part: pd.Series | None) -> Iterator[Finding]:
    """Yield rows that are there twice, and what training and the other parts share: customers and time."""
    check = "train and test"
    twice = int(frame.duplicated(["customer", "as_of"]).sum())
    if twice:
        said = f"{twice} rows have the customer and as-of date of another: they may stand in training and in test"
        yield Finding(check, "customer", said, "act", float(twice))
    if part is None:
        return
    stamps, parts = pd.to_datetime(frame["as_of"]), part.reindex(frame.index)
    train = (parts == "train").to_numpy()
    known = pd.Index(frame.loc[train, "customer"].unique())
    outcome = panel.outcome
    for name in [one for one in parts.dropna().unique() if one != "train"]:
        own = (parts == name).to_numpy()
        if not train.any():
            continue
        share = float(frame.loc[own, "customer"].isin(known).mean())
        said = f"{share:.1%} of the rows of {name} are of customers that training holds at other as-of dates"
        first, last = stamps[own].min(), stamps[train].max()
        if last < first:
            means = "later in time, as in use: it judges known customers at a later date, and new ones by the rest"
            yield Finding(check, name, f"{said}; {means}", "info", share)
            whole = last + pd.Timedelta(days=outcome.gap + outcome.days)
            if whole > first:
                said = (
                    f"the outcomes of training reach to {_day(whole)}, past the first date of {name}, {_day(first)}: "
                    "no model could have learnt from them by then; leave the last dates of training out"
                )
                yield Finding(check, name, said, "watch", float((whole - first).days))
        elif share:
            means = (
                "their windows and outcomes overlap, and the result looks better than it is; split by customer or time"
            )
            yield Finding(check, name, f"{said}: {means}", "act", share)


def drift(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield what changes from one as-of date to the next by more than a season: values, levels, the event rate."""
    yield from _event_rates(frame, dates)
    for column in _features(frame):
        values = frame[column]
        numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
        samples = [values.iloc[rows] for rows in dates.sample]
        missing = np.array([one.isna().mean() for one in samples])
        yield from _missing(column, missing, dates)
        levels = [] if numeric else list(_levels(column, samples, dates))
        yield from levels or _shifts(column, [one.dropna() for one in samples], dates)


# -- their parts


def _features(frame: pd.DataFrame) -> list[str]:
    return [str(column) for column in frame.columns if column not in _NOT_FEATURES]


def _day(stamp: Any) -> str:
    return str(pd.Timestamp(stamp).date())


def _numbers(customer: pd.Series) -> NDArray[np.float64] | None:
    """Return customers' numbers: their own, or the digits that their names end with, where all do."""
    if pd.api.types.is_numeric_dtype(customer.dtype):
        return customer.to_numpy(dtype=np.float64, na_value=np.nan)
    codes, names = pd.factorize(customer)
    digits = pd.Series(names, dtype="str").str.extract(r"(\d{1,15})$", expand=False)
    return None if digits.isna().any() else digits.to_numpy(dtype=np.float64)[codes]


def _sorted(values: NDArray[np.float64]) -> bool:
    steps = np.diff(values)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _ranks(column: str, name: str, number: NDArray[np.float64], frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield whether a number ranks the outcome within an as-of date, high or low, beyond chance."""
    outcome = frame["outcome"].to_numpy()
    worst, at = 0.5, dates.days[0]
    for day, rows in zip(dates.days, dates.judged, strict=True):
        if not len(rows):
            continue
        events = int((outcome[rows] == 1).sum())
        others = len(rows) - events
        value = auc(outcome[rows], number[rows])
        # Of a ranking by chance: Hanley and McNeil (1982).
        error = np.sqrt((events + others + 1) / (12 * events * others))
        if abs(value - 0.5) > max(_CHANCE * error, worst - 0.5):
            worst, at = max(value, 1 - value), day
    if worst > ORDER_AUC[0]:
        means = "never make a feature of it, and find out who ordered it how"
        said = f"{name} ranks the outcome with an AUC of {worst:.3f} on {_day(at)}: {means}"
        yield Finding("order", column, said, "act" if worst > ORDER_AUC[1] else "watch", worst)


def _seen_in_order(number: NDArray[np.float64], frame: pd.DataFrame) -> Iterator[Finding]:
    seen = pd.DataFrame({"number": number, "as_of": pd.to_datetime(frame["as_of"])})
    first = seen.groupby("number")["as_of"].min().rank().reset_index()
    if first["as_of"].nunique() < 2:
        return
    rho = float(first["number"].rank().corr(first["as_of"]))
    if abs(rho) > 0.5:
        said = f"the customer's number tells when a customer was first seen (Spearman {rho:.2f}): it stands for time"
        yield Finding("order", "customer", said, "info", rho)


def _event_rates(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    outcome = frame["outcome"].to_numpy(dtype=np.float64)
    size = np.array([len(rows) for rows in dates.rows], dtype=np.float64)
    events = np.array([outcome[rows].sum() for rows in dates.rows])
    for now in range(1, len(size)):
        before = now - 1
        pooled = (events[now] + events[before]) / (size[now] + size[before])
        error = np.sqrt(pooled * (1 - pooled) * (1 / size[now] + 1 / size[before]))
        rates = events[before] / size[before], events[now] / size[now]
        if error == 0 or abs(rates[1] - rates[0]) < _CHANCE * error:
            continue
        times = max(rates) / min(rates) if min(rates) else float("inf")
        if times > _RATE[0]:
            said = (
                f"the event rate goes from {rates[0]:.2%} to {rates[1]:.2%} on {_day(dates.days[now])}: "
                "does the outcome's table hold all of it, and mean the same?"
            )
            yield Finding("drifting definition", "outcome", said, "act" if times > _RATE[1] else "watch", times)


def _missing(column: str, missing: NDArray[np.float64], dates: Dates) -> Iterator[Finding]:
    if len(missing) < 2:
        return
    steps = np.diff(missing)
    now = int(np.abs(steps).argmax()) + 1
    if abs(steps[now - 1]) > _MISSING:
        before, after = missing[now - 1], missing[now]
        said = f"missing goes from {before:.0%} to {after:.0%} on {_day(dates.days[now])}"
        more = int((np.abs(steps) > _MISSING).sum()) - 1
        whole = min(before, after) < 0.05 and max(before, after) > 0.95
        said += f", and jumps at {more} other dates" if more else ""
        yield Finding("drifting definition", column, said, "act" if whole else "watch", float(abs(steps[now - 1])))


def _shifts(column: str, samples: list[pd.Series], dates: Dates) -> Iterator[Finding]:
    """Yield the largest PSI of known values between two dates that follow each other."""
    shifts = {}
    for now in range(1, len(samples)):
        before, after = samples[now - 1], samples[now]
        if min(len(before), len(after)) >= _FEW:
            test = psi_test(before, after)
            if test.verdict == "act":
                shifts[dates.days[now]] = test.psi
    if shifts:
        day, worst = max(shifts.items(), key=lambda one: one[1])
        said = f"PSI {worst:.2f} on {_day(day)} against the date before, over {ACT:g} at {len(shifts)} dates"
        ages = len(shifts) > max(1, (len(samples) - 1) / 2)
        means = ": a season, or another definition?"
        if ages:
            means = ": it tells the date, as an age does in a book to which nobody is added"
        elif worst > REDEFINED_PSI:
            means = ": its unit or its meaning changes"
        severity: Severity = "act" if worst > REDEFINED_PSI and not ages else "watch"
        yield Finding("drifting definition", column, said + means, severity, worst)


def _levels(column: str, samples: list[pd.Series], dates: Dates) -> Iterator[Finding]:
    """Yield the largest level that appears or vanishes between two dates."""
    shares: list[Mapping[Any, float]] = [dict(one.value_counts(normalize=True)) for one in samples]
    largest: Finding | None = None
    others = -1
    for now in range(1, len(shares)):
        before, after = shares[now - 1], shares[now]
        for level, share, absent, said in (
            *((level, share, before, "appears") for level, share in after.items()),
            *((level, share, after, "vanishes") for level, share in before.items()),
        ):
            if share < _LEVEL or level in absent or not before or not after:
                continue
            others += 1
            if largest is None or share > largest.figure:
                told = f"the level {level!r} ({share:.0%} of the rows) {said} on {_day(dates.days[now])}"
                largest = Finding("drifting definition", column, told, "watch", float(share))
    if largest is not None:
        yield replace(largest, finding=largest.finding + (f", and {others} more levels" if others else ""))
