"""Whole points that preserve the ranking of the log-odds."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from riskml.runtime.frame import Floats

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
