"""A scored book as the rules read it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.warning import WarningRules
from riskml.errors import ConfigError, DataError
from riskml.warning.snapshot import Snapshot, alert_key, portfolio_digest, rule_columns, values

from .conftest import FEBRUARY, JANUARY, book_of, rules_of


def test_only_what_the_rules_read_is_kept_by_customer_in_order(rules: WarningRules) -> None:
    frame = book_of(b=(1, 0.2), a=(2, 0.1)).assign(secret="x")
    book = rule_columns(rules, frame)
    assert list(book.columns) == ["days_late", "probability"]
    assert list(book.index) == ["a", "b"]


def test_the_index_may_name_the_customers(rules: WarningRules) -> None:
    frame = book_of(a=(2, 0.1))
    pd.testing.assert_frame_equal(rule_columns(rules, frame.set_index("customer")), rule_columns(rules, frame))


def test_whole_numbers_that_were_read_as_floats_name_the_same_customers(rules: WarningRules) -> None:
    frame = book_of(a=(2, 0.1), b=(3, 0.1))
    whole, floating = frame.assign(customer=[1, 2]), frame.assign(customer=[1.0, 2.0])
    assert portfolio_digest(rule_columns(rules, whole)) == portfolio_digest(rule_columns(rules, floating))


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (book_of(a=(1, 0.1)).iloc[:0], "no rows"),
        (pd.concat([book_of(a=(1, 0.1)), book_of(a=(2, 0.1))]), "'a'"),
        (book_of(a=(1, 0.1)).assign(customer=None), "have no customer"),
        (book_of(a=(1, 0.1)).drop(columns="customer"), "no ID column 'customer'"),
    ],
)
def test_a_book_that_cannot_be_one(rules: WarningRules, frame: pd.DataFrame, told: str) -> None:
    with pytest.raises(DataError, match=told):
        rule_columns(rules, frame)


def test_a_column_that_is_absent_is_named(rules: WarningRules) -> None:
    with pytest.raises(ConfigError, match="'days_late'"):
        rule_columns(rules, book_of(a=(1, 0.1)).drop(columns="days_late"))


def test_a_tier_becomes_its_place_and_a_strange_one_is_refused() -> None:
    one = {"title": "t", "value": "tier_number", "amber": 1, "role": "risk", "plan": "p"}
    rules = rules_of(tiers=["low", "high"], indicators={"tier": one}, alerts={})
    book = rule_columns(rules, pd.DataFrame({"customer": ["a", "b"], "tier": ["high", "low"]}))
    assert values(rules, book)["tier"].tolist() == [1.0, 0.0]
    with pytest.raises(DataError, match="'medium' is not one of the rules' tiers low, high"):
        rule_columns(rules, pd.DataFrame({"customer": ["a"], "tier": ["medium"]}))


def test_the_digest_follows_content_and_not_the_order_of_rows(rules: WarningRules) -> None:
    frame = book_of(a=(1, 0.1), b=(2, 0.2))
    digest = portfolio_digest(rule_columns(rules, frame))
    assert portfolio_digest(rule_columns(rules, frame.iloc[::-1])) == digest
    assert portfolio_digest(rule_columns(rules, book_of(a=(1, 0.1), b=(2, 0.21)))) != digest


def test_what_is_not_finite_is_not_known(rules: WarningRules) -> None:
    found = values(rules, rule_columns(rules, book_of(a=(np.inf, 0.1), b=(np.nan, 0.2))))
    assert found["late"].isna().all()


def test_a_snapshot_comes_back_as_it_was(rules: WarningRules) -> None:
    now = values(rules, rule_columns(rules, book_of(a=(1, 0.1), b=(2, np.nan))))
    snapshot = Snapshot(JANUARY, now, now.notna().astype("int8"))
    again = Snapshot.from_bytes(JANUARY, snapshot.to_bytes())
    pd.testing.assert_frame_equal(again.values, snapshot.values)
    pd.testing.assert_frame_equal(again.levels, snapshot.levels)


def test_a_key_follows_from_rule_customer_and_day() -> None:
    keys = {alert_key("a", "c", JANUARY), alert_key("b", "c", JANUARY), alert_key("a", "d", JANUARY)}
    assert len(keys | {alert_key("a", "c", FEBRUARY)}) == 4
