"""What customers owe and can carry, worked out by hand: the as-of date is 2021-07-01, the windows 30 and 90 days."""

from __future__ import annotations

import math

import pytest

CONTACTS = ("contacts", "customer day", [(1, "2021-01-10")])
BALANCES = "customer day balance limit inflow outflow service"


@pytest.fixture
def holds(looked_at):
    """Return the row of customer 1 whose balances are (day, balance, limit, inflow, outflow, debt service)."""

    def row(*balances):
        return looked_at({"account": ("balances", BALANCES, [(1, *one) for one in balances]), "calls": CONTACTS}).loc[1]

    return row


def test_the_latest_balance_against_the_mean_of_a_window(holds):
    row = holds(
        ("2021-06-30", 60.0, 100.0, 0, 0, 0), ("2021-06-01", 20.0, 50.0, 0, 0, 0), ("2021-05-31", 10.0, 50.0, 0, 0, 0)
    )
    assert (row["account_balance_now"], row["account_balance_30d"], row["account_balance_90d"]) == (60, 40, 30)
    assert (row["account_trend_30d"], row["account_trend_90d"]) == (1.5, 2)


def test_utilisation_is_the_balance_over_its_limit(holds):
    row = holds(
        ("2021-06-30", 60.0, 100.0, 0, 0, 0), ("2021-06-01", 45.0, 50.0, 0, 0, 0), ("2021-05-31", 0.0, 50.0, 0, 0, 0)
    )
    assert row["account_utilisation_now"] == pytest.approx(0.6)
    assert row["account_utilisation_30d"] == pytest.approx(0.75)
    assert row["account_utilisation_90d"] == pytest.approx(0.5)
    assert row["account_utilisation_peak_30d"] == pytest.approx(0.9)


def test_a_limit_that_rose(holds):
    row = holds(("2021-06-30", 1.0, 100.0, 0, 0, 0), ("2021-06-01", 1.0, 50.0, 0, 0, 0))
    assert row["account_limit_change_30d"] == pytest.approx(100 / 75)


def test_coverage_and_debt_burden(holds):
    row = holds(("2021-06-30", 1.0, 1.0, 30.0, 10.0, 6.0), ("2021-06-01", 1.0, 1.0, 10.0, 40.0, 4.0))
    assert row["account_coverage_30d"] == pytest.approx(40 / 50)
    assert row["account_burden_30d"] == pytest.approx(10 / 40)


def test_without_a_limit_or_money_that_moved_ratios_are_missing(holds):
    row = holds(("2021-06-30", 1.0, 0.0, 0.0, 0.0, 5.0), ("2021-06-20", 1.0, None, None, None, None))
    names = [
        "utilisation_now",
        "utilisation_30d",
        "utilisation_peak_30d",
        "coverage_30d",
        "burden_30d",
        "limit_change_30d",
    ]
    assert row[[f"account_{name}" for name in names]].isna().all()


def test_a_balance_of_the_as_of_date_is_not_known(holds):
    row = holds(("2021-07-01", 60.0, 100.0, 0, 0, 0), ("2021-06-30", 20.0, 50.0, 0, 0, 0))
    assert (row["account_balance_now"], row["account_limit_change_30d"]) == (20, 1)


def test_a_balance_recorded_late_is_not_the_latest(looked_at):
    account = (
        "balances",
        "customer day recorded balance",
        [(1, "2021-06-29", "2021-07-01", 9.0), (1, "2021-06-20", None, 5.0)],
    )
    assert looked_at({"account": account}).loc[1, "account_balance_now"] == 5


def test_of_two_balances_of_one_day_the_larger_is_the_latest(holds):
    row = holds(("2021-06-30 09:00", 60.0, 100.0, 0, 0, 0), ("2021-06-30 08:00", 70.0, 100.0, 0, 0, 0))
    assert row["account_balance_now"] == 70


def test_a_balance_older_than_the_longest_window_is_none(holds):
    row = holds(("2021-04-01", 60.0, 100.0, 0, 0, 0))
    assert math.isnan(row["account_balance_now"])
    assert holds(("2021-04-02", 60.0, 100.0, 0, 0, 0))["account_balance_now"] == 60


def test_the_score_of_a_bureau_and_its_enquiries(looked_at):
    pulls = [(1, "2021-06-30", 500.0), (1, "2021-06-01", 560.0), (1, "2021-05-31", 640.0), (1, "2021-07-01", 100.0)]
    row = looked_at({"bureau": ("bureau", "customer day score", pulls)}).loc[1]
    assert row["bureau_score_now"] == 500
    assert row["bureau_score_change_30d"] == 500 - 530
    assert row["bureau_score_change_90d"] == pytest.approx(500 - 1700 / 3)
    assert (row["bureau_pulls_30d"], row["bureau_pulls_90d"]) == (2, 3)
    assert row["bureau_pulls_change_30_90d"] == pytest.approx(3 * 2 / 3)


def test_of_a_customer_whom_no_bureau_knows_enquiries_are_nought(looked_at):
    row = looked_at({"bureau": ("bureau", "customer day score", [(2, "2021-06-30", 500.0)]), "calls": CONTACTS}).loc[1]
    assert row["bureau_pulls_90d"] == 0
    assert math.isnan(row["bureau_score_now"])
