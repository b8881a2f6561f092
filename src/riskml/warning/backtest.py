"""How early, how many, how right: rules on past as-of dates, as if they had been at work then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from riskml.config.warning import WarningRules
from riskml.warning.alerts import Alert, decide
from riskml.warning.indicators import own_levels, persisted, signals
from riskml.warning.replay import Outcomes, Replay


@dataclass(frozen=True)
class Replayed:
    """What rules would have done."""

    alerts: pd.DataFrame  # one row for each alert: the fields of ``Alert``; ``opened`` is a datetime64
    # ``as_of``, ``customers``, ``opened``, ``raised``, ``held_back``, ``on_alert`` (open at the end of the day),
    # ``share_opened``, ``share_on_alert`` (of the customers)
    by_date: pd.DataFrame


@dataclass(frozen=True)
class Backtest:
    """How good alerts were.

    Parameters
    ----------
    figures : dict
        ``alerts``; ``judged`` (those old enough: their horizon has passed); ``right`` of these were followed by the
        event within the horizon; ``precision``; ``events`` that could have been announced ``lead_days`` ahead (the
        customer was in a book then); ``ahead`` of these were; ``recall_ahead``; ``recall`` (with any lead);
        ``lead_q1``, ``lead_median``, ``lead_q3`` in days from the first alert within the horizon to the event;
        ``share_opened`` (of the book, newly alerted, at the most on one date), ``mean_share_opened``;
        ``most_on_alert`` (share of the book with an open alert). What cannot be known is NaN.
    alerts : DataFrame
        As replayed, with ``event`` (datetime64) and ``lead_days`` where the event came within the horizon.
    """

    figures: dict[str, float]
    alerts: pd.DataFrame
    by_date: pd.DataFrame
    by_cause: pd.DataFrame
    by_role: pd.DataFrame


def backtest(
    rules: WarningRules,
    past: Replay,
    outcomes: Outcomes,
    *,
    horizon_days: int = 180,
    lead_days: int = 30,
    officers: Mapping[str, int] | None = None,
) -> Backtest:
    """Return how good the rules' alerts would have been."""
    return judged(replay(rules, past, outcomes), past, outcomes, horizon_days, lead_days, officers or {})


def replay(rules: WarningRules, past: Replay, outcomes: Outcomes | None = None) -> Replayed:
    """Return what the rules would have done, date by date."""
    ends = {} if outcomes is None else {name: day.date() for name, day in outcomes.dates.items()}
    standing: dict[str, Alert] = {}
    made: dict[str, Alert] = {}
    earlier: list[pd.DataFrame] = []
    rows = []
    reach = max(one.persistence.of for one in rules.indicators.values())
    for date, book, held, allowed in zip(past.dates, past.books, past.measures, past.conditions, strict=True):
        own = own_levels(rules, held, allowed)
        warned = signals(rules, persisted(rules, own, earlier), book)
        earlier = [*earlier, own][-reach:]
        standing = {name: _closed(alert, date, ends.get(name)) for name, alert in standing.items()}
        decision = decide(rules, warned, standing, date, len(book))
        for change in decision.changes:
            standing[change.alert.customer] = made[change.alert.key] = change.alert
        what = [change.event.what for change in decision.changes]
        waiting = sum(alert.closed is None for alert in standing.values())
        rows.append((date, len(book), what.count("opened"), what.count("raised"), decision.held_back, waiting))
    by_date = pd.DataFrame(rows, columns=["as_of", "customers", "opened", "raised", "held_back", "on_alert"])
    by_date["share_opened"] = by_date["opened"] / by_date["customers"]
    by_date["share_on_alert"] = by_date["on_alert"] / by_date["customers"]
    names = [field.name for field in fields(Alert)]
    alerts = pd.DataFrame([[getattr(alert, name) for name in names] for alert in made.values()], columns=names)
    alerts["opened"] = pd.to_datetime(alerts["opened"]).astype("datetime64[ns]")
    return Replayed(alerts, by_date)


def _closed(alert: Alert, date: dt.date, event: dt.date | None) -> Alert:
    end = alert.due if event is None or event < alert.opened else min(alert.due, event)
    return replace(alert, closed=end, state="closed") if alert.closed is None and end < date else alert


def judged(
    replayed: Replayed,
    past: Replay,
    outcomes: Outcomes,
    horizon_days: int,
    lead_days: int,
    officers: Mapping[str, int],
) -> Backtest:
    """Return how good alerts were; the parameters are those of `backtest`."""
    alerts = replayed.alerts.copy()
    alerts["event"] = outcomes.dates.reindex(alerts["customer"]).to_numpy()  # of the same type where there are none
    lead = (alerts["event"] - alerts["opened"]).dt.days
    alerts["lead_days"] = lead.where((lead >= 0) & (lead <= horizon_days))
    old = pd.Series(True, index=alerts.index)
    if outcomes.until is not None:
        old = alerts["opened"] + pd.Timedelta(days=horizon_days) < pd.Timestamp(outcomes.until)
    could = announceable(past, outcomes, horizon_days, lead_days)
    firsts = alerts.groupby("customer")["lead_days"].max()  # the first alert within the horizon leads by most
    lead_of = firsts.reindex(could)
    right = alerts["lead_days"].notna()
    by_date = replayed.by_date
    quartiles = firsts.quantile([0.25, 0.5, 0.75]) if right.any() else pd.Series(np.nan, index=[0.25, 0.5, 0.75])
    figures = {
        "alerts": len(alerts),
        "judged": int(old.sum()),
        "right": int((right & old).sum()),
        "precision": _share(int((right & old).sum()), int(old.sum())),
        "events": len(could),
        "ahead": int((lead_of >= lead_days).sum()),
        "recall_ahead": _share(int((lead_of >= lead_days).sum()), len(could)),
        "recall": _share(int(lead_of.notna().sum()), len(could)),
        "lead_q1": float(quartiles[0.25]),
        "lead_median": float(quartiles[0.5]),
        "lead_q3": float(quartiles[0.75]),
        "share_opened": float(by_date["share_opened"].max()),
        "mean_share_opened": float(by_date["share_opened"].mean()),
        "most_on_alert": float(by_date["share_on_alert"].max()),
    }
    cause = _by(alerts, old, "cause")
    return Backtest(figures, alerts, by_date, cause, _workload(alerts, old, past, officers))


def announceable(past: Replay, outcomes: Outcomes, horizon_days: int, lead_days: int) -> pd.Index:
    """Return the customers whose event could have been announced: they were in a book at that distance before it."""
    customers: set[str] = set()
    for date, book in zip(past.dates, past.books, strict=True):
        ahead = (outcomes.dates - pd.Timestamp(date)).dt.days
        near = outcomes.dates.index[(ahead >= lead_days) & (ahead <= horizon_days)]
        customers.update(near[book.index.get_indexer(near) >= 0])
    return pd.Index(sorted(customers), dtype=object)


def _by(alerts: pd.DataFrame, old: pd.Series, column: str) -> pd.DataFrame:
    """Return alerts, precision and median lead for each value of a column, the most frequent first."""
    rows = []
    for value, some in alerts.groupby(column):
        right = some["lead_days"].notna()
        settled = old[some.index]
        precision = _share(int((right & settled).sum()), int(settled.sum()))
        rows.append((value, len(some), int(settled.sum()), precision, float(some["lead_days"].median())))
    table = pd.DataFrame(rows, columns=[column, "alerts", "judged", "precision", "lead_median"])
    return table.sort_values(["alerts", column], ascending=[False, True], ignore_index=True)


def _workload(alerts: pd.DataFrame, old: pd.Series, past: Replay, officers: Mapping[str, int]) -> pd.DataFrame:
    """Return alerts by role, a month and per officer and working day, over the time from the first date to the last."""
    table = _by(alerts, old, "role")
    first, last = past.dates[0], past.dates[-1]
    step = (last - first) / (len(past.dates) - 1) if len(past.dates) > 1 else dt.timedelta(days=30)
    end = last + step
    working = max(int(np.busday_count(first, end)), 1)
    table["officers"] = [max(officers.get(role, 1), 1) for role in table["role"]]
    table["a_month"] = table["alerts"] / ((end - first).days / 30.4375)
    table["per_officer_and_day"] = table["alerts"] / table["officers"] / working
    return table


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
