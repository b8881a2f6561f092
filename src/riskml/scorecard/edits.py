"""Changes by hand: what was changed on a card, by whom and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskml.errors import ConfigError
from riskml.runtime.shapes import Levels, Step
from riskml.schema import near
from riskml.scorecard.columns import ColumnBins
from riskml.scorecard.scaling import Scale


@dataclass(frozen=True)
class Edit:
    """One change of one characteristic.

    Parameters
    ----------
    column, by, why, when : str
        The characteristic, who changed it, for what reason, and the day, where it is known.
    points : mapping of bin label to int, optional
    splits : sequence of float, optional
    groups : sequence of sequences of level, optional
        Exactly one of the three is given.
    """

    column: str
    by: str
    why: str
    when: str = ""
    points: Mapping[str, int] | None = None
    splits: Sequence[float] | None = None
    groups: Sequence[Sequence[Any]] | None = None

    @property
    def bins(self) -> dict[str, Any]:
        """The options that fix the bins."""
        return {name: getattr(self, name) for name in ("splits", "groups") if getattr(self, name) is not None}

    def check(self, columns: Iterable[str]) -> None:
        """Refuse a change of nothing, of several things at once, or by nobody."""
        columns = list(columns)
        if self.column not in columns:
            raise ConfigError(f"no column is called {self.column!r}", mend=near(self.column, columns))
        given = [name for name in ("points", "splits", "groups") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ConfigError(
                f"an edit changes one of points, splits and groups; got {', '.join(given) or 'none of them'}",
                where=f"column {self.column!r}",
            )
        if not self.by.strip() or not self.why.strip():
            raise ConfigError(
                "an edit says who made it and why", where=f"column {self.column!r}", mend="give by= and why="
            )


def with_points(shape: Step | Levels, labels: Sequence[str], points: Mapping[str, int], scale: Scale) -> Step | Levels:
    """Return a characteristic with other points in some bins; its log-odds move by as much.

    Parameters
    ----------
    shape : Step or Levels
    labels : sequence of str
        The bins' labels, a slot each.
    points : mapping of label to int
    scale : Scale
    """
    new, value = list(shape.points), list(shape.value)
    for label, point in points.items():
        if label not in labels:
            raise ConfigError(
                f"no bin is called {label!r}",
                where=f"column {shape.column!r}",
                mend=near(label, labels) or f"bins are {', '.join(map(repr, labels))}",
            )
        if float(point) != round(float(point)):
            raise ConfigError(
                f"points are whole numbers; got {point!r}", where=f"column {shape.column!r}, bin {label!r}"
            )
        slot = labels.index(label)
        value[slot] -= (float(point) - new[slot]) / scale.factor
        new[slot] = float(point)
    return replace(shape, value=tuple(value), points=tuple(new))


def average_points(bins: ColumnBins, points: Sequence[float]) -> float:
    """Return a characteristic's points, averaged over the rows that were counted."""
    rows = bins.counts.sum(axis=1)
    return float(rows @ np.asarray(points) / rows.sum())
