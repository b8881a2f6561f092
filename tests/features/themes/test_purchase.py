"""What customers buy, worked out by hand: the as-of date is 2021-07-01, the windows are 30 and 90 days."""

from __future__ import annotations

import math

import pytest

CONTACTS = ("contacts", "customer day", [(1, "2021-01-10"), (2, "2021-01-10")])


@pytest.fixture
def bought(looked_at):
    """Return the row of customer 1 who bought so: (day, amount, kind) each."""

    def row(*bought, **said):
        orders = ("purchases", "customer day amount kind", [(1, *one) for one in bought])
        return looked_at({"orders": orders, "calls": CONTACTS}, **said).loc[1]

    return row


def test_a_purchase_of_the_day_before_is_one_day_old(bought):
    assert bought(("2021-06-30", 5.0, "a"))["orders_recency"] == 1


def test_a_purchase_on_the_as_of_date_itself_is_not_known(bought):
    row = bought(("2021-06-30 23:59", 5.0, "a"), ("2021-07-01 00:00", 7.0, "a"))
    assert row["orders_count_30d"] == 1
    assert row["orders_sum_30d"] == 5


def test_a_window_ends_with_the_day_that_is_as_old_as_it_is_long(bought):
    row = bought(
        ("2021-06-01", 5.0, "a"), ("2021-05-31", 7.0, "a"), ("2021-04-02", 11.0, "a"), ("2021-04-01", 13.0, "a")
    )
    assert (row["orders_sum_30d"], row["orders_sum_90d"]) == (5, 5 + 7 + 11)


def test_recency_and_the_first_purchase_look_at_the_longest_window(bought):
    row = bought(("2021-06-11", 5.0, "a"), ("2021-05-12", 5.0, "a"), ("2020-01-01", 5.0, "a"))
    assert (row["orders_recency"], row["orders_since_first"]) == (20, 50)


def test_the_gap_is_the_mean_time_between_days_with_a_purchase(bought):
    row = bought(("2021-06-21", 1.0, "a"), ("2021-06-11", 1.0, "a"), ("2021-06-11", 1.0, "a"), ("2021-05-22", 1.0, "a"))
    assert row["orders_gap"] == 15
    assert row["orders_rhythm"] == pytest.approx(10 / 15)


def test_one_day_with_purchases_has_no_rhythm(bought):
    row = bought(("2021-06-21", 1.0, "a"), ("2021-06-21", 2.0, "b"))
    assert math.isnan(row["orders_gap"])
    assert math.isnan(row["orders_rhythm"])


def test_two_purchases_of_one_day_are_two_purchases_on_one_day(bought):
    row = bought(("2021-06-21 09:00", 1.0, "a"), ("2021-06-21 18:00", 2.0, "b"))
    assert (row["orders_count_30d"], row["orders_days_30d"], row["orders_kinds_30d"]) == (2, 1, 2)


def test_value_is_told_by_sum_mean_and_largest(bought):
    row = bought(("2021-06-21", 1.0, "a"), ("2021-06-11", 5.0, "a"), ("2021-05-11", 9.0, "a"))
    assert (row["orders_sum_30d"], row["orders_mean_30d"], row["orders_largest_30d"]) == (6, 3, 5)
    assert (row["orders_sum_90d"], row["orders_mean_90d"], row["orders_largest_90d"]) == (15, 5, 9)


def test_a_purchase_without_an_amount_counts_and_adds_nothing(bought):
    row = bought(("2021-06-21", None, "a"), ("2021-06-11", 4.0, None))
    assert (row["orders_count_30d"], row["orders_sum_30d"], row["orders_mean_30d"], row["orders_kinds_30d"]) == (
        2,
        4,
        4,
        1,
    )


def test_the_trend_compares_a_window_with_the_one_before(bought):
    row = bought(("2021-06-21", 6.0, "a"), ("2021-05-31", 2.0, "a"), ("2021-05-02", 1.0, "a"), ("2021-05-01", 9.0, "a"))
    assert row["orders_trend_30d"] == pytest.approx(1 / 2)
    assert row["orders_sum_trend_30d"] == pytest.approx(6 / 3)
    assert "orders_trend_90d" not in row, "the 90 days before the longest window are not looked at"


def test_a_return_lowers_spending_and_is_no_purchase(bought):
    row = bought(("2021-06-01", 40.0, "a"), ("2021-06-11", 60.0, "a"), ("2021-06-28", -60.0, "b"))
    assert (row["orders_recency"], row["orders_gap"], row["orders_rhythm"]) == (20, 10, 2)
    assert (row["orders_count_30d"], row["orders_days_30d"], row["orders_kinds_30d"]) == (2, 2, 1)
    assert (row["orders_sum_30d"], row["orders_mean_30d"], row["orders_largest_30d"]) == (40, 50, 60)


def test_a_return_alone_is_no_sign_of_life(bought):
    row = bought(("2021-06-28", -60.0, "b"))
    assert (row["orders_count_90d"], row["orders_days_90d"], row["orders_sum_90d"]) == (0, 0, -60)
    assert row[["orders_recency", "orders_since_first", "orders_mean_90d", "orders_largest_90d"]].isna().all()


def test_what_costs_nothing_is_a_purchase(bought):
    assert bought(("2021-06-28", 0.0, "b"))["orders_recency"] == 3


def test_from_spending_below_nought_there_is_no_trend_and_no_change(bought):
    row = bought(("2021-05-20", -60.0, "a"), ("2021-06-20", 10.0, "a"))
    assert row[["orders_sum_trend_30d", "orders_sum_change_30_90d"]].isna().all()


def test_a_trend_from_nothing_is_missing(bought):
    row = bought(("2021-06-21", 6.0, "a"))
    assert math.isnan(row["orders_trend_30d"])


def test_a_change_is_the_pace_of_a_window_over_that_of_the_next_longer(bought):
    row = bought(("2021-06-21", 6.0, "a"), ("2021-05-21", 2.0, "a"))
    assert row["orders_count_change_30_90d"] == pytest.approx((1 / 30) / (2 / 90))
    assert row["orders_sum_change_30_90d"] == pytest.approx((6 / 30) / (8 / 90))


def test_of_a_customer_without_purchases_counts_are_nought_and_the_rest_is_missing(bought):
    row = bought(("2020-01-01", 6.0, "a"))
    assert (row["orders_count_90d"], row["orders_sum_90d"], row["orders_days_90d"], row["orders_kinds_90d"]) == (
        0,
        0,
        0,
        0,
    )
    assert row[["orders_recency", "orders_mean_90d", "orders_trend_30d", "orders_count_change_30_90d"]].isna().all()


def test_a_purchase_recorded_on_the_as_of_date_or_later_is_not_known(looked_at):
    orders = (
        "purchases",
        "customer day recorded amount",
        [(1, "2021-06-01", "2021-06-30", 1.0), (1, "2021-06-01", "2021-07-01", 2.0)],
    )
    rows = looked_at({"orders": orders})
    assert rows.loc[1, "orders_sum_30d"] == 1


def test_a_record_without_a_day_of_record_was_known_at_once(looked_at):
    orders = ("purchases", "customer day recorded amount", [(1, "2021-06-01", None, 1.0)])
    assert looked_at({"orders": orders}).loc[1, "orders_sum_30d"] == 1


def test_recorded_before_it_happened_is_not_known_before_it_happens(looked_at):
    orders = (
        "purchases",
        "customer day recorded amount",
        [(1, "2021-06-01", "2021-05-01", 1.0), (1, "2021-07-05", "2021-05-01", 2.0)],
    )
    assert looked_at({"orders": orders}).loc[1, "orders_sum_90d"] == 1


def test_without_a_column_of_kinds_there_is_no_variety(looked_at):
    orders = ("purchases", "customer day amount", [(1, "2021-06-01", 1.0)])
    assert "orders_kinds_30d" not in looked_at({"orders": orders})


def test_of_two_records_with_one_key_the_one_that_was_known_first_counts(looked_at):
    orders = (
        "purchases",
        "customer day recorded amount number",
        [
            (1, "2021-06-02", "2021-06-20", 9.0, "x"),
            (1, "2021-06-03", "2021-06-04", 1.0, "x"),
            (1, "2021-06-03", None, 4.0, None),
        ],
        {"key": "number"},
    )
    assert looked_at({"orders": orders}).loc[1, "orders_sum_30d"] == 1 + 4


def test_columns_may_have_the_names_that_the_panel_uses_itself(looked_at):
    orders = (
        "purchases",
        "who known day nth customer",
        [(1, "2021-06-02", "2021-06-03", 9.0, 7)],
        {"customer": "who", "time": "day", "amount": "nth", "key": "customer"},
    )
    assert looked_at({"orders": orders}).loc[1, "orders_sum_30d"] == 9
