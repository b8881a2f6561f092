"""What in a panel may know the future, or the outcome itself: heuristics, each stated as a rule."""

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
"""A single column that ranks the outcome better than this is worth a look; above `LEAK_AUC` it is suspected."""
ORDER_AUC = (0.60, 0.75)
"""A number or a place that ranks the outcome better than this is to be watched, or acted on."""
_LATE = 0.05  # share of records


def leakage_report(
    frame: pd.DataFrame, panel: PanelConfig, coverage: Coverage, *, part: pd.Series | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return what in a panel may know the future or the outcome, the gravest first.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
        ``customer``, ``as_of``, ``outcome`` (0 or 1) and features, in the order in which a model would be given them.
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
    dates = by_date(frame, seed)
    findings = [
        *recorded_later(panel, coverage),
        *targets_in_disguise(frame, dates),
        *order(frame, dates),
        *shared_customers(frame, panel, part),
        *drift(frame, dates, _whole(panel, coverage)),
    ]
    table = pd.DataFrame([vars(one) for one in findings], columns=["check", "column", "finding", "severity", "figure"])
    rank = table["severity"].map({"act": 0, "watch": 1, "info": 2})
    return table.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)


# -- the checks


def recorded_later(panel: PanelConfig, coverage: Coverage) -> Iterator[Finding]:
    """Yield of each table how much of it was recorded after the fact, or that it cannot be told."""
    check, shortest, longest = "recorded after the fact", panel.windows[0], panel.windows[-1]
    for name, table in panel.tables.items():
        if table.recorded is None:
            what = "cannot be told: it has no column of when records became known; what is corrected later leaks"
            yield Finding(check, name, what, "info", float("nan"))
            continue
        share, delay = coverage.lateness(name)
        what = f"{share:.1%} of the records were recorded later, {delay:.0f} days in the mean; they count from then on"
        if share > _LATE and delay > longest:
            after = f"longer than the window of {longest} days: the stamps may be those of a load, not of the knowledge"
            yield Finding(check, name, f"{what}; {after}", "act" if share > 0.5 else "watch", delay)
        else:
            yield Finding(check, name, what, "watch" if share > _LATE and delay > shortest else "info", delay)


def targets_in_disguise(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield the columns that alone rank the outcome too well at an as-of date, by `solo_auc`."""
    named = {day: rows for day, rows in zip(dates.days, dates.judged, strict=True) if len(rows)}
    outcomes = {day: frame["outcome"].iloc[rows] for day, rows in named.items()}
    for column in feature_names(frame):
        values = frame[column]
        aucs = {day: solo_auc(values.iloc[rows], outcomes[day], most_rows=ROWS[1]) for day, rows in named.items()}
        beyond = {day: value for day, value in aucs.items() if value > WATCH_AUC}
        if beyond:
            day, worst = max(beyond.items(), key=lambda one: one[1])
            what = (
                f"alone it ranks the outcome with an AUC of {worst:.3f} on {written(day)}, "
                f"over {WATCH_AUC:g} at {len(beyond)} of {len(aucs)} as-of dates"
            )
            means = ": it may be the outcome itself, or be filled in after it"
            yield Finding("target in disguise", column, what + means, "act" if worst > LEAK_AUC else "watch", worst)


def order(frame: pd.DataFrame, dates: Dates) -> Iterator[Finding]:
    """Yield columns that number customers, and whether their number or the rows' order tells the outcome or time."""
    check, largest = "order", max(dates.sample, key=len)
    for column in feature_names(frame):
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
        what = f"{twice} rows have the customer and as-of date of another: they may stand in training and in test"
        yield Finding(check, "customer", what, "act", float(twice))
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
        what = f"{share:.1%} of the rows of {name} are of customers that training holds at other as-of dates"
        first, last = stamps[own].min(), stamps[train].max()
        if last < first:
            means = "later in time, as in use: it judges known customers at a later date, and new ones by the rest"
            yield Finding(check, name, f"{what}; {means}", "info", share)
            whole = last + pd.Timedelta(days=outcome.gap + outcome.days)
            if whole > first:
                what = (
                    f"the outcomes of training reach to {written(whole)}, past the first date of {name}, "
                    f"{written(first)}: no model could have learnt from them by then; leave its last dates out"
                )
                yield Finding(check, name, what, "watch", float((whole - first).days))
        elif share:
            means = (
                "their windows and outcomes overlap, and the result looks better than it is; split by customer or time"
            )
            yield Finding(check, name, f"{what}: {means}", "act", share)


# -- their parts


def _whole(panel: PanelConfig, coverage: Coverage) -> dict[str, pd.Timestamp]:
    """Return of each column the day from which its window lies within its table."""
    listed = catalog(panel)
    reach = {one.name: one.days * (2 if one.feature.doubled else 1) for one in listed.columns}
    reach |= {one.name: reach[one.long.name] for one in listed.changes if isinstance(one, Change)}
    reach |= {one.name: reach[one.spending.name] for one in listed.changes if isinstance(one, Against)}
    begins = {name: pd.Timestamp(0) + pd.Timedelta(days=coverage.first(name)) for name in panel.tables}
    return {one.name: begins[one.table] + pd.Timedelta(days=reach[one.name]) for one in listed.made}


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
        if abs(value - 0.5) > max(CHANCE * error, worst - 0.5):
            worst, at = max(value, 1 - value), day
    if worst > ORDER_AUC[0]:
        means = "never make a feature of it, and find out who ordered it how"
        what = f"{name} ranks the outcome with an AUC of {worst:.3f} on {written(at)}: {means}"
        yield Finding("order", column, what, "act" if worst > ORDER_AUC[1] else "watch", worst)


def _seen_in_order(number: NDArray[np.float64], frame: pd.DataFrame) -> Iterator[Finding]:
    seen = pd.DataFrame({"number": number, "as_of": pd.to_datetime(frame["as_of"])})
    first = seen.groupby("number")["as_of"].min().rank().reset_index()
    if first["as_of"].nunique() < 2:
        return
    rho = float(first["number"].rank().corr(first["as_of"]))
    if abs(rho) > 0.5:
        what = f"the customer's number tells when a customer was first seen (Spearman {rho:.2f}): it stands for time"
        yield Finding("order", "customer", what, "info", rho)
