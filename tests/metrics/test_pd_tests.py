from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, binom, binomtest, chi2, norm

from riskml.errors import DataError
from riskml.metrics import binomial_test, hosmer_lemeshow, jeffreys_p_value, jeffreys_test

# A book of three grades: customers, defaults, PD.
COUNT, EVENT, PD = [500, 300, 200], [2, 6, 15], [0.005, 0.01, 0.05]
Y = np.concatenate([[1] * d + [0] * (n - d) for n, d in zip(COUNT, EVENT, strict=True)])
P, GRADE = np.repeat(PD, COUNT), np.repeat(["A", "B", "C"], COUNT)


def test_jeffreys_is_the_posterior_chance_that_the_pd_is_high_enough() -> None:
    # The posterior of a rate under Jeffreys' prior, integrated.
    def posterior(rate: float) -> float:
        return float(rate**5.5 * (1 - rate) ** 293.5)

    expected = quad(posterior, 0, 0.01)[0] / (quad(posterior, 0, 0.1)[0] + quad(posterior, 0.1, 1)[0])
    assert jeffreys_p_value([6], [300], [0.01])[0] == pytest.approx(expected, rel=1e-6)


def test_jeffreys_per_grade_and_for_the_portfolio() -> None:
    table = jeffreys_test(Y, P, grade=GRADE)
    assert table["grade"].tolist() == ["A", "B", "C", "portfolio"]
    assert table["event"].tolist() == [2, 6, 15, 23]
    assert table["pd"].tolist() == pytest.approx([*PD, np.mean(P)])
    expected = [
        beta.cdf(p, d + 0.5, n - d + 0.5) for n, d, p in zip([*COUNT, 1000], [*EVENT, 23], table["pd"], strict=True)
    ]
    assert table["p_value"].tolist() == pytest.approx(expected)
    assert table["rejected"].tolist() == [p < 0.05 for p in expected]


def test_without_grades_the_portfolio_alone_is_tested() -> None:
    assert jeffreys_test(Y, P)["grade"].tolist() == ["portfolio"]


def test_a_pd_far_too_low_is_rejected_and_one_far_too_high_is_not() -> None:
    assert jeffreys_test(Y, P / 10)["rejected"].all()
    assert not jeffreys_test(Y, np.minimum(P * 10, 1))["rejected"].any()


def test_a_true_pd_is_rejected_about_as_often_as_the_level_says() -> None:
    events = np.random.default_rng(2).binomial(2000, 0.05, 4000)
    p_value = jeffreys_p_value(events, np.full(4000, 2000), np.full(4000, 0.05))
    assert 0.035 < np.mean(p_value < 0.05) < 0.065


@pytest.mark.parametrize(("event", "count"), [([3], [2]), ([-1], [2]), ([0], [0])])
def test_a_table_of_grades_must_make_sense(event: list[int], count: list[int]) -> None:
    with pytest.raises(DataError, match="row 0"):
        jeffreys_p_value(event, count, [0.1])


def test_columns_of_a_table_must_have_one_length() -> None:
    with pytest.raises(DataError, match="one length"):
        jeffreys_p_value([1, 2], [10, 20], [0.1])


def test_the_binomial_test_rejects_from_the_critical_number_on() -> None:
    table = binomial_test(Y, P, grade=GRADE, level=0.99)
    n, p = np.array([*COUNT, 1000]), table["pd"].to_numpy()
    critical = norm.ppf(0.99) * np.sqrt(n * p * (1 - p)) + n * p
    np.testing.assert_allclose(table["critical"], critical)
    assert table["rejected"].tolist() == (table["event"].to_numpy() >= critical).tolist()


def test_the_exact_binomial_p_value_is_that_of_scipy() -> None:
    table = binomial_test(Y, P, grade=GRADE)
    expected = [binomtest(d, n, p, alternative="greater").pvalue for n, d, p in zip(COUNT, EVENT, PD, strict=True)]
    assert table["p_value"].tolist()[:3] == pytest.approx(expected)


def test_no_event_is_never_too_many() -> None:
    table = binomial_test([0] * 10, [0.0] * 10)
    assert table["p_value"].iloc[0] == 1
    assert not table["rejected"].iloc[0]


def test_one_event_is_too_many_for_a_pd_of_0() -> None:
    table = binomial_test([1] + [0] * 9, [0.0] * 10)
    assert table["p_value"].iloc[0] == 0
    assert table["rejected"].iloc[0]


def test_as_many_events_as_the_pd_allows_have_a_p_value_by_the_distribution() -> None:
    table = binomial_test([1] * 5 + [0] * 5, [0.5] * 10)
    assert table["p_value"].iloc[0] == pytest.approx(binom.sf(4, 10, 0.5))


def test_hosmer_lemeshow_by_hand() -> None:
    expected = sum((n * p - d) ** 2 / (n * p * (1 - p)) for n, d, p in zip(COUNT, EVENT, PD, strict=True))
    found = hosmer_lemeshow(Y, P, grade=GRADE)
    assert found.statistic == pytest.approx(expected)
    assert found.df == 3
    assert found.p_value == pytest.approx(chi2.sf(expected, 3))


def test_bands_stand_in_for_grades() -> None:
    found, by_grade = hosmer_lemeshow(Y, P, n_bands=3), hosmer_lemeshow(Y, P, grade=GRADE)
    assert (found.statistic, found.df) == pytest.approx((by_grade.statistic, by_grade.df))


def test_on_the_training_rows_degrees_of_freedom_are_lost() -> None:
    found = hosmer_lemeshow(Y, P, grade=GRADE, df_lost=2)
    assert found.df == 1
    assert found.p_value == pytest.approx(chi2.sf(found.statistic, 1))


def test_some_degree_of_freedom_must_be_left() -> None:
    with pytest.raises(DataError, match="degree of freedom"):
        hosmer_lemeshow(Y, P, grade=GRADE, df_lost=3)


def test_a_sure_forecast_that_fails_is_infinitely_surprising_and_one_that_holds_is_not() -> None:
    assert hosmer_lemeshow([0, 0], [0.0, 0.0]).statistic == 0
    failed = hosmer_lemeshow([1, 0], [0.0, 0.0])
    assert (failed.statistic, failed.p_value) == (np.inf, 0.0)


def test_true_probabilities_are_rejected_about_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(8)
    p = rng.uniform(0.05, 0.5, 2000)
    rejected = [hosmer_lemeshow(rng.random(2000) < p, p).p_value < 0.1 for _ in range(300)]
    assert 0.05 < np.mean(rejected) < 0.16
