"""What a file of segmented cards may say: its keys and the types of their values, checked strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from riskml.errors import DataError, did_you_mean
from riskml.scorecard.card.file_schema import Part, Text

FORMAT = 1
FIX = "compare with a file that SegmentedScorecard.save wrote"


class CasePart(Part):
    """What a split does with some of a column's values: which they are, and where their rows go."""

    from_: float | None = Field(None, alias="from")
    missing: Literal[True] | None = None
    code: float | None = None
    levels: Annotated[list[Text], Field(min_length=1)] | None = None
    unseen: Literal[True] | None = None
    split: int | None = None
    segment: Text | None = None

    @property
    def role(self) -> str:
        """The key that says which values they are, or "" where there is none, or several."""
        names = ("missing", "code", "levels", "unseen")
        roles = ["from"] * ("from_" in self.model_fields_set)  # the lowest is there, and empty
        roles += [name for name in names if getattr(self, name) is not None]
        return roles[0] if len(roles) == 1 else ""


class SplitPart(Part):
    """One question, and where each answer leads."""

    column: Text
    kind: Literal["numeric", "categorical"]
    cases: Annotated[list[CasePart], Field(min_length=1)]


class SegmentPart(Part):
    """One segment; `riskml.scorecard.card.file` checks its card."""

    segment: Text
    rule: Text
    count: Annotated[int, Field(ge=1)]
    event_rate: Annotated[float, Field(gt=0, lt=1)]
    card: dict[str, Any]


class SegmentedPart(Part):
    """The whole file."""

    riskml_segmented_scorecard: int
    parameters: dict[str, Any]
    splits: list[SplitPart]
    segments: Annotated[list[SegmentPart], Field(min_length=1)]


def read_segmented(raw: Any, where: str) -> SegmentedPart:
    """Return what a file says, typed."""
    version = raw.get("riskml_segmented_scorecard") if isinstance(raw, Mapping) else None
    if type(version) is not int or version != FORMAT:
        raise DataError(
            f"these are no segmented scorecards of format {FORMAT}",
            where=where,
            fix="load a file that SegmentedScorecard.save wrote; one card is loaded by Scorecard.load",
        )
    try:
        return SegmentedPart.model_validate(raw)
    except ValidationError as error:
        lines = [f"  - {_place(raw, problem['loc'])}: {_constraint_text(problem)}" for problem in error.errors()]
        raise DataError(
            "\n".join(["the file says something that is not understood", *lines]), where=where, fix=FIX
        ) from None


_ONE = {"segments": "segment", "splits": "split", "cases": "case", "levels": "level"}
_KEYS = {
    field.alias or name
    for part in (CasePart, SplitPart, SegmentPart, SegmentedPart)
    for name, field in part.model_fields.items()
}


def _place(raw: Any, loc: Sequence[int | str]) -> str:
    """Return where a problem is, in names: a segment by its own, a split or a case by its number."""
    words: list[str] = []
    for step in loc:
        if isinstance(step, int):
            raw, list_of = raw[step], words.pop()
            name = raw.get("segment") if list_of == "segments" and isinstance(raw, Mapping) else None
            words.append(f"{_ONE[list_of]} {step + 1 if name is None else repr(name)}")
        else:
            raw = raw.get(step) if isinstance(raw, Mapping) else None
            words.append(step)
    return ", ".join(words)


def _constraint_text(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return f"unknown key; {did_you_mean(problem['loc'][-1], _KEYS)}".rstrip("; ")
    if problem["type"] == "missing":
        return "missing, but required"
    return f"{problem['msg'].replace('Input should be', 'should be')}; got {repr(problem['input'])[:40]}"
