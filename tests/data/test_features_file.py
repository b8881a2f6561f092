"""Features file: what it may do, and how each fault is told before a run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import Experiment, read_experiment
from riskml.data.prepare import prepare
from riskml.errors import ConfigError

ROWS = 60
TABLE = pd.DataFrame(
    {
        "customer": [f"c{row}" for row in range(ROWS)],
        "day": pd.date_range("2024-01-01", periods=ROWS).astype(str),
        "payment": np.linspace(10, 100, ROWS),
        "income": [0.0, np.nan, *np.linspace(100, 900, ROWS - 2)],
        "home": ["rent", None, "own"] * (ROWS // 3),
        "bad": [0, 1] * (ROWS // 2),
    }
)


@pytest.fixture
def experiment(tmp_path):
    def written(source: str, **data: object) -> Experiment:
        (tmp_path / "mine.py").write_text(source, encoding="utf-8")
        roles = {"source": "t.csv", "target": "bad", "id": "customer", "date": "day"}
        data = {**roles, "features": f"{tmp_path / 'mine.py'}:make", **data}
        return Experiment.model_validate({"name": "mine", "title": "?", "task": "default", "data": data})

    return written


def _body(*lines: str) -> str:
    return "\n".join(
        ["import numpy as np", "import pandas as pd", "def make(frame):", *(f"    {line}" for line in lines)]
    )


def test_numbers_that_are_not_finite_are_missing_and_text_is_a_level(experiment):
    source = _body(
        "ratio = frame['payment'] / frame['income']",
        "return pd.DataFrame({'ratio': ratio, 'rents': frame.home == 'rent', 'where': frame.home.str.upper()})",
    )
    prepared = prepare(TABLE, experiment(source))
    np.testing.assert_array_equal(prepared.X["ratio"], TABLE["payment"] / TABLE["income"].replace(0, np.nan))
    assert prepared.X["where"].head(3).tolist() == ["RENT", None, "OWN"]
    assert prepared.schema.made == {"ratio": "numeric", "rents": "numeric", "where": "categorical"}
    assert prepared.schema["ratio"].description == "by mine.py:make"


def test_it_reads_derived_and_excluded_columns_and_may_return_what_it_reads(experiment):
    source = _body("return frame.assign(twice=frame['ratio'] * 2, more=frame['income'] + 1)")
    data = experiment(source, derive={"ratio": "payment / income"}, exclude=["income", "ratio"])
    assert list(prepare(TABLE, data).X) == ["payment", "home", "twice", "more"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\n" + _body("return frame"), "imports os, which .*\n  where: data.features: .*mine.py:1\n"),
        (_body("from sklearn.svm import SVC", "return frame"), "imports sklearn.svm, .*\n  where: .*mine.py:4\n"),
        ("from . import x\n", r"imports \., which"),
        ("def make(frame:\n", "is not Python: .*\n  where: data.features: .*mine.py:1"),
        ("x = 1 / 0\n'income'", "mine.py:1: ZeroDivisionError"),
        ("'income'", "the file has no function make"),
        (_body("return frame"), "names no column of the table"),
        (_body("frame['income']"), "make must return a DataFrame; got NoneType"),
        (_body("return frame[frame['income'] > 0]"), "make must return the rows it is given, with their index: 60"),
        (_body("return frame.sort_values('income')"), "must return the rows it is given, with their index"),
        (_body("frame['income']", "return pd.concat([frame.assign(a=1)] * 2, axis=1)"), "returns two columns 'income'"),
        (_body("return frame[['income']]"), "make returns no new column"),
        (_body("return frame.assign(income=frame['income'] + 1, a=1)"), "a column 'income' that the table has"),
        (_body("return frame.assign(home=frame['income'] + 1)"), "a column 'home' that the table has"),
        (_body("return pd.DataFrame({'tier': frame['income']})"), "a run adds columns of these names"),
        (_body("a = frame['income']", "return frame.assign(leak=frame['bad'])"),
         "mine.py:5: KeyError: 'bad': the column is data.target"),
        (_body("a = frame['income']", "return frame.assign(c=frame['customer'])"), "the column is data.id"),
        (_body("a = frame['income']", "return frame.assign(b=frame['pay' + 'ment'])"),
         "mine.py:5: KeyError: 'payment'\n.*\n.*write the name of each column"),
        (_body("a = frame['income']", "return frame.assign(b=[int(x) for x in a])"),
         "mine.py:5: ValueError: cannot convert float NaN"),
        (_body("a = frame['payment']", "return frame.assign(b=a - a.mean())"),
         "'b' of a row depends on other rows: row 0"),
        ("class make:\n    def fit(self, frame): return frame['income']\n    def __init__(self, frame=None): pass",
         "is a transformer with fit"),
        ("class T: fit = 1\ndef make(frame):\n    frame['income']\n    return T()", "returns a transformer with fit"),
    ],
)  # fmt: skip
def test_a_fault_is_one_message_with_file_and_line(experiment, source, message):
    with pytest.raises(ConfigError if "tier" not in source else ValueError, match=message):
        prepare(TABLE, experiment(source))


def test_a_file_that_does_not_exist_is_named_when_the_experiment_is_read(tmp_path):
    text = "name: mine\ntitle: '?'\ntask: default\ndata: {source: t.csv, target: bad, features: 'no.py:make'}\n"
    (tmp_path / "e.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="the features file does not exist\n  where: data.features: .*no.py"):
        read_experiment(tmp_path / "e.yaml")


def test_an_import_at_run_time_is_refused_as_well(experiment):
    source = _body("a = frame['income']", "__import__('os')", "return frame.assign(b=a)")
    with pytest.raises(ConfigError, match="mine.py:5: ImportError: import of os: only numpy and pandas are available"):
        prepare(TABLE, experiment(source))
