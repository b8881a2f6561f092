"""Points scale: points to double the odds, and the score at the base odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
