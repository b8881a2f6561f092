"""Leakage report of a panel: rules for columns and rows that may know the future or the outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.config.panel import PanelConfig
from riskml.data.leakage_hints import LEAK_AUC, identifier_reason, solo_auc
from riskml.features.catalog import Against, Change, catalog
from riskml.features.coverage import Coverage
from riskml.features.definition_drift import drift
from riskml.features.findings import CHANCE, ROWS, Dates, Finding, by_date, feature_names, written
from riskml.metrics import auc

WATCH_AUC = 0.90
"""A single column that ranks the outcome better than this is watched; above `LEAK_AUC` it is suspected."""
ORDER_AUC = (0.60, 0.75)
"""AUC of a customer's number, or of the order of rows, above which it is watched or acted on."""
_LATE = 0.05  # share of records


def leakage_report(
    frame: pd.DataFrame, panel: PanelConfig, coverage: Coverage, *, part: pd.Series | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return findings that a panel may know the future or the outcome, the most severe first.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
        ``customer``, ``as_of``, ``outcome`` (0 or 1) and features, in the order of the training table.
    coverage : Coverage
        Records of each table by day.
    part : Series of shape (n,), optional
        "train" and other parts, by the index of ``frame``.
    seed : int, default 0
        Seed of the sample of a large panel: 200,000 rows, or 2,000 of each as-of date where that is more.

    Returns
    -------
    DataFrame
        ``check``, ``column``, ``finding``, ``severity`` ("act", "watch", "info"), ``figure``.
    """
    dates = by_date(frame, seed)
    findings = [
        *recorded_later(panel, coverage),
        *targets_in_disguise(frame, dates),
        *order(frame, dates),
        *shared_customers(frame, panel, part),
        *drift(frame, dates, _complete_from(panel, coverage)),
    ]
    columns = ["check", "column", "finding", "severity", "figure"]
    table = pd.DataFrame([vars(finding) for finding in findings], columns=columns)
    rank = table["severity"].map({"act": 0, "watch": 1, "info": 2})
    return table.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)


# -- the checks


def recorded_later(panel: PanelConfig, coverage: Coverage) -> Iterator[Finding]:
    """Yield the share of each table's records that were recorded later than they happened."""
    check, shortest, longest = "recorded after the fact", panel.windows[0], panel.windows[-1]
    for name, table in panel.tables.items():
        if table.recorded is None:
            what = "unknown: the table has no column recorded; records that were corrected later leak"
            yield Finding(check, name, what, "info", float("nan"))
            continue
        share, delay = coverage.lateness(name)
        what = f"{share:.1%} of the records were recorded later, by {delay:.0f} days on average, and count from then on"
        if share > _LATE and delay > longest:
            after = f"longer than the window of {longest} days: recorded may be the time of a data load"
            yield Finding(check, name, f"{what}; {after}", "act" if share > 0.5 else "watch", delay)
        else:
            yield Finding(check, name, what, "watch" if share > _LATE and delay > shortest else "info", delay)


def targets_in_disguise(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield the columns that alone rank the outcome too well at an as-of date, by `solo_auc`."""
    rows_of_day = {day: rows for day, rows in zip(dates.days, dates.ranked, strict=True) if len(rows)}
    outcomes = {day: frame["outcome"].iloc[rows] for day, rows in rows_of_day.items()}
    for column in feature_names(frame):
        values = frame[column]
        aucs = {day: solo_auc(values.iloc[rows], outcomes[day], most_rows=ROWS[1]) for day, rows in rows_of_day.items()}
        beyond = {day: value for day, value in aucs.items() if value > WATCH_AUC}
        if beyond:
            day, worst = max(beyond.items(), key=lambda one: one[1])
            what = (
                f"alone it ranks the outcome with an AUC of {worst:.3f} on {written(day)}, "
                f"over {WATCH_AUC:g} at {len(beyond)} of {len(aucs)} as-of dates"
            )
            means = ": it may be the outcome itself, or be filled in after the event"
            yield Finding("target in disguise", column, what + means, "act" if worst > LEAK_AUC else "watch", worst)


def order(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield columns that identify customers, and whether their number or the rows' order predicts outcome or time."""
    check, largest = "order", max(dates.sample, key=len)
    for column in feature_names(frame):
        reason = identifier_reason(frame[column].iloc[largest])
        if reason:
            yield Finding(check, column, f"it seems to identify customers: {reason}", "act", 1.0)
    number = _numbers(frame["customer"])
    if number is not None and not np.isnan(number).any():
        yield from _ranks("customer", "the customer's number", number, frame, dates)
        yield from _seen_in_order(number, frame)
    position = np.arange(len(frame), dtype=np.float64)
    if number is None or not all(_sorted(number[rows]) for rows in dates.rows):
        yield from _ranks("(rows)", "the order of the rows", position, frame, dates)


def shared_customers(frame: pd.DataFrame, panel: PanelConfig, part: pd.Series | None) -> Iterator[Finding]:
    """Yield duplicate rows, and the customers and time that training shares with the other parts."""
    check = "train and test"
    duplicates = int(frame.duplicated(["customer", "as_of"]).sum())
    if duplicates:
        what = f"{duplicates} rows repeat the customer and as-of date of another: they may be in training and in test"
        yield Finding(check, "customer", what, "act", float(duplicates))
    if part is None:
        return
    stamps, parts = pd.to_datetime(frame["as_of"]), part.reindex(frame.index)
    train = (parts == "train").to_numpy()
    known = pd.Index(frame.loc[train, "customer"].unique())
    outcome = panel.outcome
    for name in [one for one in parts.dropna().unique() if one != "train"]:
        of_part = (parts == name).to_numpy()
        if not train.any():
            continue
        share = float(frame.loc[of_part, "customer"].isin(known).mean())
        what = f"{share:.1%} of the rows of {name} are of customers who are in training at other as-of dates"
        first, last = stamps[of_part].min(), stamps[train].max()
        if last < first:
            means = "later in time, as in use: known customers at a later date, and new ones"
            yield Finding(check, name, f"{what}; {means}", "info", share)
            known_on = last + pd.Timedelta(days=outcome.gap + outcome.days)
            if known_on > first:
                what = (
                    f"the outcomes of training reach to {written(known_on)}, past the first date of {name}, "
                    f"{written(first)}: no model could have used them by then; omit the last dates of training"
                )
                yield Finding(check, name, what, "watch", float((known_on - first).days))
        elif share:
            means = "their windows and outcomes overlap, so the result is too good; split by customer or time"
            yield Finding(check, name, f"{what}: {means}", "act", share)


# -- parts of the checks


def _complete_from(panel: PanelConfig, coverage: Coverage) -> dict[str, pd.Timestamp]:
    """Return for each column the day from which its window lies within its table."""
    listed = catalog(panel)
    reach = {one.name: one.days * (2 if one.feature.doubled else 1) for one in listed.columns}
    reach |= {one.name: reach[one.long.name] for one in listed.changes if isinstance(one, Change)}
    reach |= {one.name: reach[one.spending.name] for one in listed.changes if isinstance(one, Against)}
    begins = {name: pd.Timestamp(0) + pd.Timedelta(days=coverage.first(name)) for name in panel.tables}
    return {one.name: begins[one.table] + pd.Timedelta(days=reach[one.name]) for one in listed.computed}


def _numbers(customer: pd.Series) -> NDArray[np.float64] | None:
    """Return the customers' numbers, or the digits at the end of their names where all have some."""
    if pd.api.types.is_numeric_dtype(customer.dtype):
        return customer.to_numpy(dtype=np.float64, na_value=np.nan)
    codes, names = pd.factorize(customer)
    digits = pd.Series(names, dtype="str").str.extract(r"(\d{1,15})$", expand=False)
    return None if digits.isna().any() else digits.to_numpy(dtype=np.float64)[codes]


def _sorted(values: NDArray[np.float64]) -> bool:
    steps = np.diff(values)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _ranks(column: str, name: str, number: NDArray[np.float64], frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield whether a number ranks the outcome within an as-of date, in either direction, beyond chance."""
    outcome = frame["outcome"].to_numpy()
    worst, at = 0.5, dates.days[0]
    for day, rows in zip(dates.days, dates.ranked, strict=True):
        if not len(rows):
            continue
        events = int((outcome[rows] == 1).sum())
        others = len(rows) - events
        value = auc(outcome[rows], number[rows])
        # Standard error of a random ranking: Hanley and McNeil (1982).
        error = np.sqrt((events + others + 1) / (12 * events * others))
        if abs(value - 0.5) > max(CHANCE * error, worst - 0.5):
            worst, at = max(value, 1 - value), day
    if worst > ORDER_AUC[0]:
        means = "do not use it as a feature, and find out how it was assigned"
        what = f"{name} ranks the outcome with an AUC of {worst:.3f} on {written(at)}: {means}"
        yield Finding("order", column, what, "act" if worst > ORDER_AUC[1] else "watch", worst)


def _seen_in_order(number: NDArray[np.float64], frame: pd.DataFrame) -> Iterator[Finding]:
    seen = pd.DataFrame({"number": number, "as_of": pd.to_datetime(frame["as_of"])})
    first = seen.groupby("number")["as_of"].min().rank().reset_index()
    if first["as_of"].nunique() < 2:
        return
    rho = float(first["number"].rank().corr(first["as_of"]))
    if abs(rho) > 0.5:
        what = f"the customer's number shows when a customer was first seen (Spearman {rho:.2f}): a proxy of time"
        yield Finding("order", "customer", what, "info", rho)
