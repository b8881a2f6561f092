"""Words for a missing value: one list, read alike in training, in files, in records and in the exported package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskml.config.experiment import DataConfig, Experiment, read_experiment
from riskml.data.experiment_template import draft_experiment
from riskml.data.prepare import prepare
from riskml.data.sources.source import read_customers
from riskml.export.artifact import ModelWithSchema, write_artifact
from riskml.export.sql import to_sql
from riskml.runtime.batch import score_file
from riskml.runtime.package import Artifact
from riskml.scorecard import Scorecard

ROWS = 300


@pytest.fixture
def customers() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    debt = draw.integers(10, 900, ROWS).astype(str).astype(object)
    debt[draw.random(ROWS) < 0.6] = "-"
    region = draw.choice(np.array(["NA", "EU", "无"], dtype=object), ROWS)
    bad = (draw.random(ROWS) < np.where(debt == "-", 0.5, 0.2)).astype(int)
    return pd.DataFrame({"id": [f"c{i}" for i in range(ROWS)], "debt": debt, "region": region, "bad": bad})


@pytest.fixture
def experiment(customers: pd.DataFrame, tmp_path: Path) -> Experiment:
    customers.to_csv(tmp_path / "t.csv", index=False)
    data = {"source": str(tmp_path / "t.csv"), "target": "bad", "id": "id", "missing": ["-", "无"]}
    data["columns"] = {"region": {"missing": ["无"]}}
    return Experiment(name="e", title="t", task="default", data=DataConfig.model_validate(data))


def test_a_column_of_numbers_and_a_word_is_a_number_and_the_word_is_counted(experiment: Experiment) -> None:
    prepared = prepare(read_customers(experiment.data.source, experiment.data), experiment)
    assert {column.name: column.kind for column in prepared.schema} == {"debt": "numeric", "region": "categorical"}
    findings = dict(zip(prepared.notes["column"], prepared.notes["finding"], strict=True))
    assert "'无' in" in findings["region"]
    assert "'-' in" in prepared.notes.loc[prepared.notes["column"] == "debt", "finding"].iloc[0]


def test_a_region_called_na_is_kept_where_the_experiment_says_so(experiment: Experiment) -> None:
    prepared = prepare(read_customers(experiment.data.source, experiment.data), experiment)
    assert set(prepared.X["region"].dropna()) == {"NA", "EU"}
    assert prepared.X["region"].isna().any()


def test_without_the_word_the_notes_propose_it(experiment: Experiment) -> None:
    plain = experiment.model_copy(update={"data": experiment.data.model_copy(update={"missing": ()})})
    notes = prepare(read_customers(plain.data.source, plain.data), plain).notes
    assert notes["finding"].str.contains("list it in data.missing").any()


def test_the_draft_lists_the_words_and_their_counts(experiment: Experiment, tmp_path: Path) -> None:
    text = draft_experiment("e", experiment.data.source, "bad", id="id")
    assert 'missing: ["-", "无"]' in text
    assert "# (?) debt: '-' in" in text
    (tmp_path / "e.yaml").write_text(text, encoding="utf-8")
    drafted = read_experiment(tmp_path / "e.yaml")
    assert prepare(read_customers(drafted.data.source, drafted.data), drafted).schema["debt"].kind == "numeric"


def test_the_package_reads_the_words_in_frames_files_and_records(experiment: Experiment, tmp_path: Path) -> None:
    prepared = prepare(read_customers(experiment.data.source, experiment.data), experiment)
    card = Scorecard(min_iv=0).fit(prepared.X, prepared.y)
    model = ModelWithSchema(card.model_, prepared.schema)
    folder = tmp_path / "m"
    write_artifact(model, folder, experiment=experiment, family="scorecard", X_train=prepared.X, metrics={})
    artifact = Artifact.load(folder)
    expected = artifact.score(prepared.X)["probability"].to_numpy()
    raw = read_customers(experiment.data.source, experiment.data)
    np.testing.assert_array_equal(artifact.score(raw)["probability"], expected)
    records = [artifact.scorer.score(record)["probability"] for record in raw.to_dict("records")]
    np.testing.assert_array_equal(records, expected)
    score_file(artifact, experiment.data.source, tmp_path / "scores.csv")
    np.testing.assert_allclose(pd.read_csv(tmp_path / "scores.csv")["probability"], expected, rtol=1e-12)
    import duckdb

    with duckdb.connect() as connection:
        connection.register("customers", raw)
        rows = connection.sql(to_sql(artifact, "customers", keep=["id"])).df().set_index("id")
    np.testing.assert_allclose(rows.loc[raw["id"], "probability"], expected, rtol=1e-12)
