"""What a model must show by itself, and that no good one fails by the luck of few rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DEFAULT_TIERS, GateConfig
from riskml.gate import Check, Evidence, Verdict, judge
from riskml.gate.gate import calibrated, events_as_expected, ranks, stable, tiers_hold
from riskml.metrics import psi_test
from riskml.validation.holdout import assess

LEVEL = 0.95


def test_a_model_whose_probabilities_are_right_passes_every_check(evidence: Evidence) -> None:
    verdict = judge(evidence, GateConfig())
    assert verdict.passed
    assert [check.name for check in verdict.checks] == [
        "ranking",
        "events",
        "tiers",
        "calibration",
        "stability",
        "champion",
    ]


def test_chance_does_not_pass_for_a_ranking(evidence: Evidence) -> None:
    shuffled = pd.Series(np.random.default_rng(0).permutation(evidence.probability), index=evidence.y.index)
    check = ranks(replace(evidence, probability=shuffled), 0.5, LEVEL)
    assert not check.passed
    assert check.value == pytest.approx(0.5, abs=0.03)


def test_an_auc_that_is_asked_for_must_be_shown_beyond_chance(evidence: Evidence) -> None:
    reached = ranks(evidence, 0.5, LEVEL).value
    assert reached is not None
    assert not ranks(evidence, reached - 0.001, LEVEL).passed
    assert ranks(evidence, reached - 0.05, LEVEL).passed


@pytest.mark.parametrize(("factor", "said"), [(0.5, "underestimated"), (1.5, "overestimated")])
def test_a_risk_of_the_wrong_size_fails_and_the_reason_says_which_way(
    evidence: Evidence, factor: float, said: str
) -> None:
    check = events_as_expected(replace(evidence, probability=(evidence.probability * factor).clip(0, 1)), 0.1, LEVEL)
    assert not check.passed
    assert said in check.reason


def test_a_wrong_size_within_the_tolerance_passes_however_many_rows_show_it() -> None:
    # 5 % more events than expected, of 100,000 customers: the interval excludes 1 by far.
    chance, y = pd.Series(np.full(100_000, 0.2)), pd.Series([1] * 21_000 + [0] * 79_000)
    many = Evidence(y, chance, chance, DEFAULT_TIERS)
    assert events_as_expected(many, 0.1, LEVEL).passed
    assert not events_as_expected(many, 0.01, LEVEL).passed
    assert tiers_hold(many, 0.1, LEVEL).passed
    assert not tiers_hold(many, 0.01, LEVEL).passed


def test_a_calibration_error_beyond_the_bound_fails_only_beyond_chance(evidence: Evidence) -> None:
    few = replace(evidence, y=evidence.y.iloc[:60], probability=evidence.probability.iloc[:60])
    found = calibrated(few, 0.01, LEVEL)
    assert found.value is not None
    assert found.value > 0.01
    assert found.passed
    assert "0.01 is allowed; chance alone gives up to" in found.reason
    sharpened = evidence.probability**2 / (evidence.probability**2 + (1 - evidence.probability) ** 2)
    assert not calibrated(replace(evidence, probability=sharpened), 0.01, LEVEL).passed


def test_the_tier_that_holds_more_risk_than_it_promises_is_named(evidence: Evidence) -> None:
    y = evidence.y.mask(evidence.probability < 0.1, 1)
    check = tiers_hold(replace(evidence, y=y), 0.1, LEVEL)
    assert not check.passed
    assert "low: " in check.reason
    assert "high: " not in check.reason


def test_a_tier_that_is_safer_than_it_promises_passes(evidence: Evidence) -> None:
    assert tiers_hold(replace(evidence, y=evidence.y.mask(evidence.probability > 0.5, 0)), 0.1, LEVEL).passed


def test_scores_that_have_shifted_fail(evidence: Evidence) -> None:
    assert stable(evidence, 0.25, LEVEL).passed
    assert not stable(replace(evidence, probability=evidence.probability**0.5), 0.25, LEVEL).passed


def test_leaves_that_differ_from_fold_to_fold_are_no_shift(evidence: Evidence) -> None:
    # A tree of four leaves, and the slightly different leaves that each fold had.
    leaves = np.array([0.05, 0.2, 0.4, 0.6])
    probability = pd.Series(np.resize(leaves, 2000), index=evidence.y.index)
    folds = pd.Series(np.resize(np.add.outer(leaves, [0.01, -0.01, 0.02]).ravel(), 2000))
    tree = replace(evidence, probability=probability, development=folds)
    assert not stable(tree, 0.25, LEVEL).passed
    check = stable(replace(tree, fitted=pd.Series(probability.to_numpy())), 0.25, LEVEL)
    assert check.passed
    assert check.value == 0
    assert "PSI 0.0000 against the model's own scores of the training rows" in check.reason
    assert "against out-of-fold scores)" in check.reason


def test_the_shift_is_the_one_of_the_validation_and_the_other_is_told(evidence: Evidence) -> None:
    closer = evidence.probability.iloc[:1900]
    found = assess(evidence.y, evidence.probability, evidence.development, DEFAULT_TIERS, seed=1)["psi"]["value"]
    assert psi_test(closer, evidence.probability).psi < found
    check = stable(replace(evidence, fitted=closer), 0.25, LEVEL)
    assert check.value == found
    assert f"PSI {found:.4f} against out-of-fold scores of the training rows" in check.reason
    assert "against the model's own scores)" in check.reason


def directed(evidence: Evidence, violated: float, largest: float) -> Evidence:
    found = pd.DataFrame({"column": ["Seniority"], "violated": [violated], "largest": [largest]})
    return replace(evidence, directions={"Seniority": "ascending"}, violations=found)


def test_a_declared_direction_that_is_broken_fails_with_its_column_and_how_often(evidence: Evidence) -> None:
    verdict = judge(directed(evidence, 1.0, 0.12), GateConfig())
    assert not verdict.passed
    assert "monotone: Seniority should be ascending: for 100% of customers" in verdict.reason
    assert "by 0.1200 at the most" in verdict.reason


def test_a_direction_is_kept_within_the_tolerance(evidence: Evidence) -> None:
    assert judge(directed(evidence, 0.3, 0.0009), GateConfig()).passed
    assert not judge(directed(evidence, 0.3, 0.0009), GateConfig(monotone_tolerance=0)).passed
    assert judge(directed(evidence, 1.0, 0.5), GateConfig(monotone_tolerance=None)).passed


def test_a_direction_that_nobody_has_looked_at_does_not_pass(evidence: Evidence) -> None:
    verdict = judge(replace(evidence, directions={"Seniority": "ascending"}), GateConfig())
    assert verdict.reason == "monotone: Seniority: not looked at; a person decides"


def test_a_shift_shows_however_the_training_rows_are_scored(evidence: Evidence) -> None:
    shifted = replace(evidence, probability=evidence.probability**0.5, fitted=evidence.development)
    assert not stable(shifted, 0.25, LEVEL).passed


def test_a_bound_of_null_is_not_asked_for(evidence: Evidence) -> None:
    rule = GateConfig(min_auc=None, calibration_tolerance=None, max_ece=None, max_psi=None)
    assert [check.name for check in judge(evidence, rule).checks] == ["champion"]


def test_what_was_made_by_hand_never_passes(evidence: Evidence) -> None:
    verdict = judge(replace(evidence, by_hand=True), GateConfig())
    assert not verdict.passed
    assert verdict.reason == "origin: made interactively: a person decides"


def test_rows_that_cannot_tell_leave_it_to_a_person(evidence: Evidence) -> None:
    one_event = evidence.y * 0
    one_event.iloc[5] = 1
    verdict = judge(replace(evidence, y=one_event), GateConfig())
    (ranking,) = [check for check in verdict.checks if check.name == "ranking"]
    assert not ranking.passed
    assert "a person decides" in ranking.reason


def test_everything_that_is_wrong_is_said_at_once(evidence: Evidence) -> None:
    wrong = replace(evidence, probability=(evidence.probability * 0.3))
    verdict = judge(wrong, GateConfig())
    assert {check.name for check in verdict.checks if not check.passed} >= {"events", "calibration", "stability"}
    assert all(f"{check.name}: {check.reason}" in verdict.reason for check in verdict.checks if not check.passed)


def test_a_verdict_is_a_table_and_plain_values(evidence: Evidence) -> None:
    verdict = judge(evidence, GateConfig())
    assert list(verdict.table()) == ["check", "passed", "value", "bound", "reason"]
    assert len(verdict.to_dict()["checks"]) == len(verdict.table())
    assert verdict.to_markdown().count("\n") == len(verdict.checks) + 3


def test_names_from_the_data_are_shown_as_they_are_in_markdown() -> None:
    reason = "a|b\n# <img src=x> ![x](http://elsewhere): 20.0% are approved"
    row = Verdict((Check("fairness, a_b", False, 0.2, "at least 0.8", reason),)).to_markdown().splitlines()[-1]
    assert row.startswith("| fairness, a\\_b | **not passed** | 0.2000 |")
    assert "a\\|b # &lt;img src=x> !\\[x\\](http&#58;//elsewhere)" in row
