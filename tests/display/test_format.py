from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.display.colours import tier_colours
from riskml.display.format import MISSING, count, fitted, interval, is_number, number, percent, seconds, signed
from riskml.models.families import family_colour

UNKNOWN = [None, float("nan"), float("inf"), pd.NA, np.nan, "0.5", True]


@pytest.mark.parametrize("write", [percent, number, count, signed, seconds])
@pytest.mark.parametrize("value", UNKNOWN)
def test_what_is_no_number_is_written_as_a_dash(write, value):
    assert write(value) == MISSING


def test_a_small_share_does_not_look_like_nothing():
    assert percent(0.0004) == "0.04%"
    assert percent(0.0) == "0.0%"


def test_numpy_numbers_are_numbers():
    assert is_number(np.float64(0.5))
    assert is_number(np.int64(3))


def test_an_interval_needs_both_ends():
    assert interval(0.81, 0.87) == "0.810 to 0.870"
    assert interval(None, 0.87) == interval(0.81, float("nan")) == ""


@given(st.text(), st.integers(2, 40))
def test_a_label_is_one_printable_line_within_its_width(text, width):
    label = fitted(text, width)
    wide = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in label)
    assert wide <= width
    assert "\n" not in label
    assert all(letter.isprintable() for letter in label)


@given(st.text(alphabet="abcdefgh_", min_size=1, max_size=20))
def test_a_label_that_fits_stays_as_it_is(text):
    assert fitted(text, 20) == text


def test_families_have_colours_of_their_own():
    families = ["scorecard", "logistic", "tree", "boosting", "blend"]
    assert len({family_colour(family) for family in families}) == len(families)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9])
def test_every_tier_has_a_colour_of_its_own(n):
    assert len(set(tier_colours(n))) == n


def test_the_riskiest_tier_has_the_colour_of_the_event_however_many_there_are():
    assert tier_colours(2)[-1] == tier_colours(7)[-1]
