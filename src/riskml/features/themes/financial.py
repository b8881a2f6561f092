"""What customers owe and can carry: utilisation, balance and its trend, coverage, debt burden, limit changes."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from riskml.features.window import Feature, Window, ratio


def with_latest(records: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return records with ``latest``: whether a record is of the customer's last day."""
    return records.with_columns(latest=nw.col("day") == nw.col("day").max().over("customer"))


def now(name: str) -> nw.Expr:
    """Return the latest value of a column; of several of one day the largest."""
    return nw.when(nw.col("latest")).then(nw.col(name)).max()


def _utilisation(r: Window) -> nw.Expr:
    return nw.when(r.inside & (nw.col("limit") > 0)).then(nw.col("balance") / nw.col("limit"))


BALANCES = (
    Feature("balance_now", "money", "latest balance", lambda r: now("balance"), windowed=False),
    Feature("balance", "money", "mean balance in {days} days", lambda r: r["balance"].mean()),
    Feature(
        "trend",
        "ratio",
        "latest balance over the mean of {days} days",
        lambda r: ratio(now("balance"), r["balance"].mean()),
    ),
    Feature(
        "utilisation_now",
        "share",
        "latest balance over its limit",
        lambda r: ratio(now("balance"), now("limit")),
        ("limit",),
        windowed=False,
    ),
    Feature(
        "utilisation", "share", "mean balance over limit in {days} days", lambda r: _utilisation(r).mean(), ("limit",)
    ),
    Feature(
        "utilisation_peak",
        "share",
        "highest balance over limit in {days} days",
        lambda r: _utilisation(r).max(),
        ("limit",),
    ),
    Feature(
        "limit_change",
        "ratio",
        "latest limit over the mean of {days} days",
        lambda r: ratio(now("limit"), r["limit"].mean()),
        ("limit",),
    ),
    Feature(
        "coverage",
        "ratio",
        "money in over money out in {days} days",
        lambda r: ratio(r["inflow"].sum(), r["outflow"].sum()),
        ("inflow", "outflow"),
    ),
    Feature(
        "burden",
        "share",
        "interest and repayments over money in, in {days} days",
        lambda r: ratio(r["debt_service"].sum(), r["inflow"].sum()),
        ("debt_service", "inflow"),
    ),
)
BUREAU = (
    Feature(
        "score_now", "points", "latest score of the credit bureau", lambda r: now("score"), ("score",), windowed=False
    ),
    Feature(
        "score_change",
        "points",
        "latest score less the mean of {days} days",
        lambda r: now("score") - r["score"].mean(),
        ("score",),
    ),
    Feature("pulls", "pulls", "enquiries at the credit bureau in {days} days", lambda r: r.count(), empty=0, rate=True),
)
