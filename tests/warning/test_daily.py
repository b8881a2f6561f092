"""An as-of date is recorded once."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from riskml.config.warning import WarningRules
from riskml.errors import InputError
from riskml.warning.alerts import acknowledge, close
from riskml.warning.daily import change, escalate_overdue, update
from riskml.warning.store import Store

from .conftest import FEBRUARY, JANUARY, MARCH, TODAY, book_of, rules_of


def test_alerts_are_opened_and_a_change_is_held_against_the_day_before(store: Store, rules: WarningRules) -> None:
    first = update(store, rules, book_of(a=(12, 0.1), b=(0, 0.1)), JANUARY, TODAY)
    second = update(store, rules, book_of(a=(12, 0.1), b=(0, 0.2)), FEBRUARY, TODAY)
    assert (first.day.opened, second.day.opened) == (1, 1)
    assert {alert.customer: alert.cause for alert in store.alerts()} == {"a": "late", "b": "score"}


def test_the_same_day_with_the_same_book_changes_nothing(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1), b=(40, 0.3)), JANUARY, TODAY)
    before = store.alerts(), store.events(), store.days(rules.name)
    again = update(store, rules, book_of(b=(40, 0.3), a=(12, 0.1)), JANUARY, TODAY)
    assert not again.new
    assert (store.alerts(), store.events(), store.days(rules.name)) == before


def test_the_same_day_with_another_book_is_refused(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    with pytest.raises(InputError, match="recorded with another portfolio"):
        update(store, rules, book_of(a=(13, 0.1)), JANUARY, TODAY)
    assert len(store.events()) == 1


def test_the_same_day_under_other_rules_is_refused(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    with pytest.raises(InputError, match="recorded with other rules"):
        update(store, rules_of(alerts={"cooldown_days": 1}), book_of(a=(12, 0.1)), JANUARY, TODAY)


def test_an_earlier_day_and_one_after_today_are_refused(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), FEBRUARY, TODAY)
    with pytest.raises(InputError, match="is before the last recorded one, 2024-02-01"):
        update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    with pytest.raises(InputError, match="is after today"):
        update(store, rules, book_of(a=(12, 0.1)), MARCH, today=FEBRUARY)


def test_a_day_before_the_last_that_was_recorded_the_same_may_be_handed_in_again(
    store: Store, rules: WarningRules
) -> None:
    for day in (JANUARY, FEBRUARY):
        update(store, rules, book_of(a=(12, 0.1)), day, TODAY)
    assert not update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY).new


def test_rules_may_change_from_one_day_to_the_next(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(0, 0.1)), JANUARY, TODAY)
    more = {**rules.model_dump()["indicators"], "bulk": {**rules.model_dump()["indicators"]["score"], "value": "bulk"}}
    book = book_of(a=(0, 0.4)).assign(bulk=9.0)
    recorded = update(store, rules_of(indicators=more), book, FEBRUARY, TODAY)
    assert recorded.day.opened == 1
    assert store.alerts()[0].signs == "score red"  # what was not looked at before has no past


def test_two_sets_of_rules_share_a_store_and_not_their_alerts(store: Store, rules: WarningRules) -> None:
    for said in (rules, rules_of(name="other")):
        update(store, said, book_of(a=(12, 0.1)), JANUARY, TODAY)
    assert {alert.rule for alert in store.alerts()} == {"small", "other"}
    assert len(store.alerts("other")) == 1


def test_no_more_snapshots_are_kept_than_the_rules_look_back_to(store: Store, rules: WarningRules) -> None:
    for day in pd.date_range("2024-01-01", periods=6, freq="MS"):
        update(store, rules, book_of(a=(0, 0.1)), day.date(), TODAY)
    assert [snapshot.as_of for snapshot in store.snapshots("small", 9)] == [dt.date(2024, 6, 1)]


def test_an_overdue_alert_is_escalated_by_the_next_day_that_is_recorded(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    update(store, rules, book_of(a=(0, 0.1)), FEBRUARY, TODAY)
    assert [event.what for event in store.events()] == ["opened", "escalated"]
    assert escalate_overdue(store, rules, FEBRUARY) == []


def test_a_closed_alert_is_remembered_with_who_and_why(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    key = store.alerts()[0].key
    change(store, key[:8], lambda alert: acknowledge(alert, JANUARY, "ann"))
    change(store, key, lambda alert: close(alert, FEBRUARY, "ann", "averted", "pays again"))
    assert [(event.what, event.by, event.note) for event in store.events(key)] == [
        ("opened", "", "amber"),
        ("acknowledged", "ann", ""),
        ("closed", "ann", "averted: pays again"),
    ]
    assert not store.alerts(open_only=True)


def test_a_change_that_is_refused_leaves_the_alert(store: Store, rules: WarningRules) -> None:
    update(store, rules, book_of(a=(12, 0.1)), FEBRUARY, TODAY)
    key = store.alerts()[0].key
    with pytest.raises(InputError, match="clock"):
        change(store, key, lambda alert: close(alert, JANUARY, "ann", "event"))
    assert store.alert(key).state == "opened"
