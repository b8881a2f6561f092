"""The rows and folds that every family is compared on."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from riskml.models.families import FAMILIES
from riskml.models.search.cv_task import Task


def task(folds: int = 3, **facts) -> Task:
    frame = pd.DataFrame({"debt": np.linspace(0.0, 1.0, 60), "home": ["own", "rent"] * 30})
    return Task(frame, (np.arange(60) % 4 == 0).astype(np.int8), np.arange(60) % folds, None, 0, **facts)


@pytest.mark.parametrize("folds", [3, 4, 5])
def test_every_pair_of_a_few_folds_is_held_out_once(folds):
    assert sorted(task(folds).held_out()) == list(combinations(range(folds), 2))


def test_of_many_folds_each_is_held_out_with_four_others():
    outs = task(10).held_out()
    assert len(outs) == len(set(outs)) == 20
    assert all(sum(fold in out for out in outs) == 4 for fold in range(10))


def test_the_first_two_pairs_share_no_fold():
    first, second = task(5).held_out()[:2]
    assert not {*first} & {*second}


def test_two_folds_are_held_out_one_by_one():
    assert task(2).held_out() == [(0,), (1,)]


def test_a_figure_on_one_fold_of_a_pair_knows_nothing_of_the_other_and_counts_for_it():
    made = task(3)
    perfect_on_2 = np.where(made.fold == 2, made.target, 0)[made.rows((0, 2))].astype(float)
    assert made.figures((0, 2), perfect_on_2) == [(0, 2, 1.0), (2, 0, 0.5)]


def test_a_model_has_not_seen_what_is_held_out(monkeypatch):
    from riskml.models.tree import RiskTree

    seen = []
    fit = RiskTree.fit
    monkeypatch.setattr(RiskTree, "fit", lambda self, X, y: (seen.append(set(X.index % 3)), fit(self, X, y))[1])
    made = task(3)
    (margin,) = made.margins("tree", [((0, 2), {})])
    assert seen == [{1}]
    assert len(margin) == 40


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda one: {"frame": one.frame.rename(columns={"debt": "loans"})}, id="a column's name"),
        pytest.param(lambda one: {"frame": one.frame.astype({"debt": "float32"})}, id="a column's kind"),
        pytest.param(lambda one: {"periods": pd.Series(np.arange(60) // 30)}, id="periods"),
        pytest.param(lambda one: {"target": 1 - one.target}, id="outcomes"),
        pytest.param(lambda one: {"fold": one.fold[::-1]}, id="folds"),
        pytest.param(lambda one: {"fixed": {"tree": {"max_depth": 2}}}, id="what is fixed"),
    ],
)
def test_another_comparison_has_another_fingerprint(other):
    one = task()
    same = {**vars(one)}
    assert Task(**same).digest(FAMILIES["tree"]) == one.digest(FAMILIES["tree"])
    assert Task(**{**same, **other(one)}).digest(FAMILIES["tree"]) != one.digest(FAMILIES["tree"])


def test_other_ranges_have_another_fingerprint_and_what_is_fixed_for_another_family_does_not():
    from dataclasses import replace

    tree = FAMILIES["tree"]
    assert task().digest(replace(tree, space={**tree.space, "smoothing": tree.space["max_depth"]})) != task().digest(
        tree
    )
    assert task(fixed={"logistic": {"knots": 3}}).digest(tree) == task().digest(tree)
