"""Points scale: points to double the odds, and the score at the base odds."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from riskml.errors import ConfigError
from riskml.runtime.frame import Floats


@dataclass(frozen=True)
class Scale:
    """A points scale; more points are safer.

    Examples
    --------
    >>> scale = Scale(pdo=20, base_score=600, base_odds=50)
    >>> scale.score(np.log(1 / np.array([50.0, 100.0]))).round(6).tolist()
    [600.0, 620.0]
    >>> scale.probability(np.array([600.0])).round(6).tolist()
    [0.019608]
    """

    pdo: float = 20.0  # points that double the odds of a non-event
    base_score: float = 600.0  # the score at ``base_odds``
    base_odds: float = 50.0  # non-events per event: 50 is fifty good ones for each bad one

    def __post_init__(self) -> None:
        """Refuse a scale that ranks nobody."""
        for name in ("pdo", "base_odds"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ConfigError(f"{name} must be positive and finite; got {value!r}", where=name)
        if not np.isfinite(self.base_score):
            raise ConfigError(f"base_score must be finite; got {self.base_score!r}", where="base_score")

    @property
    def factor(self) -> float:
        """Points per unit of log-odds."""
        return float(self.pdo / np.log(2.0))

    def score(self, margin: Floats) -> Floats:
        """Return the score, not rounded, of log-odds of the event, shape (n,)."""
        return np.asarray(self.base_score - self.factor * (margin + np.log(self.base_odds)))

    def margin(self, score: Floats) -> Floats:
        """Return the log-odds of the event that a score stands for, shape (n,)."""
        return np.asarray((self.base_score - score) / self.factor - np.log(self.base_odds))

    def probability(self, score: Floats) -> Floats:
        """Return the probability of the event that a score stands for, shape (n,)."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.margin(score))))


def spread_points(intercept: float, values: Sequence[Sequence[float]], scale: Scale) -> list[tuple[float, ...]]:
    """Return whole points for every slot of every characteristic; the intercept is shared out equally."""
    return [
        tuple(float(point) for point in np.round(own - scale.factor * np.asarray(slots)) + 0.0)
        for own, slots in zip(intercept_shares(intercept, len(values), scale), values, strict=True)
    ]


def intercept_shares(intercept: float, characteristics: int, scale: Scale) -> list[float]:
    """Return the whole points with which each characteristic begins: its share of what the intercept stands for."""
    share = float(scale.score(np.array(intercept))) / max(characteristics, 1)
    # The shares' fractions are carried from one characteristic to the next: they must not add up to an offset.
    return list(map(float, np.diff(np.round(np.arange(characteristics + 1) * share))))


ALLOWED = 0.001  # AUC that whole points may cost
_ROWS = 20_000  # that settle an AUC to a thousandth
SWEEPS = 3  # in each of which a bin moves by a point at the most
_ENOUGH = 100  # events, and non-events


@dataclass(frozen=True)
class Ranking:
    """The rows on which points and log-odds are compared."""

    slots: Sequence[NDArray[np.intp]]  # the slot of each row, for each characteristic
    margin: Floats  # log-odds of the event
    event: NDArray[Any]
    weight: Floats | None = None

    @classmethod
    def of(
        cls,
        slots: Sequence[NDArray[np.intp]],
        values: Sequence[Sequence[float]],
        event: NDArray[Any],
        weight: Floats | None,
    ) -> Self:
        """Return the ranking of rows by the log-odds of their slots."""
        margin = sum((np.asarray(own)[slot] for own, slot in zip(values, slots, strict=True)), np.zeros(len(event)))
        return cls(slots, np.asarray(margin), event, weight)

    def warn_of_loss(self, points: Sequence[tuple[float, ...]], pdo: float) -> None:
        """Warn where whole points lose more than is allowed; of a few rows it is a matter of a few pairs."""
        events = int(self.event.sum())
        if min(events, len(self.event) - events) < _ENOUGH or (lost := self.lost(points)) <= ALLOWED:
            return
        warnings.warn(
            f"whole points rank the training rows worse than the log-odds do: {lost:.4f} AUC is lost, more than "
            f"{ALLOWED}; a larger pdo than {pdo:g} makes finer points",
            UserWarning,
            stacklevel=4,
        )

    def lost(self, points: Sequence[Floats | tuple[float, ...]]) -> float:
        """Return by how much whole points rank worse than the log-odds do, in AUC."""
        score = np.zeros(len(self.event))
        for part, slot in zip(points, self.slots, strict=True):
            score += np.asarray(part)[slot]
        return self._auc(self.margin) - self._auc(-score)

    def thinned(self) -> Ranking:
        """Return every so many rows, where there are more than needed."""
        step = max(1, len(self.event) // _ROWS)
        weight = None if self.weight is None else self.weight[::step]
        return Ranking([slot[::step] for slot in self.slots], self.margin[::step], self.event[::step], weight)

    def _auc(self, score: Floats) -> float:
        return float(roc_auc_score(self.event, score, sample_weight=self.weight))


def finer_points(
    points: Sequence[tuple[float, ...]], values: Sequence[Sequence[float]], ranking: Ranking
) -> list[tuple[float, ...]]:
    """Return points of which some are a point higher or lower, until the ranking loses no more than is allowed."""
    ranking = ranking.thinned()
    # Per characteristic: the points of each distinct value of log-odds, rising, and which of them each slot has.
    distinct = [np.unique(value, return_inverse=True)[1] for value in values]
    first = [np.unique(places, return_index=True)[1] for places in distinct]
    slot_values = [np.array(part)[places] for part, places in zip(points, first, strict=True)]

    def lost() -> float:
        return ranking.lost([part[places] for part, places in zip(slot_values, distinct, strict=True)])

    least = lost()
    for _ in range(SWEEPS):
        before = least
        for part in slot_values:
            for place, step in itertools.product(range(len(part)), (-1.0, 1.0)):
                if least <= ALLOWED:
                    break
                part[place] += step
                now = lost() if (np.diff(part) <= 0).all() else np.inf
                if now < least:
                    least = now
                else:
                    part[place] -= step
        if least <= ALLOWED or least >= before:
            break
    began = [np.array(part)[places] for part, places in zip(points, first, strict=True)]
    slot_values = [part - _common(part - before) for part, before in zip(slot_values, began, strict=True)]
    return [tuple(part[places].tolist()) for part, places in zip(slot_values, distinct, strict=True)]


def _common(moved: Floats) -> float:
    """Return by how much all bins have moved to one side: it ranks nobody, and would shift the scores."""
    return float(max(moved.min(), 0.0) + min(moved.max(), 0.0))
