"""Contact features: service cases, contacts, and use of the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from riskml.features.window import Formula, ratio


def cases_at(cases: nw.LazyFrame[Any], as_of: int, complaint: Sequence[str]) -> nw.LazyFrame[Any]:
    """Return service cases as they were on a day: one closed later is open."""
    columns = cases.collect_schema().names()
    if "closed" in columns:
        closed = nw.col("closed") < as_of
        cases = cases.with_columns(
            unresolved=(~closed).fill_null(True), took=nw.when(closed).then(nw.col("closed") - nw.col("day"))
        )
    if "kind" in columns:
        cases = cases.with_columns(complains=nw.col("kind").is_in(list(complaint)).fill_null(False))
    return cases


SERVICE: dict[str, Formula] = {
    "count": lambda r: r.count(),
    "complaints": lambda r: r.count(nw.col("complains")),
    "complaint_share": lambda r: ratio(r.count(nw.col("complains")), r.count()),
    "escalated": lambda r: r["escalated"].sum(),
    "resolution": lambda r: r["took"].mean(),
    "open_now": lambda r: nw.when(nw.col("unresolved")).then(nw.lit(1)).sum(),
    "open_age": lambda r: nw.when(nw.col("unresolved")).then(r.age).max().fill_null(0),
    "recency": lambda r: r.ages().min(),
}
CONTACTS: dict[str, Formula] = {
    "count": lambda r: r.count(),
    "answered": lambda r: r["answered"].mean(),
    "recency": lambda r: r.ages().min(),
}
ACTIVITY: dict[str, Formula] = {
    "recency": lambda r: r.ages().min(),
    "count": lambda r: r.count(),
    "days": lambda r: r.count(),
    "sum": lambda r: r["amount"].sum(),
    "trend": lambda r: ratio(r.count(), r.before.count()),
}
