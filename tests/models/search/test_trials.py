"""The settings that lead, on all folds and on all but one."""

from __future__ import annotations

import numpy as np

from riskml.models.search.trials import BestTrials, FinishedTrial

START = {"C": 0.0}


def figures(*aucs: float):
    """Return figures of three folds: on the second and third where the first is unseen, and so on."""
    return tuple(zip((0, 0, 1, 1, 2, 2), (1, 2, 0, 2, 0, 1), aucs, strict=True))


def leaders(*tried, most: int = 1) -> BestTrials:
    """Return leaders that know of trials with these figures."""
    found = BestTrials(3, most)
    for number, aucs in enumerate(tried):
        found.add(FinishedTrial(number, {"C": float(number)}, figures(*aucs)))
    return found


def numbers(trials):
    return [trial.number for trial in trials]


def test_the_settings_of_a_fold_are_the_best_by_figures_that_know_nothing_of_it():
    found = leaders((0.7,) * 6, (0.6, 0.6, 0.9, 0.9, 0.9, 0.9))
    assert numbers(found.settings()) == [1]
    assert numbers(found.settings(without=0)) == [0]
    assert numbers(found.settings(without=1)) == [1]


def test_of_settings_that_do_equally_well_the_earlier_ones_lead():
    assert numbers(leaders((0.7,) * 6, (0.7,) * 6).settings()) == [0]


def test_an_average_holds_the_best_settings_or_what_there_is_where_there_are_few():
    best = leaders((0.896,) * 6, (0.897,) * 6, (0.9,) * 6, (0.899,) * 6, most=3)
    assert numbers(best.settings(3)) == [2, 3, 1]
    assert numbers(best.settings(1)) == [2]
    assert numbers(leaders((0.6,) * 6, most=3).settings(3)) == [0]


def test_an_average_leaves_out_what_is_worse_than_chance_explains():
    assert numbers(leaders((0.89,) * 6, (0.9,) * 6, (0.899,) * 6, most=3).settings(3)) == [1, 2]


def test_a_trial_that_reached_nothing_has_no_figure():
    assert np.isnan(FinishedTrial(0, {}, ()).auc)
    assert FinishedTrial(0, {}, figures(0.5, 0.7, 0.6, 0.6, 0.6, 0.6)).without(0) == 0.6


def test_the_start_stands_in_where_no_trial_was_completed():
    found = BestTrials(3, 3, untried=FinishedTrial(0, START, figures(*[0.6] * 6)[:1], complete=False))
    assert numbers(found.settings(3, without=1)) == [0]
    assert found.best is None
    found.add(FinishedTrial(1, {"C": 1.0}, figures(*[0.7] * 6)))
    assert numbers(found.settings(without=1)) == [1]
