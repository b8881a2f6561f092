from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta

from riskml.errors import ConfigError
from riskml.metrics import BetaPrior, PointMassPrior, emp, emp_churn, emp_credit, empc

EIGHT = [0, 1, 0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    y = (rng.random(300) < 0.2).astype(int)
    return y, np.round(rng.normal(size=300) + 1.1 * y, 1)


def best_share(y: np.ndarray, score: np.ndarray, gain: float, cost: float) -> tuple[float, float]:
    """The best profit per customer over all cut-offs, by trying each, and the share acted on."""
    cuts = np.append(np.inf, np.unique(score)[::-1])
    acted = score[None, :] >= cuts[:, None]
    profit = (acted * np.where(y == 1, gain, -cost)).mean(axis=1)
    return float(profit.max()), float(acted[profit.argmax()].mean())


def test_emp_of_eight_rows_is_that_of_the_peer() -> None:
    # Constant: empulse 0.13.1, empcs_score with its defaults (success_rate .55, default_rate .10, roi .2644).
    assert emp(*EIGHT) == pytest.approx(0.09747017050000001, abs=1e-12)


def test_empc_of_eight_rows_is_that_of_the_peer() -> None:
    # Constant: empulse 0.13.1, empc_score with its defaults (alpha 6, beta 14, clv 200, incentive 10, contact 1).
    assert empc(*EIGHT) == pytest.approx(23.875593418348124, abs=1e-9)


def test_emp_of_a_perfect_score_by_hand() -> None:
    # Every default is declined and nobody else: pi0 E[LGD] = .5 (.10 + .35 / 2).
    assert emp([0, 1], [0, 1]) == pytest.approx(0.5 * 0.275)


def test_emp_is_the_best_profit_integrated_over_the_loss(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows
    grid = (np.arange(4000) + 0.5) / 4000
    between = np.mean([best_share(y, score, loss, 0.2644) for loss in grid], axis=0)
    worst = np.array(best_share(y, score, 1.0, 0.2644))
    expected = 0.35 * between + 0.10 * worst
    found = emp_credit(y, score)
    assert found.value == pytest.approx(expected[0], abs=1e-6)
    assert found.fraction == pytest.approx(expected[1], abs=1e-3)


def test_emp_under_a_beta_prior_is_the_integral_over_it(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows

    def weighed(loss: float) -> float:
        return best_share(y, score, loss, 0.2644)[0] * beta.pdf(loss, 2, 3)

    assert emp(y, score, prior=BetaPrior(2, 3)) == pytest.approx(quad(weighed, 0, 1, limit=300)[0], abs=1e-5)


def test_empc_is_the_best_profit_integrated_over_the_acceptance(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows

    def weighed(acceptance: float) -> float:
        return best_share(y, score, acceptance * 190 - 1, 11)[0] * beta.pdf(acceptance, 6, 14)

    assert empc(y, score) == pytest.approx(quad(weighed, 0, 1, limit=300)[0], abs=1e-3)


def test_a_point_mass_prior_may_be_all_uniform(rows: tuple[np.ndarray, np.ndarray]) -> None:
    uniform, flat = PointMassPrior(zero=0, one=0), BetaPrior(1, 1)
    assert emp(*rows, prior=uniform) == pytest.approx(emp(*rows, prior=flat))


def test_the_prior_is_named_in_the_result(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert "Verbraken" in emp_credit(*rows).prior
    assert emp_credit(*rows, prior=BetaPrior(2, 3)).prior == "Beta(2, 3)"
    assert emp_churn(*rows).prior == "Beta(6, 14)"


@given(st.lists(st.integers(0, 8), min_size=4, max_size=40), st.randoms(use_true_random=False))
def test_no_score_earns_less_than_doing_nothing_nor_more_than_a_perfect_one(scores: list[int], random: object) -> None:
    y = np.array([0, 1] + [random.randint(0, 1) for _ in scores[2:]])  # type: ignore[attr-defined]
    assert -1e-12 <= emp(y, scores) <= emp(y, y) + 1e-12
    assert -1e-9 <= empc(y, scores) <= empc(y, y) + 1e-9


def test_a_dearer_good_customer_is_declined_less_often(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert emp_credit(*rows, roi=0.5).fraction < emp_credit(*rows, roi=0.1).fraction


def test_contacts_that_cost_nothing_reach_everyone() -> None:
    found = emp_churn([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], incentive=0, contact_cost=0)
    assert found.fraction == pytest.approx(1)
    assert found.value == pytest.approx(0.5 * 200 * 0.3)


@pytest.mark.parametrize(("zero", "one"), [(-0.1, 0.1), (0.7, 0.5)])
def test_masses_must_be_probabilities(zero: float, one: float) -> None:
    with pytest.raises(ConfigError, match="masses"):
        PointMassPrior(zero, one)


def test_a_customer_must_be_worth_more_than_the_incentive() -> None:
    with pytest.raises(ConfigError, match="value must be above incentive"):
        empc([0, 1], [0, 1], value=5, incentive=10)


def test_a_return_must_be_above_0() -> None:
    with pytest.raises(ConfigError, match="roi"):
        emp([0, 1], [0, 1], roi=0)
