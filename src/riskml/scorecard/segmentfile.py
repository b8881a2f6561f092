"""Segmented cards as one readable file: the rule, and a card per segment as its own file has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskml.errors import DataError
from riskml.runtime.segmented import Split
from riskml.runtime.shapes import Levels, Step
from riskml.scorecard.card import Scorecard
from riskml.scorecard.cardfile import card_document, card_from_document

FORMAT = 1
_MEND = "compare with a file that SegmentedScorecard.save wrote"
_PARAMETERS = ("segment_by", "max_segments", "min_segment_share", "min_segment_events", "cv", "random_state")


@dataclass(frozen=True)
class Saved:
    """What a file holds of fitted segments.

    Parameters
    ----------
    splits : tuple of Split
    cards : mapping of segment to Scorecard
    segments : DataFrame
        ``segment``, ``rule``, ``count``, ``event_rate``.
    """

    splits: tuple[Split, ...]
    cards: Mapping[str, Scorecard]
    segments: pd.DataFrame


def segmented_document(saved: Saved, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return fitted segments as plain values."""
    said = {name: _plain(parameters[name]) for name in _PARAMETERS}
    names = list(saved.cards)
    return {
        "riskml_segmented_scorecard": FORMAT,
        "parameters": said,
        "splits": [_split_document(split, names) for split in saved.splits],
        "segments": [
            {key: _plain(value) for key, value in row.items()} | {"card": card_document(saved.cards[row["segment"]])}
            for row in saved.segments.to_dict("records")
        ],
    }


def _split_document(split: Split, names: Sequence[str]) -> dict[str, Any]:
    shape = split.shape
    places: list[dict[str, Any]]
    if isinstance(shape, Levels):
        groups = len(shape.value) - 2
        places = [{"levels": [name for name, g in shape.levels.items() if g == slot]} for slot in range(groups)]
        places += [{"missing": True}, {"unseen": True}]
    else:
        places = [{"from": bound} for bound in (None, *shape.splits)]
        places += [{"missing": True}, *({"code": code} for code in shape.special)]
    goals = [{"split": to + 1} if to >= 0 else {"segment": names[~to]} for to in split.to]
    return {
        "column": shape.column,
        "kind": shape.kind,
        "cases": [place | goal for place, goal in zip(places, goals, strict=True)],
    }


def segmented_from_document(said: Any, where: str) -> tuple[Saved, dict[str, Any]]:
    """Return the segments that a document describes, and their parameters; what does not fit together is refused.

    Raises
    ------
    DataError
        It names the split or the segment that is wrong.
    """
    if not isinstance(said, Mapping) or said.get("riskml_segmented_scorecard") != FORMAT:
        raise DataError(
            f"these are no segmented scorecards of format {FORMAT}",
            where=where,
            mend="load a file that SegmentedScorecard.save wrote; one card is loaded by Scorecard.load",
        )
    try:
        return _built(said, where)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(
            f"the file lacks something, or holds something of another type: {error!r}", where=where, mend=_MEND
        ) from None


def _built(said: Mapping[str, Any], where: str) -> tuple[Saved, dict[str, Any]]:
    parameters = dict(said["parameters"])
    if set(parameters) != set(_PARAMETERS):
        raise DataError(
            f"parameters are {', '.join(_PARAMETERS)}; got {', '.join(map(str, parameters)) or 'none'}", where=where
        )
    cards: dict[str, Scorecard] = {}
    rows = []
    for part in said["segments"]:
        name = part["segment"]
        place = f"{where}, segment {name!r}"
        if not isinstance(name, str) or name in cards:
            raise DataError("segments have a name each, which is text and occurs once", where=place)
        cards[name] = card_from_document(Scorecard, part["card"], place)
        count, rate = part["count"], part["event_rate"]
        if isinstance(count, bool) or not isinstance(count, int) or count < 1 or not 0 < float(rate) < 1:
            raise DataError(f"a segment has rows, and an event rate; got {count!r} and {rate!r}", where=place)
        rows.append((name, str(part["rule"]), count, float(rate)))
    if not cards:
        raise DataError("there is no segment", where=where, mend=_MEND)
    _same(cards, where)
    names = list(cards)
    splits = tuple(
        _split(part, number, len(said["splits"]), names, where) for number, part in enumerate(said["splits"])
    )
    _reachable(splits, names, where)
    schema = cards[names[0]].schema_
    for split in splits:
        column = split.shape.column
        if column not in schema.names or schema[column].kind != split.shape.kind:
            raise DataError(f"the cards have no {split.shape.kind} column {column!r}", where=f"{where}, splits")
    segments = pd.DataFrame(rows, columns=["segment", "rule", "count", "event_rate"])
    return Saved(splits, cards, segments), parameters


def _same(cards: Mapping[str, Scorecard], where: str) -> None:
    """Refuse cards that do not belong together."""
    (first_name, first), *others = cards.items()
    for name, card in others:
        place = f"{where}, segment {name!r}"
        if not np.array_equal(card.classes_, first.classes_):
            raise DataError(f"its classes differ from those of {first_name!r}", where=place)
        if card.scale != first.scale:
            raise DataError(f"its points scale differs from that of {first_name!r}", where=place)
        kinds = [{column.name: column.kind for column in one.schema_} for one in (card, first)]
        if kinds[0] != kinds[1]:
            raise DataError(f"its columns differ from those of {first_name!r}", where=place)


def _split(part: Mapping[str, Any], number: int, count: int, names: Sequence[str], where: str) -> Split:
    place = f"{where}, split {number + 1}"
    cases = part["cases"]
    shape = _asked(part, place)
    to = []
    for case in cases:
        if ("split" in case) == ("segment" in case):
            raise DataError("a case goes to one split or one segment", where=place)
        if "segment" in case:
            if case["segment"] not in names:
                raise DataError(f"no segment is called {case['segment']!r}", where=place)
            to.append(~names.index(case["segment"]))
        else:
            # Later ones only: rows then never go round in circles.
            if case["split"] not in range(number + 2, count + 1):
                raise DataError(f"a case goes to a later split; got {case['split']!r}", where=place)
            to.append(int(case["split"]) - 1)
    return Split(shape, tuple(to))


def _asked(part: Mapping[str, Any], place: str) -> Step | Levels:
    column, cases = str(part["column"]), part["cases"]
    keys = [next((key for key in ("levels", "from", "code", "missing", "unseen") if key in case), "") for case in cases]
    value = (0.0,) * len(cases)
    if part["kind"] == "categorical":
        groups = [case["levels"] for case in cases if "levels" in case]
        if keys != ["levels"] * len(groups) + ["missing", "unseen"]:
            raise DataError("cases of a categorical column are levels, then missing, then unseen", where=place)
        named = [str(level) for group in groups for level in group]
        if len(set(named)) < len(named):
            raise DataError("a level stands in two cases", where=place, mend="name each level once")
        return Levels(column, {str(level): g for g, group in enumerate(groups) for level in group}, value)
    bounds = [case["from"] for case in cases if "from" in case]
    codes = [case["code"] for case in cases if "code" in case]
    if keys != ["from"] * len(bounds) + ["missing"] + ["code"] * len(codes) or not bounds or bounds[0] is not None:
        raise DataError(
            "cases of a numeric column begin at a number (the first at nothing), then missing, then codes", where=place
        )
    numbers = [float(number) for number in [*bounds[1:], *codes]]
    splits = numbers[: len(bounds) - 1]
    if not np.isfinite(numbers).all() or any(b <= a for a, b in zip(splits, splits[1:], strict=False)):
        raise DataError(f"bounds must be finite and rise; got {splits}", where=place)
    return Step(column, tuple(splits), tuple(numbers[len(bounds) - 1 :]), value)


def _reachable(splits: Sequence[Split], names: Sequence[str], where: str) -> None:
    """Refuse splits and segments that no row can reach."""
    if not splits:
        if len(names) > 1:
            raise DataError(f"{len(names)} segments, and no split between them", where=where, mend=_MEND)
        return
    reached = {to for split in splits for to in split.to}
    lost = [names[number] for number in range(len(names)) if ~number not in reached]
    lost += [f"split {number + 1}" for number in range(1, len(splits)) if number not in reached]
    if lost:
        raise DataError(f"no row can reach {', '.join(map(repr, lost))}", where=f"{where}, splits", mend=_MEND)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple, np.ndarray, pd.Index)):
        return [_plain(item) for item in value]
    return value
