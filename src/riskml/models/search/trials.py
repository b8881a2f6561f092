"""Finished trials, and the best settings of each fold."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import effective_n_jobs

from riskml.models.family import Family

_CLOSE = 0.005  # AUC below the best setting at which another one no longer improves an average
Figure = tuple[int, int, float]
"""The place of a fold that the model did not see, that of the other one it is measured on, and the AUC there."""


@dataclass(frozen=True)
class FinishedTrial:
    """One trial that has ended."""

    number: int  # from 0, in the order in which this process came to know of them
    params: Mapping[str, Any]  # the settings that were tried
    # the AUC on each fold that was reached, by models that have not seen another fold either
    figures: tuple[Figure, ...]
    seconds: float = 0.0  # of all its folds
    fit_seconds: float = 0.0  # of one fit on all rows, while as many others run as there are cores
    complete: bool = True  # whether it reached all folds

    @property
    def auc(self) -> float:
        """The mean AUC on the folds that it reached; NaN where it reached none."""
        return self.without(None)

    def without(self, place: int | None) -> float:
        """Return the mean AUC of all figures, or of those that do not know of the fold at a place."""
        aucs = [auc for unseen, _, auc in self.figures if place in (None, unseen)]
        return float(np.mean(aucs)) if aucs else float("nan")


@dataclass
class BestTrials:
    """The best settings by all figures, and by those that know nothing of each fold."""

    folds: int
    most: int = 1  # the settings to keep at most
    # the start, where the time held no whole trial of it: what there is while nothing was completed
    untried: FinishedTrial | None = None
    _ranked: dict[int | None, list[FinishedTrial]] = field(default_factory=dict)

    def add(self, trial: FinishedTrial) -> bool:
        """Take in a trial that was completed; return whether it is the best on all folds."""
        for place in (None, *range(self.folds)):
            ranked = self._ranked.setdefault(place, [])
            insort(ranked, trial, key=lambda known: (-known.without(place), known.number))  # noqa: B023
            del ranked[self.most :]
        return self.best is trial

    @property
    def best(self) -> FinishedTrial | None:
        """The best on all folds; None before the first."""
        return next(iter(self._ranked.get(None, ())), None)

    def settings(self, count: int = 1, without: int | None = None) -> list[FinishedTrial]:
        """Return the best setting, and others that are as good but for chance."""
        ranked = self._ranked.get(without) or ([self.untried] if self.untried else [])
        if count == 1 or len(ranked) < 2:
            return ranked[:1]
        least = ranked[0].without(without) - _CLOSE
        return [trial for trial in ranked if trial.without(without) >= least][:count]


@dataclass(frozen=True)
class Plan:
    """How many settings are averaged, and how many bags each has; by default as while searching."""

    settings: int = 1
    bags: int | None = None

    def params(self, family: Family) -> dict[str, Any]:
        """Return what the plan adds to the settings that were found."""
        return dict(family.search_overrides) if self.bags is None else {"bags": self.bags}

    def bags_of(self, family: Family) -> int:
        """Return the bags of one fit."""
        return self.bags or family.search_overrides.get("bags", 1)


LEAST = Plan()


def plans(family: Family, fixed_bags: bool = False) -> list[Plan]:
    """Return the ways to fit a family, the fullest first and the least last."""
    searched = family.search_overrides.get("bags", 1)
    bags: list[int | None] = [] if fixed_bags else list(range(family.bags, searched, -1))
    averaged = [Plan(family.n_averaged, some) for some in (bags or [None])] if family.n_averaged > 1 else []
    return [*averaged, *(Plan(1, some) for some in bags), LEAST]


def span(seconds: Sequence[float]) -> float:
    """Return how long fits of some seconds each take at the most, with as many at a time as there are cores."""
    cores: int = effective_n_jobs(-1)
    return sum(seconds) / cores + max(seconds, default=0.0) * (1.0 - 1.0 / cores)


def judge_seconds(fit_seconds: Sequence[float], folds: int) -> float:
    """Return how long fits on all but a fold's rows take, from how long each takes on all rows."""
    return span([seconds * (folds - 1) / folds for seconds in fit_seconds])


def whole_seconds(fit_seconds: float, folds: int, held_out: Sequence[int]) -> float:
    """Return how long a family takes that is tried once and fitted by the least plan."""
    trial = span([fit_seconds * (folds - out) / folds for out in held_out])
    return trial + judge_seconds([fit_seconds] * folds, folds) + fit_seconds
