from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.data.sources.number_formats import refuse_written, text_as_numbers
from riskml.errors import DataError


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


@pytest.mark.parametrize(
    "text",
    [
        "1,234.56",
        "1.234,56",
        "1 234",
        "1\u00a0234",
        "1'234",
        "12,34,567",
        "12%",
        "0.5 %",
        "¥1,200",
        "$5",
        "-€1.50",
        "12,5",
    ]
    + ["(1,234)", "1200元", "USD 300"],
)
def test_a_number_written_for_people_is_found_by_row_and_value(text: str):
    column = pd.Series(["17", None, text, "19", text], name="amount")
    assert text_as_numbers(column) == (None, f"column 'amount': row 2: {text!r}")
    with pytest.raises(DataError, match="written plainly") as caught:
        refuse_written([pd.Series(["17"]), column])
    assert f"column 'amount': row 2: {text!r}" in caught.value.what


@pytest.mark.parametrize(
    "values",
    [
        ["1234.56", "-12", "3e2"],
        ["007", "1,234"],
        ["2024-01-31", "2024-02-29"],
        ["01.02.2024", "31.12.2023"],
        ["a", "b", "1,234"],
        ["0-10%", "10-20%"],
        ["36 months", "60 months"],
        ["$", "%"],
        [1234, 5],
    ],
    ids=["plain", "padded codes", "dates", "dates with points", "words", "bands", "units", "signs", "numbers"],
)
def test_other_values_are_not_taken_for_numbers_written_for_people(values):
    refuse_written([pd.Series(values)])
