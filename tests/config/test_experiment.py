"""An experiment file says everything once, and what stands in the wrong place is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskml.config.experiment import read_experiment
from riskml.errors import ConfigError

HEAD = """name: cards
title: who pays back
task: default
data: {source: credit_data, target: Status, event: bad}
"""


def _refused(tmp_path: Path, text: str, match: str) -> ConfigError:
    path = tmp_path / "cards.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(ConfigError, match=match) as caught:
        read_experiment(path)
    return caught.value


@pytest.mark.parametrize(
    ("text", "key", "first", "line"),
    [
        ("models: {trials: 2}\nmodels: {trials: 3}\n", "models", 5, 6),
        ("models:\n  fixed:\n    scorecard:\n      overrides: {a: {}}\n      overrides: {b: {}}\n", "overrides", 8, 9),
    ],
)
def test_a_key_that_is_said_twice_is_refused_with_its_line(tmp_path, text, key, first, line):
    error = _refused(tmp_path, text, f"duplicate key '{key}' \\(first defined on line {first}\\)")
    assert f", line {line}" in str(error)


def test_the_same_key_in_two_places_is_none_twice(tmp_path):
    path = tmp_path / "cards.yaml"
    path.write_text(HEAD + "models:\n  fixed: {scorecard: {C: 1}, logistic: {C: 1}}\n", encoding="utf-8")
    assert read_experiment(path).models.fixed == {"scorecard": {"C": 1}, "logistic": {"C": 1}}


@pytest.mark.parametrize(
    "text", ["overrides: {Age: {splits: [30]}}\n", "models:\n  overrides: {Age: {splits: [30]}}\n"]
)
def test_edited_bins_in_the_wrong_place_are_told_where_they_belong(tmp_path, text):
    _refused(tmp_path, text, "overrides: unknown key; edited bins belong below models: fixed: scorecard:")


@pytest.mark.parametrize(
    "storage",
    [
        "postgresql://risk:s3cret@db/search",
        "postgresql://risk:s3/cr@t@db/search",
        "postgresql://db/search?user=risk&password=s3cret",
        "postgresql://risk:s3cret${MORE}@db/search",
    ],
)
def test_a_password_of_the_search_s_storage_is_refused_since_it_would_be_written_down(tmp_path, storage):
    with pytest.raises(ConfigError, match=r"write \$\{NAME\} in its place") as refused:
        read_experiment(_written(tmp_path), [f"models.storage={storage}"])
    assert "s3c" not in str(refused.value)


def test_a_password_of_a_table_s_source_is_refused_since_it_would_be_written_down(tmp_path):
    table = "{role: purchases, source: 'postgresql://risk:s3cret@erp/books', time: day, amount: amount}"
    file = _written(tmp_path)
    file.write_text(f"name: book\ntitle: Who?\ntask: churn\npanel:\n  tables: {{orders: {table}}}\n")
    with pytest.raises(ConfigError, match=r"source holds a password.*write \$\{NAME\} in its place") as refused:
        read_experiment(file)
    assert "s3c" not in str(refused.value)


@pytest.mark.parametrize(
    "storage",
    ["sqlite:////book/search.db", "search.log", "postgresql://risk:${DB_PASSWORD}@db:5432/search", "redis://db:6379/0"],
)
def test_a_storage_without_a_password_is_taken(tmp_path, storage):
    asked = read_experiment(_written(tmp_path), [f"models.storage={storage}"])
    assert asked.models.storage == storage


def _written(folder: Path) -> Path:
    file = folder / "book.yaml"
    file.write_text("name: book\ntitle: Who?\ntask: default\ndata: {source: book.csv, target: y, event: 1}\n")
    return file
