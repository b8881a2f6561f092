from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskml.runtime.additive import Additive
from riskml.runtime.frame import columns
from riskml.runtime.model import probability
from riskml.runtime.package import Artifact, PackageError, digest

KINDS = ("scorecard", "logistic", "tree", "boosting", "ebm", "blend")


def in_memory(estimator, frame):
    read = columns(estimator.schema_.conform(frame), estimator.model_.kinds)
    return probability(estimator.model_.margin(read))


@pytest.fixture(scope="module")
def loaded(artifacts):
    return {kind: Artifact.load(folder) for kind, folder in artifacts.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_artifact_gives_the_probabilities_of_the_model_in_memory(kind, loaded, handmade, loans):
    scores = loaded[kind].score(loans)
    np.testing.assert_array_equal(scores["probability"], in_memory(handmade[kind], loans))
    pd.testing.assert_index_equal(scores.index, loans.index)


number = st.one_of(
    st.none(),
    st.integers(-10, 200),
    st.sampled_from([-1.0, 45.5, 80.0, 1e308, -1e308, 5e-324, 3.5e38]),
    st.floats(-1e6, 1e6),
)
text = st.one_of(
    st.none(), st.sampled_from(["owner", "rent", "None", "=cmd|'x'!A1", "", "nan", "Owner", "é\n"]), st.text(max_size=5)
)
rows = st.lists(st.tuples(number, number, text), min_size=1, max_size=12)


@pytest.mark.parametrize("kind", KINDS)
@given(rows=rows, order=st.permutations(["Age", "Income", "Home", "extra", "more"]), dtype=st.sampled_from(
    ["object", "float64", "Float64", "category", "string"]))  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dirty_rows_score_as_in_memory(kind, loaded, handmade, rows, order, dtype):
    clean = pd.DataFrame(rows, columns=["Age", "Income", "Home"])
    clean = clean.astype({"Age": "float64", "Income": "float64", "Home": object})
    dirty = clean.astype({"Home": "category" if dtype == "category" else "string" if dtype == "string" else object})
    # As text, a number is its shortest one: that comes back to the last bit only up to 15 digits.
    numbers = "float64" if dtype == "string" else dtype
    dirty = dirty.astype({"Age": numbers, "Income": numbers})
    dirty = dirty.assign(extra=[["a list"]] * len(dirty), more=pd.Timestamp("2024-01-01"))[order]
    dirty.index = pd.Index(range(len(dirty))[::-1])
    scores = loaded[kind].score(dirty)
    np.testing.assert_array_equal(scores["probability"], in_memory(handmade[kind], clean))
    assert scores.index.tolist() == dirty.index.tolist()


def test_a_row_scores_the_same_alone_and_in_company(loaded, loans):
    for artifact in loaded.values():
        together = artifact.score(loans)["probability"]
        alone = pd.concat([artifact.score(loans.iloc[[i]])["probability"] for i in range(25)])
        np.testing.assert_array_equal(alone, together.iloc[:25])


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_rows_gives_tables_without_rows(kind, loaded, loans):
    artifact = loaded[kind]
    empty = loans.iloc[:0]
    expected = ["probability", "points", "tier"] if kind == "scorecard" else ["probability", "tier"]
    assert artifact.score(empty).shape == (0, len(expected))
    assert artifact.score(empty).columns.tolist() == expected
    assert artifact.explain(empty).columns.tolist() == ["customer", "rank", "column", "value", "contribution"]
    assert artifact.explain(empty).empty
    assert artifact.contributions(empty).shape == (0, 3)


def test_a_tier_begins_with_its_lower_bound(loaded):
    artifact = replace(loaded["scorecard"], model=Additive(0.0, ()))
    anyone = pd.DataFrame(index=["a", "b"])
    assert artifact.score(anyone)["probability"].tolist() == [0.5, 0.5]
    assert artifact.score(anyone)["tier"].tolist() == ["high", "high"]


def test_a_model_that_reads_no_column_scores_and_explains_every_row(loaded):
    artifact = replace(loaded["scorecard"], model=Additive(-1.0, (), base_points=500.0))
    scores = artifact.score(pd.DataFrame({"any": [1, 2, 3]}))
    assert scores["points"].tolist() == [500.0] * 3
    assert artifact.explain(pd.DataFrame({"any": [1, 2, 3]})).empty


def test_reasons_are_the_greatest_contributions_above_the_reference_in_order(loaded, loans):
    for artifact in loaded.values():
        above = artifact.contributions(loans) - pd.Series(artifact.reference)
        reasons = artifact.explain(loans, n=2)
        for customer, own in reasons.groupby("customer"):
            expected = above.loc[customer].sort_values(ascending=False, kind="stable").head(2)
            expected = expected[expected > 1e-12]
            assert own["column"].tolist() == expected.index.tolist()
            assert own["contribution"].tolist() == expected.tolist()
            assert own["rank"].tolist() == list(range(1, len(own) + 1))
        unexplained = loans.index.difference(reasons["customer"])
        assert (above.loc[unexplained] <= 1e-12).all(axis=None)


def test_reasons_show_values_as_people_write_them(loaded):
    worst = pd.DataFrame({"Age": [25], "Income": [-1.0], "Home": [None]}, index=["c1"])
    reasons = loaded["scorecard"].explain(worst).set_index("column")
    assert reasons["value"].to_dict() == {"Income": "-1", "Age": "25", "Home": "missing"}
    assert reasons["customer"].tolist() == ["c1"] * 3


def test_the_number_of_reasons_is_the_package_s_own_unless_asked_otherwise(loaded, loans):
    artifact = replace(loaded["logistic"], reasons=1)
    assert artifact.explain(loans)["rank"].max() == 1
    assert artifact.explain(loans, n=3)["rank"].max() == 3
    with pytest.raises(PackageError, match="at least 1; got 0"):
        artifact.explain(loans, n=0)


def test_a_nan_names_no_customer(loaded, loans):
    unnamed = loans.set_axis(pd.Index(range(len(loans)), dtype=float).where(np.arange(len(loans)) != 7))
    with pytest.raises(PackageError, match=r"index, row 8: the customer has no identifier \(nan\); .*reset_index"):
        loaded["tree"].explain(unnamed)
    assert len(loaded["tree"].score(unnamed)) == len(loans)


def test_customers_with_two_identifiers_are_explained(loaded, loans):
    indexed = loans.set_index(pd.MultiIndex.from_product([["branch"], range(len(loans))]))
    assert loaded["tree"].explain(indexed)["customer"].iloc[0] in set(indexed.index)


def test_the_schema_says_what_a_table_must_have(loaded, loans):
    schema = loaded["scorecard"].schema().set_index("name")
    assert schema.loc["Age", "kind"] == "numeric"
    assert (schema.loc["Age", "min"], schema.loc["Age", "max"]) == (loans["Age"].min(), loans["Age"].max())
    assert schema.loc["Income", "special"] == [-1.0]
    assert schema.loc["Income", "min"] > 0  # special codes are no incomes
    assert schema.loc["Home", "levels"] == ["=cmd|'x'!A1", "None", "owner", "rent"]
    assert schema.loc["Home", "missing"] == pytest.approx(loans["Home"].isna().mean())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns=["Age", "Home"]), "columns missing from the table: 'Age', 'Home'"),
        (lambda frame: frame.assign(Age="old"), r"column 'Age', row 'c000': 'old' is not a number \(and 299 more"),
        (lambda frame: frame.assign(Income=np.inf), "column 'Income', row 'c000': inf is not finite"),
        (lambda frame: frame["Age"], "a table of pandas, .*; got Series"),
        (lambda frame: frame.to_dict("list"), "a table of pandas, .*; got dict"),
        (lambda frame: pd.concat([frame, frame], axis=1), "duplicate columns in the table: 'Age', 'Income', 'Home'"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused_with_the_reason(change, message, loaded, loans):
    for ask in (loaded["blend"].score, loaded["blend"].explain, loaded["blend"].contributions):
        with pytest.raises(PackageError, match=message):
            ask(change(loans))


def test_an_unseen_category_is_scored_unless_the_experiment_refuses_it(loaded, loans):
    strange = loans.assign(Home="castle")
    assert loaded["tree"].score(strange)["probability"].notna().all()
    strict = replace(loaded["tree"], unseen="refuse")
    assert len(strict.score(loans)) == len(loans)
    with pytest.raises(PackageError, match="column 'Home', row 'c000': level 'castle' was not seen.*'owner', 'rent'"):
        strict.score(strange)


def edited(folder, tmp_path, edit):
    copy = shutil.copytree(folder, tmp_path / "copy")
    said = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    edit(said)
    (copy / "model.json").write_text(json.dumps(said), encoding="utf-8")
    return copy


def test_an_altered_coefficient_is_refused(artifacts, tmp_path):
    folder = edited(artifacts["scorecard"], tmp_path, lambda said: said["model"].update(intercept=-9.0))
    with pytest.raises(PackageError, match="was altered"):
        Artifact.load(folder)


def test_an_altered_or_missing_file_is_refused(artifacts, tmp_path):
    copy = shutil.copytree(artifacts["boosting"], tmp_path / "copy")
    blob = copy / "booster-1.ubj"
    content = bytearray(blob.read_bytes())
    content[-20] ^= 1
    blob.write_bytes(content)
    with pytest.raises(PackageError, match=r"was altered.*booster-1\.ubj"):
        Artifact.load(copy)
    blob.unlink()
    with pytest.raises(PackageError, match=r"is missing: .*booster-1\.ubj"):
        Artifact.load(copy)


def test_a_format_of_the_future_is_refused_by_its_number(artifacts, tmp_path):
    folder = edited(artifacts["tree"], tmp_path, lambda said: said.update(format=3))
    with pytest.raises(PackageError, match="unsupported model format 3; supported: 1, 2"):
        Artifact.load(folder)


def test_a_file_outside_the_folder_is_never_read(artifacts, tmp_path):
    def reach_out(said):
        said["files"] = {"../../secret": "00"}
        said["digest"] = digest(said)

    with pytest.raises(PackageError, match="outside its folder"):
        Artifact.load(edited(artifacts["tree"], tmp_path, reach_out))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"text"', '{"format": 1}', '{"format": 1, "digest": "x", "a": NaN}']
)
def test_a_file_that_is_no_model_is_refused(content, tmp_path):
    (tmp_path / "model.json").write_text(content, encoding="utf-8")
    with pytest.raises(PackageError, match=r"model\.json"):
        Artifact.load(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(PackageError, match="missing"):
        Artifact.load(tmp_path)
