"""Schema of a file of segmented cards: its keys and the types of their values, checked strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from riskml.errors import DataError
from riskml.scorecard.card.file_schema import Part, Text, validated

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
    return validated(SegmentedPart, raw, where, FIX)
