"""Consistency checks of a card file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from riskml.errors import ConfigError, DataError
from riskml.runtime.frame import Floats, level
from riskml.runtime.shapes import Levels
from riskml.scorecard.binning.column_bins import ColumnBins, trend_of
from riskml.scorecard.binning.labels import MISSING, UNSEEN, group_labels, interval_labels, special_label
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.binning.search import unmet
from riskml.scorecard.binning.woe import woe
from riskml.scorecard.card.edits import Edit, average_points, points_by_slot, standing_points
from riskml.scorecard.card.file_schema import BinPart, CardPart, CharacteristicPart
from riskml.scorecard.card.scaling import SWEEPS, Scale
from riskml.scorecard.card.selection import SelectionRules

_OF_THE_FIT = "take the change back: it is what the fit has found"
_PARAMETERS = "take the change back: the parameters are those of the fit"
_BY_EDIT = "take the change back, and make it by Scorecard.edit, which records who and why"
_HALF = 0.5 + 1e-6  # point, by which plain rounding is off
_WITHIN = _HALF + SWEEPS  # points: rounding for the best ranking moves bins further
_EXACT = 2**53  # whole numbers that any reader keeps
_LOOSE = 1e-4  # two solvers stop at about the same place
_UNDERFLOW = 37.0  # z whose p-value is 0 to a float
_CLOSE = 1e-6  # of log-odds and of average points: sums in another order


def ordered_rows(part: CharacteristicPart, place: str) -> list[BinPart]:
    """Return a characteristic's bins in the order of slots; what each is stands in its row, not in its place."""
    regular, last = ("from", ["missing", "code"]) if part.kind == "numeric" else ("levels", ["missing", "unseen"])
    by_role: dict[str, list[BinPart]] = {role: [] for role in (regular, *last)}
    for row in part.bins:
        if len(row.roles) != 1 or row.roles[0] not in by_role:
            got = ", ".join(row.roles) or "none of them"
            raise DataError(
                f"a bin of a {part.kind} characteristic has one of {', '.join(by_role)}; got {got}",
                where=f"{place}, bin {row.bin!r}",
            )
        by_role[row.roles[0]].append(row)
    for role in ("missing", "unseen"):
        if role in by_role and len(by_role[role]) != 1:
            raise DataError(f"one bin has {role}: true; got {len(by_role[role])} of them", where=place)
    if part.kind == "numeric":
        _check_bounds(by_role["from"], [row.code for row in by_role["code"]], place)
    else:
        _check_levels(by_role["levels"], place)
    return [*by_role[regular], *(row for role in last for row in by_role[role])]


def _check_bounds(rows: list[BinPart], codes: list[float | None], place: str) -> None:
    if not rows or rows[0].from_ is not None:
        raise DataError("the lowest bin comes first, and begins at nothing (from: null)", where=place)
    bounds = [row.from_ for row in rows[1:]]
    for row in rows[1:]:
        if row.from_ is None:
            raise DataError("only the lowest bin begins at nothing", where=f"{place}, bin {row.bin!r}, from")
    if any(after <= before for before, after in pairwise(bounds)):  # type: ignore[operator]
        raise DataError(f"the bins' bounds must rise; got {bounds}", where=place, fix="sort the bins, or merge two")
    if len(set(codes)) != len(codes):
        raise DataError(f"special codes occur twice; got {codes}", where=f"{place}, code")


def _check_levels(rows: list[BinPart], place: str) -> None:
    named = [name for row in rows for name in row.levels or []]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise DataError(f"levels stand twice: {', '.join(map(repr, twice))}", where=f"{place}, levels")


def special_groups(part: CharacteristicPart, rows: list[BinPart], codes: Sequence[object]) -> int:
    """Return how many of a categorical characteristic's groups, the last ones, are special levels by themselves."""
    if part.kind == "numeric":
        return 0
    groups = [(row.bin, row.levels) for row in rows if row.levels]
    own = [len(names) == 1 and names[0] in codes and label == special_label(names[0]) for label, names in groups]
    return len(own) - next((place for place in range(len(own), 0, -1) if not own[place - 1]), 0)


def check_rows(part: CharacteristicPart, rows: list[BinPart], special: int, place: str) -> None:
    """Refuse labels that do not match the bins, and points of a dropped characteristic."""
    if part.kind == "numeric":
        bounds = [row.from_ for row in rows[1:] if row.from_ is not None]
        derived = [
            *interval_labels(bounds),
            MISSING,
            *(special_label(row.code) for row in rows if row.code is not None),
        ]
    else:
        names = group_labels([row.levels for row in rows if row.levels])
        regular = len(names) - special
        derived = [*names[:regular], *map(special_label, names[regular:]), MISSING, UNSEEN]
    for row, label in zip(rows, derived, strict=True):
        if row.bin != label:
            raise DataError(f"the bin is {label!r} by what it holds", where=f"{place}, bin {row.bin!r}")
        for name in ("log_odds", "points"):
            if (getattr(row, name) is not None) != part.kept:
                what = "is kept, and needs" if part.kept else "is not kept, and has no"
                raise DataError(f"the characteristic {what} {name}", where=f"{place}, bin {row.bin!r}, {name}")
    if (part.reference_points is not None) != part.kept or (part.reason is not None) == part.kept:
        raise DataError(
            "a characteristic that is kept has reference_points, and one that is not has its reason", where=place
        )


def check_bins(bins: ColumnBins, options: ColumnOptions, place: str) -> None:
    """Refuse counts, weights of evidence and trends that contradict each other or the requested bins."""
    if not np.allclose(bins.counts.sum(axis=0), bins.totals, rtol=1e-9):
        raise DataError(
            f"the counts add up to {bins.counts.sum(axis=0).tolist()}, and totals are {bins.totals.tolist()}",
            where=f"{place}, non_event and event",
        )
    counted = np.zeros((max(bins.row) + 1, 2))
    np.add.at(counted, list(bins.row), bins.counts)
    counted += options.smoothing * bins.totals / bins.totals.sum()
    weights = woe(counted[:, 1], counted[:, 0], bins.totals)[list(bins.row)]
    for slot, (label, evidence) in enumerate(zip(bins.labels, bins.shape.value, strict=True)):
        allowed = [weights[slot]]
        if label == UNSEEN and options.unseen != "neutral":
            # The worst group's, or the rare levels', which the file does not tell from the others.
            allowed += list(weights[: bins.regular])
        if min(abs(evidence - weight) for weight in allowed) > _CLOSE:
            raise DataError(
                f"the weight of evidence of these counts is {weights[slot]:.6f}; got {evidence!r}",
                where=f"{place}, bin {label!r}, woe",
            )
    trend = trend_of(bins.counts[: bins.n_bins])
    if bins.trend != trend:
        raise DataError(f"the trend of these counts is {trend!r}; got {bins.trend!r}", where=f"{place}, trend")
    _check_asked(bins, options.splits, options.groups, f"{place}, parameters.overrides")
    regular = bins.counts[: bins.n_bins]
    option = unmet(regular, bins.totals, options, levels=isinstance(bins.shape, Levels))
    if option:
        raise DataError(
            f"{len(regular)} such bins are not found under {option}", where=f"{place}, and parameters", fix=_PARAMETERS
        )


def _check_asked(bins: ColumnBins, splits: Any, groups: Any, place: str) -> None:
    if splits is not None and list(splits) != list(getattr(bins.shape, "splits", ())):
        raise DataError(f"the bins are not those of splits={list(splits)}", where=place)
    if groups is not None:
        levels = getattr(bins.shape, "levels", {})
        there = {frozenset(name for name in levels if levels[name] == k) for k in range(bins.regular)}
        if not {frozenset(map(level, group)) for group in groups if group} <= there:
            raise DataError(f"the bins are not those of groups={groups}", where=place)


def check_edits(edits: list[Edit], bins: Mapping[str, ColumnBins], shapes: Mapping[str, Any], where: str) -> None:
    """Refuse edits of what is not there, and bins that do not have the points of the edits on record."""
    for edit in edits:
        place = f"{where}, edit of {edit.column!r}"
        if edit.column not in bins:
            raise DataError("no column is called so", where=place)
    last_bins = {edit.column: edit for edit in edits if edit.points is None}
    for column, edit in last_bins.items():
        _check_asked(bins[column], edit.splits, edit.groups, f"{where}, edit of {column!r}")
    for column, points in edited_points(edits, bins, where).items():
        if column not in shapes:
            raise DataError("points of a characteristic that is not kept", where=f"{where}, edit of {column!r}")
        for slot, point in points.items():
            if shapes[column].points[slot] != point:
                raise DataError(
                    f"the edit on record gives {point} points; the bin has {shapes[column].points[slot]:g}",
                    where=f"{where}, characteristic {column!r}, bin {bins[column].labels[slot]!r}, points",
                    fix=_BY_EDIT,
                )


def edited_points(edits: list[Edit], bins: Mapping[str, ColumnBins], where: str) -> dict[str, dict[int, int]]:
    """Return the points that stand by edits, by column and slot."""
    by_column: dict[str, dict[int, int]] = {}
    for edit in standing_points(edits):
        try:
            by_column.setdefault(edit.column, {}).update(points_by_slot(bins[edit.column], edit.points or {}))
        except ConfigError as error:
            raise DataError(error.what, where=f"{where}, edit of {edit.column!r}", fix=error.fix) from None
    return by_column


def check_points(
    bins: ColumnBins, shape: Any, edited: set[int], reference: float, share: float, scale: Scale, place: str
) -> None:
    """Refuse points that do not follow from the log-odds, the edits and the share of the intercept."""
    labels = bins.labels
    value, points, weight = np.array(shape.value), np.array(shape.points), np.array(bins.shape.value)
    # An edit moves points and log-odds alike, so that this sum stays the same.
    beyond = points + scale.factor * value - share
    begins = _begins(beyond)
    off = np.abs(beyond - begins)
    empty = _empty_by_itself(bins, value) if not edited else np.zeros(len(value), dtype=bool)
    # Moving a bin without rows parts nobody: it is as plain rounding left it.
    wrong = (off > _WITHIN) | (empty & (off > _HALF))
    if wrong.any():
        slot = int(np.where(wrong, off, -1.0).argmax())
        raise DataError(
            f"{points[slot]:g} points are not those of log_odds {value[slot]:g} on this scale: about "
            f"{share + begins - scale.factor * value[slot]:.0f} would be",
            where=f"{place}, bin {labels[slot]!r}, points",
            fix=_BY_EDIT,
        )
    if begins:
        raise DataError(
            f"points begin at {share + begins:.1f}, and this characteristic's share of the intercept is {share:g}",
            where=f"{place}, points; or intercept, and parameters pdo, base_score, base_odds",
            fix=_BY_EDIT,
        )
    # What no row was counted in scores as the average, wherever the weight 0 lies among the others.
    silent = set(np.flatnonzero((bins.counts.sum(axis=1) == 0) & (weight == 0)).tolist())
    for slot, other in _rising(weight, edited | silent):
        if value[other] < value[slot] - _CLOSE:
            raise DataError(
                f"log_odds fall from {value[slot]:g} to {value[other]:g} where the weight of evidence rises, "
                "and no edit says why",
                where=f"{place}, bin {labels[other]!r}, log_odds",
                fix=_BY_EDIT,
            )
    for slot, bin_ in enumerate(bins.row):
        first = bins.row.index(bin_)
        if points[slot] != points[first] or abs(value[slot] - value[first]) > _CLOSE:
            raise DataError("slots that share a bin have the same points", where=f"{place}, bin {labels[slot]!r}")
    average = average_points(bins, shape.points)
    if abs(average - reference) > _CLOSE * max(1.0, abs(average)):
        raise DataError(
            f"the points of all rows average {average:.4f}, and reference_points is {reference:.4f}: points were "
            "changed without an edit",
            where=f"{place}, reference_points",
            fix=_BY_EDIT,
        )


def _begins(beyond: Floats) -> float:
    """Return by how many points a characteristic begins off its share, 0 where rounding explains it."""
    shifted = beyond.min() > _HALF or beyond.max() < -_HALF
    return float(np.median(beyond)) if shifted else 0.0


def _empty_by_itself(bins: ColumnBins, value: Floats) -> NDArray[np.bool_]:
    """Return which slots have no row, and share their log-odds with none that has."""
    empty = bins.counts.sum(axis=1) == 0
    return np.asarray(empty & ~np.isin(value, value[~empty]))


def _rising(weight: Any, edited: set[int]) -> Iterator[tuple[int, int]]:
    fitted = [int(slot) for slot in np.argsort(weight, kind="stable") if int(slot) not in edited]
    for slot, other in pairwise(fitted):
        if weight[other] > weight[slot]:
            yield slot, other


def check_base_points(part: CardPart, scale: Scale, where: str) -> None:
    """Refuse points for everybody beside characteristics, and without any others than the intercept stands for."""
    kept = any(row.kept for row in part.characteristics)
    score = float(scale.score(np.array(part.intercept)))
    if kept and part.base_points:
        raise DataError(
            f"points begin at 0 beside characteristics; got {part.base_points}", where=f"{where}, base_points"
        )
    if not kept and abs(part.base_points - score) > _HALF:
        raise DataError(
            f"points begin at {part.base_points}, and the intercept {part.intercept:g} stands for {score:.1f}",
            where=f"{where}, intercept, base_points and parameters pdo, base_score, base_odds",
        )


def check_kept(iv: Mapping[str, float], part: CardPart, rules: SelectionRules, where: str) -> None:
    """Refuse characteristics that the parameters would have dropped, where no edit of bins says why they stayed."""
    if any(edit.points is None for edit in part.edits):
        return
    place = f"{where}, parameters"
    if rules.max_characteristics is not None and len(iv) > rules.max_characteristics:
        raise DataError(
            f"{len(iv)} characteristics are kept, more than max_characteristics={rules.max_characteristics}",
            where=f"{place}.max_characteristics",
            fix=_PARAMETERS,
        )
    for name, value in iv.items():
        if value < rules.min_iv - _CLOSE and name not in map(str, rules.always_keep):
            raise DataError(
                f"{name!r} is kept with an information value of {value:.4f}, below min_iv={rules.min_iv:g}",
                where=f"{place}.min_iv",
                fix=_PARAMETERS,
            )


def check_coefficients(part: CardPart, where: str) -> None:
    """Refuse coefficients that are not those of the characteristics on the card, or that point the wrong way."""
    names = ["intercept", *(row.column for row in part.characteristics if row.kept)]
    got = [row.column for row in part.coefficients]
    if got != names:
        raise DataError(f"coefficients are of {names}; got {got}", where=f"{where}, coefficients")
    for row in part.coefficients:
        place = f"{where}, coefficients, {row.column!r}"
        if not row.standard_error:
            raise DataError(
                f"a coefficient has a standard error above 0; got {row.standard_error}", where=place, fix=_OF_THE_FIT
            )
        if (row.p_value is None) != (row is part.coefficients[0]):
            raise DataError(
                f"the intercept has no p_value, and every other coefficient has one; got {row.p_value}",
                where=place,
                fix=_OF_THE_FIT,
            )
        if row.p_value is None:
            continue
        z = abs(row.coefficient / row.standard_error)
        # By their z, for the p-values of strong characteristics are all next to 0.
        z_from_p = float(norm.isf(row.p_value / 2)) if row.p_value > 0 else max(z, _UNDERFLOW)
        if abs(z - z_from_p) > 1e-6 * max(1.0, z):
            raise DataError(
                f"{row.coefficient:g} ± {row.standard_error:g} has the p-value {2 * norm.sf(z):.3g}; "
                f"got {row.p_value:.3g}",
                where=place,
                fix=_OF_THE_FIT,
            )
        if row.coefficient <= 0:
            raise DataError(
                f"a characteristic may not point against its weight of evidence; got {row.coefficient!r}", where=place
            )


def check_classic(
    part: CardPart, bins: Mapping[str, ColumnBins], shapes: Mapping[str, Any], edited: Mapping[str, Any], where: str
) -> None:
    """Refuse coefficients of a classic card that are not those which its log-odds are made of."""
    coefficient = {row.column: row.coefficient for row in part.coefficients}
    place = f"{where}, coefficients"
    if abs(coefficient["intercept"] - part.intercept) > _LOOSE * max(1.0, abs(part.intercept)):
        raise DataError(f"the intercept is {part.intercept:g}; got {coefficient['intercept']:g}", where=place)
    for name, shape in shapes.items():
        off = np.abs(np.array(shape.value) - coefficient[name] * np.array(bins[name].shape.value))
        if name not in edited and off.max() > _LOOSE * max(1.0, abs(coefficient[name])):
            raise DataError(
                f"{coefficient[name]:g} times the weights of evidence is not the log-odds", where=f"{place}, {name!r}"
            )


def check_classes(classes: list[Any], where: str) -> None:
    """Refuse classes that are alike, of two kinds, or in the wrong order: the second is the event."""
    plain = all(isinstance(c, str) or (isinstance(c, (bool, int, float)) and abs(c) <= _EXACT) for c in classes)
    kinds = {str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in classes}
    if not plain or len(kinds) != 1 or not classes[0] < classes[1]:
        raise DataError(
            f"classes are two of one kind, the lower one first; got {classes}",
            where=f"{where}, classes",
            fix="the second one is the event",
        )
