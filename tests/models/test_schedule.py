"""The search's time: who tries next, what is left out, and that the clock is kept."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from riskml.errors import FitError
from riskml.models.families import Family, Real
from riskml.models.finish import end_seconds
from riskml.models.schedule import Clock, run_searches
from riskml.models.search import Search
from riskml.models.task import Task


class Pretended(Task):
    """Families whose fits take a stated time and have a stated merit."""

    seconds: dict[str, float]
    merit: dict[str, float]

    def margins(self, family, jobs):
        """Return log-odds that rank as well as the family's merit says."""
        time.sleep(self.seconds[family] * len(jobs))
        draw = np.random.default_rng(0)
        merit, inside = self.merit[family], [self.rows(out) for out, _ in jobs]
        return [self.target[rows] * merit + draw.normal(size=rows.sum()) for rows in inside]


def searches(**families: tuple[float, float]) -> list[Search]:
    """Return searches of made families: seconds of a fold, and merit."""
    target = (np.arange(400) % 4 == 0).astype(np.int8)
    task = Pretended(pd.DataFrame({"x": np.zeros(400)}), target, np.arange(400) // 100, None, 0)
    object.__setattr__(task, "seconds", {name: seconds for name, (seconds, _) in families.items()})
    object.__setattr__(task, "merit", {name: merit for name, (_, merit) in families.items()})
    space = {"C": Real(0.1, 1.0)}
    return [
        Search(Family(name, space, {"C": 0.5}, simplicity=1, interpretable=True, share=0.25), task) for name in families
    ]


def test_every_family_has_its_number_of_trials_where_the_time_allows():
    found = searches(a=(0.0, 1.0), b=(0.0, 0.2))
    assert run_searches(found, 5, Clock.of(60)) == "trials"
    assert [search.count for search in found] == [5, 5]


def test_the_first_trial_is_the_good_default():
    (search,) = searches(a=(0.0, 1.0))
    run_searches([search], 1, Clock.of(60))
    assert search.params == {"C": 0.5}


def test_the_clock_is_kept_with_what_comes_after_the_search():
    found = searches(a=(0.004, 1.0), b=(0.004, 0.9))
    begun = time.monotonic()
    assert run_searches(found, 10_000, Clock.of(1.0)) == "time"
    after = sum(end_seconds(search) for search in found)
    assert time.monotonic() - begun + after < 1.0 + 0.1


def test_the_promising_family_has_more_of_the_time():
    strong, weak = searches(strong=(0.002, 2.0), weak=(0.002, 0.1))
    run_searches([strong, weak], 10_000, Clock.of(1.0))
    assert strong.spent > 2 * weak.spent


def test_a_family_out_of_reach_is_left_out_and_the_rest_goes_on():
    quick, slow = searches(quick=(0.0, 1.0), slow=(0.3, 1.0))
    with pytest.warns(UserWarning, match="slow is left out: its defaults need about"):
        run_searches([quick, slow], 3, Clock.of(1.0))
    assert quick.count == 3
    assert not quick.reason


def test_a_budget_too_small_for_any_fit_is_refused_with_the_time_it_takes():
    with (
        pytest.warns(UserWarning, match="is left out"),
        pytest.raises(FitError, match=r"a: its defaults need about .* s; 0\.\d s are left"),
    ):
        run_searches(searches(a=(0.05, 1.0)), 3, Clock.of(0.05))


def test_a_family_that_fails_is_left_out_and_says_why():
    good, bad = searches(good=(0.0, 1.0), bad=(0.0, 1.0))
    bad.task.merit.pop("bad")
    with pytest.warns(UserWarning, match="bad is left out: KeyError"):
        run_searches([good, bad], 2, Clock.of(60))
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
    run_searches(searches(a=(0.0, 1.0)), 3, Clock.of(60), told.append)
    assert [(step.family, step.trial, step.trials) for step in told] == [("a", k, 3) for k in (1, 2, 3)]
