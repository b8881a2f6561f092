"""Reject inference: assumptions in the open."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from riskml.errors import ConfigError, DataError
from riskml.scorecard import Scorecard, SegmentedScorecard, infer_rejects, reject_sensitivity


@pytest.fixture(scope="module")
def applicants(made):
    accepted = (made.X["debt"] > -0.8).to_numpy()
    X, y = made.X[accepted], made.y[accepted]
    return Scorecard().fit(X, y), X, y, made.X[~accepted]


def test_the_baseline_is_the_known_outcomes(applicants):
    card, X, y, rejected = applicants
    known = infer_rejects(card, X, y, rejected, method="known")
    assert known.X is X
    assert known.event.tolist() == y.tolist()
    assert not known.inferred.any()
    assert "missing at random" in known.warning


def test_fuzzy_rows_share_one_applicant_by_the_card_s_probability(applicants):
    card, X, y, rejected = applicants
    both = infer_rejects(card, X, y, rejected, method="fuzzy")
    assert both.weight.sum() == pytest.approx(len(X) + len(rejected))
    as_events = both.weight[both.inferred & (both.event == 1)]
    np.testing.assert_allclose(as_events, card.predict_proba(rejected)[:, 1])


def test_uplift_multiplies_the_odds_of_fuzzy_rows(applicants):
    card, X, y, rejected = applicants
    plain, raised = (infer_rejects(card, X, y, rejected, uplift=u) for u in (1.0, 3.0))
    p, q = (both.weight[both.inferred & (both.event == 1)] for both in (plain, raised))
    np.testing.assert_allclose(q / (1 - q), 3 * p / (1 - p))


def test_parcels_follow_the_band_s_event_rate_and_the_seed(applicants):
    card, X, y, rejected = applicants
    one, again, other = (
        infer_rejects(card, X, y, rejected, method="parcelling", bands=1, random_state=seed) for seed in (0, 0, 1)
    )
    assert one.event.tolist() == again.event.tolist() != other.event.tolist()
    assert one.event[one.inferred].mean() == pytest.approx(y.mean(), abs=0.08)


def test_bands_are_of_all_applicants_and_say_where_their_rate_comes_from(applicants):
    card, X, y, rejected = applicants
    few = X.iloc[:200], y[:200]
    table = infer_rejects(card, *few, rejected, method="parcelling", bands=8).bands
    assert table["accepted"].sum() == 200
    assert table["rejected"].sum() == len(rejected)
    everyone = table["accepted"] + table["rejected"]
    assert everyone.max() < 2.5 * (200 + len(rejected)) / 8
    own = table["source"] == "accepted"
    assert own.any()
    assert (~own).any()
    assert (table.loc[own, "accepted"] >= 30).all()
    np.testing.assert_allclose(table.loc[own, "assumed_rate"], table.loc[own, "accepted_event_rate"])


def test_a_band_without_accepted_applicants_takes_the_card_s_probability_and_the_warning_says_so(applicants):
    card, X, y, rejected = applicants
    safe = (card.points(X) > card.points(X).median()).to_numpy()
    both = infer_rejects(card, X[safe], y[safe], rejected, method="parcelling")
    lowest = both.bands.iloc[0]
    assert (lowest["accepted"], lowest["source"]) == (0, "card")
    assert lowest["assumed_rate"] > y.mean()
    assert "the card's own probability is extrapolated" in both.warning


def test_weights_of_the_accepted_are_kept_and_make_the_baseline_repeat_a_weighted_card(applicants):
    _, X, y, rejected = applicants
    weight = np.where(y == 1, 3.0, 1.0)
    card = Scorecard().fit(X, y, weight)
    assert infer_rejects(card, X, y, rejected, sample_weight=weight).weight[: len(X)].tolist() == weight.tolist()
    table = reject_sensitivity(card, X, y, rejected, sample_weight=weight, uplifts=(1.0,))
    assert table.loc[0, "largest_points_shift"] == 0
    with pytest.raises(DataError, match="one weight for each"):
        infer_rejects(card, X, y, rejected, sample_weight=[1, 2, 3])


@pytest.mark.filterwarnings("ignore:the outcomes are text")
def test_outcomes_come_back_in_the_card_s_classes(applicants):
    _, X, y, rejected = applicants
    said = np.where(y == 1, "lost", "kept")
    both = infer_rejects(Scorecard().fit(X, said), X, said, rejected)
    assert set(both.y) == {"kept", "lost"}
    assert ((both.y == "lost") == (both.event == 1)).all()


def test_the_warning_is_seen_in_the_table_and_wherever_the_result_is_shown(applicants):
    card, X, y, rejected = applicants
    both = infer_rejects(card, X, y, rejected, method="parcelling")
    assert both.warning in repr(both)
    assert "Parcelling:" in both._repr_html_()
    assert "(-inf" in both._repr_html_()
    assert dataclasses.replace(both, warning="<b>")._repr_html_().count("&lt;b&gt;") == 1
    table = reject_sensitivity(card, X, y, rejected, uplifts=(1.0,))
    assert table["warning"].str[:5].tolist() == ["The k", "Fuzzy", "Parce"]


def test_without_declined_applicants_the_method_s_own_warning_says_that_nothing_was_inferred(applicants):
    card, X, y, rejected = applicants
    both = infer_rejects(card, X, y, rejected.head(0), method="fuzzy")
    assert both.warning.startswith("Fuzzy")
    assert both.warning.endswith("nothing was inferred.")
    assert not both.inferred.any()


def test_arrays_and_columns_in_another_order_are_read(made, applicants):
    card, X, y, rejected = applicants
    turned = infer_rejects(card, X, y, rejected[["home", "debt", "age"]])
    assert list(turned.X.columns) == list(X.columns)
    numbers = X[["age", "debt"]].to_numpy()
    plain = infer_rejects(Scorecard().fit(numbers, y), numbers, y, rejected[["age", "debt"]].to_numpy())
    assert len(plain.X) == len(X) + 2 * len(rejected)
    objects = infer_rejects(card, X.to_numpy(), y, rejected.to_numpy())
    np.testing.assert_array_equal(objects.weight, turned.weight)


def test_segmented_cards_are_cards(applicants):
    _, X, y, rejected = applicants
    cards = SegmentedScorecard(segment_by="home", min_segment_events=20).fit(X, y)
    table = reject_sensitivity(cards, X, y, rejected, uplifts=(1.0,))
    assert table.loc[0, "largest_points_shift"] == 0


def test_points_set_by_hand_cannot_be_refitted_and_are_refused(applicants):
    card, X, y, rejected = applicants
    label = card.card_.query("column == 'home'")["bin"].iloc[0]
    edited = card.edit("home", points={label: 7}, by="a", why="b", when="2024-01-31")
    with pytest.raises(ConfigError, match="edited manually.*home"):
        reject_sensitivity(edited, X, y, rejected)
    assert infer_rejects(edited, X, y, rejected).inferred.any()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda y: np.where(y == 1, "bad", "good"), "got 'good', 'bad'|got 'bad', 'good'"),
        (lambda y: np.where(np.arange(len(y)) < 3, np.nan, y), "missing in 3 rows"),
        (lambda y: y[:10], "have 10 outcomes"),
        (lambda y: None, "y is None"),
    ],
)
def test_outcomes_that_are_not_the_card_s_are_refused(applicants, spoil, message):
    card, X, y, rejected = applicants
    with pytest.raises(DataError, match=message):
        infer_rejects(card, X, spoil(y), rejected)


@pytest.mark.parametrize("uplift", [0.5, np.inf, np.nan, "2", True, None])
def test_an_uplift_is_a_finite_number_from_1(applicants, uplift):
    card, X, y, rejected = applicants
    with pytest.raises(ConfigError, match="uplift must be at least 1"):
        infer_rejects(card, X, y, rejected, uplift=uplift)


def test_a_card_that_is_none_or_not_fitted_is_refused(applicants):
    _, X, y, rejected = applicants
    with pytest.raises(ConfigError, match="not fitted"):
        infer_rejects(Scorecard(), X, y, rejected)
    with pytest.raises(ConfigError, match="a Scorecard is expected"):
        reject_sensitivity("card", X, y, rejected)
    with pytest.raises(DataError, match="3 columns is expected"):
        infer_rejects(Scorecard().fit(X, y), X.to_numpy()[:, :2], y, rejected)


def test_every_method_warns_as_its_literature_does(applicants):
    card, X, y, rejected = applicants
    warnings = {infer_rejects(card, X, y, rejected, method=m).warning for m in ("known", "fuzzy", "parcelling")}
    assert len(warnings) == 3
    assert all("(" in warning for warning in warnings)


def test_sensitivity_shows_what_each_assumption_does(applicants):
    card, X, y, rejected = applicants
    table = reject_sensitivity(card, X, y, rejected, uplifts=(1.0, 3.0))
    assert table["method"].tolist() == ["known", "fuzzy", "fuzzy", "parcelling", "parcelling"]
    assert table.loc[0, "mean_points_shift"] == 0
    fuzzy = table.query("method == 'fuzzy'")["event_rate_rejected"].tolist()
    assert fuzzy[1] > fuzzy[0]


def test_impossible_assumptions_are_refused(applicants):
    card, X, y, rejected = applicants
    with pytest.raises(ConfigError, match="method must be one of"):
        infer_rejects(card, X, y, rejected, method="guess")
    with pytest.raises(ConfigError, match="bands"):
        infer_rejects(card, X, y, rejected, method="parcelling", bands=0)
    with pytest.raises(DataError, match="same columns"):
        infer_rejects(card, X, y, rejected[["age"]])


def test_a_card_fitted_with_periods_is_no_reference(made):
    card = Scorecard().fit(made.X, made.y, periods=np.arange(len(made.y)) % 2)
    with pytest.raises(ConfigError, match="fitted with periods"):
        reject_sensitivity(card, made.X, made.y, made.X.head(50))


@pytest.mark.parametrize("fitted", ["with", "without"])
def test_cards_with_and_without_weights_are_not_compared(made, fitted):
    weight = np.linspace(0.5, 2, len(made.y))
    card = Scorecard().fit(made.X, made.y, weight if fitted == "with" else None)
    with pytest.raises(ConfigError, match=f"fitted {fitted} sample_weight"):
        reject_sensitivity(card, made.X, made.y, made.X.head(50), sample_weight=None if fitted == "with" else weight)


@pytest.mark.parametrize("uplifts", [3, None, "12", [[1.0]]])
def test_uplifts_are_a_list(applicants, uplifts):
    with pytest.raises(ConfigError, match="uplifts are a list of numbers"):
        reject_sensitivity(*applicants, uplifts=uplifts)


@pytest.mark.parametrize("method", ["fuzzy", "parcelling"])
@pytest.mark.parametrize("seed", ["a", -1, 2.5])
def test_a_seed_of_draws_is_a_whole_number(applicants, method, seed):
    with pytest.raises(ConfigError, match="random_state must be a whole number"):
        infer_rejects(*applicants, method=method, random_state=seed)
