"""Plans of the refit, and their duration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joblib import effective_n_jobs

from riskml.models.family import Family


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
