"""Purchase features: recency, frequency, value, rhythm, trend and variety."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from riskml.features.window import Formula, Window, growth, ratio


def bought(purchases: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return the purchases among the records: a negative amount is a return or a credit note."""
    return purchases.filter(_is_bought())


def _is_bought() -> nw.Expr:
    return ~(nw.col("amount") < 0).fill_null(False)


def _count(r: Window) -> nw.Expr:
    return r.count(_is_bought())


def _gap(r: Window) -> nw.Expr:
    # The mean time between days with a purchase, without sorting them: first to last, over the steps between.
    steps = r.count() - 1
    return nw.when(steps > 0).then((r["day"].max() - r["day"].min()) / steps)


PURCHASES: dict[str, Formula] = {
    "recency": lambda r: r.ages(_is_bought()).min(),
    "since_first": lambda r: r.ages(_is_bought()).max(),
    "gap": _gap,
    "rhythm": lambda r: ratio(r.ages().min(), _gap(r)),
    "count": _count,
    "days": lambda r: r.count(),
    "sum": lambda r: r["amount"].sum(),
    "mean": lambda r: r.where(_is_bought(), "amount").mean(),
    "largest": lambda r: r.where(_is_bought(), "amount").max(),
    "kinds": lambda r: r.count(),
    "trend": lambda r: ratio(_count(r), _count(r.before)),
    "sum_trend": lambda r: growth(r["amount"].sum(), r.before["amount"].sum()),
}
