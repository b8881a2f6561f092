"""Manual edits of a card: change, author, date and reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.frame import level
from riskml.runtime.shapes import Levels, Step
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.card.scaling import Scale

MOST_POINTS = 10**9


@dataclass(frozen=True)
class Edit:
    """One change of one characteristic; what is given as arrays or dates is kept as plain values.

    Parameters
    ----------
    column, by, why : str
        The characteristic, who changed it, and for what reason.
    when : str or date
        The day, kept as ISO 8601 (``2026-03-01``).
    groups : sequence of sequences of level, optional
        Exactly one of the three is given.
    before : of the kind that is changed, optional
        The points of those bins, the splits, or the groups that it took the place of; `Scorecard.edit` fills it in.

    Raises
    ------
    ConfigError
        When it changes nothing, or several things at once, or by nobody, or to what cannot be.

    Examples
    --------
    >>> Edit("age", "Ana", "policy", date(2026, 3, 1), splits=np.array([30, 50])).splits
    (30.0, 50.0)
    """

    column: str
    by: str
    why: str
    when: str | date
    points: Mapping[str, int] | None = None
    splits: Sequence[float] | None = None
    groups: Sequence[Sequence[Any]] | None = None
    before: Any = None

    def __post_init__(self) -> None:
        """Make all values plain, or refuse them."""
        where = f"edit of column {str(self.column)!r}"
        changes = [name for name in ("points", "splits", "groups") if getattr(self, name) is not None]
        if len(changes) != 1:
            raise ConfigError(
                f"an edit changes one of points, splits and groups; got {', '.join(changes) or 'none of them'}",
                where=where,
            )
        for name in ("by", "why"):
            content = getattr(self, name)
            if not isinstance(content, str) or not content.strip():
                raise ConfigError(
                    f"an edit says who made it and why, in words; {name} is {content!r}",
                    where=where,
                    fix=f"give {name}=",
                )
        kind = changes[0]
        plain = {"points": _points, "splits": _splits, "groups": _groups}[kind]
        values = {"column": str(self.column), "when": _day(self.when, where), kind: plain(getattr(self, kind), where)}
        if self.before is not None:
            values["before"] = plain(self.before, f"{where}, before")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def bins(self) -> dict[str, Any]:
        """The options that fix the bins."""
        return {name: getattr(self, name) for name in ("splits", "groups") if getattr(self, name) is not None}

    def check(self, columns: Iterable[str]) -> None:
        """Refuse a column that is not there."""
        columns = list(columns)
        if self.column not in columns:
            raise ConfigError(
                f"no column is called {self.column!r}", where="edit", fix=did_you_mean(self.column, columns)
            )


def standing_points(edits: Iterable[Edit]) -> list[Edit]:
    """Return the edits of points that no later edit of the column's bins has overtaken."""
    standing: list[Edit] = []
    for edit in edits:
        if edit.points is None:
            standing = [earlier for earlier in standing if earlier.column != edit.column]
        else:
            standing.append(edit)
    return standing


def bin_labels(bins: ColumnBins) -> list[str]:
    """Return the label of each bin; slots that share one have a joint label, such as ``[20, 30) or Missing``."""
    return [
        " or ".join(label for label, row in zip(bins.labels, bins.row, strict=True) if row == bin_)
        for bin_ in range(max(bins.row) + 1)
    ]


def slots_of(bins: ColumnBins, label: str) -> list[int]:
    """Return the slots of the bin that a label stands for: those that share it have one weight, and one number."""
    joint = bin_labels(bins)
    if label in bins.labels:
        bin_ = bins.row[bins.labels.index(label)]
    elif label in joint:
        bin_ = joint.index(label)
    else:
        raise ConfigError(
            f"no bin is called {label!r}",
            where=f"column {bins.column!r}",
            fix=did_you_mean(label, bins.labels) or f"bins are {', '.join(map(repr, joint))}",
        )
    return [slot for slot, row in enumerate(bins.row) if row == bin_]


def points_by_slot(bins: ColumnBins, points: Mapping[str, int]) -> dict[int, int]:
    """Return the points that an edit gives, by slot."""
    by_slot: dict[int, int] = {}
    for label, point in points.items():
        for slot in slots_of(bins, label):
            if by_slot.setdefault(slot, point) != point:
                raise ConfigError(
                    f"one bin is given {by_slot[slot]} and {point} points",
                    where=f"column {bins.column!r}, bin {label!r}",
                    fix="name it once: its values are scored as one",
                )
    return by_slot


def with_points(shape: Step | Levels, bins: ColumnBins, points: Mapping[str, int], scale: Scale) -> Step | Levels:
    """Return a characteristic with other points in some bins; its log-odds move by as much."""
    new, value = list(shape.points), list(shape.value)
    for slot, point in points_by_slot(bins, points).items():
        value[slot] -= (float(point) - new[slot]) / scale.factor
        new[slot] = float(point)
    return replace(shape, value=tuple(value), points=tuple(new))


def average_points(bins: ColumnBins, points: Sequence[float]) -> float:
    """Return a characteristic's points, averaged over the rows that were counted."""
    rows = bins.counts.sum(axis=1)
    return float(rows @ np.asarray(points) / rows.sum())


def given_bins(bins: ColumnBins) -> dict[str, Any]:
    """Return the option that fixes a column's bins as they are: ``splits`` or ``groups``."""
    if isinstance(bins.shape, Step):
        return {"splits": bins.shape.splits}
    members = bins.shape.levels
    return {"groups": tuple(tuple(name for name, g in members.items() if g == k) for k in range(bins.regular))}


def _day(value: Any, where: str) -> str:
    try:
        if isinstance(value, datetime):
            value = value.date()
        return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()
    except (TypeError, ValueError):
        raise ConfigError(
            f"when is the day of the change; got {value!r}", where=where, fix="give a date, or text as '2026-03-01'"
        ) from None


def _points(value: Any, where: str) -> dict[str, int]:
    if not isinstance(value, Mapping) or not value:
        raise ConfigError(
            f"points are given by bin; got {value!r}", where=where, fix="give points={'label of a bin': 12}"
        )
    return {str(label): _whole(point, f"{where}, bin {str(label)!r}") for label, point in value.items()}


def _whole(value: Any, where: str) -> int:
    number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if not number or not abs(value) <= MOST_POINTS or value != round(value):
        raise ConfigError(f"points are whole numbers; got {value!r}", where=where)
    return int(value)


def _splits(value: Any, where: str) -> tuple[float, ...]:
    cuts = _listed(value, where, "splits are a list of numbers", "give splits=[30, 50]")
    for cut in cuts:
        if not isinstance(cut, Real) or isinstance(cut, (bool, np.bool_)) or not np.isfinite(float(cut)):
            raise ConfigError(f"splits are finite numbers; got {cut!r}", where=where)
    return tuple(float(cut) for cut in cuts)


def _groups(value: Any, where: str) -> tuple[tuple[str, ...], ...]:
    fix = "give groups=[['rent', 'parents'], ['own']]"
    groups = [
        _listed(group, where, "groups are a list of lists of levels", fix)
        for group in _listed(value, where, "groups are a list of lists of levels", fix)
    ]
    for name in (name for group in groups for name in group):
        if not pd.api.types.is_scalar(name) or pd.isna(name):
            raise ConfigError(f"a level is text or a number; got {name!r}", where=where, fix="missing has its own bin")
    return tuple(tuple(level(name) for name in group) for group in groups)


def _listed(value: Any, where: str, what: str, fix: str) -> list[Any]:
    # Text would be split into its letters, and a mapping into its keys.
    one = isinstance(value, (str, bytes, Mapping)) or (isinstance(value, np.ndarray) and value.ndim == 0)
    if one or not isinstance(value, Iterable):
        raise ConfigError(f"{what}; got {value!r}", where=where, fix=fix)
    return list(value)
