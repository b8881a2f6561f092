"""How customers are in touch: service cases, contacts, and use of the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from riskml.features.window import Feature, Window, ratio


def cases_at(cases: nw.LazyFrame[Any], as_of: int, complaint: Sequence[str]) -> nw.LazyFrame[Any]:
    """Return service cases as they stood on a day: one closed later is open."""
    columns = cases.collect_schema().names()
    if "closed" in columns:
        shut = nw.col("closed") < as_of
        cases = cases.with_columns(
            unresolved=(~shut).fill_null(True), took=nw.when(shut).then(nw.col("closed") - nw.col("day"))
        )
    if "kind" in columns:
        cases = cases.with_columns(complains=nw.col("kind").is_in(list(complaint)).fill_null(False))
    return cases


def _open(r: Window) -> nw.Expr:
    return nw.col("unresolved")


SERVICE = (
    Feature("count", "cases", "service cases in {days} days", lambda r: r.count(), empty=0, rate=True),
    Feature(
        "complaints",
        "cases",
        "complaints in {days} days",
        lambda r: r.count(nw.col("complains")),
        ("kind",),
        empty=0,
        rate=True,
    ),
    Feature(
        "complaint_share",
        "share",
        "share of complaints in the cases of {days} days",
        lambda r: ratio(r.count(nw.col("complains")), r.count()),
        ("kind",),
    ),
    Feature(
        "escalated", "cases", "escalated cases in {days} days", lambda r: r["escalated"].sum(), ("escalated",), empty=0
    ),
    Feature(
        "resolution", "days", "mean days to resolve, of cases of {days} days", lambda r: r["took"].mean(), ("closed",)
    ),
    Feature(
        "open_now",
        "cases",
        "unresolved cases",
        lambda r: nw.when(_open(r)).then(nw.lit(1)).sum(),
        ("closed",),
        windowed=False,
        empty=0,
    ),
    Feature(
        "open_age",
        "days",
        "age of the oldest unresolved case",
        lambda r: nw.when(_open(r)).then(r.age).max().fill_null(0),
        ("closed",),
        windowed=False,
        empty=0,
    ),
    Feature("recency", "days", "days since the last service case", lambda r: r.ages().min(), windowed=False),
)
CONTACTS = (
    Feature("count", "contacts", "contacts in {days} days", lambda r: r.count(), empty=0, rate=True),
    Feature(
        "answered",
        "share",
        "share of contacts of {days} days that was answered",
        lambda r: r["answered"].mean(),
        ("answered",),
    ),
    Feature("recency", "days", "days since the last contact", lambda r: r.ages().min(), windowed=False),
)
ACTIVITY = (
    Feature("recency", "days", "days since the last record", lambda r: r.ages().min(), windowed=False),
    Feature("count", "records", "records in {days} days", lambda r: r.count(), empty=0, rate=True),
    Feature("days", "days", "days with a record in {days} days", lambda r: r.count(), empty=0, per="day"),
    Feature(
        "sum",
        "amount",
        "sum of the amounts of {days} days",
        lambda r: r["amount"].sum(),
        ("amount",),
        empty=0,
        rate=True,
    ),
    Feature(
        "trend",
        "ratio",
        "records in {days} days over those in the {days} days before",
        lambda r: ratio(r.count(), r.before.count()),
        doubled=True,
    ),
)
