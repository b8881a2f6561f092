"""The settings that lead, on all folds and on all but one."""

from __future__ import annotations

import numpy as np

from riskml.models.leaders import Leaders, Tried

START = {"C": 0.0}


def leaders(*aucs: tuple[float, ...], most: int = 1) -> Leaders:
    """Return leaders that know of trials with these figures on each fold; the first is the start."""
    found = Leaders(len(aucs[0]), START, most)
    for number, figures in enumerate(aucs):
        found.add(Tried(number, {"C": float(number)}, figures))
    return found


def numbers(trials):
    return [trial.number for trial in trials]


def test_a_fold_is_judged_by_the_settings_that_are_best_on_the_others():
    found = leaders((0.70, 0.70, 0.70), (0.99, 0.69, 0.69), (0.60, 0.75, 0.71))
    assert numbers(found.settings()) == [1], "its luck on the first fold makes it the best of all"
    assert numbers(found.settings(without=0)) == [2], "where the first fold is judged its figure there does not count"
    assert [found.settings(without=place)[0].number for place in (1, 2)] == [1, 1]


def test_of_settings_that_do_equally_well_the_earlier_ones_lead():
    assert numbers(leaders((0.7, 0.7), (0.7, 0.7)).settings()) == [0]


def test_the_best_of_many_chance_figures_flatters_and_those_chosen_by_the_other_folds_do_not():
    draw = np.random.default_rng(0)
    best, judged = [], []
    for _ in range(200):
        found = leaders(*(tuple(row) for row in draw.normal(0.5, 0.02, size=(20, 5))))
        best.append(found.best.auc)
        judged.append(np.mean([found.settings(without=place)[0].aucs[place] for place in range(5)]))
    assert np.mean(best) > 0.515
    assert abs(np.mean(judged) - 0.5) < 0.002


def test_an_average_holds_the_start_and_the_best_others():
    found = leaders((0.6, 0.6), (0.7, 0.7), (0.9, 0.9), (0.8, 0.8), most=3)
    assert numbers(found.settings(3)) == [0, 2, 3]
    assert numbers(found.settings(1)) == [2]


def test_an_average_holds_the_best_where_the_start_was_not_completed_and_what_there_is_where_there_are_few():
    found = Leaders(2, START, 3)
    for number, auc in enumerate((0.7, 0.9, 0.8, 0.6), start=1):
        found.add(Tried(number, {"C": float(number)}, (auc, auc)))
    assert numbers(found.settings(3)) == [2, 3, 1]
    assert numbers(leaders((0.6, 0.6), most=3).settings(3)) == [0]


def test_the_trials_that_lead_without_a_fold_are_known():
    found = leaders((0.70, 0.70, 0.70), (0.99, 0.69, 0.69), (0.60, 0.75, 0.71))
    assert found.needed == {1, 2}
    assert Leaders(3, START).needed == set()
