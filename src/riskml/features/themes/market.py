"""Market features: return, volatility and drawdown of the index of a customer's market."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from riskml.features.window import Formula, Window, ratio

_YEAR = 365.25  # days
_EARLIER = 31  # days before the longest window from which the value before its first change may come


def series_at(series: nw.LazyFrame[Any], as_of: int, oldest: int) -> nw.LazyFrame[Any]:
    """Return the index before a day, with its log returns and whether a value is the latest."""
    seen = series.filter(
        (nw.col("day") < as_of) & (nw.col("known") < as_of) & (nw.col("day") >= as_of - oldest - _EARLIER)
    )
    # One value per day, even where one was sent twice.
    seen = seen.filter(nw.col("value") > 0).group_by("by", "day").agg(nw.col("value").max())
    step = nw.col("value").log() - nw.col("value").log().shift(1).over("by", order_by="day")
    return seen.with_columns(change=step, latest=nw.col("day") == nw.col("day").max().over("by"))


def _return(r: Window) -> nw.Expr:
    return nw.when(r.count(~nw.col("change").is_null()) > 0).then(r["change"].sum().exp() - 1.0)


def _volatility(r: Window) -> nw.Expr:
    # Changes per year at the index's own frequency, daily or monthly: from the first of the window to the last.
    changed = r.ages(~nw.col("change").is_null())
    steps = r.count(~nw.col("change").is_null()) - 1
    span = changed.max() - changed.min()
    return nw.when(span > 0).then(r["change"].std() * (steps * _YEAR / span).sqrt())


MARKET: dict[str, Formula] = {
    "return": _return,
    "volatility": _volatility,
    "drawdown": lambda r: 1.0 - ratio(nw.when(nw.col("latest")).then(nw.col("value")).max(), r["value"].max()),
}
