"""Beside the champion: on the same rows, unless it has learnt from them; and small steps down add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import GateConfig
from riskml.gate import Evidence, Incumbent, judge
from riskml.gate.versus_champion import not_worse

NOTHING = np.zeros(2000, dtype=bool)


def noisy(evidence: Evidence, amount: float, seed: int = 1) -> pd.Series:
    noise = np.random.default_rng(seed).normal(scale=amount, size=len(evidence.y))
    return evidence.probability + pd.Series(noise, index=evidence.y.index)


def test_without_a_champion_there_is_nothing_to_compare(evidence: Evidence) -> None:
    assert not_worse(evidence, None, 0.005, 0.95).check.passed
    assert judge(evidence, GateConfig()).reason == "the first champion"


def test_the_same_ranking_passes_and_loses_nothing(evidence: Evidence) -> None:
    found = not_worse(evidence, Incumbent("3", evidence.probability, NOTHING), 0.0, 0.95)
    assert found.check.passed
    assert found.check.value == 0
    assert found.auc_lost == 0


def test_a_better_one_passes(evidence: Evidence) -> None:
    verdict = judge(evidence, GateConfig(), Incumbent("3", noisy(evidence, 0.3), NOTHING))
    assert verdict.passed
    assert verdict.reason == "not worse than version 3, the champion"
    assert verdict.against == "3"


def test_one_that_is_significantly_worse_fails_whatever_loss_is_allowed(evidence: Evidence) -> None:
    worse = replace(evidence, probability=noisy(evidence, 0.3))
    check = not_worse(worse, Incumbent("3", evidence.probability, NOTHING), 0.4, 0.95).check
    assert not check.passed
    assert "significantly worse (one-sided p = " in check.reason
    assert "AUC 0." in check.reason


def test_one_that_loses_more_than_allowed_fails_though_it_may_be_chance(evidence: Evidence) -> None:
    small = evidence.y.index[:80]
    few = replace(evidence, y=evidence.y[small], probability=noisy(evidence, 0.15)[small])
    rival = Incumbent("3", evidence.probability[small], NOTHING[:80])
    found = not_worse(few, rival, 0.005, 0.999999)
    assert found.auc_lost > 0.005
    assert not found.check.passed
    assert "it loses" in found.check.reason
    assert not_worse(few, rival, 0.4, 0.999999).check.passed


def test_small_steps_down_add_up(evidence: Evidence) -> None:
    step = replace(evidence, probability=noisy(evidence, 0.02))
    first = not_worse(step, Incumbent("1", evidence.probability, NOTHING), 0.005, 0.9999)
    assert 0 < first.auc_lost < 0.005
    assert first.check.passed
    earlier = Incumbent("2", evidence.probability, NOTHING, auc_lost=0.0049)
    second = not_worse(step, earlier, 0.005, 0.9999)
    assert second.auc_lost == pytest.approx(0.0049 + first.auc_lost)
    assert not second.check.passed
    assert "earlier steps" in second.check.reason


def test_a_step_up_makes_good_what_was_lost(evidence: Evidence) -> None:
    found = not_worse(evidence, Incumbent("2", noisy(evidence, 0.3), NOTHING, auc_lost=0.004), 0.005, 0.95)
    assert found.auc_lost == 0


def test_a_champion_that_has_learnt_from_the_rows_is_left_to_a_person_with_what_the_others_say(
    evidence: Evidence,
) -> None:
    learnt = NOTHING.copy()
    learnt[:500] = True
    check = not_worse(evidence, Incumbent("3", evidence.probability, learnt), 0.005, 0.95).check
    assert not check.passed
    assert "was trained on 500 of the 2,000 rows" in check.reason
    assert "on the other 1,500: AUC 0." in check.reason
    assert "a person decides" in check.reason


def test_a_champion_that_has_learnt_from_all_rows_says_nothing(evidence: Evidence) -> None:
    check = not_worse(evidence, Incumbent("3", evidence.probability, ~NOTHING), 0.005, 0.95).check
    assert not check.passed
    assert "on the other" not in check.reason


def test_a_champion_that_cannot_score_is_left_to_a_person(evidence: Evidence) -> None:
    check = not_worse(evidence, Incumbent("3", trouble="columns missing: 'Age'"), 0.005, 0.95).check
    assert not check.passed
    assert check.reason == "version 3 does not compare: columns missing: 'Age'; a person decides"
