from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution
from scipy.stats import ks_2samp, norm
from sklearn.metrics import roc_auc_score

from riskml.errors import ConfigError
from riskml.metrics import auc, auc_decline, delong, delong_test, gini, h_measure, ks

# 43 patients with ovarian cancer: albumin, total protein, K-G score, outcome. DeLong, DeLong, Clarke-Pearson (1988),
# as reprinted in the SAS/STAT manual, PROC LOGISTIC, "Comparing Receiver Operating Characteristic Curves".
# fmt: off
OVARIAN = np.array([
    (3.0, 5.8, 10, 0), (3.2, 6.3, 5, 1), (3.9, 6.8, 3, 1), (2.8, 4.8, 6, 0), (3.2, 5.8, 3, 1),
    (0.9, 4.0, 5, 0), (2.5, 5.7, 8, 0), (1.6, 5.6, 5, 1), (3.8, 5.7, 5, 1), (3.7, 6.7, 6, 1),
    (3.2, 5.4, 4, 1), (3.8, 6.6, 6, 1), (4.1, 6.6, 5, 1), (3.6, 5.7, 5, 1), (4.3, 7.0, 4, 1),
    (3.6, 6.7, 4, 0), (2.3, 4.4, 6, 1), (4.2, 7.6, 4, 0), (4.0, 6.6, 6, 0), (3.5, 5.8, 6, 1),
    (3.8, 6.8, 7, 1), (3.0, 4.7, 8, 0), (4.5, 7.4, 5, 1), (3.7, 7.4, 5, 1), (3.1, 6.6, 6, 1),
    (4.1, 8.2, 6, 1), (4.3, 7.0, 5, 1), (4.3, 6.5, 4, 1), (3.2, 5.1, 5, 1), (2.6, 4.7, 6, 1),
    (3.3, 6.8, 6, 0), (1.7, 4.0, 7, 0), (3.7, 6.1, 5, 1), (3.3, 6.3, 7, 1), (4.2, 7.7, 6, 1),
    (3.5, 6.2, 5, 1), (2.9, 5.7, 9, 0), (2.1, 4.8, 7, 1), (2.8, 6.2, 8, 0), (4.0, 7.0, 7, 1),
    (3.3, 5.7, 6, 1), (3.7, 6.9, 5, 1), (3.6, 6.6, 5, 1),
])
# fmt: on
ALBUMIN, PROTEIN, KG, BENEFIT = OVARIAN[:, 0], OVARIAN[:, 1], 10 - OVARIAN[:, 2], OVARIAN[:, 3]


@st.composite
def scored_rows(draw: st.DrawFn, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes with at least so many of each class, and scores with many ties."""
    size = draw(st.integers(2 * least, 60))
    y = np.array([1] * least + [0] * least + draw(st.lists(st.integers(0, 1), min_size=0, max_size=size)))
    score = np.array(draw(st.lists(st.integers(0, 12), min_size=y.size, max_size=y.size)), dtype=float) / 12
    return y, score


def placements(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's V10 and V01 by their definition, over all pairs."""
    events, others = score[y == 1], score[y == 0]
    kernel = (events[:, None] > others[None, :]) + 0.5 * (events[:, None] == others[None, :])
    return kernel.mean(axis=1), kernel.mean(axis=0)


def test_auc_counts_pairs_and_a_tie_is_one_half() -> None:
    # Pairs: 0.5 against 0.2 won, 0.5 against 0.5 tied, 0.9 against both won: 3.5 of 4.
    assert auc([0, 0, 1, 1], [0.2, 0.5, 0.5, 0.9]) == 3.5 / 4


@given(scored_rows())
def test_auc_is_that_of_scikit_learn(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert auc(*rows) == pytest.approx(roc_auc_score(*rows), abs=1e-12)


def test_auc_does_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(3)
    y, score = rng.integers(0, 2, 500), rng.integers(0, 20, 500)
    shuffled = rng.permutation(500)
    assert auc(y, score) == auc(y[shuffled], score[shuffled])


def test_reversing_a_score_mirrors_its_auc() -> None:
    assert auc(BENEFIT, -ALBUMIN) == pytest.approx(1 - auc(BENEFIT, ALBUMIN))


def test_an_infinite_score_ranks_above_all_others() -> None:
    assert auc([0, 1, 0, 1], [-np.inf, np.inf, 0.0, 5.0]) == 1.0


def test_gini_is_twice_the_auc_less_one() -> None:
    assert gini(BENEFIT, ALBUMIN) == pytest.approx(2 * 0.7365591397849462 - 1)


def test_ks_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    y, score = rng.integers(0, 2, 500), rng.normal(size=500)
    assert ks(y, score) == pytest.approx(ks_2samp(score[y == 1], score[y == 0]).statistic, abs=1e-12)


@given(scored_rows())
def test_ks_is_the_largest_gap_of_the_two_distributions(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows
    gaps = [abs(np.mean(score[y == 1] <= cut) - np.mean(score[y == 0] <= cut)) for cut in score]
    assert ks(y, score) == pytest.approx(max(gaps), abs=1e-12)


@pytest.mark.parametrize(
    ("score", "area", "se", "lower", "upper"),
    [
        (ALBUMIN, 0.7365591398, 0.0926943461, 0.5548815600, 0.9182367196),
        (PROTEIN, 0.6478494624, 0.1000473756, 0.4517602095, 0.8439387153),
        (KG, 0.7258064516, 0.1028216090, 0.5242798012, 0.9273331020),
    ],
    ids=["albumin", "protein", "k-g"],
)
def test_delong_interval_on_the_ovarian_data(
    score: np.ndarray, area: float, se: float, lower: float, upper: float
) -> None:
    # Constants: MLstatkit 0.1.91, Delong_test.
    found = delong(BENEFIT, score)
    assert (found.auc, found.se, found.lower, found.upper) == pytest.approx((area, se, lower, upper), abs=1e-9)


@given(scored_rows(least=2))
def test_delong_variance_is_its_definition_over_all_pairs(rows: tuple[np.ndarray, np.ndarray]) -> None:
    v10, v01 = placements(*rows)
    expected = v10.var(ddof=1) / v10.size + v01.var(ddof=1) / v01.size
    assert delong(*rows).variance == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_an_auc_stays_within_0_and_1() -> None:
    found = delong([0, 0, 1, 0, 1, 1], [1, 2, 3, 4, 5, 6])
    assert found.auc == 8 / 9
    assert found.upper == 1.0


def test_the_interval_of_a_perfect_ranking_says_that_it_knows_nothing_of_chance() -> None:
    perfect = delong([0, 0, 1, 1], [1, 2, 3, 4])
    assert (perfect.lower, perfect.upper) == (1, 1)
    assert "says nothing of chance" in perfect.note
    assert delong(BENEFIT, ALBUMIN).note == ""


def test_a_higher_level_widens_the_interval() -> None:
    assert delong(BENEFIT, KG, level=0.99).lower < delong(BENEFIT, KG, level=0.9).lower


def test_delong_interval_covers_the_true_auc_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    truth = norm.cdf(1 / np.sqrt(2))
    y = np.repeat([0, 1], [150, 50])
    found = [delong(y, rng.normal(size=200) + y, level=0.9) for _ in range(400)]
    assert 0.86 < np.mean([interval.lower <= truth <= interval.upper for interval in found]) < 0.94


def test_paired_delong_test_on_the_ovarian_data() -> None:
    # Constants: MLstatkit 0.1.91, Delong_test.
    found = delong_test(BENEFIT, PROTEIN, KG)
    assert found.difference == pytest.approx(-0.0779569892, abs=1e-9)
    assert found.z == pytest.approx(-0.7452183897, abs=1e-9)
    assert found.p_value == pytest.approx(0.4561397075, abs=1e-9)
    assert found.se**2 == pytest.approx(0.0109431661, abs=1e-9)


@given(scored_rows(least=2), st.randoms(use_true_random=False))
def test_paired_variance_is_its_definition_over_all_pairs(rows: tuple[np.ndarray, np.ndarray], random: object) -> None:
    y, a = rows
    b = np.array([random.randint(0, 9) for _ in y]) / 9  # type: ignore[attr-defined]
    (a10, a01), (b10, b01) = placements(y, a), placements(y, b)
    gap10, gap01 = a10 - b10, a01 - b01
    expected = gap10.var(ddof=1) / gap10.size + gap01.var(ddof=1) / gap01.size
    assert delong_test(y, a, b).se ** 2 == pytest.approx(expected, abs=1e-12)


def test_swapping_the_scores_turns_the_sign() -> None:
    one, other = delong_test(BENEFIT, PROTEIN, KG), delong_test(BENEFIT, KG, PROTEIN)
    assert one.difference == -other.difference
    assert (one.lower, one.p_value) == pytest.approx((-other.upper, other.p_value))


def test_scores_of_one_order_do_not_differ() -> None:
    found = delong_test(BENEFIT, ALBUMIN, np.exp(ALBUMIN))
    assert (found.difference, found.se, found.z, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_perfect_score_against_its_reverse_differs_beyond_chance() -> None:
    found = delong_test([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert (found.difference, found.p_value) == (1.0, 0.0)


def test_decline_of_the_auc_is_measured_in_its_standard_errors() -> None:
    found = auc_decline(BENEFIT, ALBUMIN, 0.85)
    expected = (0.85 - 0.7365591397849462) / 0.09269434605240268
    assert found.statistic == pytest.approx(expected)
    assert found.p_value == pytest.approx(norm.sf(expected))


def test_an_improved_auc_is_no_decline() -> None:
    assert auc_decline(BENEFIT, ALBUMIN, 0.6).p_value > 0.5


@pytest.mark.parametrize(("initial", "p_value"), [(1.0, 0.5), (0.9, 1.0)])
def test_a_perfect_current_auc_has_not_declined(initial: float, p_value: float) -> None:
    assert auc_decline([0, 0, 1, 1], [1, 2, 3, 4], initial).p_value == p_value


def test_the_initial_auc_must_be_an_auc() -> None:
    with pytest.raises(ConfigError, match="auc_initial"):
        auc_decline(BENEFIT, ALBUMIN, 85)


OTHERS, EVENTS = [0.0, 0.01, 0.02, 0.03, 0.2, 0.6, 0.66, 0.7], [0.3, 0.35, 0.36, 0.42, 0.5, 0.8, 0.82, 0.99]


def test_h_measure_of_sixteen_rows_is_that_of_the_peer() -> None:
    # Constant: hmeasure 0.1.6 (the authors' R package in Python), h_score with severity_ratio=1, which is Beta(2, 2).
    assert h_measure([0] * 8 + [1] * 8, OTHERS + EVENTS) == pytest.approx(0.537109375)


def test_h_measure_with_another_prior_is_the_one_in_the_peers_manual() -> None:
    # hmeasure's README: 0.18889596; its default prior is Beta(2, 1 + n0/n1).
    y = [1, 1, 0, 1, 1, 0, 1, 1, 1, 0]
    score = [
        *(0.84901876, 0.10282827, 0.43752488, 0.46004468, 0.90878931),
        *(0.79177719, 0.5297229, 0.13803906, 0.73166264, 0.22959056),
    ]
    assert h_measure(y, score, alpha=2, beta=1 + 3 / 7) == pytest.approx(0.18889596344769577)


def test_h_measure_is_one_less_the_share_of_the_loss_integrated_over_the_prior() -> None:
    y, score = BENEFIT, ALBUMIN
    events, others = score[y == 1], score[y == 0]
    cuts = np.append(np.unique(score), np.inf)
    false, missed = (others[None, :] >= cuts[:, None]).sum(axis=1), (events[None, :] < cuts[:, None]).sum(axis=1)

    def least(cost: float) -> float:
        return float(np.min(cost * false + (1 - cost) * missed) * beta_distribution.pdf(cost, 2, 2))

    def least_without_score(cost: float) -> float:
        return min(cost * others.size, (1 - cost) * events.size) * beta_distribution.pdf(cost, 2, 2)

    expected = 1 - quad(least, 0, 1, limit=500)[0] / quad(least_without_score, 0, 1, limit=500)[0]
    assert h_measure(y, score) == pytest.approx(expected, abs=1e-6)


@given(scored_rows())
def test_h_measure_lies_between_0_and_1(rows: tuple[np.ndarray, np.ndarray]) -> None:
    assert -1e-12 <= h_measure(*rows) <= 1


@given(scored_rows())
def test_h_measure_sees_the_order_of_a_score_only(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows
    assert h_measure(y, score) == pytest.approx(h_measure(y, np.exp(3 * score) - 7), abs=1e-12)


def test_a_score_that_ranks_nothing_has_no_h_measure() -> None:
    assert h_measure([0, 1, 0, 1], [4, 3, 2, 1]) == pytest.approx(0, abs=1e-12)


def test_the_cost_prior_needs_a_shape_above_0() -> None:
    with pytest.raises(ConfigError, match="alpha"):
        h_measure([0, 1], [0, 1], alpha=0)
