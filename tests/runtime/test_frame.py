from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.runtime.frame import codes, columns, level, levels, numeric


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 0, 2]),
        pd.Series([1.0, 0.0, 2.0], dtype="float32"),
        pd.Series(["1", " 0 ", "2.0"]),
        pd.Series([1, 0, 2], dtype="Int64"),
        pd.Series([True, 0, "2"], dtype=object).replace({True: 1}),
        pd.Series([1, 0, 2], dtype="category"),
        pd.Series(["1", "0", "2"], dtype="category"),
        pd.Series([1, 0, 2], dtype=pd.SparseDtype("int64")),
    ],
    ids=lambda values: f"{values.dtype}-{type(values.iloc[0]).__name__}",
)
def test_numbers_of_any_dtype_are_the_same_numbers(values):
    np.testing.assert_array_equal(numeric(values), [1.0, 0.0, 2.0])


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, None], dtype="Int64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series([1.0, np.nan]),
        pd.Series(["1", None]),
        pd.Series(["1", ""]),
        pd.Series(["1", "   "]),
        pd.Series([1, pd.NA], dtype=object),
        pd.Series([1, "\t"], dtype=object),
    ],
)
def test_what_is_missing_from_numbers_is_nan(values):
    np.testing.assert_array_equal(numeric(values), [1.0, np.nan])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "abc", "x"], r"column 'age', row 1: 'abc' is not a number \(and 1 more row\)"),
        ([1.0, 2.0, np.inf], r"column 'age', row 2: inf is not finite"),
        (["1", "1e999", "-inf"], r"column 'age', row 1: '1e999' is not finite \(and 1 more row\)"),
        (["1,5", "", None], r"row 0: '1,5' is not a number"),
        (pd.to_datetime(["2024-01-01"] * 3), "expected numbers, got datetime64"),
        (pd.to_timedelta([1, 2, 3], unit="D"), "expected numbers, got timedelta64"),
        ([1j, 2, 3], "expected (real )?numbers, got complex"),
        (pd.Series([1j, "x", 3], dtype=object).iloc[[0, 2, 2]].tolist(), "expected (real )?numbers, got complex"),
    ],
)
def test_what_is_no_finite_number_is_refused_with_column_row_and_value(values, message):
    with pytest.raises(ValueError, match=message):
        numeric(pd.Series(values, name="age"))


def test_one_two_and_two_point_zero_are_levels_of_the_same_text():
    for values in ([1, 2, None], [1.0, 2.0, np.nan], ["1", "2", None]):
        assert levels(pd.Series(values)).tolist() == ["1", "2", None]
    assert levels(pd.Series([1, 2, None], dtype="Int64")).tolist() == ["1", "2", None]
    assert levels(pd.Series(["1", "2", None], dtype="category")).tolist() == ["1", "2", None]


def test_fractions_keep_their_digits_as_levels():
    assert levels(pd.Series([0.1, 1e22, 2.5])).tolist() == ["0.1", "10000000000000000000000", "2.5"]
    assert levels(pd.Series([0.1], dtype="float32")).tolist() == ["0.1"]


def test_a_row_is_the_same_level_whatever_rows_come_before_it():
    mixed = [True, 1, 0, False, "1", 1.0, None]
    alone = [levels(pd.Series([value], dtype=object))[0] for value in mixed]
    assert levels(pd.Series(mixed, dtype=object)).tolist() == alone
    assert levels(pd.Series(mixed[::-1], dtype=object)).tolist() == alone[::-1]
    assert alone == ["True", "1", "0", "False", "1", "1", None]


def test_a_level_is_its_text():
    assert (level("x"), level(7.0), level(np.float64(7.5)), level(False)) == ("x", "7", "7.5", "False")


def test_codes_tell_known_missing_and_other_apart():
    values = np.array(["b", None, "z", "a"], dtype=object)
    assert codes(values, {"a": 0, "b": 1}, missing=7, other=8).tolist() == [1, 7, 8, 0]


def test_columns_are_found_by_name_in_any_order_and_among_others():
    frame = pd.DataFrame({"extra": [[1], [2]], "home": ["x", None], "age": [3, 4]})
    found = columns(frame, {"age": "numeric", "home": "categorical"})
    assert list(found) == ["age", "home"]
    assert found["age"].tolist() == [3.0, 4.0]
    assert found["home"].tolist() == ["x", None]


def test_every_column_that_fails_is_named_at_once():
    frame = pd.DataFrame({"age": ["x"], "income": [np.inf], "home": [["rent"]]})
    with pytest.raises(ValueError, match="'age'.*\n.*'income'.*\n.*'home': values are neither"):
        columns(frame, {"age": "numeric", "income": "numeric", "home": "categorical"})


def test_absent_columns_are_named_with_those_that_are_there():
    with pytest.raises(ValueError, match="columns missing from the table: 'age', 'home'; it has 'Age'"):
        columns(pd.DataFrame({"Age": [1]}), {"age": "numeric", "home": "categorical"})


def test_a_column_that_is_there_twice_is_refused():
    frame = pd.DataFrame([[1, 2, 3]], columns=["age", "age", "other"])
    with pytest.raises(ValueError, match="duplicate columns in the table: 'age'"):
        columns(frame, {"age": "numeric"})


def test_columns_that_are_there_twice_and_not_needed_are_ignored():
    frame = pd.DataFrame([[1, 2, 3]], columns=["x", "x", "age"])
    assert columns(frame, {"age": "numeric"})["age"].tolist() == [3.0]


@pytest.mark.parametrize(
    "values", [[1, 2], [1.0, 2.0], [Decimal("1.00"), Decimal("2")], ["1", "2"], np.array([1, 2], dtype="float32")]
)
def test_one_number_is_one_level_whatever_its_type(values):
    assert levels(pd.Series(values)).tolist() == ["1", "2"]


@given(st.lists(st.integers(-10_000, 10_000), min_size=1), st.integers(0, 3))
def test_a_float32_means_the_shortest_decimal_that_it_prints(numbers, places):
    exact = pd.Series([number / 10**places for number in numbers], name="x")
    assert numeric(exact.astype("float32")).tolist() == numeric(exact).tolist()
    assert numeric(exact.astype("Float32")).tolist() == numeric(exact).tolist()
