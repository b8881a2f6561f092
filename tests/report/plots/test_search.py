"""The search in pictures: which settings mattered, and what the seconds brought."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from riskml.report import plots
from riskml.report.plots.search import strengths


@pytest.fixture
def trials() -> pd.DataFrame:
    said = [{"depth": d, "kind": k, "still": 1} for d, k in zip((1, 2, 3, 4), "aabb", strict=True)]
    rows = {"family": "tree", "auc_cv": [0.6, 0.65, 0.7, 0.75], "params": [json.dumps(entry) for entry in said]}
    return pd.DataFrame(rows)


def test_a_setting_that_rises_with_the_auc_is_strongest(trials: pd.DataFrame) -> None:
    found = strengths(trials).set_index("setting")["strength"]
    assert found.index[0] == "depth"
    assert found["depth"] == pytest.approx(1.0)
    assert found["kind"] == pytest.approx((4 / 5) ** 0.5)  # ranks 1, 2 and 3, 4: between the groups 4 of a sum of 5
    assert "still" not in found


def test_settings_may_be_mappings_as_a_search_has_them(trials: pd.DataFrame) -> None:
    as_found = trials.assign(params=[json.loads(said) for said in trials["params"]])
    pd.testing.assert_frame_equal(strengths(as_found), strengths(trials))


def test_too_few_trials_say_so(trials: pd.DataFrame) -> None:
    picture = plots.search_settings(trials.head(3))
    assert any("4 finished trials" in text.get_text() for text in picture.axes[0].texts)


def test_only_families_with_seconds_of_their_own_are_drawn() -> None:
    board = pd.DataFrame({"family": ["blend", "tree"], "auc_cv": [0.8, 0.7], "auc_cv_se": [0.01, 0.02]})
    picture = plots.search_seconds(board, {"tree": 2.5})
    assert "tree: 2.5 s, AUC 0.700" in picture.alt
    assert "blend" not in picture.alt
