"""Payment features: days past due, late and partial payments, roll rates."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from riskml.features.window import Formula, Window, ratio

_CENT = 0.005  # smaller amounts count as paid


def invoices_at(invoices: nw.LazyFrame[Any], payments: nw.LazyFrame[Any] | None, as_of: int) -> nw.LazyFrame[Any]:
    """Return the invoices as they were on a day: later payments are not known."""
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
            # A refund is not a payment.
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
    # An invoice without an amount is open until something is paid.
    is_open = nw.coalesce(nw.col("amount") - nw.col("got") > _CENT, nw.col("last").is_null())
    seen = seen.with_columns(owed=nw.col("amount") - nw.col("got"), open=is_open)
    until = nw.when(nw.col("open")).then(nw.lit(as_of)).otherwise(nw.col("last"))
    late = until - nw.col("due")
    # An invoice that was paid in time stays so, whatever is paid later.
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
    """Return days past due of invoices that fell due inside the window, or were still past due in it."""
    last = r.age - r.column("dpd")  # the age of the last day on which it was past due
    return nw.when((r.age >= r.newest) & (last <= r.oldest)).then(r.column("dpd"))


def _roll(bucket: int, over: int) -> Formula:
    """Return the roll rate: the share of invoices over ``bucket`` days past due that went over ``over`` days.

    Only invoices that reached or would have reached ``over`` days inside the window count.
    """

    def share(r: Window) -> nw.Expr:
        day = r.age - over  # the age of the day on which the bucket ends; younger invoices may still roll
        ended = (day >= r.newest) & (day <= r.oldest) & (r.column("dpd") > bucket)
        return ratio(_count(ended & (r.column("dpd") > over)), _count(ended))

    return share


def _count(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).count()


INVOICES: dict[str, Formula] = {
    "dpd_now": lambda r: nw.when(_overdue(r)).then(r.age).max().fill_null(0),
    "overdue_now": lambda r: nw.when(_overdue(r)).then(nw.col("owed")).sum(),
    "owed_now": lambda r: nw.when(nw.col("open")).then(nw.col("owed")).sum(),
    "since_late": lambda r: r.ages(_late(r)).min(),
    "count": lambda r: r.count(),
    "sum": lambda r: r["amount"].sum(),
    "worst_dpd": lambda r: _past_due_inside(r).max(),
    "mean_dpd": lambda r: r["dpd"].mean(),
    "late": lambda r: _share(_late(r), r),
    "part": lambda r: _share(nw.col("part"), r),
    "roll_30": _roll(0, 30),
    "roll_60": _roll(30, 60),
}
