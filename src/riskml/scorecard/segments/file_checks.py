"""Checks of the parameters and the file of segmented cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from riskml.errors import ConfigError, DataError
from riskml.runtime.additive import Split
from riskml.runtime.frame import level
from riskml.runtime.shapes import Levels
from riskml.scorecard.binning.options import is_number
from riskml.scorecard.card.scorecard import Scorecard
from riskml.scorecard.segments.file_schema import FIX, SegmentedPart, SegmentPart
from riskml.scorecard.segments.routing import MISSING, asked_columns, pooled_rules, tree_rules

PARAMETERS = ("segment_by", "max_segments", "min_segment_share", "min_segment_events", "cv", "random_state")
_LARGEST_SEED = 2**32 - 1
_CLOSE = 1e-9  # of event rates: sums in another order


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Refuse parameters of a `SegmentedScorecard`, without its card, that have the wrong type or are impossible."""
    for name in ("max_segments", "min_segment_events"):
        if not (is_number(parameters[name], whole=True) and parameters[name] >= 1):
            raise ConfigError(f"{name} is a whole number, at least 1; got {parameters[name]!r}", where=name)
    share = parameters["min_segment_share"]
    if not (is_number(share) and 0 < share < 1):
        raise ConfigError(
            f"min_segment_share is a share of rows, 0 < share < 1; got {share!r}", where="min_segment_share"
        )
    if not _is_cv(parameters["cv"]):
        raise ConfigError(
            "cv is a number of folds, at least 2, a splitter, or pairs of train and test rows; "
            f"got {parameters['cv']!r}",
            where="cv",
        )
    seed = parameters["random_state"]
    if seed is not None and not (is_number(seed, whole=True) and 0 <= seed <= _LARGEST_SEED):
        raise ConfigError(f"random_state is a whole number, at least 0, or None; got {seed!r}", where="random_state")


def _is_cv(cv: Any) -> bool:
    if cv is None:
        return True
    if isinstance(cv, Real):
        return is_number(cv, whole=True) and float(cv) >= 2
    if isinstance(cv, (Sequence, np.ndarray)):
        return len(cv) >= 2 and all(_is_fold(fold) for fold in cv)
    return not isinstance(cv, Mapping) and (hasattr(cv, "split") or isinstance(cv, Iterable))


def _is_fold(fold: Any) -> bool:
    """Tell whether something is two lists of positions, of train and of test rows."""
    try:
        train, test = fold
        return all(np.ndim(rows) == 1 and np.asarray(rows).dtype.kind in "iub" for rows in (train, test))
    except (TypeError, ValueError):
        return False


def check_file_parameters(
    parameters: Mapping[str, Any], splits: Sequence[Split], cards: Mapping[str, Scorecard], where: str
) -> None:
    """Refuse parameters of a file that are unknown, absent or impossible, or from which these segments cannot come."""
    place = f"{where}, parameters"
    if set(parameters) != set(PARAMETERS):
        raise DataError(f"parameters are {', '.join(PARAMETERS)}; got {', '.join(parameters) or 'none'}", where=place)
    schema = next(iter(cards.values())).schema_
    try:
        check_parameters(parameters)
        columns, _ = asked_columns(parameters["segment_by"], schema.names)
    except ConfigError as error:
        raise DataError(error.what, where=f"{place}.{error.where}", fix=error.fix) from None
    if len(cards) > parameters["max_segments"]:
        raise DataError(
            f"there are {len(cards)} segments, more than max_segments={parameters['max_segments']}",
            where=f"{place}.max_segments",
        )
    for number, split in enumerate(splits, 1):
        column = split.shape.column
        if column not in schema.names or schema[column].kind != split.shape.kind:
            raise DataError(
                f"the cards have no {split.shape.kind} column {column!r}", where=f"{where}, split {number}, column"
            )
        if column not in columns:
            raise DataError(
                f"{column!r} makes segments, and segment_by is {parameters['segment_by']!r}",
                where=f"{place}.segment_by",
            )


def check_same(cards: Mapping[str, Scorecard], where: str) -> None:
    """Refuse cards that were not fitted as one: their classes, columns and parameters are the same."""
    (first_name, first), *others = cards.items()
    # An edit of bins is an override of its own card.
    by_hand = {edit.column for card in cards.values() for edit in card.edits_ if edit.points is None}
    for name, card in others:
        place = f"{where}, segment {name!r}"
        if not np.array_equal(card.classes_, first.classes_):
            raise DataError(f"its classes differ from those of {first_name!r}", where=f"{place}, classes")
        kinds = [{column.name: column.kind for column in one.schema_} for one in (card, first)]
        if kinds[0] != kinds[1]:
            raise DataError(f"its columns differ from those of {first_name!r}", where=f"{place}, characteristics")
        if card.fitted_with_ != first.fitted_with_:
            raise DataError(f"it was fitted with other things than {first_name!r}", where=f"{place}, fitted_with")
        own, theirs = (_parameters_of(one, by_hand) for one in (card, first))
        for key, value in own.items():
            if value != theirs[key]:
                raise DataError(
                    f"{key} is the same for all cards; got {value!r}, and {theirs[key]!r} for {first_name!r}",
                    where=f"{place}, parameters.{key}",
                )


def _parameters_of(card: Scorecard, by_hand: set[str]) -> dict[str, Any]:
    """Return a card's parameters, without the bins that edits gave."""
    parameters: dict[str, Any] = card.get_params(deep=False)
    overrides = {str(name): dict(options) for name, options in (parameters["overrides"] or {}).items()}
    for column in by_hand & set(overrides):
        overrides[column] = {key: value for key, value in overrides[column].items() if key not in ("splits", "groups")}
    return parameters | {"overrides": {column: options for column, options in overrides.items() if options}}


def check_rows(part: SegmentPart, card: Scorecard, place: str) -> None:
    """Refuse an event rate, or a count, that is not that of a segment's card."""
    totals = next(iter(card.binner_.bins_.values())).totals
    rows, rate = float(totals.sum()), float(totals[1] / totals.sum())
    if abs(part.event_rate - rate) > _CLOSE:
        raise DataError(f"the card's event rate is {rate:.6g}; got {part.event_rate:.6g}", where=f"{place}, event_rate")
    # Sums of weights say nothing of how many rows there were.
    if "sample_weight" not in card.fitted_with_ and part.count != rows:
        raise DataError(f"the card was built on {rows:g} rows; got {part.count}", where=f"{place}, count")


def check_shares(part: SegmentedPart, splits: Sequence[Split], where: str) -> None:
    """Refuse segments that are smaller than requested; only the pool of all other values may be."""
    named = not isinstance(part.parameters["segment_by"], list | None)
    pool = ~_all_others(splits[0]) if named and splits else None
    least = part.parameters["min_segment_share"] * sum(row.count for row in part.segments)
    for number, row in enumerate(part.segments):
        if number != pool and row.count < least:
            raise DataError(
                f"segments have {least:.10g} rows, the min_segment_share of all, or more; got {row.count}",
                where=f"{where}, segment {row.segment!r}, count",
            )


def check_reached(splits: Sequence[Split], names: Sequence[str], where: str) -> None:
    """Refuse splits and segments that no row can reach, or that rows reach from several splits."""
    if not splits:
        if len(names) > 1:
            raise DataError(f"{len(names)} segments, and no split between them", where=where, fix=FIX)
        return
    reached = [to for split in splits for to in dict.fromkeys(split.to)]
    called = {~number: name for number, name in enumerate(names)}
    called |= {number: f"split {number + 1}" for number in range(1, len(splits))}
    for what, wrong in (
        ("no row can reach", [name for to, name in called.items() if to not in reached]),
        ("rows come from several splits to", [name for to, name in called.items() if reached.count(to) > 1]),
    ):
        if wrong:
            raise DataError(f"{what} {', '.join(map(repr, wrong))}", where=f"{where}, splits", fix=FIX)


def check_rules(
    splits: Sequence[Split], rules: Mapping[str, str], segment_by: Any, cards: Mapping[str, Scorecard], where: str
) -> None:
    """Refuse splits that contradict the parameters, and rules that contradict the splits."""
    schema = next(iter(cards.values())).schema_
    named = splits and asked_columns(segment_by, schema.names)[1]
    if named:
        bounds: Sequence[float] = getattr(splits[0].shape, "splits", [])
        if len(splits) > 1 or len(bounds):
            raise DataError(
                "the values of one column are the segments: there is one split, without bounds",
                where=f"{where}, splits",
                fix=f"segment_by=[{segment_by!r}] is a tree's",
            )
        _check_named(splits[0], rules, where)
        return
    shapes = {split.shape.column: split.shape for split in splits}
    for number, split in enumerate(splits, 1):
        place, column = f"{where}, split {number}", split.shape.column
        if split.shape != shapes[column]:
            raise DataError(f"every split of {column!r} has the same cases", where=place, fix=FIX)
        codes, own = getattr(split.shape, "special", None), schema[column].special
        if codes is not None and codes != own:
            raise DataError(f"the special codes of {column!r} are {list(own)}; got {list(codes)}", where=place)
    expected = tree_rules(splits)
    for number, (name, rule) in enumerate(rules.items()):
        if rule != expected[number]:
            _refuse_rule(name, rule, expected[number], where)


def _check_named(split: Split, rules: Mapping[str, str], where: str) -> None:
    shape, column, rest = split.shape, split.shape.column, _all_others(split)
    if isinstance(shape, Levels):
        goals, missing = {text: split.to[group] for text, group in shape.levels.items()}, split.to[-2]
    else:
        goals, missing = dict(zip(map(level, shape.special), split.to[2:], strict=True)), split.to[1]
    for number, (name, rule) in enumerate(rules.items()):
        here, blank = [text for text, goal in goals.items() if goal == ~number], missing == ~number
        if ~number == rest:
            there = here if isinstance(shape, Levels) else _listed(rule, column, goals)
            allowed = pooled_rules(column, name, there, blank=blank)
        else:
            # Missing values have another name where a level is called so.
            words = [name] if blank and not here else []
            words += ["; ".join([*here, *[MISSING] * blank])] * (MISSING not in goals or bool(here))
            allowed = [f"{column} is {word}" for word in words]
        if rule not in allowed:
            _refuse_rule(name, rule, allowed[0], where)


def _all_others(split: Split) -> int:
    """Return where values go that a named column's split does not name."""
    return split.to[-1] if isinstance(split.shape, Levels) else split.to[0]


def _listed(rule: str, column: str, others: Mapping[str, int]) -> list[str]:
    """Return the numbers that the pool's rule names: a value without a segment is in no split."""
    levels = rule.removeprefix(f"{column} is ").rpartition("; or ")[0].split("; ")
    return [value for value in levels if value not in others and _is_number(value)]


def _is_number(text: str) -> bool:
    try:
        return level(float(text)) == text
    except ValueError:
        return False


def _refuse_rule(name: str, rule: str, expected: str, where: str) -> None:
    raise DataError(
        f"by the splits its rule is {expected!r}; got {rule!r}", where=f"{where}, segment {name!r}, rule", fix=FIX
    )
