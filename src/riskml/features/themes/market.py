"""What the customer's market does: return, volatility and drawdown of an index."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from riskml.features.window import Feature, Window, ratio

_YEAR = 365.25  # days
_EARLIER = 31  # days before the longest window in which the value is sought that its first change starts from


def series_at(series: nw.LazyFrame[Any], as_of: int, oldest: int) -> nw.LazyFrame[Any]:
    """Return the index up to a day, with its daily log returns and whether a value is the last."""
    seen = series.filter(
        (nw.col("day") < as_of) & (nw.col("known") < as_of) & (nw.col("day") >= as_of - oldest - _EARLIER)
    )
    # One value a day, whatever was sent twice.
    seen = seen.filter(nw.col("value") > 0).group_by("by", "day").agg(nw.col("value").max())
    step = nw.col("value").log() - nw.col("value").log().shift(1).over("by", order_by="day")
    return seen.with_columns(change=step, latest=nw.col("day") == nw.col("day").max().over("by"))


def _now() -> nw.Expr:
    return nw.when(nw.col("latest")).then(nw.col("value")).max()


def _return(r: Window) -> nw.Expr:
    return nw.when(r.count(~nw.col("change").is_null()) > 0).then(r["change"].sum().exp() - 1.0)


def _volatility(r: Window) -> nw.Expr:
    # Changes a year as the index has them, daily or monthly: from the first of the window to the last.
    changed = r.ages(~nw.col("change").is_null())
    steps = r.count(~nw.col("change").is_null()) - 1
    span = changed.max() - changed.min()
    return nw.when(span > 0).then(r["change"].std() * (steps * _YEAR / span).sqrt())


MARKET = (
    Feature("return", "share", "change of the market's index over {days} days", _return),
    Feature("volatility", "share a year", "volatility of the market's index in {days} days", _volatility),
    Feature(
        "drawdown",
        "share",
        "fall of the market's index from its peak of {days} days",
        lambda r: 1.0 - ratio(_now(), r["value"].max()),
    ),
)
