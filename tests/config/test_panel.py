"""What an experiment may say of a panel, and what it is told when it says something else."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from riskml.config.panel import PanelConfig

ORDERS = {"role": "purchases", "source": "orders.csv", "time": "day", "amount": "amount"}
BILLS = {"role": "invoices", "source": "bills.csv", "time": "day", "due": "due", "amount": "amount"}
PAID = {"role": "payments", "source": "paid.csv", "time": "day", "invoice": "number", "amount": "amount"}
MARKS = {"role": "statuses", "source": "marks.csv", "time": "day", "kind": "kind"}
BOOK = {"role": "attributes", "source": "book.csv", "time": "day", "columns": ["industry"]}
INDEX = {"role": "market", "source": "index.csv", "time": "day", "by": "industry", "value": "value"}
NO_PURCHASE = {"rule": "no_purchase", "table": "orders"}


def panel(tables=None, outcome=None, **said):
    return PanelConfig.model_validate(
        {
            "tables": {"orders": ORDERS, **(tables or {})},
            "outcome": outcome or NO_PURCHASE,
            "as_of": ["2021-01-01"],
            **said,
        }
    )


def without(table, name):
    return {key: value for key, value in table.items() if key != name}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"tables": {"orders": without(ORDERS, "amount")}}, "a table of purchases needs amount"),
        ({"tables": {"bills": without(without(BILLS, "due"), "amount")}}, "a table of invoices needs due and amount"),
        (
            {"tables": {"orders": {**ORDERS, "due": "due"}}},
            "a table of purchases has no due; its keys are amount, kind",
        ),
        ({"tables": {"bills": {**BILLS, "paid_amount": "got"}}}, "paid_amount needs paid"),
        ({"tables": {"Orders": ORDERS}}, "should match pattern"),
        ({"tables": {"orders": {**ORDERS, "rolle": "x"}}}, "Extra inputs are not permitted"),
        ({"tables": {"orders": {**ORDERS, "role": "sales"}}}, "Input should be 'purchases', 'invoices'"),
        ({"outcome": {"rule": "no_purchase", "table": "sales"}}, "outcome.table names 'sales'; the tables are orders"),
        (
            {"outcome": {"rule": "status", "table": "orders", "values": ["x"]}},
            "reads a table of statuses; orders has purchases",
        ),
        ({"outcome": {"rule": "days_past_due", "table": "orders"}}, "needs over: the threshold"),
        ({"outcome": {"rule": "days_past_due", "table": "orders", "over": -1}}, "greater than or equal to 0"),
        ({"outcome": {"rule": "cancellation", "table": "orders"}}, "needs values: the kinds that are the event"),
        ({"outcome": {**NO_PURCHASE, "days": 0}}, "greater than or equal to 1"),
        ({"outcome": {"rule": "spending_fall", "table": "orders", "fall": 0}}, "greater than 0"),
        ({"as_of": []}, "as_of is empty"),
        ({"as_of": None}, "Input should be a list of dates, or {every: month"),
        ({"as_of": "2021-01-01"}, "Input should be a list of dates, or {every: month"),
        ({"as_of": {"every": "week", "first": "2021-01-01", "last": "2021-02-01"}}, "Input should be 'month'"),
        ({"as_of": {"first": "2021-01-01"}}, "Field required"),
        (
            {"tables": {"orders": MARKS}, "outcome": {"rule": "status", "table": "orders", "values": ["x"]}},
            "no table lists the customers",
        ),
        ({"as_of": ["2021-02-01", "2021-01-01"]}, "as_of must rise strictly"),
        ({"as_of": ["2021-02-01", "2021-02-01"]}, "as_of must rise strictly"),
        ({"as_of": {"first": "2021-02-01", "last": "2021-01-01"}}, "last lies before first"),
        ({"as_of": {"first": "2021-02-02", "last": "2021-02-28"}}, "no month begins between 2021-02-02 and 2021-02-28"),
        ({"windows": []}, "at least 1 item"),
        ({"windows": [90, 30]}, "windows must rise strictly"),
        ({"windows": [0, 30]}, "a window needs at least one day"),
        ({"timezone": "Berlin"}, "unknown time zone 'Berlin'; write it as Europe/Berlin"),
        ({"memory": "4"}, "should match pattern"),
        ({"engine": "pandas"}, "Input should be 'duckdb' or 'spark'"),
        ({"tables": {"bills": BILLS, "paid": PAID}}, "joined to invoices by number"),
        ({"tables": {"paid": PAID}}, "payments need a table of invoices"),
        ({"tables": {"book": BOOK, "other": BOOK}}, "only one table may have the role attributes"),
        ({"tables": {"index": INDEX}}, "index.by names 'industry': it must be among the columns of the attributes"),
        (
            {
                "tables": {"orders": MARKS, "book": BOOK},
                "outcome": {"rule": "status", "table": "orders", "values": ["x"]},
                "population": {"active_days": 9},
            },
            "population.active_days needs a table of purchases or activity",
        ),
    ],
)
def test_a_panel_that_makes_no_sense_is_told_why(said, told):
    with pytest.raises(ValidationError) as error:
        panel(**said)
    assert told in str(error.value)


def test_every_month_is_its_first_day_from_the_first_date_to_the_last():
    assert panel(as_of={"first": "2020-11-15", "last": "2021-02-01"}).dates() == (
        dt.date(2020, 12, 1),
        dt.date(2021, 1, 1),
        dt.date(2021, 2, 1),
    )
    assert panel(as_of={"first": "2021-01-01", "last": "2021-01-31"}).dates() == (dt.date(2021, 1, 1),)


def test_dates_may_be_listed():
    assert panel(as_of=["2021-01-15", "2021-03-31"]).dates() == (dt.date(2021, 1, 15), dt.date(2021, 3, 31))


def test_invoices_with_payments_and_a_market_fit_together():
    tables = {"bills": {**BILLS, "invoice": "number"}, "paid": PAID, "book": BOOK, "index": INDEX}
    assert panel(tables).of_role("invoices", "payments") == ("bills", "paid")
