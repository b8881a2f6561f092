from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.data.key_columns import customers, matching_level, outcome, refuse_unknown
from riskml.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("values", "event"),
    [
        (["bad", "good"], "bad"),
        ([1, 0], 1),
        ([1, 0], "1"),
        ([1.0, 0.0], 1),
        (["1", "0"], 1),
        (["1", "0"], "1.0"),
        ([True, False], True),
        ([True, False], 1),
        (["True", "False"], True),
        (["yes", "no"], True),
        (["Yes", "No"], True),
        (["no", "yes"], False),
        (["Y", "N"], 1),
        ([2, 1], 2),
        (pd.Categorical(["bad", "good"]), "bad"),
        (pd.array([1, 0], dtype="Int64"), 1),
    ],
)
def test_the_event_is_recognised_however_it_is_written(values, event):
    found = outcome(pd.Series(values, name="y", index=[5, 3]), event)
    assert found.tolist() == [1, 0]
    assert found.dtype == np.int8
    assert found.index.tolist() == [5, 3]


def test_more_than_two_values_are_the_event_against_the_rest():
    assert outcome(pd.Series(["paid", "late", "lost", "paid"]), "lost").tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("values", "event"), [(["yes", "true", "no"], 1), (["good", "bad"], 1), (["1", "2"], "x"), (["bad"], "Bad")]
)
def test_an_event_that_could_be_two_values_or_none_is_not_guessed(values, event):
    assert matching_level(values, event) is None


def test_an_unknown_event_lists_the_targets_values():
    with pytest.raises(DataError, match=r"event's value 'Bad'; its values are 'bad', 'good'") as caught:
        outcome(pd.Series(["good", "bad"], name="status"), "Bad")
    assert caught.value.fix == "did you mean 'bad'?"


def test_a_target_of_one_value_is_refused():
    with pytest.raises(DataError, match="one value only: 'bad'"):
        outcome(pd.Series(["bad", "bad"], name="status"), "bad")


@pytest.mark.parametrize("empty", [None, np.nan, "", "  "])
def test_blanks_of_the_target_are_counted_and_located(empty):
    column = pd.Series(["bad", empty, "good", empty], name="status", index=pd.Index(list("abcd"), name="customer"))
    with pytest.raises(DataError, match="the target is blank in 2 of 4 rows") as caught:
        outcome(column, "bad")
    assert caught.value.where == "column 'status', rows 'b', 'd'"


def test_customers_keep_their_identifiers():
    assert customers(pd.Series(["k1", "k2"], name="id")).equals(pd.Index(["k1", "k2"], name="id"))


def test_several_rows_of_one_customer_are_refused_by_name():
    with pytest.raises(DataError, match="2 customers have several rows, 5 in all: 'a', 'b'"):
        customers(pd.Series(["a", "b", "a", "c", "b", "b"], name="id"))


@pytest.mark.parametrize("other", ["bad ", "BAD"])
def test_an_event_in_other_spellings_is_refused_with_the_counts(other):
    with pytest.raises(DataError, match=rf"'{other}' \(2 rows\)") as error:
        outcome(pd.Series(["bad", other, "good", other], name="status"), "bad")
    assert "in one way" in error.value.fix


def test_a_missing_identifier_is_refused():
    with pytest.raises(DataError, match="identifier is blank in 1 of 2 rows"):
        customers(pd.Series(["a", None], name="id"))


def test_an_unknown_column_is_a_config_error_with_near_names():
    with pytest.raises(ConfigError, match="no column 'Incom'") as caught:
        refuse_unknown(["Income", "Age"], [("data.id", None), ("data.exclude", "Age"), ("data.columns", "Incom")])
    assert caught.value.where == "data.columns"
    assert caught.value.fix == "did you mean 'Income'?"
