"""Signs of trouble, on all customers at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.config.warning import WarningRules
from riskml.warning.indicators import indicator_levels, signals
from riskml.warning.snapshot import Snapshot, rule_columns

from .conftest import FEBRUARY, JANUARY, MARCH, book_of, rules_of


def one_indicator(alerts: dict[str, Any] | None = None, **said: Any) -> WarningRules:
    one = {"title": "t", "value": "x", "amber": 1, "red": 2, "role": "risk", "plan": "p", **said}
    return rules_of(indicators={"one": one}, alerts=alerts or {})


def levels_over(rules: WarningRules, *dates: list[float]) -> list[int]:
    """Return the levels on the last date of customers whose value is x on each date."""
    earlier: list[Snapshot] = []
    judged = None
    for day, column in zip((JANUARY, FEBRUARY, MARCH), dates, strict=False):
        book = rule_columns(rules, pd.DataFrame({"customer": [f"c{n}" for n in range(len(column))], "x": column}))
        judged = indicator_levels(rules, book, earlier)
        earlier.append(Snapshot(day, judged.values, judged.own))
    assert judged is not None
    return judged.levels["one"].tolist()


def test_a_level_warns_from_its_thresholds_on() -> None:
    assert levels_over(one_indicator(), [0.99, 1.0, 1.99, 2.0, np.nan]) == [0, 1, 1, 2, 0]


def test_where_lower_is_worse_it_warns_downwards() -> None:
    assert levels_over(one_indicator(worse="lower", amber=-1, red=-2), [-0.9, -1.0, -2.0]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("measure", "before", "now", "level"),
    [
        ("rise", 5.0, 6.0, 1),
        ("fall", 6.0, 5.0, 1),
        ("growth", 3.0, 9.0, 2),  # twice as much again: 200 %
        ("decline", 4.0, 1.0, 0),  # three quarters gone are no 100 %
        ("growth", 0.0, 9.0, 0),  # a share of nothing is not known
        ("rise", np.nan, 9.0, 0),  # nor is a change from nothing known
    ],
)
def test_a_change_is_one_against_the_customers_own_past(measure: str, before: float, now: float, level: int) -> None:
    assert levels_over(one_indicator(measure=measure), [before], [now]) == [level]


@pytest.mark.parametrize(("by", "level"), [("latest", 0), ("min", 2), ("mean", 1), ("max", 0)])
def test_the_past_is_the_latest_date_or_the_lowest_mean_or_highest_of_several(by: str, level: int) -> None:
    rules = one_indicator(measure="rise", against={"last": 2, "by": by})
    assert levels_over(rules, [1.0], [3.0], [3.0]) == [level]


def test_a_date_on_which_the_value_is_missing_is_passed_over() -> None:
    rules = one_indicator(measure="rise", against={"last": 2, "by": "latest"})
    assert levels_over(rules, [1.0], [np.nan], [3.0]) == [2]


def test_a_new_customer_has_no_past_and_one_who_left_does_no_harm() -> None:
    rules = one_indicator(measure="rise")
    before = rule_columns(rules, pd.DataFrame({"customer": ["left", "stays"], "x": [0.0, 0.0]}))
    now = rule_columns(rules, pd.DataFrame({"customer": ["new", "stays"], "x": [9.0, 9.0]}))
    judged = indicator_levels(rules, before)
    found = indicator_levels(rules, now, [Snapshot(JANUARY, judged.values, judged.own)]).levels["one"]
    assert found.to_dict() == {"new": 0, "stays": 2}


def test_a_condition_keeps_an_indicator_silent() -> None:
    assert levels_over(one_indicator(where="x < 5"), [3.0, 6.0]) == [2, 0]


def test_persistence_asks_for_n_of_the_last_m_dates_today_among_them() -> None:
    rules = one_indicator(persistence={"dates": 2, "of": 3})
    dates = [2.0, 2.0, 0.0, 1.0], [0.0, 2.0, 2.0, 2.0], [2.0, 0.0, 0.0, 2.0]
    # twice of three; calm today; calm today; red twice of three
    assert levels_over(rules, *dates) == [2, 0, 0, 2]
    assert levels_over(rules, [2.0, 1.0], [2.0, 2.0]) == [2, 1]


def test_an_expression_over_columns_is_an_indicator() -> None:
    rules = one_indicator(value="balance / limit", amber=0.8, red=None)
    frame = pd.DataFrame({"customer": ["a", "b"], "balance": [90.0, 10.0], "limit": [100.0, 100.0]})
    assert indicator_levels(rules, rule_columns(rules, frame)).levels["one"].tolist() == [1, 0]


def test_points_add_up_to_one_alert_per_customer_with_its_strongest_cause(rules: WarningRules) -> None:
    before = rule_columns(rules, book_of(a=(0, 0.1), b=(0, 0.1), c=(0, 0.1)))
    now = rule_columns(rules, book_of(a=(15, 0.4), b=(12, 0.1), c=(0, 0.1)))
    judged = indicator_levels(rules, before)
    levels = indicator_levels(rules, now, [Snapshot(JANUARY, judged.values, judged.own)]).levels
    found = signals(rules, levels, now)
    assert found.loc["a", ["level", "points", "cause", "signs"]].tolist() == [2, 3.0, "score", "score red, late amber"]
    assert found.loc["b", ["level", "cause"]].tolist() == [1, "late"]
    assert list(found.index) == ["a", "b"]


def test_conditions_over_levels_may_stand_in_the_place_of_points() -> None:
    rules = rules_of(alerts={"amber": "late >= 1 and score >= 1", "red": "late == 2 and warning_points >= 3"})
    levels = pd.DataFrame({"late": [1, 1, 2], "score": [0, 1, 1]}, index=["a", "b", "c"], dtype="int8")
    book = rule_columns(rules, book_of(a=(0, 0), b=(0, 0), c=(0, 0)))
    assert signals(rules, levels, book)["level"].to_dict() == {"c": 2, "b": 1}


def test_who_comes_first_red_before_amber_then_priority_then_name(rules: WarningRules) -> None:
    book = rule_columns(rules, book_of(a=(12, 0.1), b=(12, 0.1), c=(12, 0.9), d=(40, 0.0), e=(12, np.nan)))
    found = signals(rules, indicator_levels(rules, book).levels, book)
    assert list(found.index) == ["d", "c", "a", "b", "e"]


def test_weights_decide_the_cause() -> None:
    rules = rules_of()
    heavy = {**rules.model_dump()["indicators"], "score": {**rules.model_dump()["indicators"]["score"], "weight": 3}}
    weighted = rules_of(indicators=heavy)
    levels = pd.DataFrame({"late": [2], "score": [1]}, index=["a"], dtype="int8")
    book = rule_columns(rules, book_of(a=(0, 0)))
    assert signals(rules, levels, book)["cause"].tolist() == ["late"]
    assert signals(weighted, levels, book)["cause"].tolist() == ["score"]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8), st.floats(0, 3))
def test_a_worse_value_never_lowers_the_level(values: list[float], worse_by: float) -> None:
    rules = one_indicator()
    before, after = levels_over(rules, values), levels_over(rules, [value + worse_by for value in values])
    assert all(later >= earlier for earlier, later in zip(before, after, strict=True))
