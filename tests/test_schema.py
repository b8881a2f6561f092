from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.config.experiment import ColumnConfig
from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.schema import Column, Schema


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        [1.5, np.nan],
        [True, False],
        pd.array([1, None], dtype="Int64"),
        pd.array([True, None], dtype="boolean"),
        pd.array([0.5, None], dtype="Float64"),
        np.array([1, 2.5], dtype=object),
        [Decimal("1.5"), Decimal("2")],
    ],
    ids=["int", "float", "bool", "Int64", "boolean", "Float64", "numbers as objects", "decimals"],
)
def test_numbers_and_booleans_are_numeric(values):
    assert Schema.infer(pd.DataFrame({"a": values})).numeric == ("a",)


@pytest.mark.parametrize(
    "values",
    [
        ["x", "y"],
        pd.array(["x", None], dtype="string"),
        pd.Categorical(["x", "y"]),
        pd.Categorical([1, 2]),
        np.array(["x", None], dtype=object),
        np.array([None, None], dtype=object),
    ],
    ids=["str", "StringDtype", "category of text", "category of numbers", "object", "nothing"],
)
def test_text_and_categories_are_categorical(values):
    assert Schema.infer(pd.DataFrame({"a": values})).categorical == ("a",)


def test_numbers_mixed_with_text_are_refused_unless_the_kind_is_said():
    frame = pd.DataFrame({"a": np.array([1, "x"], dtype=object)})
    with pytest.raises(DataError, match=r"numbers and text are mixed: 1 numbers, and 'x'(?s:.*)column 'a', row 1"):
        Schema.infer(frame)
    assert Schema.infer(frame, {"a": ColumnConfig(kind="categorical")}).categorical == ("a",)


DAY = dt.date(2024, 1, 1)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([pd.Timestamp(DAY), "x"], "dates and text are mixed: 1 dates, and 'x'(?s:.*)row 1"),
        ([DAY, "x", pd.NaT], "dates and text are mixed: 1 dates, and 'x'(?s:.*)row 1"),
        ([pd.Timedelta("1D"), 1], "numbers and dates are mixed: 1 numbers, and Timedelta(?s:.*)row 0"),
        ([1, 2.5, DAY], "numbers and dates are mixed: 2 numbers, and datetime.date(?s:.*)row 2"),
        ([1, DAY, "x"], "numbers and dates and text are mixed: 1 numbers and 1 dates, and 'x'"),
    ],
    ids=["timestamp, text", "day, text", "duration, number", "numbers, day", "all"],
)
def test_dates_mixed_with_text_or_numbers_are_refused_unless_the_kind_is_said(values, text):
    frame = pd.DataFrame({"a": np.array(values, dtype=object)})
    with pytest.raises(DataError, match=text):
        Schema.infer(frame)
    assert Schema.infer(frame, {"a": ColumnConfig(kind="categorical")}).categorical == ("a",)


@pytest.mark.parametrize(
    "values",
    [
        pd.date_range("2024-01-01", periods=2),
        pd.to_timedelta([1, 2], unit="D"),
        pd.period_range("2024-01", periods=2, freq="M"),
        np.array([dt.date(2024, 1, 1), None], dtype=object),
        pd.Categorical(pd.date_range("2024-01-01", periods=2)),
        np.array([dt.date(2024, 1, 1), pd.Timedelta("1D")], dtype=object),
    ],
    ids=["timestamps", "durations", "periods", "dates as objects", "category of timestamps", "dates and durations"],
)
def test_dates_and_durations_are_refused_with_a_way_out(values):
    with pytest.raises(DataError, match="column 'opened'") as caught:
        Schema.infer(pd.DataFrame({"opened": values}))
    assert "data.exclude" in caught.value.fix


def test_cells_that_hold_collections_are_refused_by_row():
    with pytest.raises(DataError, match="a cell holds a list") as caught:
        Schema.infer(pd.DataFrame({"a": ["x", [1]]}, index=["r0", "r1"]))
    assert caught.value.where == "column 'a', row 'r1'"


def test_what_the_experiment_says_overrules_what_the_values_show():
    facts = {"region": ColumnConfig(kind="categorical", special={1.0: "abroad"}, description="sales region")}
    schema = Schema.infer(pd.DataFrame({"region": [1, 2], "age": [30, 40]}), facts)
    assert schema["region"] == Column("region", "categorical", ("1",), "sales region")
    assert schema["age"] == Column("age", "numeric")


def test_special_codes_of_numbers_are_numbers_even_when_written_as_text():
    schema = Schema.infer(pd.DataFrame({"a": [1.0]}), {"a": ColumnConfig(special={"-1": "never", 999: "error"})})
    assert schema["a"].special == (-1.0, 999.0)


def test_a_special_code_of_a_number_that_is_no_number_is_a_config_error():
    with pytest.raises(ConfigError, match=r"got 'none'") as caught:
        Schema.infer(pd.DataFrame({"a": [1.0]}), {"a": ColumnConfig(special={"none": "missing"})})
    assert caught.value.where == "data.columns.a.special"


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(DataError, match="1 column name occurs more than once: 'a'"):
        Schema.infer(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_conform_gives_the_columns_in_order_and_keeps_rows_and_index():
    schema = Schema((Column("b", "categorical"), Column("a", "numeric")))
    frame = pd.DataFrame({"a": [1, 2], "x": [0, 0], "b": ["p", None]}, index=["r9", "r1"])
    found = schema.conform(frame)
    assert list(found) == ["b", "a"]
    assert list(found.index) == ["r9", "r1"]
    assert found.dtypes.astype(str).tolist() == ["object", "float64"]
    assert found["b"].tolist() == ["p", None]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, None],
        [1.0, 2.0, np.nan],
        ["1", "2", None],
        pd.array([1, 2, None], dtype="Int64"),
        pd.Categorical([1, 2, None]),
    ],
    ids=["int", "float", "text", "Int64", "category"],
)
def test_one_level_has_one_text_however_it_is_stored(values):
    schema = Schema((Column("a", "categorical"),))
    assert schema.conform(pd.DataFrame({"a": values}))["a"].tolist() == ["1", "2", None]


def test_booleans_as_categories_are_true_and_false():
    schema = Schema((Column("a", "categorical"),))
    assert schema.conform(pd.DataFrame({"a": [True, False]}))["a"].tolist() == ["True", "False"]


def test_numeric_text_becomes_numbers_and_blanks_become_missing():
    found = Schema((Column("a", "numeric"),)).conform(pd.DataFrame({"a": [" 1.5", "2e3", "", "  ", None]}))
    np.testing.assert_array_equal(found["a"], [1.5, 2000.0, np.nan, np.nan, np.nan])


def test_text_that_is_no_number_is_named_by_column_row_and_value():
    frame = pd.DataFrame({"income": ["1", "n/k", "?"], "age": ["2", "3", "old"]}, index=["c1", "c2", "c3"])
    with pytest.raises(DataError) as caught:
        Schema((Column("income", "numeric"), Column("age", "numeric"))).conform(frame)
    assert "column 'income', row 'c2': 'n/k' is not a number (and 1 more row" in caught.value.what
    assert "column 'age', row 'c3': 'old' is not a number" in caught.value.what


@pytest.mark.parametrize("bad", [np.inf, -np.inf, "inf", "1e999"])
def test_infinity_is_named_by_column_and_row(bad):
    frame = pd.DataFrame({"ratio": [0.5, bad]}, index=["c1", "c2"])
    with pytest.raises(DataError, match=r"column 'ratio', row 'c2': .* is not finite"):
        Schema((Column("ratio", "numeric"),)).conform(frame)


def test_dates_where_numbers_should_be_are_refused():
    with pytest.raises(DataError, match=r"column 'a': expected numbers, got datetime64"):
        Schema((Column("a", "numeric"),)).conform(pd.DataFrame({"a": pd.date_range("2024-01-01", periods=2)}))


def test_a_missing_column_is_named_with_the_nearest_one_there_is():
    with pytest.raises(DataError, match="missing column: 'Income'") as caught:
        Schema((Column("Income", "numeric"),)).conform(pd.DataFrame({"income": [1]}))
    assert caught.value.fix == "did you mean 'income'?"


def test_a_table_without_rows_conforms():
    found = Schema((Column("a", "numeric"), Column("b", "categorical"))).conform(pd.DataFrame({"a": [], "b": []}))
    assert found.shape == (0, 2)
    assert found.dtypes.astype(str).tolist() == ["float64", "object"]


cells = st.one_of(
    st.none(), st.text(max_size=5), st.integers(-(10**6), 10**6), st.floats(allow_nan=False), st.booleans()
)


@given(st.lists(cells, max_size=9), st.lists(st.one_of(st.none(), st.floats(allow_infinity=False)), max_size=9))
def test_conforming_twice_is_conforming_once(mixed, numbers):
    n = min(len(mixed), len(numbers))
    frame = pd.DataFrame({"m": np.array([*mixed[:n], None], dtype=object), "x": [*numbers[:n], 1.0]})
    schema = Schema((Column("m", "categorical"), Column("x", "numeric")))
    once = schema.conform(frame)
    pd.testing.assert_frame_equal(schema.conform(once), once)
    assert all(value is None or type(value) is str for value in once["m"])


def test_a_schema_survives_json():
    schema = Schema((Column("a", "numeric", (-1.0, 999.0), "years"), Column("b", "categorical", ("?",))))
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


def test_an_unknown_column_of_a_schema_is_a_key_error():
    with pytest.raises(KeyError, match="b"):
        Schema((Column("a", "numeric"),))["b"]


def test_near_says_nothing_when_nothing_is_near():
    assert did_you_mean("zzz", ["age", "income"]) == ""


def test_shortened_counts_what_it_leaves_out():
    assert preview("abcd", most=2) == "'a', 'b' and 2 more"
