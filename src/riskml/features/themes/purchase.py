"""What customers buy: recency, frequency, value, rhythm, trend and variety."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from riskml.features.window import Feature, Window, growth, ratio


def bought(purchases: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return the purchases among the records: a negative amount is a return or a credit note, and no purchase."""
    return purchases.filter(_is_bought())


def _is_bought() -> nw.Expr:
    return ~(nw.col("amount") < 0).fill_null(False)


def _count(r: Window) -> nw.Expr:
    return r.count(_is_bought())


def _gap(r: Window) -> nw.Expr:
    # The mean time between days with a purchase, without sorting them: first to last, over the steps between.
    steps = r.count() - 1
    return nw.when(steps > 0).then((r["day"].max() - r["day"].min()) / steps)


def _overdue(r: Window) -> nw.Expr:
    return ratio(r.ages().min(), _gap(r))


def _trend(r: Window) -> nw.Expr:
    return ratio(_count(r), _count(r.before))


def _spending_trend(r: Window) -> nw.Expr:
    return growth(r["amount"].sum(), r.before["amount"].sum())


PURCHASES = (
    Feature(
        "recency",
        "days",
        "days since the last purchase, of the last {days} days",
        lambda r: r.ages(_is_bought()).min(),
        windowed=False,
    ),
    Feature(
        "since_first",
        "days",
        "days since the first purchase of the last {days} days",
        lambda r: r.ages(_is_bought()).max(),
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
    Feature("count", "purchases", "purchases in {days} days", _count, empty=0, rate=True),
    Feature("days", "days", "days with a purchase in {days} days", lambda r: r.count(), empty=0, per="day"),
    Feature("sum", "money", "spending in {days} days, less returns", lambda r: r["amount"].sum(), empty=0, rate=True),
    Feature("mean", "money", "mean purchase in {days} days", lambda r: r.where(_is_bought(), "amount").mean()),
    Feature("largest", "money", "largest purchase in {days} days", lambda r: r.where(_is_bought(), "amount").max()),
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
