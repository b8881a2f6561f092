from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from riskml.errors import InputError
from riskml.export import artifact as module
from riskml.export.artifact import requirements, write_artifact
from riskml.runtime.additive import Additive
from riskml.runtime.boosted import Boosting
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Step
from riskml.schema import Column, Schema


@pytest.fixture
def write(handmade, loans, loan_experiment):
    def write(folder, kind="scorecard", **changes):
        said = {"experiment": loan_experiment, "family": kind, "X_train": loans, "metrics": {"auc": np.float64(0.8)}}
        return write_artifact(handmade[kind], folder, **(said | changes))

    return write


def said(folder):
    return json.loads((folder / "model.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["scorecard", "tree", "blend"])
def test_the_same_model_gives_the_same_bytes_wherever_it_is_written(kind, write, tmp_path):
    first, second = write(tmp_path / "one", kind), write(tmp_path / "else" / "where", kind)
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_nothing_tells_of_the_place_the_person_or_the_time(write, tmp_path, loan_experiment):
    source = loan_experiment.data.model_copy(update={"source": str(tmp_path / "secret" / "loans.csv")})
    folder = write(tmp_path / "model", "blend", experiment=loan_experiment.model_copy(update={"data": source}))
    everything = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    assert b"loans.csv" in everything
    for hint in (str(tmp_path), "secret", f"{Path.home()}/", os.uname().nodename):
        assert hint.encode() not in everything


def test_every_file_beside_the_model_is_named_with_its_checksum(artifacts):
    folder = artifacts["boosting"]
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "model.json"}
    assert said(folder)["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert sorted(files) == ["booster-0.ubj", "booster-1.ubj"]


def test_it_is_strict_json_though_a_tree_s_threshold_is_infinite(artifacts):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    json.loads((artifacts["tree"] / "model.json").read_text(encoding="utf-8"), parse_constant=refuse)


def test_the_reference_is_the_mean_contribution_in_training(artifacts, loans):
    artifact = Artifact.load(artifacts["logistic"])
    assert artifact.reference == pytest.approx(artifact.contributions(loans).mean().to_dict(), rel=0, abs=1e-12)


def test_the_reference_of_many_rows_is_taken_from_some_of_them_spread_evenly(write, loans, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH", 3)
    artifact = Artifact.load(write(tmp_path / "model", "logistic"))
    some = loans.iloc[[0, 149, 299]]
    assert artifact.reference == pytest.approx(artifact.contributions(some).mean().to_dict(), rel=0, abs=1e-12)


def test_a_column_without_any_value_has_no_range(loan_experiment, tmp_path):
    estimator = SimpleNamespace(
        model_=Additive(0.0, (Step("x", (1.0,), (), (0.1, 0.2, 0.3)),)), schema_=Schema((Column("x", "numeric"),))
    )
    folder = write_artifact(
        estimator, tmp_path / "model", experiment=loan_experiment, family="logistic",
        X_train=pd.DataFrame({"x": [np.nan, np.nan]}), metrics={"auc": float("nan")},
    )  # fmt: skip
    column = Artifact.load(folder).columns[0]
    assert (column["min"], column["max"], column["missing"]) == (None, None, 1.0)
    assert said(folder)["metrics"] == {"auc": None}


def test_a_new_model_takes_the_place_of_an_old_one_whole(write, tmp_path):
    write(tmp_path / "model", "boosting")
    folder = write(tmp_path / "model", "scorecard")
    assert [path.name for path in folder.iterdir()] == ["model.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_cannot_be_written_is_refused_and_the_old_model_stays(write, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "file" / "model")
    assert (tmp_path / "file").read_text() == "in the way"


def test_only_trees_of_xgboost_need_xgboost(handmade):
    needs = {kind: [text.split(">")[0] for text in requirements(one.model_)] for kind, one in handmade.items()}
    plain, boosted = ["numpy", "pandas"], ["numpy", "pandas", "xgboost"]
    assert {kind for kind, names in needs.items() if names == plain} == {"scorecard", "logistic", "tree", "ebm"}
    assert {kind for kind, names in needs.items() if names == boosted} == {"boosting", "blend"}
    assert isinstance(handmade["boosting"].model_, Boosting)
