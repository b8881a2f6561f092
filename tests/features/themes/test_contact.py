"""Service cases, contacts and use, worked out by hand: the as-of date is 2021-07-01, the windows are 30 and 90 days."""

from __future__ import annotations

import math

import pytest

ORDERS = ("purchases", "customer day amount", [(1, "2021-01-10", 1.0), (2, "2021-01-10", 1.0)])


@pytest.fixture
def served(looked_at):
    """Return the row of customer 1 whose cases are (day, kind, closed, escalated)."""

    def row(*cases, **more):
        listed = [(1, *one) for one in cases]
        cases = ("service", "customer day kind closed escalated", listed, more)
        return looked_at({"cases": cases, "orders": ORDERS}).loc[1]

    return row


def test_cases_complaints_and_their_share(served):
    row = served(
        ("2021-06-20", "complaint", None, 0), ("2021-06-10", "request", None, 1), ("2021-05-10", None, None, None)
    )
    assert (row["cases_count_30d"], row["cases_complaints_30d"], row["cases_complaint_share_30d"]) == (2, 1, 0.5)
    assert (row["cases_count_90d"], row["cases_complaints_90d"]) == (3, 1)
    assert row["cases_complaint_share_90d"] == pytest.approx(1 / 3)
    assert (row["cases_escalated_90d"], row["cases_recency"]) == (1, 11)
    assert row["cases_count_change_30_90d"] == pytest.approx(3 * 2 / 3)
    assert row["cases_complaints_change_30_90d"] == pytest.approx(3)


def test_which_kinds_are_complaints_is_said_by_the_table(served):
    cases = ("2021-06-20", "claim", None, 0), ("2021-06-10", "complaint", None, 0)
    assert served(*cases, complaint=["claim", "dispute"])["cases_complaints_30d"] == 1


def test_a_case_that_was_closed_on_the_as_of_date_or_later_is_open(served):
    row = served(
        ("2021-06-20", "a", "2021-06-30", 0), ("2021-06-21", "a", "2021-07-01", 0), ("2021-06-22", "a", None, 0)
    )
    assert (row["cases_open_now"], row["cases_open_age"], row["cases_resolution_30d"]) == (2, 10, 10)


def test_an_old_case_is_open_however_old_it_is(served):
    row = served(("2020-06-01", "a", None, 0), ("2020-06-01", "a", "2020-06-02", 0))
    assert (row["cases_open_now"], row["cases_open_age"], row["cases_count_90d"]) == (1, 395, 0)


def test_cases_of_the_as_of_date_are_not_known_and_windows_end_with_their_last_day(served):
    row = served(
        ("2021-07-01", "a", None, 0),
        ("2021-06-30", "a", None, 0),
        ("2021-06-01", "a", None, 0),
        ("2021-05-31", "a", None, 0),
    )
    assert (row["cases_count_30d"], row["cases_recency"]) == (2, 1)


def test_of_a_customer_without_cases_counts_are_nought_and_the_rest_is_missing(served):
    row = served(("2021-07-01", "complaint", None, 1))
    counts = ["cases_count_90d", "cases_complaints_90d", "cases_escalated_90d", "cases_open_now", "cases_open_age"]
    assert (row[counts] == 0).all()
    assert row[["cases_recency", "cases_resolution_90d", "cases_complaint_share_90d"]].isna().all()


def test_cases_that_only_have_a_day_are_counted(looked_at):
    row = looked_at({"cases": ("service", "customer day", [(1, "2021-06-30")])}).loc[1]
    assert (row["cases_count_30d"], row["cases_recency"]) == (1, 1)
    assert not [name for name in row.index if "open" in name or "complain" in name or "escalated" in name]


def test_contacts_and_how_many_were_answered(looked_at):
    calls = [
        (1, "2021-06-30", True),
        (1, "2021-06-20", False),
        (1, "2021-06-10", None),
        (1, "2021-04-02", True),
        (1, "2021-07-01", True),
    ]
    row = looked_at({"calls": ("contacts", "customer day answered", calls)}).loc[1]
    assert (row["calls_count_30d"], row["calls_answered_30d"], row["calls_recency"]) == (3, 0.5, 1)
    assert (row["calls_count_90d"], row["calls_answered_90d"]) == (4, pytest.approx(2 / 3))
    assert row["calls_count_change_30_90d"] == pytest.approx(3 * 3 / 4)


def test_of_a_customer_without_contacts_the_share_answered_is_missing(looked_at):
    row = looked_at({"calls": ("contacts", "customer day answered", [(3, "2021-06-30", True)]), "orders": ORDERS}).loc[
        1
    ]
    assert row["calls_count_90d"] == 0
    assert math.isnan(row["calls_answered_90d"])
    assert math.isnan(row["calls_recency"])


def test_use_of_the_service(looked_at):
    used = [(1, "2021-06-30 08:00", 2.0), (1, "2021-06-30 09:00", 3.0), (1, "2021-05-31", 4.0), (1, "2021-04-30", 8.0)]
    row = looked_at({"logins": ("activity", "customer day amount", used)}).loc[1]
    assert (row["logins_recency"], row["logins_count_30d"], row["logins_days_30d"], row["logins_sum_30d"]) == (
        1,
        2,
        1,
        5,
    )
    assert (row["logins_count_90d"], row["logins_days_90d"], row["logins_sum_90d"]) == (4, 3, 17)
    assert row["logins_trend_30d"] == 2
    assert row["logins_sum_change_30_90d"] == pytest.approx(3 * 5 / 17)


def test_of_a_customer_without_use_counts_are_nought(looked_at):
    row = looked_at({"logins": ("activity", "customer day amount", [(3, "2021-06-30", 1.0)]), "orders": ORDERS}).loc[1]
    assert (row["logins_count_90d"], row["logins_days_90d"], row["logins_sum_90d"]) == (0, 0, 0)
    assert math.isnan(row["logins_trend_30d"])
