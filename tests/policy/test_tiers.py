"""Tiers: where the cut-offs come from, what a tier holds, and who stays in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import ConfigError, DataError
from riskml.metrics import ChurnCosts, CreditCosts, best_cutoff
from riskml.policy.cutoffs import equal_risk_tiers, given_tiers, profit_best_tiers
from riskml.policy.tiers import tier_codes, tier_table, with_hysteresis

TIERS = given_tiers([0.0, 0.1, 0.3], ["low", "medium", "high"])
NAMES = [tier.name for tier in TIERS]


def drawn(n: int = 4_000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return calibrated probabilities and the outcomes that they gave."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 6, n)
    return chance, (rng.random(n) < chance).astype(float)


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        ([0.1, 0.2], ["a", "b"]),  # nothing for those beneath 0.1
        ([0.0, 0.2, 0.2], ["a", "b", "c"]),
        ([0.0, 0.3, 0.2], ["a", "b", "c"]),
        ([0.0, 1.0], ["a", "b"]),
        ([0.0, np.nan], ["a", "b"]),
        ([0.0, 0.2], ["a", "a"]),
        ([0.0, 0.2], ["a"]),
        ([], []),
    ],
)
def test_given_cutoffs_that_leave_a_gap_overlap_or_fall_are_refused(bounds, names):
    with pytest.raises(ConfigError):
        given_tiers(bounds, names)


def test_equal_risk_tiers_hold_equal_shares_of_the_expected_events():
    chance, _ = drawn()
    table = tier_table(chance, equal_risk_tiers(chance, ["a", "b", "c", "d"]))
    np.testing.assert_allclose(table["expected_events"] / table["expected_events"].sum(), 0.25, atol=0.01)
    assert table["rows"].is_monotonic_decreasing


def test_a_book_of_one_probability_has_no_tiers_of_equal_risk():
    with pytest.raises(DataError, match="cannot form 2 tiers"):
        equal_risk_tiers([0.2] * 50, ["low", "high"])


def test_two_profit_best_tiers_meet_at_the_best_cutoff():
    chance, y = drawn()
    costs = CreditCosts(lgd=0.6, margin=0.1, exposure=1000)
    cut = profit_best_tiers(y, chance, costs, ["accept", "decline"])[1].from_probability
    assert cut == pytest.approx(best_cutoff(y, chance, costs).cutoff, rel=0.005)


def test_the_middle_of_three_profit_best_tiers_is_the_grey_zone_around_the_break_even():
    chance, y = drawn(20_000)
    costs = ChurnCosts(value=100, contact_cost=6, success_rate=0.3)
    _, low, high = profit_best_tiers(y, chance, costs, NAMES)
    assert low.from_probability < float(costs.break_even()) < high.from_probability  # 0.2
    assert high.from_probability - low.from_probability < 0.1


def test_profit_best_tiers_are_the_same_for_the_same_seed():
    chance, y = drawn(500)
    costs = CreditCosts(lgd=0.6, margin=0.1)
    assert profit_best_tiers(y, chance, costs, NAMES, seed=1) == profit_best_tiers(y, chance, costs, NAMES, seed=1)


def test_more_names_part_the_customers_beneath_the_grey_zone():
    chance, y = drawn()
    found = profit_best_tiers(y, chance, CreditCosts(lgd=0.6, margin=0.1), list("abcde"))
    assert len(found) == 5


@pytest.mark.parametrize(("margin", "told"), [(1e-9, "acting on everyone"), (1e9, "acting on no one")])
def test_costs_that_leave_nothing_to_part_are_told(margin, told):
    chance, y = drawn(500)
    y[chance.argmax()], y[chance.argmin()] = 0, 1
    with pytest.raises(DataError, match=told):
        profit_best_tiers(y, chance, CreditCosts(lgd=0.6, margin=margin), ["low", "high"])


def test_the_table_judges_each_tier_on_its_outcomes():
    chance = np.repeat([0.05, 0.02, 0.4], [100, 100, 10])
    y = np.concatenate([np.repeat([1, 0], [7, 93]), np.repeat([1, 0], [5, 95]), np.repeat([1, 0], [1, 9])])
    tiers = given_tiers([0, 0.03, 0.3], NAMES)
    table = tier_table(chance, tiers, outcome=y, stake=1000.0, loss_share=0.5).set_index("tier")
    assert table["rows"].tolist() == [100, 100, 10]
    assert table.loc["low", "p_value"] == pytest.approx(0.0286, abs=1e-4)  # as in jeffreys_test
    assert table["underestimated"].tolist() == [True, False, False]
    assert table["monotone"].tolist() == [pd.NA, True, True]
    assert (table["lower"] <= table["observed"]).all()
    assert (table["observed"] <= table["upper"]).all()
    np.testing.assert_allclose(table["expected_loss"], [1000, 2500, 2000])
    np.testing.assert_allclose(table["observed_loss"], [2500, 3500, 500])
    np.testing.assert_allclose(table["value_at_stake"], [100_000, 100_000, 10_000])


def test_a_tier_of_nobody_has_missing_figures():
    table = tier_table([0.05, 0.5], TIERS, outcome=[0, 1])
    assert table["rows"].tolist() == [1, 0, 1]
    assert table.loc[1, ["expected", "observed", "p_value"]].isna().all()
    assert bool(table.loc[2, "monotone"])


@pytest.mark.parametrize("bad", [[0.1, np.nan], [0.1, 1.2], [-0.1], []])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(DataError, match="probabilities"):
        tier_table(bad, TIERS)


def test_at_a_border_the_tier_of_before_stays():
    now = pd.Series([0.101, 0.099, 0.5, 0.5, 0.01, 0.101], index=list("abcdef"))
    before = pd.Series(["low", "medium", "low", "high", "high", None], index=list("abcdef"))
    found = with_hysteresis(now, TIERS, before, 0.1)
    assert found.tolist() == ["low", "medium", "high", "high", "low", "medium"]


def test_a_customer_past_two_borders_stops_at_the_one_that_is_not_passed_by_the_margin():
    found = with_hysteresis(pd.Series([0.301]), TIERS, pd.Series(["low"]), 0.1)
    assert found.tolist() == ["medium"]


def test_new_customers_and_those_who_left_do_no_harm():
    now, before = pd.Series([0.101], index=["new"]), pd.Series(["high"], index=["gone"])
    assert with_hysteresis(now, TIERS, before, 0.1).to_dict() == {"new": "medium"}
    assert with_hysteresis(now, TIERS, None, 0.1).to_dict() == {"new": "medium"}


@pytest.mark.parametrize(
    ("before", "told"),
    [(pd.Series(["hihg"]), "did you mean 'high'"), (pd.Series(["low", "high"], index=[0, 0]), "occur more than once")],
)
def test_previous_tiers_that_cannot_be_are_refused(before, told):
    with pytest.raises(DataError, match=told):
        with_hysteresis(pd.Series([0.2]), TIERS, before, 0.1)


probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(probabilities, st.data(), st.floats(0, 2))
def test_hysteresis_moves_at_most_to_the_plain_tier_and_stays_where_it_is_when_asked_again(values, data, margin):
    chance = pd.Series(values)
    before = pd.Series(data.draw(st.lists(st.sampled_from(NAMES), min_size=len(values), max_size=len(values))))
    once = with_hysteresis(chance, TIERS, before, margin)
    assert with_hysteresis(chance, TIERS, once, margin).tolist() == once.tolist()
    plain, held, old = tier_codes(chance, TIERS), once.map(NAMES.index), before.map(NAMES.index)
    assert ((held >= np.minimum(plain, old)) & (held <= np.maximum(plain, old))).all()
    if margin == 0:
        assert held.tolist() == plain.tolist()


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(NAMES), st.floats(0, 2))
def test_who_is_riskier_is_never_in_a_safer_tier_for_it(a, b, before, margin):
    pair = with_hysteresis(pd.Series(sorted((a, b))), TIERS, pd.Series([before, before]), margin).map(NAMES.index)
    assert pair.is_monotonic_increasing
