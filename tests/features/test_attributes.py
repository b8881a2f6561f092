"""Slowly changing attributes, and who is known at all; the as-of date is 2021-07-01."""

from __future__ import annotations

import pytest


@pytest.fixture
def known(looked_at):
    """Return everyone's attributes from records of (customer, day, home, income)."""

    def rows(*told, columns="customer day home income", **tables):
        book = ("attributes", columns, list(told), {"columns": ["home", "income"]})
        return looked_at({"book": book, **tables})

    return rows


def test_an_attribute_is_as_last_known_before_the_as_of_date(known):
    rows = known((1, "2020-01-01", "rent", 10.0), (1, "2021-06-30", "own", 20.0), (1, "2021-07-01", "none", 30.0))
    assert rows.loc[1, ["home", "income"]].tolist() == ["own", 20]


def test_an_attribute_holds_however_long_ago_it_was_told(known):
    assert known((1, "1999-01-01", "rent", 10.0)).loc[1, "home"] == "rent"


def test_a_change_recorded_on_the_as_of_date_is_not_known(known):
    columns = "customer day recorded home income"
    told = (1, "2020-01-01", None, "rent", 10.0), (1, "2021-05-01", "2021-07-01", "own", 20.0)
    assert known(*told, columns=columns).loc[1, "home"] == "rent"


def test_of_two_records_of_one_day_the_greater_value_holds(known):
    rows = known((1, "2021-05-01", "own", 10.0), (1, "2021-05-01", "rent", 5.0))
    assert rows.loc[1, ["home", "income"]].tolist() == ["rent", 10]


def test_what_is_empty_in_the_last_record_is_missing(known):
    assert known((1, "2021-04-01", "own", 10.0), (1, "2021-05-01", "rent", None)).loc[1, ["income"]].isna().all()


def test_where_there_are_attributes_they_say_who_is_a_customer(known):
    orders = ("purchases", "customer day amount", [(1, "2021-06-01", 5.0), (3, "2021-06-01", 5.0)])
    rows = known(
        (1, "2020-01-01", "rent", 10.0), (2, "2020-01-01", "own", 10.0), (4, "2021-07-01", "own", 1.0), orders=orders
    )
    assert rows.index.tolist() == [1, 2]
    assert rows["orders_count_90d"].tolist() == [1, 0]


def test_without_attributes_whoever_did_anything_before_is_a_customer(looked_at):
    orders = ("purchases", "customer day amount", [(1, "2010-06-01", 5.0), (3, "2021-07-01", 5.0)])
    rows = looked_at({"orders": orders, "calls": ("contacts", "customer day", [(2, "2021-06-01"), (1, "2021-06-01")])})
    assert rows.index.tolist() == [1, 2]
    assert rows["first"].tolist() == [14761, 18779]


def test_customers_that_are_numbers_here_and_text_there_meet_as_text(known):
    orders = ("purchases", "customer day amount", [("1", "2021-06-01", 5.0)])
    assert known((1, "2020-01-01", "rent", 10.0), orders=orders).loc["1", "orders_count_90d"] == 1
