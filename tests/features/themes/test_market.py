"""The customer's market, worked out by hand: the as-of date is 2021-07-01, the windows are 30 and 90 days."""

from __future__ import annotations

import math
import statistics

import pandas as pd
import pytest


@pytest.fixture
def index(looked_at):
    """Return the row of customer 1, in industry "steel" or another, where the index is (industry, day, value)."""

    def row(*values, industry="steel", **said):
        book = ("attributes", "customer day industry", [(1, "2021-01-01", industry)], {"columns": ["industry"]})
        return looked_at({"book": book, "market": ("market", "industry day index", list(values))}, **said).loc[1]

    return row


def test_the_return_starts_from_the_last_value_before_the_window(index):
    row = index(("steel", "2021-06-30", 132.0), ("steel", "2021-06-15", 110.0), ("steel", "2021-05-20", 120.0))
    assert row["market_return_30d"] == pytest.approx(0.1)


def test_the_return_of_the_longest_window_starts_from_before_it_too(index):
    row = index(("steel", "2021-06-30", 132.0), ("steel", "2021-03-31", 120.0))
    assert row["market_return_90d"] == pytest.approx(0.1)


def test_the_drawdown_is_the_fall_from_the_peak_of_the_window(index):
    row = index(("steel", "2021-06-30", 90.0), ("steel", "2021-06-15", 100.0), ("steel", "2021-05-20", 120.0))
    assert row["market_drawdown_30d"] == pytest.approx(0.1)
    assert row["market_drawdown_90d"] == pytest.approx(0.25)


def test_the_volatility_is_a_years_whatever_the_rhythm_of_the_index(index):
    daily = pd.date_range("2021-03-20", "2021-06-30")
    monthly = pd.to_datetime(["2021-04-01", "2021-05-01", "2021-05-31", "2021-06-30"])

    def volatility(days, *changes):
        values, level = [], 100.0
        for number, day in enumerate(days):
            level *= math.exp(changes[number % len(changes)])
            values.append(("steel", str(day), level))
        return index(*values)["market_volatility_90d"]

    inside = [0.01, -0.01] * 45
    assert volatility(daily, 0.01, -0.01) == pytest.approx(statistics.stdev(inside) * math.sqrt(365.25))
    changes = [-0.05, 0.05, -0.05]
    assert volatility(monthly, 0.05, -0.05) == pytest.approx(statistics.stdev(changes) * math.sqrt(365.25 / 30))


def test_a_value_of_the_as_of_date_is_not_known(index):
    row = index(("steel", "2021-07-01", 1.0), ("steel", "2021-06-15", 110.0), ("steel", "2021-06-10", 100.0))
    assert row["market_return_30d"] == pytest.approx(0.1)
    assert row["market_drawdown_30d"] == 0


def test_another_industry_is_another_market(index):
    row = index(("steel", "2021-06-15", 110.0), ("steel", "2021-06-10", 100.0), industry="paper")
    assert row[[name for name in row.index if name.startswith("market")]].isna().all()


def test_one_value_has_no_return_and_no_volatility(index):
    row = index(("steel", "2021-06-15", 110.0))
    assert math.isnan(row["market_return_30d"])
    assert math.isnan(row["market_volatility_30d"])
    assert row["market_drawdown_30d"] == 0


def test_what_is_not_above_nought_is_no_value(index):
    row = index(("steel", "2021-06-20", 0.0), ("steel", "2021-06-15", 110.0), ("steel", "2021-06-10", 100.0))
    assert row["market_return_30d"] == pytest.approx(0.1)


def test_industries_may_be_numbers(index):
    row = index((35, "2021-06-15", 110.0), (35, "2021-06-10", 100.0), industry=35)
    assert row["market_return_30d"] == pytest.approx(0.1)


def test_industries_may_be_numbers_here_and_text_there(index):
    row = index(("35", "2021-06-15", 110.0), ("35", "2021-06-10", 100.0), industry=35)
    assert row["market_return_30d"] == pytest.approx(0.1)
    assert row["industry"] == 35


def test_a_value_recorded_late_is_not_known(index, looked_at):
    book = ("attributes", "customer day industry", [(1, "2021-01-01", "steel")], {"columns": ["industry"]})
    values = [
        ("steel", "2021-06-20", "2021-07-09", 50.0),
        ("steel", "2021-06-15", None, 110.0),
        ("steel", "2021-06-10", None, 100.0),
    ]
    rows = looked_at({"book": book, "market": ("market", "industry day recorded index", values)})
    assert rows.loc[1, "market_return_30d"] == pytest.approx(0.1)


def test_spending_is_set_against_the_market(looked_at):
    """Twice the spending of the 30 days before, in a market that rose by a tenth."""
    book = ("attributes", "customer day industry", [(1, "2021-01-01", "steel")], {"columns": ["industry"]})
    bought = [(1, "2021-05-20", 50.0), (1, "2021-06-20", 100.0)]
    index = [("steel", "2021-05-31", 100.0), ("steel", "2021-06-30", 110.0)]
    tables = {
        "book": book,
        "orders": ("purchases", "customer day amount", bought),
        "market": ("market", "industry day index", index),
    }
    assert looked_at(tables).loc[1, "orders_against_market_30d"] == pytest.approx(2.0 / 1.1)
