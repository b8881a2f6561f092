"""How customers pay: days past due, lateness, partial payments, rolling further behind."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import narwhals as nw

from riskml.features.window import Feature, Window, ratio

_CENT = 0.005  # below it nothing is owed
_BUCKETS = (0, 30, 60)  # days past due: an invoice rolls on from one bucket into the next


def invoices_at(invoices: nw.LazyFrame[Any], payments: nw.LazyFrame[Any] | None, as_of: int) -> nw.LazyFrame[Any]:
    """Return the invoices as they stood on a day: what was paid later is not known yet."""
    seen = invoices.filter((nw.col("day") < as_of) & (nw.col("known") < as_of) & ~nw.col("due").is_null())
    seen = seen.filter(~(nw.col("amount") < 0).fill_null(False))
    columns = seen.collect_schema().names()
    if payments is not None:
        made = payments.filter((nw.col("day") < as_of) & (nw.col("known") < as_of))
        due = seen.select("invoice", "due").group_by("invoice").agg(nw.col("due").min())
        made = made.join(due, on="invoice", how="inner")
        made = made.group_by("invoice").agg(
            got=nw.col("amount").sum(),
            got_in_time=nw.when(nw.col("day") <= nw.col("due")).then(nw.col("amount")).sum(),
            # A refund is no payment: it settles nothing.
            last=nw.when(nw.col("amount") > 0).then(nw.col("day")).max(),
        )
        seen = seen.join(made, on="invoice", how="left").with_columns(
            got=nw.col("got").fill_null(0.0), got_in_time=nw.col("got_in_time").fill_null(0.0)
        )
    elif "paid" in columns:
        paid = nw.col("paid") < as_of
        got = nw.col("amount")
        if "paid_amount" in columns:
            got = nw.coalesce(nw.col("paid_amount"), got)
        seen = seen.with_columns(
            got=nw.when(paid).then(got).otherwise(nw.lit(0.0)),
            got_in_time=nw.when(paid & (nw.col("paid") <= nw.col("due"))).then(got).otherwise(nw.lit(0.0)),
            last=nw.when(paid).then(nw.col("paid")),
        )
    else:
        nothing = nw.lit(0.0)
        seen = seen.with_columns(got=nothing, got_in_time=nothing, last=nw.when(nw.col("due") < 0).then(nw.col("due")))
    # Of an invoice without an amount it is known that something is owed until something is paid.
    is_open = nw.coalesce(nw.col("amount") - nw.col("got") > _CENT, nw.col("last").is_null())
    seen = seen.with_columns(owed=nw.col("amount") - nw.col("got"), open=is_open)
    until = nw.when(nw.col("open")).then(nw.lit(as_of)).otherwise(nw.col("last"))
    late = until - nw.col("due")
    # What was paid in time stays so, whatever was paid twice or on top later.
    in_time = (~nw.col("open")) & (nw.col("got_in_time") >= nw.col("amount") - _CENT).fill_null(False)
    return seen.select(
        "customer",
        nw.col("due").alias("day"),
        "amount",
        "owed",
        "open",
        dpd=nw.when((late > 0) & ~in_time).then(late).otherwise(nw.lit(0)),
        part=((nw.col("got_in_time") > _CENT) & (nw.col("got_in_time") < nw.col("amount") - _CENT)),
    )


def _share(condition: nw.Expr, r: Window) -> nw.Expr:
    return ratio(r.count(condition), r.count())


def _overdue(r: Window) -> nw.Expr:
    return nw.col("open") & (r.age >= 1)


def _late(r: Window) -> nw.Expr:
    return r.column("dpd") > 0


def _past_due_inside(r: Window) -> nw.Expr:
    """Return days past due of invoices that fell due inside the window, or before it and were past due still."""
    last = r.age - r.column("dpd")  # the age of the last day on which it was past due
    return nw.when((r.age >= r.newest) & (last <= r.oldest)).then(r.column("dpd"))


def _roll(bucket: int, over: int) -> Callable[[Window], nw.Expr]:
    """Return the share of invoices in a bucket that went over its end, where that would have been in the window."""

    def share(r: Window) -> nw.Expr:
        day = r.age - over  # the age of the day on which the bucket ends; younger ones may roll yet
        ended = (day >= r.newest) & (day <= r.oldest) & (r.column("dpd") > bucket)
        return ratio(_count(ended & (r.column("dpd") > over)), _count(ended))

    return share


def _behind(bucket: int) -> str:
    return f"over {bucket} days past due" if bucket else "past due"


def _count(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).count()


INVOICES = (
    Feature(
        "dpd_now",
        "days",
        "days past due of the oldest open invoice",
        lambda r: nw.when(_overdue(r)).then(r.age).max().fill_null(0),
        windowed=False,
        empty=0,
    ),
    Feature(
        "overdue_now",
        "money",
        "owed and past due",
        lambda r: nw.when(_overdue(r)).then(nw.col("owed")).sum(),
        windowed=False,
        empty=0,
    ),
    Feature(
        "owed_now",
        "money",
        "owed, due or not yet",
        lambda r: nw.when(nw.col("open")).then(nw.col("owed")).sum(),
        windowed=False,
        empty=0,
    ),
    Feature(
        "since_late",
        "days",
        "days since an invoice fell due that was not paid in time",
        lambda r: r.ages(_late(r)).min(),
        windowed=False,
    ),
    Feature("count", "invoices", "invoices that fell due in {days} days", lambda r: r.count(), empty=0, rate=True),
    Feature("sum", "money", "money that fell due in {days} days", lambda r: r["amount"].sum(), empty=0, rate=True),
    Feature(
        "worst_dpd",
        "days",
        "most days past due in {days} days, of invoices that fell due in them or were past due still",
        lambda r: _past_due_inside(r).max(),
    ),
    Feature("mean_dpd", "days", "mean days past due, of invoices due in {days} days", lambda r: r["dpd"].mean()),
    Feature(
        "late", "share", "share of invoices due in {days} days that was not paid in time", lambda r: _share(_late(r), r)
    ),
    Feature(
        "part",
        "share",
        "share of invoices due in {days} days of which only a part was paid in time",
        lambda r: _share(nw.col("part"), r),
    ),
    *(
        Feature(
            f"roll_{over}",
            "share",
            f"of invoices {_behind(bucket)} that could roll over {over} days in {{days}} days, the share that did",
            _roll(bucket, over),
        )
        for bucket, over in pairwise(_BUCKETS)
    ),
)
