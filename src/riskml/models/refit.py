"""Refit after the search: out-of-fold log-odds, and the model of all rows."""

from __future__ import annotations

import numpy as np

from riskml.base import RiskEstimator
from riskml.models.ensemble import averaged
from riskml.models.search.study import Search
from riskml.models.search.trials import LEAST, FinishedTrial, Plan, judge_seconds, plans, span
from riskml.runtime.frame import Floats


def judged(search: Search, plan: Plan = LEAST) -> Floats:
    """Return log-odds of all rows, each by a model that has not seen it, with settings chosen without it."""
    task, folds = search.task, search.task.folds()
    jobs = _jobs(search, plan)
    settings = [((folds[place],), {**trial.params, **plan.params(search.family)}) for place, trial in jobs]
    margins = task.margins(search.name, settings)
    out = np.empty(len(task.target))
    for place, fold in enumerate(folds):
        own = [margin for (at, _), margin in zip(jobs, margins, strict=True) if at == place]
        out[task.fold == fold] = np.mean(own, axis=0)
    return out


def fitted(search: Search, plan: Plan = LEAST) -> RiskEstimator:
    """Return a family's estimator of all rows, with the settings that are best on all folds."""
    chosen = search.leaders.settings(plan.settings)
    return averaged([search.task.fit(search.name, {**one.params, **plan.params(search.family)}) for one in chosen])


def end_seconds(search: Search, plan: Plan = LEAST) -> float:
    """Return how long a family takes once its search has ended; nothing where it is out."""
    if search.reason:
        return 0.0
    bags, searched = plan.bags_of(search.family), LEAST.bags_of(search.family)
    judges = [trial.fit_seconds * bags / searched for _, trial in _jobs(search, plan)]
    last = sum(span([one.fit_seconds / searched] * bags) for one in search.leaders.settings(plan.settings))
    return judge_seconds(judges, search.leaders.folds) + last


def fullest(search: Search, seconds: float) -> Plan:
    """Return the fullest plan that some seconds hold; the least where they hold none."""
    ways = plans(search.family, "bags" in search.task.fixed.get(search.name, {}))
    return next((plan for plan in ways if end_seconds(search, plan) <= seconds), LEAST)


def _jobs(search: Search, plan: Plan) -> list[tuple[int, FinishedTrial]]:
    """Return each fold's place with each of its settings."""
    leaders = search.leaders
    return [(place, trial) for place in range(leaders.folds) for trial in leaders.settings(plan.settings, place)]
