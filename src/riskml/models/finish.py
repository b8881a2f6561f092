"""After the search: the folds that judge, and the model of all rows."""

from __future__ import annotations

import numpy as np

from riskml.estimator import RiskEstimator
from riskml.models.blend import averaged
from riskml.models.leaders import Tried
from riskml.models.plan import LEAST, Plan, on_all_rows, plans, span
from riskml.models.search import Search
from riskml.runtime.frame import Floats


def judged(search: Search, plan: Plan = LEAST) -> Floats:
    """Return log-odds of all rows, each by a model that has not seen it, with settings that the other folds chose.

    Parameters
    ----------
    search : Search
    plan : Plan

    Returns
    -------
    ndarray of shape (n,)
    """
    task, folds = search.task, search.task.folds()
    jobs = _jobs(search, plan)
    fitted = iter(
        task.margins(
            search.name,
            [
                (folds[place], {**trial.params, **plan.params(search.family)})
                for place, trial in jobs
                if _known(search, plan, trial) is None
            ],
        )
    )
    total = np.zeros(len(task.target))
    count = np.zeros(len(folds))
    for place, trial in jobs:
        known = _known(search, plan, trial)
        total[task.fold == folds[place]] += next(fitted) if known is None else known[place]
        count[place] += 1
    return np.asarray(total / count[np.searchsorted(folds, task.fold)])


def fitted(search: Search, plan: Plan = LEAST) -> RiskEstimator:
    """Return a family's estimator of all rows, with the settings that are best on all folds."""
    chosen = search.leaders.settings(plan.settings)
    return averaged([search.task.fit(search.name, {**one.params, **plan.params(search.family)}) for one in chosen])


def end_seconds(search: Search, plan: Plan = LEAST) -> float:
    """Return how long a family takes once its search has ended; nothing where it is out."""
    if search.reason:
        return 0.0
    bags, searched = plan.bags_of(search.family), LEAST.bags_of(search.family)
    missing = [one.fit_seconds * bags / searched for _, one in _jobs(search, plan) if _known(search, plan, one) is None]
    last = sum(span([one.fit_seconds / searched] * bags) for one in search.leaders.settings(plan.settings))
    return span(missing) + on_all_rows(last, search.leaders.folds)


def fullest(search: Search, seconds: float) -> Plan:
    """Return the fullest plan that some seconds hold; the least where they hold none."""
    ways = plans(search.family, "bags" in search.task.fixed.get(search.name, {}))
    return next((plan for plan in ways if end_seconds(search, plan) <= seconds), LEAST)


def _jobs(search: Search, plan: Plan) -> list[tuple[int, Tried]]:
    """Return each fold's place with each of its settings."""
    leaders = search.leaders
    return [(place, trial) for place in range(leaders.folds) for trial in leaders.settings(plan.settings, place)]


def _known(search: Search, plan: Plan, trial: Tried) -> list[Floats] | None:
    """Return what the search has already found on each fold, where the plan would only fit it again."""
    return search.kept(trial) if plan.bags is None else None
