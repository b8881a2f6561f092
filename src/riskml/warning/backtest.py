"""Backtest of warning rules on past as-of dates: lead time, workload, precision and recall."""

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
class Backtest:
    """Quality of the alerts.

    Parameters
    ----------
    figures : dict
        ``alerts``; ``judged`` (alerts whose horizon has passed); ``right`` (of these, followed by the event within the
        horizon); ``precision``; ``events`` (of customers who were in a portfolio at least ``lead_days`` ahead);
        ``ahead`` (of these, announced that early); ``recall_ahead``; ``recall`` (with any lead); ``lead_q1``,
        ``lead_median``, ``lead_q3`` (days from the first alert within the horizon to the event); ``share_opened``
        (maximum share of the portfolio with a new alert on one date), ``mean_share_opened``; ``most_on_alert`` (maximum
        share with an open alert). Unknown figures are NaN.
    alerts : DataFrame
        The fields of ``Alert``, with ``event`` (datetime64) and ``lead_days`` where the event came within the horizon.
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
    """Return the quality of the alerts that the rules would have raised."""
    alerts, by_date = replay(rules, past, outcomes)
    alerts["event"] = outcomes.dates.reindex(alerts["customer"]).to_numpy()  # datetime64 also without alerts
    lead = (alerts["event"] - alerts["opened"]).dt.days
    alerts["lead_days"] = lead.where((lead >= 0) & (lead <= horizon_days))
    judged = pd.Series(True, index=alerts.index)
    if outcomes.until is not None:
        judged = alerts["opened"] + pd.Timedelta(days=horizon_days) < pd.Timestamp(outcomes.until)
    reachable = announceable(past, outcomes, horizon_days, lead_days)
    firsts = alerts.groupby("customer")["lead_days"].max()  # the first alert within the horizon has the longest lead
    lead_of = firsts.reindex(reachable)
    right = alerts["lead_days"].notna()
    quartiles = firsts.quantile([0.25, 0.5, 0.75]) if right.any() else pd.Series(np.nan, index=[0.25, 0.5, 0.75])
    n_right, n_judged, ahead = int((right & judged).sum()), int(judged.sum()), int((lead_of >= lead_days).sum())
    figures = {
        "alerts": len(alerts),
        "judged": n_judged,
        "right": n_right,
        "precision": _share(n_right, n_judged),
        "events": len(reachable),
        "ahead": ahead,
        "recall_ahead": _share(ahead, len(reachable)),
        "recall": _share(int(lead_of.notna().sum()), len(reachable)),
        "lead_q1": float(quartiles[0.25]),
        "lead_median": float(quartiles[0.5]),
        "lead_q3": float(quartiles[0.75]),
        "share_opened": float(by_date["share_opened"].max()),
        "mean_share_opened": float(by_date["share_opened"].mean()),
        "most_on_alert": float(by_date["share_on_alert"].max()),
    }
    workload = _workload(alerts, judged, past, officers or {})
    return Backtest(figures, alerts, by_date, _by(alerts, judged, "cause"), workload)


def replay(rules: WarningRules, past: Replay, outcomes: Outcomes | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the alerts that the rules would have raised, one row each, and counts and shares by as-of date."""
    ends = {} if outcomes is None else {name: day.date() for name, day in outcomes.dates.items()}
    current: dict[str, Alert] = {}
    by_key: dict[str, Alert] = {}
    earlier: list[pd.DataFrame] = []
    rows = []
    reach = max(indicator.persistence.of for indicator in rules.indicators.values())
    for date, portfolio, measured, allowed in zip(
        past.dates, past.portfolios, past.measures, past.conditions, strict=True
    ):
        own = own_levels(rules, measured, allowed)
        warned = signals(rules, persisted(rules, own, earlier), portfolio)
        earlier = [*earlier, own][-reach:]
        current = {name: _closed(alert, date, ends.get(name)) for name, alert in current.items()}
        decision = decide(rules, warned, current, date, len(portfolio))
        for change in decision.changes:
            current[change.alert.customer] = by_key[change.alert.key] = change.alert
        what = [change.event.what for change in decision.changes]
        n_open = sum(alert.closed is None for alert in current.values())
        rows.append((date, len(portfolio), what.count("opened"), what.count("raised"), decision.held_back, n_open))
    by_date = pd.DataFrame(rows, columns=["as_of", "customers", "opened", "raised", "held_back", "on_alert"])
    by_date["share_opened"] = by_date["opened"] / by_date["customers"]
    by_date["share_on_alert"] = by_date["on_alert"] / by_date["customers"]
    names = [field.name for field in fields(Alert)]
    alerts = pd.DataFrame([[getattr(alert, name) for name in names] for alert in by_key.values()], columns=names)
    alerts["opened"] = pd.to_datetime(alerts["opened"]).astype("datetime64[ns]")
    return alerts, by_date


def _closed(alert: Alert, date: dt.date, event: dt.date | None) -> Alert:
    """Return an alert that ends on its due date or at the event, whichever comes first."""
    end = alert.due if event is None or event < alert.opened else min(alert.due, event)
    return replace(alert, closed=end, state="closed") if alert.closed is None and end < date else alert


def announceable(past: Replay, outcomes: Outcomes, horizon_days: int, lead_days: int) -> pd.Index:
    """Return the customers who were in a portfolio between the horizon and the lead time before their event."""
    customers: set[str] = set()
    for date, portfolio in zip(past.dates, past.portfolios, strict=True):
        ahead = (outcomes.dates - pd.Timestamp(date)).dt.days
        near = outcomes.dates.index[(ahead >= lead_days) & (ahead <= horizon_days)]
        customers.update(near[portfolio.index.get_indexer(near) >= 0])
    return pd.Index(sorted(customers), dtype=object)


def _by(alerts: pd.DataFrame, judged: pd.Series, column: str) -> pd.DataFrame:
    """Return alerts, precision and median lead for each value of a column, the most frequent first."""
    rows = []
    for value, some in alerts.groupby(column):
        settled = judged[some.index]
        precision = _share(int((some["lead_days"].notna() & settled).sum()), int(settled.sum()))
        rows.append((value, len(some), int(settled.sum()), precision, float(some["lead_days"].median())))
    table = pd.DataFrame(rows, columns=[column, "alerts", "judged", "precision", "lead_median"])
    return table.sort_values(["alerts", column], ascending=[False, True], ignore_index=True)


def _workload(alerts: pd.DataFrame, judged: pd.Series, past: Replay, officers: Mapping[str, int]) -> pd.DataFrame:
    """Return alerts by role, per month and per officer and working day, from the first date to the last."""
    table = _by(alerts, judged, "role")
    first, last = past.dates[0], past.dates[-1]
    end = last + ((last - first) / (len(past.dates) - 1) if len(past.dates) > 1 else dt.timedelta(days=30))
    table["officers"] = [max(officers.get(role, 1), 1) for role in table["role"]]
    table["a_month"] = table["alerts"] / ((end - first).days / 30.4375)
    table["per_officer_and_day"] = table["alerts"] / table["officers"] / max(int(np.busday_count(first, end)), 1)
    return table


def _share(part: int, total: int) -> float:
    return part / total if total else float("nan")
