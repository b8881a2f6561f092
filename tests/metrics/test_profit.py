from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.errors import ConfigError, DataError
from riskml.metrics import ChurnCosts, CreditCosts, best_cutoff, expected_profit_curve, profit_curve

LOAN = CreditCosts(exposure=1000, lgd=0.5, margin=0.1)
OFFER = ChurnCosts(value=100, contact_cost=2, success_rate=0.4, incentive=10)


def test_each_cutoff_of_a_loan_book_by_hand() -> None:
    # Accept all: 100 + 100 - 500; decline one default more each time.
    found = profit_curve([0, 0, 1], [0.1, 0.2, 0.9], LOAN)
    assert found["cutoff"].tolist() == [np.inf, 0.9, 0.2, 0.1]
    assert found["profit"].tolist() == pytest.approx([-300, 200, 100, 0])
    assert found["share_acted"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert found["profit_per_customer"].tolist() == pytest.approx([-100, 200 / 3, 100 / 3, 0])


def test_each_cutoff_of_a_retention_offer_by_hand() -> None:
    # A churner contacted: .4 (100 - 10) - 2 = 34; a customer who would have stayed: -10 - 2 = -12.
    found = profit_curve([0, 1, 1], [0.2, 0.5, 0.9], OFFER)
    assert found["profit"].tolist() == pytest.approx([0, 34, 68, 56])


def test_customers_of_one_probability_are_acted_on_together() -> None:
    assert profit_curve([0, 1, 1], [0.5, 0.5, 0.9], OFFER)["share_acted"].tolist() == pytest.approx([0, 1 / 3, 1])


def test_exposure_may_differ_by_customer() -> None:
    costs = CreditCosts(exposure=[1000, 2000, 4000], lgd=[0.5, 0.5, 0.25], margin=0.1)
    assert profit_curve([0, 0, 1], [0.1, 0.2, 0.9], costs)["profit"].tolist() == pytest.approx([-700, 300, 100, 0])


def test_the_best_cutoff_by_hand() -> None:
    found = best_cutoff([0, 0, 1], [0.1, 0.2, 0.9], LOAN)
    assert (found.cutoff, found.profit, found.share_acted) == pytest.approx((0.9, 200, 1 / 3))
    assert (found.profit_act_none, found.profit_act_all) == pytest.approx((-300, 0))


def test_acting_on_no_one_can_be_best() -> None:
    found = best_cutoff([0, 0], [0.1, 0.9], OFFER)
    assert (found.cutoff, found.profit, found.share_acted) == (np.inf, 0, 0)


def test_of_equally_good_cutoffs_the_fewest_customers_are_acted_on() -> None:
    # The second customer, contacted, neither wins nor loses.
    costs = ChurnCosts(value=100, contact_cost=[1, 0], success_rate=0.5)
    assert best_cutoff([1, 0], [0.9, 0.5], costs).cutoff == 0.9


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=40))
def test_the_best_cutoff_is_the_top_of_the_curve(rows: list[tuple[int, int]]) -> None:
    y, p = np.array(rows).T
    found, curve = best_cutoff(y, p / 8, LOAN), profit_curve(y, p / 8, LOAN)
    assert found.profit == pytest.approx(curve["profit"].max())
    assert found.profit == pytest.approx(curve.loc[curve["cutoff"] == found.cutoff, "profit"].iloc[0])


def test_a_thinned_curve_keeps_both_ends_and_the_best_point() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(size=20_000)
    y = rng.random(20_000) < p
    curve, best = profit_curve(y, p, LOAN, max_points=50), best_cutoff(y, p, LOAN)
    assert len(curve) <= 51
    assert curve["profit"].max() == pytest.approx(best.profit)
    assert (curve["share_acted"].iloc[0], curve["share_acted"].iloc[-1]) == (0, 1)


@pytest.mark.parametrize("costs", [LOAN, OFFER], ids=["credit", "churn"])
def test_with_true_probabilities_the_best_cutoff_is_near_break_even(costs: CreditCosts | ChurnCosts) -> None:
    p = np.linspace(0, 1, 10_001)
    curve = expected_profit_curve(p, costs, max_points=20_000)
    assert curve.loc[curve["profit"].idxmax(), "cutoff"] == pytest.approx(float(costs.break_even()), abs=2e-4)


def test_break_even_by_hand() -> None:
    assert float(LOAN.break_even()) == pytest.approx(0.1 / 0.6)
    # Contact pays from p (.4 * 90) = 12 - 10 p on: p = 12 / 46.
    assert float(OFFER.break_even()) == pytest.approx(12 / 46)


def test_an_offer_worth_nothing_never_pays() -> None:
    assert float(ChurnCosts(value=0, contact_cost=1).break_even()) == np.inf


def test_expected_profit_is_that_of_outcomes_which_come_as_predicted() -> None:
    # Of ten customers at .2 two default.
    known = profit_curve([1, 1] + [0] * 8, [0.2] * 10, LOAN)
    expected = expected_profit_curve([0.2] * 10, LOAN)
    assert expected["profit"].tolist() == pytest.approx(known["profit"].tolist())


def test_costs_must_be_as_many_as_rows() -> None:
    with pytest.raises(DataError, match="exposure has 2"):
        profit_curve([0, 1, 1], [0.1, 0.2, 0.3], CreditCosts(exposure=[1, 2], lgd=0.5, margin=0.1))


@pytest.mark.parametrize(
    ("costs", "named"),
    [
        (CreditCosts(lgd=45, margin=0.1), "lgd"),
        (CreditCosts(lgd=0.5, margin=-0.1), "margin"),
        (ChurnCosts(value=100, contact_cost=1, success_rate=30), "success_rate"),
        (ChurnCosts(value=100, contact_cost=-1), "contact_cost"),
    ],
)
def test_costs_outside_their_range_are_refused(costs: CreditCosts | ChurnCosts, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        best_cutoff([0, 1], [0.1, 0.2], costs)
