"""File of segmented cards: the rule, and a card per segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from riskml.errors import ConfigError, DataError, did_you_mean
from riskml.runtime.additive import Split
from riskml.runtime.shapes import Levels, Step
from riskml.scorecard.card.file import card_document, card_from_document
from riskml.scorecard.card.scorecard import Scorecard
from riskml.scorecard.segments.file_checks import (
    PARAMETERS,
    check_file_parameters,
    check_reached,
    check_rows,
    check_rules,
    check_same,
    check_shares,
)
from riskml.scorecard.segments.file_schema import FIX, FORMAT, SplitPart, read_segmented


@dataclass(frozen=True)
class Saved:
    """What a file holds of fitted segments."""

    splits: tuple[Split, ...]
    cards: Mapping[str, Scorecard]
    segments: pd.DataFrame  # ``segment``, ``rule``, ``count``, ``event_rate``


def segmented_document(saved: Saved, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return fitted segments as plain values."""
    values = {name: _plain(parameters[name], name) for name in PARAMETERS}
    names = list(saved.cards)
    return {
        "riskml_segmented_scorecard": FORMAT,
        "parameters": values,
        "splits": [_split_document(split, names) for split in saved.splits],
        "segments": [
            {str(key): _plain(value, str(key)) for key, value in row.items()}
            | {"card": card_document(saved.cards[row["segment"]])}
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


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple, range, np.ndarray, pd.Series, pd.Index)):
        return [_plain(item, name) for item in value]
    raise ConfigError(
        f"a card file holds numbers, text and lists; got {value!r}",
        where=name,
        fix=f"it is not needed to score: save after set_params({name}=None)"
        if name == "cv"
        else "fit with plain values",
    )


def segmented_from_document(raw: Any, where: str) -> tuple[Saved, dict[str, Any]]:
    """Return the segments that a document describes, and their parameters; what does not fit together is refused."""
    part = read_segmented(raw, where)
    cards: dict[str, Scorecard] = {}
    for row in part.segments:
        place = f"{where}, segment {row.segment!r}"
        if row.segment in cards:
            raise DataError("the segment occurs twice", where=place)
        card = card_from_document(Scorecard, row.card, place)
        if not hasattr(card, "feature_names_in_"):
            raise DataError("a segment's card knows its columns by name", where=f"{place}, column_names", fix=FIX)
        check_rows(row, card, place)
        cards[row.segment] = card
    check_same(cards, where)
    names = list(cards)
    splits = tuple(
        _split(split, number, len(part.splits), names, f"{where}, split {number}")
        for number, split in enumerate(part.splits, 1)
    )
    check_reached(splits, names, where)
    check_file_parameters(part.parameters, splits, cards, where)
    rules = {row.segment: row.rule for row in part.segments}
    check_rules(splits, rules, part.parameters["segment_by"], cards, where)
    check_shares(part, splits, where)
    rows = [(row.segment, row.rule, row.count, row.event_rate) for row in part.segments]
    segments = pd.DataFrame(rows, columns=["segment", "rule", "count", "event_rate"])
    return Saved(splits, cards, segments), part.parameters


def _split(part: SplitPart, number: int, count: int, names: Sequence[str], place: str) -> Split:
    to = []
    for case in part.cases:
        if (case.split is None) == (case.segment is None):
            raise DataError("a case goes to one split or one segment", where=place)
        if case.split is None:
            if case.segment not in names:
                raise DataError(
                    f"no segment is called {case.segment!r}", where=place, fix=did_you_mean(str(case.segment), names)
                )
            to.append(~names.index(case.segment))
        else:
            # Later ones only: rows then never go round in circles.
            if not number < case.split <= count:
                raise DataError(f"a case goes to a later split; got {case.split}", where=place)
            to.append(case.split - 1)
    return Split(_question(part, place), tuple(to))


def _question(part: SplitPart, place: str) -> Step | Levels:
    cases, roles = part.cases, [case.role for case in part.cases]
    value = (0.0,) * len(cases)
    if part.kind == "categorical":
        groups = [case.levels for case in cases if case.levels]
        if roles != ["levels"] * len(groups) + ["missing", "unseen"]:
            raise DataError("cases of a categorical column are levels, then missing, then unseen", where=place)
        group_of = {name: group for group, names in enumerate(groups) for name in names}
        if len(group_of) < sum(map(len, groups)):
            raise DataError("a level stands in two cases", where=place, fix="name each level once")
        return Levels(part.column, group_of, value)
    splits = [float(case.from_) for case in cases if case.from_ is not None]
    codes = [float(case.code) for case in cases if case.code is not None]
    kinds = ["from"] * (len(splits) + 1) + ["missing"] + ["code"] * len(codes)
    if roles != kinds or cases[0].from_ is not None:
        raise DataError(
            "cases of a numeric column begin at a number (the first at nothing), then missing, then codes", where=place
        )
    if any(b <= a for a, b in pairwise(splits)):
        raise DataError(f"bounds must rise; got {splits}", where=place)
    if len(set(codes)) < len(codes):
        raise DataError(f"a code stands in two cases; got {codes}", where=place, fix="name each code once")
    return Step(part.column, tuple(splits), tuple(codes), value)
