"""scikit-learn's own checks."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskml.errors import DataError
from riskml.scorecard import OptimalBinner, Scorecard, SegmentedScorecard


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([OptimalBinner(), Scorecard(), SegmentedScorecard(min_segment_events=5)])
def test_scikit_learn_s_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:X (has feature names|does not have valid feature names):UserWarning")
@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_set_output_transform_polars",
    ],
)
def test_scikit_learn_s_checks_of_names(check):
    # They are not among those that are handed out as parameters.
    getattr(estimator_checks, check)("OptimalBinner", OptimalBinner())


def test_a_fit_that_fails_leaves_what_was_learned(made):
    binner = OptimalBinner().fit(made.X, made.y)
    before = dict(vars(binner))
    for X in (made.X[["age"]].assign(same=1.0), made.X.assign(age=float("inf"))):
        with pytest.raises(ValueError, match="same|age"):
            binner.fit(X, made.y)
        assert vars(binner) == before
    with pytest.raises(ValueError, match="no counts"):
        binner.fit_counts({})
    assert vars(binner) == before


@pytest.mark.parametrize("names", [["a", "a"], ["a", 1], [1, "1"]])
def test_a_header_that_does_not_tell_columns_apart_is_refused(names, made):
    X = pd.DataFrame(made.X[["age", "debt"]].to_numpy(), columns=names)
    with pytest.raises(DataError, match="more than once|several types"):
        OptimalBinner().fit(X, made.y)


def test_a_table_without_columns_is_refused(made):
    with pytest.raises(DataError, match="0 feature"):
        OptimalBinner().fit(made.X[[]], made.y)


def test_columns_learned_from_an_array_are_found_by_position(made):
    values = made.X[["debt", "age"]].to_numpy(float)
    binner = OptimalBinner().fit(values, made.y)
    with pytest.warns(UserWarning, match="without feature names"):
        framed = binner.transform(made.X[["debt", "age"]])
    assert (framed.to_numpy() == binner.transform(values).to_numpy()).all()
