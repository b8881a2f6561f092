"""Labels of bins, names of trends, and short cuts."""

from __future__ import annotations

import numpy as np
import pytest

from riskml.metrics.cuts import decimals_between
from riskml.scorecard.binning.column_bins import trend_of
from riskml.scorecard.binning.labels import edge_text, group_labels, interval_labels, special_label
from riskml.scorecard.binning.options import is_number


def test_intervals_are_closed_on_the_left():
    assert interval_labels([30.0, 50.5]) == ["(-inf, 30)", "[30, 50.5)", "[50.5, inf)"]


def test_groups_have_labels_of_their_own():
    assert group_labels([["own"], ["rent", "parents"], ["Missing"]]) == ["own", "rent, parents", "level 'Missing'"]
    assert special_label(-1.0) == "Special -1"


@pytest.mark.parametrize(("value", "text"), [(1234567.25, "1234567.25"), (1e-7, "1e-07")])
def test_an_edge_has_every_digit_and_no_more(value, text):
    assert edge_text(value) == text


def test_a_rate_that_rises_and_falls_is_a_peak():
    assert trend_of(np.array([[9, 1], [5, 5], [8, 2]])) == "peak"


def test_cuts_have_as_few_decimals_as_possible():
    low, high = np.array([24.0, 0.1234, 1130.0]), np.array([25.0, 0.1311, 1291.0])
    assert decimals_between(low, high).tolist() == [24.5, 0.127, 1200.0]


def test_a_truth_value_is_no_number():
    assert [is_number(2), is_number(True), is_number("2"), is_number(2.5, whole=True)] == [True, False, False, False]
