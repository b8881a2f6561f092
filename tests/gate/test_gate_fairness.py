"""Protected groups are approved about as often as others, or the gate says which is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import GateConfig
from riskml.gate import Evidence, judge
from riskml.gate.gate import approved_alike


@pytest.fixture
def grouped(evidence: Evidence) -> Evidence:
    """Group m has lower probabilities than group f; approved are 90 % of m and 60 % of f, below 0.5."""
    group = np.array(["m", "f"] * 1000, dtype=object)
    place = np.arange(2000) // 2
    rejected = np.where(group == "m", place < 100, place < 400)
    probability = pd.Series(np.where(rejected, 0.7, 0.1), index=evidence.y.index)
    return replace(evidence, probability=probability, groups=pd.DataFrame({"sex": group}, index=evidence.y.index))


def test_a_group_that_is_approved_much_less_often_fails_the_judge(grouped: Evidence) -> None:
    check = approved_alike(grouped, "sex", 0.8, None)
    assert not check.passed
    assert check.value == pytest.approx(0.6 / 0.9)
    assert check.reason == "f: 60.0% are approved (probability below 0.5), m: 90.0%"
    assert not judge(grouped, GateConfig()).passed


def test_the_floor_and_the_cut_are_the_gate_s(grouped: Evidence) -> None:
    assert approved_alike(grouped, "sex", 0.6, None).passed
    assert approved_alike(grouped, "sex", 0.8, 0.8).passed


def test_where_nobody_is_approved_nobody_is_treated_alike(grouped: Evidence) -> None:
    assert not approved_alike(grouped, "sex", 0.8, 0.05).passed


def test_a_group_of_a_few_rows_is_told_of_and_not_judged(grouped: Evidence) -> None:
    group = grouped.groups["sex"].replace("f", "m")
    group.iloc[:20] = "x"
    check = approved_alike(replace(grouped, groups=group.to_frame()), "sex", 0.8, None)
    assert check.passed
    assert "fewer than 30 rows" in check.reason


def test_a_column_that_cannot_be_read_is_left_to_a_person(evidence: Evidence) -> None:
    verdict = judge(replace(evidence, unread={"sex": "the file does not exist"}), GateConfig())
    assert not verdict.passed
    assert verdict.reason == "fairness, sex: the column cannot be read: the file does not exist; a person decides"
