from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from riskml.metrics.stability import Baseline, baseline, psi
from riskml.runtime.distribution import Distribution
from riskml.runtime.package import Artifact


@pytest.fixture(scope="module")
def artifact(artifacts):
    return Artifact.load(artifacts["scorecard"])


def row(table, column):
    return table.set_index("column").loc[column]


def test_training_s_own_customers_are_stable(artifact, loans):
    found = artifact.check(loans)
    assert found["column"].tolist() == ["Age", "Income", "Home", "probability"]
    assert found["status"].tolist() == ["stable"] * 4
    assert (found["psi"] < 1e-12).all()
    assert (found["message"] == "").all()
    np.testing.assert_allclose(found["missing"], found["missing_in_training"])


def test_a_shift_is_measured_as_the_validation_measures_it(artifact, artifacts, loans):
    moved = loans.assign(Age=loans["Age"] + 15, Home=loans["Home"].where(loans["Home"] != "rent", "owner"))
    found = artifact.check(moved)
    special = {"Age": (), "Income": (-1.0,), "Home": ()}
    for name, codes in special.items():
        expected = psi(baseline(loans[name], special_values=codes), moved[name])
        assert row(found, name)["psi"] == pytest.approx(expected, abs=1e-12)
    assert row(found, "Age")["status"] == "act"
    assert row(found, "Age")["out_of_range"] == (moved["Age"] > loans["Age"].max()).sum()
    scores = artifact.score(loans)["probability"], artifact.score(moved)["probability"]
    assert row(found, "probability")["psi"] == pytest.approx(psi(*scores), abs=1e-12)


def test_the_wheel_s_counts_are_a_baseline_of_the_validation(artifacts, loans):
    said = json.loads((artifacts["scorecard"] / "model.json").read_text())["distributions"]
    fixed = Baseline.from_dict(said["Income"])
    assert sum(fixed.counts) == len(loans)
    assert fixed == baseline(loans["Income"], special_values=[-1.0])


def test_a_special_code_is_not_out_of_range_and_a_new_level_is_unseen(artifact, loans):
    found = artifact.check(loans.assign(Income=-1.0, Home="castle"))
    assert row(found, "Income")["out_of_range"] == 0
    assert row(found, "Home")["unseen"] == len(loans)
    assert "300 rows with a level not seen in training" in row(found, "Home")["message"]


def test_one_row_is_called_a_row(artifact, loans):
    one = loans.assign(Age=loans["Age"].where(loans.index != "c000", 90))
    assert row(artifact.check(one), "Age")["message"].startswith("1 row outside the training range 18 to")


def test_what_breaks_the_schema_is_reported_and_fails_nothing(artifact, loans):
    broken = loans.drop(columns="Home").assign(Age="old")
    found = artifact.check(broken)
    assert found["column"].tolist() == ["Age", "Income", "Home"]
    assert found["status"].tolist() == ["broken", "stable", "broken"]
    assert "'old' is not a number" in row(found, "Age")["message"]
    assert "columns missing" in row(found, "Home")["message"]
    assert np.isnan(row(found, "Home")["psi"])


def test_a_table_without_rows_says_nothing(artifact, loans):
    assert set(artifact.check(loans.iloc[:0])["status"]) == {"unknown"}


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0], list(range(50)), [np.nan, np.nan, 5.0], ["a", "b", None]])
def test_bins_are_counted_as_the_validation_counts_them(values):
    series = pd.Series(values, dtype=object if "a" in values else float)
    fixed = baseline(series)
    same = Distribution.from_dict(fixed.to_dict())
    others = pd.Series(["a", "c", None] if "a" in values else [0.5, 1.5, 2.0, 1e9, -1e9, np.nan])
    expected = fixed.count(others)
    there = others.astype(object).where(others.notna(), None) if "a" in values else others
    np.testing.assert_array_equal(same.count(there.to_numpy()), expected)
