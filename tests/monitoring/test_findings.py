"""What a month's figures call for."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd

from riskml.config.monitoring import MonitoringConfig
from riskml.monitoring import Estimate, Finding, PreviousMonth, Reference, findings_of, month_of, next_step, snapshot_of

from .conftest import customers

DAY = dt.date(2026, 3, 1)


def found(
    reference: Reference, frame: pd.DataFrame, earlier: PreviousMonth | None = None, **limits: object
) -> dict[str, Finding]:
    asked = reference.experiment
    checked = MonitoringConfig.model_validate(asked.monitoring.model_dump() | limits)
    watched = replace(reference, experiment=asked.model_copy(update={"monitoring": checked}))
    month = month_of(watched, snapshot_of(frame, watched.experiment), DAY, earlier)
    return {one.key: one for one in findings_of(month, watched)}


def steps(findings: dict[str, Finding]) -> dict[str, tuple[str, str]]:
    return {key: (one.severity, one.next_step) for key, one in findings.items()}


def test_where_nothing_has_changed_nothing_is_to_be_done(reference: Reference, same: pd.DataFrame) -> None:
    findings = found(reference, same)
    assert {one.severity for one in findings.values()} <= {"watch"}
    assert next_step(list(findings.values())) in ("none", "watch")


def test_while_no_outcome_is_known_that_is_noted(reference: Reference, same: pd.DataFrame) -> None:
    assert steps(found(reference, same.drop(columns="bad"))) == {"no_outcomes": ("note", "none")}


def test_a_riskier_book_without_outcomes_asks_for_a_new_model(reference: Reference, same: pd.DataFrame) -> None:
    shift = found(reference, same.assign(debt=same["debt"] + 1.2).drop(columns="bad"))["score_shift"]
    assert (shift.severity, shift.next_step) == ("act", "retrain")
    assert "the book looks riskier" in shift.text()
    assert "风险更高" in shift.text("zh")


def test_another_book_is_watched_only_where_outcomes_show_that_the_model_holds(reference: Reference) -> None:
    rent = customers(7, 6000)
    rent = rent[rent["home"] == "rent"]
    asked = {"level": 0.99, "psi_watch": 0.02, "psi_act": 0.05, "shifted_share": 1.0}
    assert steps(found(reference, rent.drop(columns="bad"), **asked))["score_shift"] == ("act", "retrain")
    held = found(reference, rent.assign(bad=_as_promised(reference, rent)), **asked)
    assert steps(held)["score_shift_held"] == ("watch", "watch")


def _as_promised(reference: Reference, frame: pd.DataFrame) -> pd.Series:
    """Return outcomes that come with the probabilities that the model gives."""
    chance = reference.model.score(frame)["probability"]
    return (np.random.default_rng(8).random(len(frame)) < chance).astype(int)


def test_more_events_than_expected_call_for_another_level(reference: Reference) -> None:
    findings = found(reference, customers(3, 2500, harder=0.8))
    assert steps(findings)["underestimated"] == ("act", "recalibrate")
    assert steps(findings)["tier_underestimated"] == ("act", "recalibrate")
    assert "auc_lost" not in findings
    assert next_step(list(findings.values())) == "recalibrate"


def test_what_is_sure_and_does_not_matter_is_no_finding(reference: Reference) -> None:
    rows = customers(10, 40_000)
    rows["bad"] = (rows["bad"] | (np.random.default_rng(1).random(len(rows)) < 0.01)).astype(int)
    findings = found(reference, rows, calibration_watch=0.2)
    assert not {"underestimated", "segment_level"} & set(findings)
    assert "underestimated" in found(reference, rows, calibration_watch=0.0)


def test_a_segment_that_ranks_less_well_than_its_scores_promise_is_watched(reference: Reference) -> None:
    rows = customers(11, 3000)
    rent = rows["home"] == "rent"
    rows.loc[rent, "bad"] = rows.loc[rent, "bad"].sample(frac=1, random_state=3).to_numpy()
    weak = found(reference, rows)["segment_auc"]
    assert weak.text().startswith("Where home is rent, it ranks less well than the scores promise: AUC 0.")


def test_a_ranking_that_is_lost_calls_for_a_new_model(reference: Reference, same: pd.DataFrame) -> None:
    mixed = same.assign(bad=same["bad"].sample(frac=1, random_state=3).to_numpy())
    findings = found(reference, mixed)
    assert steps(findings)["auc_lost"] == ("act", "retrain")
    assert next_step(list(findings.values())) == "retrain"


def test_customers_who_are_more_alike_are_harder_to_rank_by_any_model(reference: Reference) -> None:
    rows = customers(9, 6000)
    alike = rows[(rows["home"] == "own") & (rows["debt"].abs() < 0.7)]
    findings = found(reference, alike.assign(bad=_as_promised(reference, alike)))
    assert steps(findings)["auc_mix"] == ("watch", "watch")
    assert "auc_lost" not in findings


def test_few_events_are_not_judged(reference: Reference, same: pd.DataFrame) -> None:
    mixed = same.assign(bad=same["bad"].sample(frac=1, random_state=3).to_numpy()).head(40)
    findings = found(reference, mixed)
    assert steps(findings)["few_events"] == ("note", "none")
    assert "auc_lost" not in findings


def test_damaged_data_come_before_anything_else(reference: Reference) -> None:
    harder = customers(3, 2500, harder=0.8)
    findings = found(reference, harder.assign(debt=harder["debt"].where(harder.index % 3 > 0)))
    assert steps(findings)["missing"] == ("act", "repair")
    assert next_step(list(findings.values())) == "repair"
    broken = found(reference, harder.drop(columns="debt"))
    assert steps(broken)["broken"] == steps(broken)["not_scored"] == ("act", "repair")


def test_a_few_more_missing_cells_do_not_stand_in_the_way_of_what_is_graver(reference: Reference) -> None:
    harder = customers(3, 2500, harder=0.8)
    findings = found(reference, harder.assign(debt=harder["debt"].where(harder.index % 10 > 0)))
    assert steps(findings)["missing"] == ("watch", "watch")
    assert next_step(list(findings.values())) == "recalibrate"


def test_many_columns_that_moved_far_call_for_a_new_model(reference: Reference, same: pd.DataFrame) -> None:
    moved = same.assign(debt=same["debt"] + 2, home="rent", late_90d=9.0).drop(columns="bad")
    assert steps(found(reference, moved))["many_shifted"] == ("act", "retrain")


def test_of_many_columns_the_ones_that_matter_are_told_and_the_others_counted(
    reference: Reference, same: pd.DataFrame
) -> None:
    month = month_of(reference, snapshot_of(same, reference.experiment), DAY)
    names = [f"c{i}" for i in range(14)]
    columns = pd.DataFrame({"column": names, "used": True, "psi": 0.2, "no_shift": 0.0, "status": "watch"})
    columns = columns.assign(moved="higher", level="", before=1.0, now=2.0, log_odds=np.arange(14) / 100)
    quality = pd.DataFrame({"column": names, "status": "watch", "missing": 0.0, "missing_in_training": 0.0})
    quality = quality.assign(unseen=0.0, out_of_range=np.arange(14) / 20, message="")
    findings = findings_of(replace(month, columns=columns, quality=quality), reference)
    told = [one.figures["column"] for one in findings if one.key == "column_shift"]
    assert told == ["c13", "c12", "c11", "c10", "c9"]
    (rest,) = [one for one in findings if one.key == "more_shifted"]
    assert rest.text() == "More columns have shifted (9): c8, c7, c6, c5, c4, c3, c2, c1, c0."
    (cells,) = [one for one in findings if one.key == "more_out_of_range"]
    assert cells.figures["count"] == "8"


def test_a_column_whose_levels_are_all_unseen_is_to_be_repaired(reference: Reference, same: pd.DataFrame) -> None:
    upper = same.assign(home=same["home"].str.upper()).drop(columns="bad")
    assert steps(found(reference, upper))["unseen"] == ("act", "repair")


def test_limits_of_the_experiment_decide(reference: Reference, same: pd.DataFrame) -> None:
    moved = same.assign(debt=same["debt"] + 0.3).drop(columns="bad")
    assert "column_shift" not in found(reference, moved, psi_watch=0.5, psi_act=0.6)
    assert "column_shift" in found(reference, moved, psi_watch=0.03)


def test_customers_who_pay_later_than_is_their_way_are_watched(reference: Reference, same: pd.DataFrame) -> None:
    late = same.assign(late_90d=same["late_365d"] + 6 * (same.index % 2)).drop(columns="bad")
    assert steps(found(reference, late))["payment"] == ("watch", "watch")


def test_moves_to_riskier_tiers_are_watched(reference: Reference, same: pd.DataFrame) -> None:
    before = reference.model.score(same).set_axis(same["customer"], axis=0)
    moved = found(reference, same.assign(debt=same["debt"] + 1), PreviousMonth(before, "2026-02-01"))["migrated"]
    assert moved.figures["since"] == "2026-02-01"


def test_an_estimate_that_was_wrong_where_it_can_be_checked_is_not_to_be_leant_on(
    reference: Reference, same: pd.DataFrame
) -> None:
    worse = replace(reference, holdout=replace(reference.holdout, auc=Estimate(0.7, 0.68, 0.72)))
    assert "estimate_off" not in found(reference, same)
    note = found(worse, same)["estimate_off"]
    assert (note.severity, note.next_step) == ("note", "none")
    assert "0.700 (0.680–0.720) came of them" in note.text()


def test_the_gravest_comes_first(reference: Reference, same: pd.DataFrame) -> None:
    severities = [one.severity for one in found(reference, same.assign(debt=same["debt"] + 2)).values()]
    assert severities == sorted(severities, key=["act", "watch", "note"].index)
