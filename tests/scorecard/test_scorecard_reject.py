"""Reject inference: assumptions in the open."""

from __future__ import annotations

import numpy as np
import pytest

from riskml.errors import ConfigError, DataError
from riskml.scorecard import Scorecard, infer_rejects, reject_sensitivity


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
    with pytest.raises(ConfigError, match="uplift must be at least 1"):
        infer_rejects(card, X, y, rejected, uplift=0.5)
    with pytest.raises(ConfigError, match="method must be one of"):
        infer_rejects(card, X, y, rejected, method="guess")
    with pytest.raises(ConfigError, match="bands"):
        infer_rejects(card, X, y, rejected, method="parcelling", bands=0)
    with pytest.raises(DataError, match="same columns"):
        infer_rejects(card, X, y, rejected[["age"]])
