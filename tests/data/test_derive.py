"""Columns of one's own: expressions in the experiment file, computed before anything else reads the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment, read_experiment
from riskml.data.derive import with_columns_of, with_derived
from riskml.data.prepare import prepare
from riskml.errors import ConfigError, DataError
from riskml.schema import Schema

ROWS = 60
TABLE = pd.DataFrame(
    {
        "customer": [f"c{row}" for row in range(ROWS)],
        "payment": np.linspace(10, 100, ROWS),
        "income": [0.0, np.nan, *np.linspace(100, 900, ROWS - 2)],
        "home": ["rent", None, "own"] * (ROWS // 3),
        "bad": [0, 1] * (ROWS // 2),
    }
)


def _experiment(derive: dict[str, str], **data: object) -> Experiment:
    roles = {"source": "t.csv", "target": "bad", "id": "customer"}
    data = {**roles, "derive": derive, **data}
    return Experiment.model_validate({"name": "mine", "title": "?", "task": "default", "data": data})


def test_a_column_is_a_number_that_is_missing_where_it_is_unknown_or_divided_by_0():
    prepared = prepare(TABLE, _experiment({"ratio": "payment / income", "rents": "home == 'rent'"}))
    expected = TABLE["payment"] / TABLE["income"].replace(0, np.nan)
    np.testing.assert_array_equal(prepared.X["ratio"], expected)
    assert prepared.X["rents"].head(3).tolist()[::2] == [1.0, 0.0]
    assert np.isnan(prepared.X["rents"].iloc[1])
    assert prepared.schema["ratio"].description == "payment / income"


def test_it_may_read_excluded_columns_and_columns_derived_above_it():
    derive = {"ratio": "payment / income", "heavy": "ratio > 0.1"}
    prepared = prepare(TABLE, _experiment(derive, exclude=["income", "ratio"]))
    assert list(prepared.X) == ["payment", "home", "heavy"]
    assert [column["name"] for column in prepared.schema.inputs] == ["income", "payment"]


def test_words_for_missing_values_and_numbers_stored_as_text_are_read_first():
    table = TABLE.assign(income=TABLE["income"].map(lambda value: "-" if np.isnan(value) else str(value)))
    experiment = _experiment({"ratio": "payment / income"}, missing=["-"], exclude=["income"])
    expected = prepare(TABLE, _experiment({"ratio": "payment / income"}))
    pd.testing.assert_series_equal(prepare(table, experiment).X["ratio"], expected.X["ratio"])


def test_what_exceeds_all_floats_is_missing():
    table = TABLE.assign(payment=1e308, income=1e308)
    frame, _, _ = with_derived(table, _experiment({"sum": "payment + income"}).data)
    assert frame["sum"].isna().all()


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        ({"leak": "bad * 2"}, "data.derive.leak: 'bad . 2' reads the column 'bad', which is data.target"),
        ({"name": "customer == 'c1'"}, "reads the column 'customer', which is data.id"),
        ({"two words": "payment"}, "data.derive.two words: the name must be a plain word"),
        ({"if": "payment"}, "the name must be a plain word"),
        ({"bad": "payment"}, "data.derive.bad: data.target has this name"),
        ({"r": "payment //"}, "data.derive.r: 'payment //' cannot be read"),
        ({"r": "open('x')"}, "data.derive.r: .* has a call of an unknown function"),
        ({"r": "s + 1", "s": "payment"}, "data.derive.r: 's . 1' reads 's', which is not derived above it"),
        ({"r": "r + 1"}, "reads 'r', which is not derived above it"),
    ],
)
def test_a_wrong_expression_is_refused_when_the_file_is_read(tmp_path, derive, message):
    text = "name: mine\ntitle: '?'\ntask: default\ndata:\n  source: t.csv\n  target: bad\n  id: customer\n  derive:\n"
    text += "".join(f"    {name!r}: {expression!r}\n" for name, expression in derive.items())
    (tmp_path / "e.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_experiment(tmp_path / "e.yaml")


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        ({"payment": "income * 2"}, "the table has a column of this name\n  where: data.derive.payment"),
        ({"r": "payments * 2"}, "no column 'payments'.*\n  where: data.derive.r\n  fix:   .*'payment'"),
        ({"r": "home"}, "'home' is text, not a number\n  where: data.derive.r"),
        ({"r": "home * 2"}, "'home' is text, where a number is needed"),
        ({"r": "payment == 'x'"}, "they cannot be compared"),
        ({"tier": "payment * 2"}, "a run adds columns of these names"),
    ],
)
def test_an_expression_that_does_not_fit_the_table_is_refused(derive, message):
    with pytest.raises((ConfigError, DataError), match=message):
        prepare(TABLE, _experiment(derive))


def test_an_experiment_without_derived_columns_keeps_its_digest():
    with_none = _experiment({})
    assert "derive" in with_none.to_yaml()
    assert with_none.digest() != _experiment({"ratio": "payment / income"}).digest()


def test_customers_get_the_columns_that_their_raw_columns_allow():
    data = _experiment({"ratio": "payment / income", "rents": "home == 'rent'"}).data
    frame, inputs, _ = with_derived(TABLE, data)
    schema = Schema((), inputs)
    pd.testing.assert_frame_equal(with_columns_of(TABLE, data, schema), frame)
    partial = with_columns_of(TABLE.drop(columns="income"), data, schema)
    assert "ratio" not in partial
    kept = with_columns_of(frame.drop(columns="income"), data, schema)
    pd.testing.assert_series_equal(kept["ratio"], frame["ratio"])
