"""After a search: the folds that judge, and the model of all rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskml.models.ensemble import averaged
from riskml.models.families import FAMILIES
from riskml.models.refit import end_seconds, fitted, fullest, judged
from riskml.models.search.cv_task import Task
from riskml.models.search.study import Search
from riskml.models.search.trials import LEAST, Plan, plans
from riskml.runtime.boosted import Boosting
from riskml.runtime.frame import columns
from riskml.runtime.model import model_from_dict


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
        expected = task.fit("tree", chosen, without=(fold,)).decision_function(task.frame[task.fold == fold])
        np.testing.assert_array_equal(margins[task.fold == fold], expected)


def test_the_settings_that_are_judged_on_a_fold_know_nothing_of_its_outcomes(task):
    other = task.target.copy()
    other[task.fold == 0] = np.random.default_rng(0).permutation(other[task.fold == 0])
    searches = [searched(one, "tree", 4) for one in (task, replace(task, target=other))]
    known, changed = ([trial.without(0) for trial in search.trials] for search in searches)
    assert known == changed
    first, second = (search.leaders.settings(without=0)[0].params for search in searches)
    assert first == second
    assert searches[0].best != searches[1].best


def test_the_model_of_all_rows_has_the_settings_that_are_best_on_all_folds(task):
    search = searched(task, "tree", 6)
    best = task.fit("tree", search.params)
    np.testing.assert_array_equal(fitted(search).decision_function(task.frame), best.decision_function(task.frame))


def test_the_fullest_plan_that_the_time_holds_is_taken_and_the_least_where_it_holds_none(task):
    search = searched(task, "boosting", 3)
    ways = plans(search.family)
    costs = [end_seconds(search, plan) for plan in ways]
    assert costs[-1] == min(costs)
    assert fullest(search, np.inf) == ways[0] == Plan(3, 5)
    assert end_seconds(search, fullest(search, costs[1])) <= costs[1]
    assert fullest(search, 0.0) == LEAST


def test_plans_never_touch_the_bags_that_were_set_by_hand():
    assert Plan(1, 5) in plans(FAMILIES["boosting"])
    assert all(plan.bags is None for plan in plans(FAMILIES["boosting"], fixed_bags=True))
    assert plans(FAMILIES["tree"]) == [LEAST]


def test_a_family_that_is_out_needs_no_time(task):
    search = searched(task, "tree", 1)
    search.reason = "slow"
    assert end_seconds(search) == 0.0


def test_a_family_whose_settings_are_averaged_is_the_mean_of_their_models_and_one_model_to_readers(task, monkeypatch):
    monkeypatch.setattr("riskml.models.search.trials._CLOSE", 1.0)
    search, plan = searched(task, "boosting", 4), Plan(settings=3, bags=2)
    model = fitted(search, plan)
    singles = [
        task.fit("boosting", {**one.params, "bags": 2}).decision_function(task.frame)
        for one in search.leaders.settings(3)
    ]
    np.testing.assert_allclose(model.decision_function(task.frame), np.mean(singles, axis=0), atol=1e-6)
    assert isinstance(model.model_, Boosting)
    assert len(model.model_.boosters) == 6
    blobs: dict[str, bytes] = {}
    said = model.model_.to_dict(blobs)
    assert len(blobs) == 6
    again = model_from_dict(said, blobs)
    seen = columns(model.schema_.conform(task.frame), again.kinds)
    np.testing.assert_array_equal(again.margin(seen), model.decision_function(task.frame))
    total = model.contributions(task.frame).sum(axis=1) + model.model_.base
    np.testing.assert_allclose(total, model.decision_function(task.frame), atol=1e-4)


def test_what_judges_an_average_is_the_average_of_the_settings_that_the_other_folds_chose(task, monkeypatch):
    monkeypatch.setattr("riskml.models.search.trials._CLOSE", 1.0)
    search, plan = searched(task, "boosting", 4), Plan(settings=3, bags=2)
    margins = judged(search, plan)
    chosen = search.leaders.settings(3, without=1)
    assert len(chosen) == 3
    single = [
        task.fit("boosting", {**one.params, "bags": 2}, without=(1,)).decision_function(task.frame[task.fold == 1])
        for one in chosen
    ]
    np.testing.assert_allclose(margins[task.fold == 1], np.mean(single, axis=0), atol=1e-6)


def test_models_of_other_kinds_are_averaged_as_a_blend(task):
    models = [task.fit("tree", {"max_depth": 2}), task.fit("logistic", {})]
    mean = np.mean([model.decision_function(task.frame) for model in models], axis=0)
    np.testing.assert_allclose(averaged(models).decision_function(task.frame), mean)
    assert averaged(models[:1]) is models[0]


def test_the_boosting_families_average_and_those_that_are_read_do_not():
    assert {name for name, family in FAMILIES.items() if family.n_averaged > 1} == {"boosting", "lightgbm", "catboost"}
