"""scikit-learn's own checks."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskml.scorecard import OptimalBinner, Scorecard, SegmentedScorecard


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([OptimalBinner(), Scorecard(), SegmentedScorecard(min_segment_events=5)])
def test_scikit_learn_s_checks(estimator, check):
    check(estimator)
