"""A month of a model: what is measured."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from riskml.errors import ConfigError, InputError
from riskml.monitoring import MonthReport, PreviousMonth, Reference, by_segment, month_of, snapshot_of
from riskml.monitoring.drift import FITTED, OUT_OF_FOLD, nearer_psi
from riskml.monitoring.month import history

DAY = dt.date(2026, 3, 1)


def measured(reference: Reference, frame: pd.DataFrame, earlier: PreviousMonth | None = None) -> MonthReport:
    return month_of(reference, snapshot_of(frame, reference.experiment), DAY, earlier)


def column(month: MonthReport, name: str, table: str = "columns") -> pd.Series:
    found = getattr(month, table)
    return found[found["column"] == name].iloc[0]


# -- the data


def test_of_a_table_like_trainings_nothing_is_wrong(reference: Reference, same: pd.DataFrame) -> None:
    month = measured(reference, same)
    assert set(month.quality["status"]) == {"good"}
    assert (month.duplicates, month.why_not) == (0, "")


def test_cells_that_go_missing_are_counted_beside_trainings(reference: Reference, same: pd.DataFrame) -> None:
    same = same.assign(debt=same["debt"].where(same.index % 4 > 0))
    found = column(measured(reference, same), "debt", "quality")
    assert found["status"] == "watch"
    assert found["missing"] == pytest.approx(0.25 + 0.75 * 0.05, abs=0.02)
    assert found["missing_in_training"] == pytest.approx(0.05, abs=0.02)


def test_levels_never_seen_and_numbers_beyond_the_range_are_counted(reference: Reference, same: pd.DataFrame) -> None:
    same = same.assign(
        home=same["home"].where(same.index >= 150, "boat"), debt=same["debt"].mask(same.index < 75, 99.0)
    )
    month = measured(reference, same)
    assert column(month, "home", "quality")["unseen"] == pytest.approx(0.1)
    assert column(month, "debt", "quality")["out_of_range"] == pytest.approx(0.05, abs=0.002)


def test_a_customer_who_is_there_twice_is_counted(reference: Reference, same: pd.DataFrame) -> None:
    assert measured(reference, pd.concat([same, same.head(7)])).duplicates == 7


def test_a_book_that_the_model_cannot_read_is_not_scored_and_its_columns_still_are_looked_at(
    reference: Reference, same: pd.DataFrame
) -> None:
    month = measured(reference, same.drop(columns="debt"))
    assert month.scored is None
    assert column(month, "debt", "quality")["status"] == "broken"
    assert column(month, "debt", "quality")["message"] == "not in the table"
    assert "home" in set(month.columns["column"])
    assert "monitor.psi_score" not in month.metrics()


# -- drift


def test_a_shift_has_its_direction_and_what_it_does_to_the_score(reference: Reference, same: pd.DataFrame) -> None:
    moved = column(measured(reference, same.assign(debt=same["debt"] + 0.8)), "debt")
    assert (moved["status"], moved["moved"]) == ("act", "higher")
    assert moved["now"] - moved["before"] == pytest.approx(0.8, abs=0.1)
    assert moved["log_odds"] > 0.5  # more debt is riskier


def test_of_a_category_the_level_that_moved_most_is_named(reference: Reference, same: pd.DataFrame) -> None:
    moved = column(measured(reference, same.assign(home="rent")), "home")
    assert (moved["moved"], moved["level"], moved["now"]) == ("more", "rent", 1.0)


def test_what_chance_can_do_on_few_rows_is_no_shift(reference: Reference, same: pd.DataFrame) -> None:
    shift = measured(reference, same.head(30)).scored.shift
    assert shift.psi > 0.1  # beyond the limit,
    assert shift.no_shift > shift.psi  # and within chance
    assert shift.status == "stable"


def test_scores_have_moved_only_where_they_moved_against_both_kinds_of_scores_of_training() -> None:
    draw = np.random.default_rng(1)
    now = pd.Series(draw.choice([0.1, 0.4], 500))
    before = pd.DataFrame({"probability": draw.choice([0.12, 0.37], 500), "fitted": draw.choice([0.1, 0.4], 500)})
    assert nearer_psi(before, now)[1] == FITTED
    assert nearer_psi(before.rename(columns={"probability": "fitted", "fitted": "probability"}), now)[1] == OUT_OF_FOLD
    assert nearer_psi(before, now)[0].psi < 0.02


# -- tiers


def test_tiers_stand_beside_trainings_shares(reference: Reference, same: pd.DataFrame) -> None:
    shares = measured(reference, same).scored.moves.shares
    assert shares["tier"].tolist() == ["low", "medium", "high"]
    assert shares["customers"].sum() == len(same)
    assert np.abs(shares["share"] - shares["share_before"]).max() < 0.05


def test_who_moved_is_counted_where_the_same_customers_were_there_before(
    reference: Reference, same: pd.DataFrame
) -> None:
    before = reference.model.score(same).set_axis(same["customer"], axis=0)
    worse = measured(reference, same.assign(debt=same["debt"] + 1.0), PreviousMonth(before, "2026-02-01"))
    moves = worse.scored.moves
    assert moves.since == "2026-02-01"
    assert moves.same == len(same)
    assert moves.riskier > 300
    assert moves.safer == 0
    assert moves.matrix.to_numpy().sum() == len(same)
    assert worse.metrics()["monitor.moved_riskier"] == moves.riskier / len(same)


def test_other_customers_are_not_followed_and_refused_where_they_were_asked_for(
    reference: Reference, same: pd.DataFrame
) -> None:
    others = reference.model.score(same).set_axis([f"x{i}" for i in range(len(same))], axis=0)
    assert measured(reference, same, PreviousMonth(others, "before")).scored.moves.matrix is None
    with pytest.raises(InputError, match="no customer of the portfolio is among those of before"):
        measured(reference, same, PreviousMonth(others, "before", requested=True))


# -- performance


def test_before_outcomes_arrive_performance_is_estimated_and_near_what_comes(
    reference: Reference, same: pd.DataFrame
) -> None:
    before = measured(reference, same.drop(columns="bad")).scored
    after = measured(reference, same).scored
    assert before.realised is None
    assert before.estimated == after.estimated
    assert before.estimated.auc.low < after.realised.auc.value < before.estimated.auc.high
    assert before.estimated.event_rate.value == pytest.approx(after.realised.event_rate, abs=0.03)
    assert before.estimated.brier.value == pytest.approx(after.realised.brier, abs=0.01)


def test_outcomes_that_are_known_of_some_count_for_those(reference: Reference, same: pd.DataFrame) -> None:
    came = measured(reference, same.assign(bad=same["bad"].where(same.index < 400))).scored.realised
    assert (came.rows, came.events) == (400, int(same["bad"][:400].sum()))


def test_every_tier_is_tested_once_outcomes_are_known(reference: Reference, same: pd.DataFrame) -> None:
    by_tier = measured(reference, same).scored.realised.by_tier
    assert by_tier["tier"].tolist() == ["low", "medium", "high", "portfolio"]
    assert by_tier["event"].iloc[:-1].sum() == by_tier["event"].iloc[-1]
    assert by_tier["ratio"].between(by_tier["lower"], by_tier["upper"]).all()


def test_without_two_events_there_is_no_auc_and_the_level_still_is_measured(
    reference: Reference, same: pd.DataFrame
) -> None:
    came = measured(reference, same[same["bad"] == 0].head(200)).scored.realised
    assert came.auc is None
    assert came.observed_expected.value == 0


def test_rows_of_several_dates_are_judged_by_date(reference: Reference, same: pd.DataFrame) -> None:
    asked = reference.experiment
    dated = asked.model_copy(update={"data": asked.data.model_copy(update={"date": "day"})})
    days = np.where(same.index % 2 == 0, "2026-01-31", "2026-02-28")
    book = snapshot_of(same.assign(day=days), dated)
    periods = month_of(reference, book, DAY).scored.realised.by_period
    assert periods["group"].tolist() == ["2026-01", "2026-02"]
    assert periods["count"].tolist() == [750, 750]


# -- segments


def test_every_segment_has_its_figures_and_small_ones_are_said_to_be(reference: Reference, same: pd.DataFrame) -> None:
    some = pd.concat([same[same["home"] == "own"], same[same["home"] == "rent"].head(40)])
    segments = measured(reference, some).scored.segments.set_index("group")
    assert segments["small"].to_dict() == {"own": False, "rent": True}
    assert segments.loc["own", "psi"] < 0.1
    assert np.isnan(segments.loc["rent", "psi"])
    assert segments.loc["own", "known"] == (some["home"] == "own").sum()


def test_a_segment_that_the_book_does_not_have_is_refused(reference: Reference, same: pd.DataFrame) -> None:
    book = snapshot_of(same.drop(columns="home"), reference.experiment)
    with pytest.raises(ConfigError, match="the portfolio has no column 'home'"):
        by_segment(["home"], reference, book, reference.model.score(same), reference.experiment.monitoring)


# -- figures by name


def test_every_month_has_its_figures_by_the_same_names(reference: Reference, same: pd.DataFrame) -> None:
    known, unknown = (measured(reference, frame).metrics() for frame in (same, same.drop(columns="bad")))
    assert set(unknown) < set(known)
    assert {"monitor.psi_score", "monitor.auc_estimated", "monitor.payment_worse"} <= set(unknown)
    assert {"monitor.auc", "monitor.observed_expected"} <= set(known) - set(unknown)
    assert all(np.isfinite(value) for value in known.values())


def test_the_history_holds_the_metrics_of_all_months_earliest_first() -> None:
    one, two = dt.date(2026, 1, 1), dt.date(2026, 2, 1)
    assert history({two: {"monitor.auc": 0.6}, one: {"monitor.auc": 0.8}})["auc"].tolist() == [0.8, 0.6]


def test_a_table_without_any_column_of_the_model_is_refused(reference):
    with pytest.raises(InputError, match="none of the columns that the model reads: .*") as error:
        measured(reference, pd.DataFrame({"foo": [1, 2], "bar": [3, 4]}))
    assert "name the table of this model's customers" in str(error.value)
