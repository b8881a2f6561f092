"""What customers buy: recency, frequency, value, rhythm, trend and variety."""

from __future__ import annotations

import narwhals as nw

from riskml.features.records import Feature, Records, ratio


def _gap(r: Records) -> nw.Expr:
    # The mean time between days with a purchase, without sorting them: first to last, over the steps between.
    steps = r.count() - 1
    return nw.when(steps > 0).then((r["day"].max() - r["day"].min()) / steps)


def _overdue(r: Records) -> nw.Expr:
    return ratio(r.ages().min(), _gap(r))


def _trend(r: Records) -> nw.Expr:
    return ratio(r.count(), r.before.count())


def _spending_trend(r: Records) -> nw.Expr:
    return ratio(r["amount"].sum(), r.before["amount"].sum())


PURCHASES = (
    Feature(
        "recency",
        "days",
        "days since the last purchase, of the last {days} days",
        lambda r: r.ages().min(),
        windowed=False,
    ),
    Feature(
        "since_first",
        "days",
        "days since the first purchase of the last {days} days",
        lambda r: r.ages().max(),
        windowed=False,
    ),
    Feature(
        "gap",
        "days",
        "mean days between days with a purchase, of the last {days} days",
        _gap,
        windowed=False,
        per="day",
    ),
    Feature(
        "rhythm",
        "ratio",
        "days since the last purchase over the customer's own mean gap",
        _overdue,
        windowed=False,
        per="day",
    ),
    Feature("count", "purchases", "purchases in {days} days", lambda r: r.count(), empty=0, rate=True),
    Feature("days", "days", "days with a purchase in {days} days", lambda r: r.count(), empty=0, per="day"),
    Feature("sum", "money", "spending in {days} days", lambda r: r["amount"].sum(), empty=0, rate=True),
    Feature("mean", "money", "mean purchase in {days} days", lambda r: r["amount"].mean()),
    Feature("largest", "money", "largest purchase in {days} days", lambda r: r["amount"].max()),
    Feature(
        "kinds", "kinds", "different kinds bought in {days} days", lambda r: r.count(), ("kind",), empty=0, per="kind"
    ),
    Feature("trend", "ratio", "purchases in {days} days over those in the {days} days before", _trend, doubled=True),
    Feature(
        "sum_trend",
        "ratio",
        "spending in {days} days over that in the {days} days before",
        _spending_trend,
        doubled=True,
    ),
)
