from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.data.textnumbers import text_as_numbers


def test_text_that_reads_as_numbers_throughout_becomes_numbers():
    numbers, problem = text_as_numbers(pd.Series([" 1", "-2.5", None, "3e2"], index=list("abcd")))
    assert problem == ""
    pd.testing.assert_series_equal(numbers, pd.Series([1, -2.5, np.nan, 300], index=list("abcd")))


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 2.0],
        ["a", "b"],
        ["007", "123"],
        [True, False, None],
        pd.Categorical(["1", "2"]),
        ["0", "1", "2", "3+"] * 10,
        [None, None],
    ],
    ids=["numbers", "words", "zero-padded codes", "booleans", "categories", "a few codes", "nothing"],
)
def test_other_columns_are_left_alone(values):
    assert text_as_numbers(pd.Series(values)) == (None, "")


def test_a_rare_word_among_few_different_numbers_is_an_error_of_the_data():
    column = pd.Series(["1", "2", "3"] * 50 + ["x"], name="children")
    assert text_as_numbers(column)[1] == "column 'children': 150 numbers, and row 150: 'x'"


def test_frequent_words_among_many_different_numbers_are_an_error_of_the_data():
    column = pd.Series([*map(str, range(60)), *["unknown"] * 40], name="income")
    assert text_as_numbers(column)[1].endswith("row 64: 'unknown' and 35 more")


def test_words_mostly_are_words():
    assert text_as_numbers(pd.Series([*"abcdefghijkl", *map(str, range(11))])) == (None, "")
