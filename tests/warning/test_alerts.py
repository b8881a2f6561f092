"""What an alert goes through."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from riskml.config.warning import WarningRules
from riskml.errors import InputError
from riskml.warning.alerts import Alert, acknowledge, close, decide, escalate, overdue_days

from .conftest import FEBRUARY, JANUARY, rules_of


def warned(**levels: int) -> pd.DataFrame:
    """Return signals of customers with these levels, in order."""
    frame = pd.DataFrame({"level": list(levels.values())}, index=list(levels))
    return frame.assign(points=1.0, priority=0.5, cause="late", signs="late amber")


def opened(level: int = 1) -> Alert:
    return decide(rules_of(), warned(a=level), {}, JANUARY, 100).changes[0].alert


def test_a_signal_opens_an_alert_with_owner_due_date_and_plan(rules: WarningRules) -> None:
    alert = opened()
    assert (alert.state, alert.level, alert.role, alert.plan) == ("opened", "amber", "finance", "call")
    assert alert.due == JANUARY + dt.timedelta(days=14)
    assert opened(2).due == JANUARY + dt.timedelta(days=5)


def test_an_open_alert_is_not_opened_again(rules: WarningRules) -> None:
    assert not decide(rules, warned(a=1), {"a": opened()}, FEBRUARY, 100).changes


def test_an_open_amber_alert_that_turns_red_is_raised_once_with_less_time(rules: WarningRules) -> None:
    (raised,) = decide(rules, warned(a=2), {"a": opened()}, JANUARY + dt.timedelta(days=1), 100).changes
    assert (raised.event.what, raised.alert.level, raised.alert.key) == ("raised", "red", opened().key)
    assert raised.alert.due == JANUARY + dt.timedelta(days=6)
    assert not decide(rules, warned(a=2), {"a": raised.alert}, FEBRUARY, 100).changes


def test_the_cooldown_keeps_a_new_alert_away_until_it_is_over(rules: WarningRules) -> None:
    done = close(opened(), JANUARY, "ann", "averted").alert
    last = JANUARY + dt.timedelta(days=rules.alerts.cooldown_days)
    assert not decide(rules, warned(a=1), {"a": done}, last - dt.timedelta(days=1), 100).changes
    assert decide(rules, warned(a=1), {"a": done}, last, 100).changes[0].event.what == "opened"


def test_the_cooldown_does_not_silence_who_went_from_amber_to_red(rules: WarningRules) -> None:
    done = close(opened(), JANUARY, "ann", "averted").alert
    assert decide(rules, warned(a=2), {"a": done}, FEBRUARY, 100).changes[0].event.what == "opened"


def test_no_more_than_a_share_of_the_book_is_alerted_and_the_rest_is_counted() -> None:
    rules = rules_of(alerts={"at_most": 0.02})
    decision = decide(rules, warned(first=2, second=1, third=1), {}, JANUARY, 100)
    assert [change.alert.customer for change in decision.changes] == ["first", "second"]
    assert decision.held_back == 1


def test_an_alert_is_acknowledged_once_and_closed_once_with_an_outcome() -> None:
    taken = acknowledge(opened(), FEBRUARY, "ann").alert
    assert (taken.state, taken.acknowledged) == ("acknowledged", FEBRUARY)
    with pytest.raises(InputError, match="already acknowledged on 2024-02-01"):
        acknowledge(taken, FEBRUARY, "bob")
    done = close(taken, FEBRUARY, "ann", "false_alarm").alert
    assert (done.state, done.outcome) == ("closed", "false_alarm")
    with pytest.raises(InputError, match="already closed on 2024-02-01"):
        close(done, FEBRUARY, "ann", "event")
    with pytest.raises(InputError, match="closed on"):
        acknowledge(done, FEBRUARY, "ann")


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(InputError, match="event, averted, false_alarm, other"):
        close(opened(), FEBRUARY, "ann", "great")


def test_a_clock_that_goes_backwards_is_refused() -> None:
    with pytest.raises(InputError, match="is before the last change of the alert"):
        acknowledge(opened(), JANUARY - dt.timedelta(days=1), "ann")
    taken = acknowledge(opened(), FEBRUARY, "ann").alert
    with pytest.raises(InputError, match="is before the last change of the alert"):
        close(taken, JANUARY, "ann", "event")


def test_an_overdue_alert_is_escalated_once_and_a_closed_one_never(rules: WarningRules) -> None:
    alert = opened()
    assert not escalate(rules, [alert], alert.due + dt.timedelta(days=3))
    late = alert.due + dt.timedelta(days=4)
    (change,) = escalate(rules, [alert], late)
    assert (change.alert.state, change.alert.escalated_to, change.event.note) == ("escalated", "risk", "risk")
    assert not escalate(rules, [change.alert, close(alert, late, "ann", "other").alert], late)


def test_an_escalated_alert_can_still_be_taken_up_and_is_late_all_the_same(rules: WarningRules) -> None:
    late = opened().due + dt.timedelta(days=4)
    (change,) = escalate(rules, [opened()], late)
    taken = acknowledge(change.alert, late, "boss").alert
    assert taken.escalated == late
    assert overdue_days(taken, late) == 4
    assert overdue_days(replace(taken, closed=late), late) == 0
