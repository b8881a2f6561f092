"""After a search: the folds that judge, and the model of all rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskml.models.families import FAMILIES
from riskml.models.finish import end_seconds, fitted, fullest, judged
from riskml.models.plan import LEAST, Plan, plans, span
from riskml.models.search import Search
from riskml.models.task import Task


@pytest.fixture(scope="module")
def task():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"debt": draw.normal(size=400), "home": draw.choice(["own", "rent"], 400)})
    target = (frame["debt"] + draw.normal(size=400) > 0.5).to_numpy().astype(np.int8)
    return Task(frame, target, np.arange(400) % 3, None, 4)


def searched(task, family, trials):
    search = Search(FAMILIES[family], task)
    for _ in range(trials):
        search.trial()
    return search


def test_each_fold_is_judged_by_a_model_of_the_others_with_the_settings_that_the_others_chose(task):
    search = searched(task, "tree", 6)
    margins = judged(search)
    for place, fold in enumerate(task.folds()):
        chosen = search.leaders.settings(without=place)[0].params
        expected = task.fit("tree", chosen, without=fold).decision_function(task.frame[task.fold == fold])
        np.testing.assert_array_equal(margins[task.fold == fold], expected)


def test_what_the_search_has_found_on_the_folds_is_not_fitted_again(task, monkeypatch):
    search = searched(task, "tree", 6)
    anew = judged(search)
    monkeypatch.setattr(search, "_kept", {})
    np.testing.assert_array_equal(judged(search), anew)
    assert end_seconds(search) > span([trial.fit_seconds for trial in search.leaders.settings()]) * 1.5
    monkeypatch.undo()
    monkeypatch.setattr(Task, "fit", lambda *args, **more: pytest.fail("a fold is fitted again"))
    np.testing.assert_array_equal(judged(search), anew)


def test_the_model_of_all_rows_has_the_settings_that_are_best_on_all_folds(task):
    search = searched(task, "tree", 6)
    best = task.fit("tree", search.params)
    np.testing.assert_array_equal(fitted(search).decision_function(task.frame), best.decision_function(task.frame))


def test_the_fullest_plan_that_the_time_holds_is_taken_and_the_least_where_it_holds_none(task):
    search = searched(task, "boosting", 3)
    ways = plans(search.family)
    costs = [end_seconds(search, plan) for plan in ways]
    assert costs == sorted(costs, reverse=True)
    assert fullest(search, np.inf) == ways[0]
    assert fullest(search, costs[3]) == ways[3]
    assert fullest(search, 0.0) == LEAST


def test_plans_never_touch_the_bags_that_were_set_by_hand():
    assert Plan(1, 5) in plans(FAMILIES["boosting"])
    assert all(plan.bags is None for plan in plans(FAMILIES["boosting"], fixed_bags=True))
    assert plans(FAMILIES["tree"]) == [LEAST]


def test_a_family_that_is_out_needs_no_time(task):
    search = searched(task, "tree", 1)
    search.reason = "slow"
    assert end_seconds(search) == 0.0
