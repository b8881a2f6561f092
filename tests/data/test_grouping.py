"""Rows in groups that people can name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.data.grouping import grouping, period_of


def test_bands_are_of_about_equal_size_and_named_by_what_is_in_them() -> None:
    ages = pd.Series(range(18, 58))
    assert grouping(ages).of(ages).value_counts(sort=False).to_dict() == {
        "18 to 27": 10,
        "28 to 37": 10,
        "38 to 47": 10,
        "48 to 57": 10,
        "missing": 0,
    }


def test_few_numbers_are_groups_themselves() -> None:
    flags = pd.Series([0, 1, 1, 0])
    assert grouping(flags).of(flags).tolist() == ["0", "1", "1", "0"]


def test_missing_values_and_special_codes_are_groups_of_their_own() -> None:
    values = pd.Series([1.0, 2.0, -9.0, np.nan])
    assert grouping(values, special=(-9.0,)).of(values).tolist() == ["1", "2", "-9", "missing"]


def test_rare_levels_go_together() -> None:
    homes = pd.Series(["own"] * 3 + ["rent"] * 2 + ["boat", None])
    assert grouping(homes, most=2).of(homes).tolist() == ["own"] * 3 + ["rent"] * 2 + ["others", "missing"]


def test_a_level_that_is_called_missing_makes_no_second_group() -> None:
    homes = pd.Series(["missing", None, "own"])
    assert grouping(homes).of(homes).tolist() == ["missing", "missing", "own"]


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.none()), min_size=1, max_size=60))
def test_every_value_of_a_book_has_a_group(values: list[float | None]) -> None:
    column = pd.Series(values, dtype=float)
    assert grouping(column).of(column).notna().all()


def test_a_value_beyond_the_book_is_in_the_outermost_band() -> None:
    found = grouping(pd.Series(range(8)), bands=2)
    assert found.of(pd.Series([-5.0, 99.0])).tolist() == ["0 to 3", "4 to 7"]


@pytest.mark.parametrize(("days", "first"), [(60, "2023-01"), (700, "2023-Q1"), (9000, "2023")])
def test_periods_are_as_fine_as_there_are_few(days: int, first: str) -> None:
    dates = pd.Series(pd.date_range("2023-01-01", periods=days, freq="D"))
    assert period_of(dates).iloc[0] == first
