from __future__ import annotations

import decimal
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.export.wheel import write_package
from riskml.runtime.forest import Walk, read_xgboost
from riskml.runtime.package import Artifact, PackageError
from riskml.runtime.parse import number, text
from riskml.runtime.single import _probes


@pytest.fixture(scope="module")
def artifact(artifacts):
    return Artifact.load(artifacts["scorecard"])


RECORD = {"Age": 25, "Income": 55.5, "Home": "rent", "more": [1]}


def test_a_record_has_probability_points_and_tier(artifact):
    said = artifact.score_record(RECORD)
    assert list(said) == ["probability", "points", "tier"]
    assert said == artifact.score(pd.DataFrame([RECORD])).iloc[0].to_dict()


def test_a_column_that_is_absent_is_named_and_what_is_more_is_ignored(artifact):
    with pytest.raises(PackageError, match="columns missing from the record: 'Income', 'Home'"):
        artifact.score_record({"Age": 1})


@pytest.mark.parametrize(
    ("value", "what"),
    [("old", "'old' is not a number"), (float("inf"), "inf is not finite"), ("1_000", "is not a number")]
    + [(10**400, "is not finite"), (1j, "is not a number"), ([1], "is not a number"), ("-inf", "is not finite")]
    + [(np.datetime64("2024-01-01"), "is not a number"), ("nan", "'nan' is not a number"), (b"1", "is not a number")],
)
def test_what_is_no_finite_number_is_refused_with_column_and_value(value, what, artifact):
    with pytest.raises(PackageError, match=f"column 'Age': .*{what}"):
        artifact.score_record(RECORD | {"Age": value})


@pytest.mark.parametrize("value", [None, float("nan"), np.nan, "", " ", pd.NA, np.float64("nan")])
def test_nothing_is_nothing_however_it_is_written(value, artifact):
    missing = artifact.score_record({"Age": None, "Income": None, "Home": None})
    assert artifact.score_record({"Age": value, "Income": value, "Home": value}) == missing


@pytest.mark.parametrize("value", [30, 30.0, "30", " 30.0 ", np.int64(30), np.float32(30), decimal.Decimal(30), "3e1"])
def test_a_number_is_a_number_however_it_is_written(value, artifact):
    assert artifact.score_record(RECORD | {"Age": value}) == artifact.score_record(RECORD | {"Age": 30.0})


# As text a long number may differ in its last bit: pandas has a reader of its own.
written = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["", " ", "+.5", "1.", "-0", "1e-3", " 7 ", "1e5", "x", "--1"]),
)


@given(written)
def test_text_is_read_as_in_a_table(value):
    from riskml.runtime.frame import numeric

    try:
        expected = numeric(pd.Series([value], dtype=object))[0]
    except ValueError:
        with pytest.raises(ValueError, match="is not"):
            number(value)
    else:
        np.testing.assert_allclose(number(value), expected, rtol=1e-15)


@given(st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_infinity=False), st.text(max_size=3)))
def test_a_level_is_read_as_in_a_table(value):
    from riskml.runtime.frame import levels

    assert text(value) == levels(pd.Series([value], dtype=object))[0]


def test_a_level_that_training_never_saw_is_refused_where_the_model_refuses_it(artifact):
    strict = replace(artifact, unseen="refuse")
    assert strict.score_record(RECORD)["tier"] == "high"
    with pytest.raises(PackageError, match="column 'Home': level 'castle' was not seen"):
        strict.score_record(RECORD | {"Home": "castle"})


def test_trees_that_are_walked_here_give_xgboost_s_own_last_bit(artifacts):
    model = Artifact.load(artifacts["boosting"]).model
    walk = Walk([read_xgboost(content) for content in model.as_json()])
    rows = _probes(model.encoding)
    assert [walk.margin(row) for row in rows] == model.margin_of_matrix(rows).tolist()
    assert walk._marks, "a split on categories is among them"


def test_trees_of_another_kind_are_left_to_their_library():
    other = b'{"learner": {"objective": {"name": "rank:ndcg"}, "gradient_booster": {"name": "gbtree"}}}'
    with pytest.raises(ValueError, match="rank:ndcg"):
        read_xgboost(other)


@pytest.mark.parametrize("kind", ["scorecard", "boosting"])
def test_neither_the_import_nor_a_record_needs_pandas(kind, artifacts, tmp_path):
    write_package(artifacts[kind], tmp_path)
    code = textwrap.dedent(
        """
        import sys
        class NoPandas:
            def find_spec(self, name, *_):
                if name.split(".")[0] == "pandas":
                    raise ModuleNotFoundError(name)
        import riskml_hand_made as package
        assert "numpy" not in sys.modules
        if "scorecard" in sys.argv:
            sys.meta_path.insert(0, NoPandas())
        record = {"Age": 25, "Income": None, "Home": "rent"}
        assert 0 < package.score_record(record)["probability"] < 1
        assert isinstance(package.explain_record(record, n=1, language="en"), list)
        assert package.model_card().startswith("# ")
        print("pandas" in sys.modules)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code, kind], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    if kind == "scorecard":  # xgboost imports pandas by itself where it is installed
        assert done.stdout.strip() == "False"
