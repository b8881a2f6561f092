"""The search's time: who tries next, what is left out, and that the clock is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from joblib import effective_n_jobs
from optuna.distributions import FloatDistribution

from riskml.errors import FitError
from riskml.models.families import FAMILIES
from riskml.models.refit import end_seconds
from riskml.models.search.budget import Budget, reserved, run_searches
from riskml.models.search.cv_task import Task
from riskml.models.search.study import Search
from riskml.models.search.trials import Plan, whole_seconds


class Watch:
    """A time that passes only where a family is fitted: a busy machine changes nothing."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the seconds since some moment."""
        return self.now


@pytest.fixture(autouse=True)
def watch(monkeypatch):
    made = Watch()
    monkeypatch.setattr("riskml.models.search.study.time", made)
    monkeypatch.setattr("riskml.models.search.budget.time", made)
    monkeypatch.setattr(Pretended, "watch", made, raising=False)
    return made


class Pretended(Task):
    """Families whose fits take a stated time and have a stated merit."""

    seconds: dict[str, float]
    merit: dict[str, float]
    asked: list[tuple[str, int]]  # families, and how many fits at a time
    watch: Watch

    def margins(self, family, jobs):
        """Return log-odds that rank as well as the family's merit says."""
        self.asked.append((family, len(jobs)))
        self.watch.now += self.seconds[family] * -(-len(jobs) // effective_n_jobs(-1))
        draw = np.random.default_rng(0)
        merit, inside = self.merit[family], [self.rows(out) for out, _ in jobs]
        return [self.target[rows] * merit + draw.normal(size=rows.sum()) for rows in inside]


def searches(**families: tuple[float, float]) -> list[Search]:
    """Return searches of made families: seconds of a fold, and merit."""
    target = (np.arange(400) % 4 == 0).astype(np.int8)
    task = Pretended(pd.DataFrame({"x": np.zeros(400)}), target, np.arange(400) // 100, None, 0)
    object.__setattr__(task, "seconds", {name: seconds for name, (seconds, _) in families.items()})
    object.__setattr__(task, "merit", {name: merit for name, (_, merit) in families.items()})
    object.__setattr__(task, "asked", [])
    family = replace(FAMILIES["logistic"], space={"C": FloatDistribution(0.1, 1.0, log=True)}, defaults={"C": 0.5})
    return [Search(replace(family, name=name, time_share=0.25), task) for name in families]


def test_every_family_has_its_number_of_trials_where_the_time_allows():
    found = searches(a=(0.0, 1.0), b=(0.0, 0.2))
    assert run_searches(found, 5, Budget(60)) == "trials"
    assert [search.count for search in found] == [5, 5]


def test_the_first_trial_is_the_good_default():
    (search,) = searches(a=(0.0, 1.0))
    run_searches([search], 1, Budget(60))
    assert search.params == {"C": 0.5}


def test_the_clock_is_kept_with_what_comes_after_the_search(watch):
    found = searches(a=(0.04, 1.0), b=(0.04, 0.9))
    assert run_searches(found, 10_000, Budget(10.0)) == "time"
    assert 9.0 < watch.now + sum(end_seconds(search) for search in found) <= 10.0


def test_the_promising_family_has_more_of_the_time():
    strong, weak = searches(strong=(0.02, 2.0), weak=(0.02, 0.1))
    run_searches([strong, weak], 10_000, Budget(4.0))
    assert strong.spent > 2 * weak.spent


def test_a_family_out_of_reach_is_left_out_and_the_rest_goes_on():
    quick, slow = searches(quick=(0.0, 1.0), slow=(0.3, 1.0))
    with pytest.warns(UserWarning, match="slow is left out: its defaults need about"):
        run_searches([quick, slow], 3, Budget(1.0))
    assert quick.count == 3
    assert not quick.reason


def test_one_fold_shows_that_a_family_cannot_end_in_time():
    quick, slow = searches(quick=(0.0, 1.0), slow=(0.3, 1.0))
    with pytest.warns(UserWarning, match="slow is left out"):
        run_searches([quick, slow], 1, Budget(1.0))
    assert [fits for family, fits in quick.task.asked if family == "slow"] == [1]


def test_where_the_time_holds_no_whole_trial_the_defaults_are_judged_and_fitted(watch):
    (search,) = searches(a=(1.0, 1.0))
    outs = [len(out) for out in search.task.held_out()]
    fit = 2.0  # of all rows: the probe has half of them
    budget = (1.0 + whole_seconds(fit, 4, []) + whole_seconds(fit, 4, outs)) / 2
    assert run_searches([search], 5, Budget(budget)) == "time"
    assert search.task.asked == [("a", 1)]
    assert [trial.params for trial in search.leaders.settings()] == [{"C": 0.5}]
    assert watch.now + end_seconds(search) <= budget


def test_a_dear_family_is_not_begun_where_not_even_a_quick_one_would_end_in_time():
    quick, dear = searches(quick=(0.1, 1.0), dear=(0.1, 1.0))
    dear.family = replace(dear.family, time_share=0.5)
    with pytest.warns(UserWarning, match="dear is left out: no time is left for it"):
        run_searches([quick, dear], 1, Budget(1.35))
    assert "dear" not in dict(quick.task.asked)


def test_the_end_of_a_family_has_its_part_of_the_budget_and_no_more():
    (search,) = searches(a=(0.0, 1.0))
    search.trial()
    search.family = replace(FAMILIES["boosting"], name="a")
    full = end_seconds(search, Plan(1, 5))
    least = end_seconds(search)
    assert reserved([search], Budget(1000.0 * full)) == {"a": full}
    assert reserved([search], Budget(1e-9)) == {"a": least}


def test_a_family_that_is_out_has_no_part_of_the_budget():
    quick, out = searches(quick=(0.0, 1.0), out=(0.0, 1.0))
    quick.trial()
    out.reason = "slow"
    assert list(reserved([quick, out], Budget(10.0))) == ["quick"]


def test_a_budget_too_small_for_any_fit_is_refused_with_the_time_it_takes():
    with (
        pytest.warns(UserWarning, match="is left out"),
        pytest.raises(FitError, match=r"a: its defaults need about .* s; 0\.\d s are left"),
    ):
        run_searches(searches(a=(0.05, 1.0)), 3, Budget(0.05))


def test_a_family_that_fails_is_left_out_and_says_why():
    good, bad = searches(good=(0.0, 1.0), bad=(0.0, 1.0))
    bad.task.merit.pop("bad")
    with pytest.warns(UserWarning, match="bad is left out: KeyError"):
        run_searches([good, bad], 2, Budget(60))
    assert good.best > 0.5


def test_one_setting_that_fails_does_not_end_the_family():
    (search,) = searches(a=(0.0, 1.0))
    search.trial()
    merit = search.task.merit.pop("a")
    assert np.isnan(search.trial())
    search.task.merit["a"] = merit
    search.trial()
    assert not search.reason
    assert search.count == 3


def test_progress_is_told():
    told = []
    run_searches(searches(a=(0.0, 1.0)), 3, Budget(60), told.append)
    assert [(step.family, step.trial, step.trials) for step in told] == [("a", k, 3) for k in (1, 2, 3)]
