"""How early, how many, how right."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from riskml.config.warning import WarningRules
from riskml.errors import ConfigError
from riskml.warning.backtest import backtest, replay
from riskml.warning.daily import update
from riskml.warning.replay import Outcomes, Replay, prepare_replay
from riskml.warning.store import Store
from riskml.warning.tuner import tune

from .conftest import FEBRUARY, JANUARY, MARCH, TODAY, book_of, rules_of

UNTIL = dt.date(2025, 1, 1)


def outcomes(**days: str) -> Outcomes:
    return Outcomes(pd.Series(pd.to_datetime(list(days.values())), index=list(days)).astype("datetime64[ns]"), UNTIL)


def three(rules: WarningRules) -> Replay:
    """Return three dates: a and b are late from the start, c from March, d never."""
    early = book_of(a=(12, 0.1), b=(12, 0.1), c=(0, 0.1), d=(0, 0.1))
    late = book_of(b=(12, 0.1), c=(12, 0.1), d=(0, 0.1))
    return prepare_replay(rules, [(JANUARY, early), (FEBRUARY, early), (MARCH, late)])


def test_figures_by_hand(rules: WarningRules) -> None:
    # a is alerted on January 1 and defaults on February 20: 50 days. c is alerted on March 1 and defaults 20 days
    # later, which is no 30. d defaults without an alert. b is alerted in vain, and in March, past its cooldown, again.
    found = backtest(
        rules, three(rules), outcomes(a="2024-02-20", c="2024-03-21", d="2024-03-15"), horizon_days=90, lead_days=30
    )
    figures = found.figures
    assert (figures["alerts"], figures["judged"], figures["right"]) == (4, 4, 2)
    assert (figures["events"], figures["ahead"]) == (3, 1)
    assert figures["recall_ahead"] == pytest.approx(1 / 3)
    assert figures["recall"] == pytest.approx(2 / 3)
    assert (figures["lead_q1"], figures["lead_median"], figures["lead_q3"]) == (27.5, 35.0, 42.5)
    assert figures["share_opened"] == pytest.approx(2 / 3)  # of the three in March's book


def test_an_alert_whose_horizon_has_not_passed_is_not_judged(rules: WarningRules) -> None:
    known = Outcomes(outcomes(a="2024-02-20").dates, until=dt.date(2024, 3, 10))
    figures = backtest(rules, three(rules), known, horizon_days=60, lead_days=30).figures
    assert (figures["alerts"], figures["judged"]) == (4, 2)


def test_an_event_that_nobody_could_have_announced_is_not_missed(rules: WarningRules) -> None:
    figures = backtest(rules, three(rules), outcomes(stranger="2024-02-20", d="2024-01-20"), lead_days=30).figures
    assert figures["events"] == 0
    assert np.isnan(figures["recall_ahead"])


def test_work_is_counted_by_role_a_month_and_per_officer_and_working_day(rules: WarningRules) -> None:
    found = backtest(rules, three(rules), outcomes(), officers={"finance": 2}).by_role.set_index("role")
    # four alerts over 90 days, of which 65 are working days
    assert found.loc["finance", "a_month"] == pytest.approx(4 / (90 / 30.4375))
    assert found.loc["finance", "per_officer_and_day"] == pytest.approx(4 / 2 / 65)


def test_a_replay_opens_what_a_store_opens_where_each_alert_is_closed_when_due(
    rules: WarningRules, store: Store
) -> None:
    rng = np.random.default_rng(7)
    names = [f"c{n:03d}" for n in range(200)]
    days = [dt.date(2024, month, 1) for month in range(1, 9)]
    books = [
        (day, pd.DataFrame({"customer": names, "days_late": rng.gamma(1, 7, 200), "probability": rng.random(200) / 4}))
        for day in days
    ]
    limited = rules_of(alerts={"at_most": 0.1, "cooldown_days": 40, "priority": "probability"})
    from riskml.warning.alerts import close
    from riskml.warning.daily import change

    for day, book in books:
        for alert in store.alerts(open_only=True):
            if alert.due < day:
                change(store, alert.key, lambda alert: close(alert, alert.due, "officer", "other"))
        update(store, limited, book, day, TODAY)
    replayed, by_date = replay(limited, prepare_replay(limited, books))
    assert {alert.key for alert in store.alerts()} == set(replayed["key"])
    assert [day.opened for day in store.days("small")][::-1] == by_date["opened"].tolist()


def drifting() -> tuple[list[tuple[dt.date, pd.DataFrame]], Outcomes]:
    """Return eight dates on which a delay above 5 days announces the event two months ahead, below it nothing does."""
    rng = np.random.default_rng(7)
    books, events = [], {}
    for place in range(8):
        day = dt.date(2024, place + 1, 1)
        names = [f"c{place}-{n}" for n in range(300)]
        delay = rng.gamma(1.5, 2.0, 300)
        books.append((day, pd.DataFrame({"customer": names, "days_late": delay, "probability": 0.1})))
        for name in np.array(names)[(delay > 5) & (rng.random(300) < 0.7)]:
            events[name] = str(day + dt.timedelta(days=60))
    return books, outcomes(**events)


def test_the_tuner_finds_thresholds_that_announce_more_on_dates_it_did_not_see() -> None:
    rules = rules_of()
    books, known = drifting()
    tuned = tune(
        rules, prepare_replay(rules, books), known, at_most=0.3, judge_from=dt.date(2024, 6, 1), horizon_days=90
    )
    figures = tuned.compared.set_index(["rules", "dates"])
    assert figures.loc[("tuned", "later"), "recall_ahead"] > 0.9 > figures.loc[("given", "later"), "recall_ahead"]
    assert figures.loc[("tuned", "later"), "share_opened"] <= 0.3
    assert tuned.rules.indicators["late"].amber == pytest.approx(5, abs=1.5)


def test_the_tuner_learns_nothing_from_events_after_the_day() -> None:
    rules = rules_of()
    books, known = drifting()
    day = dt.date(2024, 6, 1)
    before = tune(rules, prepare_replay(rules, books), known, at_most=0.3, judge_from=day, horizon_days=90)
    only = Outcomes(known.dates[known.dates < pd.Timestamp(day)], known.until)
    again = tune(rules, prepare_replay(rules, books), only, at_most=0.3, judge_from=day, horizon_days=90)
    assert again.rules == before.rules


@pytest.mark.parametrize(
    ("day", "told"),
    [("2024-01-01", "does not lie between the as-of dates"), ("2024-02-01", "no event before 2024-02-01 could")],
)
def test_a_day_that_leaves_nothing_to_learn_or_to_judge(day: str, told: str) -> None:
    rules = rules_of()
    books, known = drifting()
    with pytest.raises(ConfigError, match=told):
        tune(rules, prepare_replay(rules, books), known, at_most=0.3, judge_from=dt.date.fromisoformat(day))
