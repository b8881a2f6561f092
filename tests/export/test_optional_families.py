"""Families of extras travel in a wheel: EBM as numbers alone, LightGBM and CatBoost with their own library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.export.artifact import write_artifact
from riskml.export.model_card import model_card
from riskml.export.verify import verify_wheel
from riskml.export.wheel import build_wheel
from riskml.models.families import FAMILIES, estimator
from riskml.runtime.model import Blend
from riskml.runtime.package import Artifact, PackageError

LIBRARIES = {"ebm": [], "lightgbm": ["lightgbm"], "catboost": ["catboost"]}


@pytest.fixture(scope="module", params=LIBRARIES)
def family(request):
    pytest.importorskip(FAMILIES[request.param].package, reason=f"riskml[{request.param}] is not installed")
    return request.param


@pytest.fixture(scope="module")
def fitted(family, loans):
    outcome = ((loans["Age"] < 40) ^ (loans["Home"] == "rent")).astype(int)
    return estimator(family, {"bags": 2, "max_rounds": 100}, special_values=None, random_state=0).fit(loans, outcome)


@pytest.fixture(scope="module")
def folder(family, fitted, loans, loan_experiment, tmp_path_factory):
    return write_artifact(
        fitted, tmp_path_factory.mktemp("model") / family, experiment=loan_experiment, family=family,
        X_train=loans, metrics={"auc": 0.8},
    )  # fmt: skip


@pytest.fixture(scope="module")
def odd(loans):
    """Return customers, and others with gaps, extremes and levels that training never saw."""
    more = pd.DataFrame({"Age": [1e308, -1e308, np.nan], "Income": [np.nan, -1.0, 3.5e38], "Home": ["moon", None, ""]})
    return pd.concat([loans, more], ignore_index=True)


def test_the_artifact_gives_the_probabilities_of_the_fitted_model(folder, fitted, odd):
    scores = Artifact.load(folder).score(odd)
    np.testing.assert_array_equal(scores["probability"], fitted.predict_proba(odd)[:, 1])


def test_contributions_add_up_and_a_row_is_scored_alone_as_in_company(folder, odd):
    artifact = Artifact.load(folder)
    total = artifact.model.base + artifact.contributions(odd).sum(axis=1)
    chance = artifact.score(odd)["probability"]
    np.testing.assert_allclose(1 / (1 + np.exp(-total)), chance, rtol=0, atol=1e-9)
    alone = pd.concat([artifact.score(odd.iloc[[row]])["probability"] for row in range(10)])
    np.testing.assert_array_equal(alone, chance.iloc[:10])
    assert artifact.score(odd.iloc[:0]).empty
    assert artifact.explain(odd.iloc[:0]).empty


def test_it_needs_its_own_library_and_no_other(folder, family, fitted):
    artifact = Artifact.load(folder)
    assert [text.split(">")[0] for text in artifact.requires] == ["numpy", "pandas", *LIBRARIES[family]]
    assert "averaged over folds" in model_card(artifact) or "a curve for each column" in model_card(artifact)


def test_a_blend_needs_the_libraries_of_all_its_models(folder, family, fitted, handmade):
    from riskml.export.artifact import requirements

    blend = Blend(0.0, (0.5, 0.5), (handmade["boosting"].model_, Blend(0.1, (0.9,), (fitted.model_,))))
    found = [text.split(">")[0] for text in requirements(blend)]
    assert found == ["numpy", "pandas", *sorted(["xgboost", *LIBRARIES[family]])]


def test_where_its_library_is_absent_it_says_what_to_install(folder, family, monkeypatch):
    import sys

    for name in LIBRARIES[family]:
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(PackageError, match=f"this model requires {name}: pip install {name}"):
            Artifact.load(folder)


def test_its_wheel_scores_in_an_environment_of_its_own(folder, fitted, odd, tmp_path):
    expected = pd.Series(fitted.predict_proba(odd)[:, 1], index=odd.index)
    said = verify_wheel(build_wheel(folder, tmp_path), odd, expected)
    assert said.max_difference <= 1e-9
    assert not {"riskml", "interpret-core", "scikit-learn"} & said.packages.keys()
