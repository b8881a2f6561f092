from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskml.errors import ConfigError
from riskml.export.artifact import write_artifact
from riskml.export.reason_statements import read_statements, statements_file
from riskml.runtime.package import Artifact, PackageError
from riskml.runtime.reasons import ranked

WORST = {"Age": 25, "Income": -1.0, "Home": None}


@pytest.fixture(scope="module")
def artifact(handmade, loans, loan_experiment, tmp_path_factory):
    statements = {
        "Age": {"en": "Age of the account holder", "zh": "账户持有人的年龄"},
        "Income": {"en": "Income", "zh": "收入"},
        "Other": {"en": "not in the model", "zh": "不在模型中"},
    }
    folder = write_artifact(
        handmade["scorecard"], tmp_path_factory.mktemp("stated") / "model", experiment=loan_experiment,
        family="scorecard", X_train=loans, metrics={}, statements=statements,
    )  # fmt: skip
    return Artifact.load(folder)


def test_a_reason_has_its_statement_in_the_language_asked_for(artifact):
    said = {reason["column"]: reason["statement"] for reason in artifact.explain_record(WORST, language="zh")}
    assert said == {"Income": "收入", "Age": "账户持有人的年龄", "Home": "Home"}
    assert artifact.explain_record(WORST, language="en")[1]["statement"] == "Age of the account holder"
    assert "statement" not in artifact.explain_record(WORST)[0]


def test_a_column_without_a_statement_is_stated_by_its_description_or_its_name(artifact):
    bare = replace(artifact, statements={})
    assert bare.statement("Age", "en") == "years | at <application>"
    assert bare.statement("Home", "zh") == "Home"


def test_statements_of_other_columns_do_not_travel(artifact):
    assert set(artifact.statements) == {"Age", "Income"}


def test_a_notice_says_nothing_twice(artifact, loans):
    same = replace(artifact, statements=dict.fromkeys(["Age", "Income"], {"en": "Credit history"}))
    found = same.explain(loans, language="en")
    assert not found.duplicated(["customer", "statement"]).any()
    plain = artifact.explain(loans)
    first = plain[plain["rank"] == 1].set_index("customer")["column"]
    assert found[found["rank"] == 1].set_index("customer")["column"].equals(first)
    assert (found.groupby("customer")["rank"].max() == found.groupby("customer").size()).all()


def test_a_notice_has_four_reasons_at_the_most(artifact):
    many = replace(artifact, reasons=10)
    assert len(many.explain_record(WORST, language="en")) <= 4
    with pytest.raises(PackageError, match="at most 4 reasons; got 5"):
        many.explain_record(WORST, n=5, language="en")
    with pytest.raises(PackageError, match="en or zh; got 'fr'"):
        many.explain_record(WORST, language="fr")


def test_columns_of_one_group_are_one_reason():
    above = np.array([[0.3, 0.2, 0.1, -1.0], [0.0, 0.2, 0.3, 0.1]])
    assert ranked(above, 3).tolist() == [[0, 1, 2], [2, 1, 3]]
    assert ranked(above, 3, np.array([0, 0, 1, 1])).tolist() == [[0, 2, -1], [2, 1, -1]]


# -- the file


def test_statements_lie_beside_the_experiment(tmp_path):
    run = tmp_path / "experiments" / "runs" / "loans" / "20260101-000000"
    assert statements_file(run, "loans") == tmp_path / "experiments" / "statements" / "loans.yaml"
    assert read_statements(tmp_path / "none.yaml", ["Age"]) == {}


def test_a_file_has_a_statement_for_each_language_or_one_for_all(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("Age: {en: Age, zh: 年龄}\nHome: Home\n", encoding="utf-8")
    assert read_statements(file, ["Age", "Home"]) == {
        "Age": {"en": "Age", "zh": "年龄"},
        "Home": {"en": "Home", "zh": "Home"},
    }


@pytest.mark.parametrize(
    ("content", "what"),
    [("Agee: x", "did you mean 'Age'"), ("Age: {fr: x}", "in 'fr'"), ("Age: {en: ''}", "a line of up to")]
    + [("- a", "no mapping"), ("Age: [", "cannot be read"), ("Age: 5", "a line of up to")],
)
def test_what_a_file_must_not_say_is_refused_with_its_place(content, what, tmp_path):
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(ConfigError, match=what) as refused:
        read_statements(tmp_path / "a.yaml", ["Age"])
    assert "a.yaml" in str(refused.value)
