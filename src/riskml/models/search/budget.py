"""Allocation of the time budget among the families' searches."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

import numpy as np

from riskml.errors import FitError, InputError
from riskml.models.refit import end_seconds, fullest
from riskml.models.search.study import Listener, Progress, Search
from riskml.models.search.trials import whole_seconds

_CLOSE = 0.005  # AUC below the leader at which a family's promise has fallen to a third
_PATIENCE = 10  # trials without a better one after which it has halved
_END = 0.4  # share of the budget that the fullest plans for the end may take


class Budget:
    """Time budget in seconds, counted from its construction."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._deadline - time.monotonic()


def reserved(searches: Sequence[Search], budget: Budget) -> dict[str, float]:
    """Return the seconds that each family has for its end: the fullest plan that its part of the budget holds."""
    inside = [search for search in searches if not search.reason and search.leaders.settings()]
    shares = sum(search.family.time_share for search in inside)
    seconds = {}
    for search in inside:
        part = _END * budget.seconds * search.family.time_share / shares
        seconds[search.name] = end_seconds(search, fullest(search, part))
    return seconds


def run_searches(searches: Sequence[Search], n_trials: int, budget: Budget, progress: Listener | None = None) -> str:
    """Run trials until every family has its number of them, or the time is up."""

    def step(search: Search, limit: float = np.inf) -> None:
        value = search.trial(limit)
        if progress is not None:
            progress(Progress(search.name, search.count, n_trials, value))

    for search in sorted(searches, key=lambda search: search.family.time_share):
        if search.leaders.best is None:
            # What the others need at the least: a family that is dear may not push out one that is there. Which is the
            # dearer depends on the table, but none is twice as quick as the quickest: it is not begun in vain.
            limit = budget.left - sum(end_seconds(other) for other in searches)
            if limit > _quickest(searches) / 2.0:
                step(search, limit)
            else:
                search.reason = "no time is left for it"
    inside = [search for search in searches if not search.reason]
    for search in searches:
        if search.reason:
            warnings.warn(f"{search.name} is left out: {search.reason}", UserWarning, stacklevel=4)
    if not inside:
        raise _nothing(searches)
    while True:
        for search in inside:
            search.refresh()
        # A family without a whole trial has no time for more of them.
        waiting = [search for search in inside if search.count < n_trials and search.leaders.best]
        if not waiting:
            return "trials" if all(search.leaders.best for search in inside) else "time"
        behind = sum(reserved(inside, budget).values())
        affordable = [search for search in waiting if search.longest * 1.1 + behind <= budget.left]
        if not affordable:
            return "time"
        leader = max(search.best for search in inside)
        step(min(affordable, key=lambda search: search.spent / _promise(search, leader)))


def _quickest(searches: Sequence[Search]) -> float:
    """Return how long the whole of a family takes that is as quick as the quickest so far."""
    fits = [trial.fit_seconds for search in searches for trial in search.leaders.settings()]
    if not fits:
        return 0.0
    task = searches[0].task
    return whole_seconds(min(fits), len(task.folds()), [len(out) for out in task.held_out()])


def _nothing(searches: Sequence[Search]) -> InputError:
    if len(searches) == 1 and isinstance(searches[0].error, InputError):
        return searches[0].error
    return FitError(
        "\n".join(["no family could be fitted", *(f"  - {s.name}: {s.reason}" for s in searches)]),
        fix="give a larger time_budget, or see to the causes above",
    )


def _promise(search: Search, leader: float) -> float:
    closeness = float(np.exp((search.best - leader) / _CLOSE))
    return search.family.time_share * max(closeness, 0.05) / float(2.0 ** (search.stale / _PATIENCE))
