"""Financial features: utilisation, balance and its trend, coverage, debt burden, limit changes, bureau score."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from riskml.features.window import Formula, Window, ratio


def with_latest(records: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return records with ``latest``: whether a record is of the customer's last day."""
    return records.with_columns(latest=nw.col("day") == nw.col("day").max().over("customer"))


def latest(name: str) -> nw.Expr:
    """Return the latest value of a column; of several of one day the largest."""
    return nw.when(nw.col("latest")).then(nw.col(name)).max()


def _utilisation(r: Window) -> nw.Expr:
    return nw.when(r.inside & (nw.col("limit") > 0)).then(nw.col("balance") / nw.col("limit"))


BALANCES: dict[str, Formula] = {
    "balance_now": lambda r: latest("balance"),
    "balance": lambda r: r["balance"].mean(),
    "trend": lambda r: ratio(latest("balance"), r["balance"].mean()),
    "utilisation_now": lambda r: ratio(latest("balance"), latest("limit")),
    "utilisation": lambda r: _utilisation(r).mean(),
    "utilisation_peak": lambda r: _utilisation(r).max(),
    "limit_change": lambda r: ratio(latest("limit"), r["limit"].mean()),
    "coverage": lambda r: ratio(r["inflow"].sum(), r["outflow"].sum()),
    "burden": lambda r: ratio(r["debt_service"].sum(), r["inflow"].sum()),
}
BUREAU: dict[str, Formula] = {
    "score_now": lambda r: latest("score"),
    "score_change": lambda r: latest("score") - r["score"].mean(),
    "pulls": lambda r: r.count(),
}
