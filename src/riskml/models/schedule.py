"""Which family tries next, and whether the time still allows it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from riskml.errors import FitError
from riskml.models.search import Listener, Progress, Search

_CLOSE = 0.005  # AUC below the leader at which a family's promise has fallen to a third
_PATIENCE = 10  # trials without a better one after which it has halved


@dataclass(frozen=True)
class Clock:
    """A budget of seconds, from now on."""

    deadline: float

    @classmethod
    def of(cls, seconds: float) -> Clock:
        """Start it."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()


def finish_seconds(search: Search) -> float:
    """Return how long a family takes once its search has ended: the folds that judge, and all rows.

    A trial fits each fold once. Where the search saves work (one bag instead of five) the end does not.
    """
    return 0.0 if search.reason else search.longest * _after(search)


def _after(search: Search) -> float:
    # The folds that judge, and all rows once: with five bags where the search has one.
    return 6.5 if search.family.while_searching else 1.3


def run_searches(
    searches: Sequence[Search],
    n_trials: int,
    clock: Clock,
    progress: Listener | None = None,
    reserve: Callable[[Search], float] = finish_seconds,
) -> str:
    """Run trials until every family has its number of them, or the time is up.

    Every family's defaults come first, the cheap families before the dear ones. Then the family goes on that has had
    the least time for its promise: its share, less the further its best lies below the leader's and the longer ago it
    has found something better. A trial begins only if, by the longest one of its family so far, it and all that comes
    after the search end in time.

    Parameters
    ----------
    searches : sequence of Search
    n_trials : int
        Trials of a family at the most, earlier ones of the same study included.
    clock : Clock
    progress : callable, optional
        Told of each trial.
    reserve : callable
        Seconds that a family takes after its search.

    Returns
    -------
    str
        "trials" or "time": what ended it.

    Raises
    ------
    FitError
        When no family could be fitted; the message says why not, family by family.
    """

    def step(search: Search, limit: float = np.inf) -> None:
        value = search.trial(limit)
        if progress is not None:
            progress(Progress(search.name, search.count, n_trials, value))

    stopped = "trials"
    for search in sorted(searches, key=lambda search: search.family.share):
        if search.best == -np.inf:
            left = clock.left - sum(map(reserve, searches))
            # What a first trial takes is not known, and what comes after it takes some times as long.
            limit = left / (1.0 + _after(search))
            if limit > 0:
                step(search, limit)
            else:
                search.reason = "no time is left for it"
    inside = [search for search in searches if not search.reason]
    for search in searches:
        if search.reason:
            warnings.warn(f"{search.name} is left out: {search.reason}", UserWarning, stacklevel=4)
    if not inside:
        raise FitError(
            "\n".join(["no family could be fitted", *(f"  - {s.name}: {s.reason}" for s in searches)]),
            mend="give a larger time_budget, or see to the causes above",
        )
    while waiting := [search for search in inside if search.count < n_trials]:
        behind = sum(map(reserve, inside))
        affordable = [search for search in waiting if search.longest * 1.1 + behind <= clock.left]
        if not affordable:
            stopped = "time"
            break
        leader = max(search.best for search in inside)
        step(min(affordable, key=lambda search: sum(search.seconds) / _promise(search, leader)))
    return stopped


def _promise(search: Search, leader: float) -> float:
    closeness = float(np.exp((search.best - leader) / _CLOSE))
    return search.family.share * max(closeness, 0.05) / float(2.0 ** (search.stale / _PATIENCE))
