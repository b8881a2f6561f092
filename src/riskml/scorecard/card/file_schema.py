"""Schema of a card file: its keys and the types of their values, checked strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from riskml.errors import DataError, did_you_mean
from riskml.scorecard.card.edits import MOST_POINTS

FORMAT = 2
Text = Annotated[str, StringConstraints(min_length=1)]
Count = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Points = Annotated[int, Field(ge=-MOST_POINTS, le=MOST_POINTS)]
Role = Literal["from", "missing", "code", "levels", "unseen"]


File = TypeVar("File", bound=BaseModel)


class Part(BaseModel):
    """A part of the file: nothing is converted, and no unknown key is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class BinPart(Part):
    """One bin: where it begins, or what it stands for; its counts, evidence and points."""

    bin: Text
    from_: float | None = Field(None, alias="from")
    missing: Literal[True] | None = None
    code: float | None = None
    levels: Annotated[list[Text], Field(min_length=1)] | None = None
    unseen: Literal[True] | None = None
    non_event: Count
    event: Count
    shares_bin: int | None = None
    woe: float
    log_odds: float | None = None
    points: Points | None = None

    @property
    def roles(self) -> list[str]:
        """The keys that say what the bin holds; the lowest bin's ``from`` is there, and empty."""
        names = ("missing", "code", "levels", "unseen")
        there = [name for name in names if getattr(self, name) is not None]
        return (["from"] if "from_" in self.model_fields_set else []) + there


class CharacteristicPart(Part):
    """One column, on the card or dropped."""

    column: str
    kind: Literal["numeric", "categorical"]
    kept: bool
    reason: str | None = None
    reference_points: float | None = None
    trend: str
    note: str = ""
    bins: Annotated[list[BinPart], Field(min_length=1)]


class TotalsPart(Part):
    """All rows."""

    non_event: Positive
    event: Positive


class CoefficientPart(Part):
    """One row of the regression on weights of evidence."""

    column: str
    coefficient: float
    standard_error: Count | None
    p_value: Annotated[float, Field(ge=0, le=1)] | None


class EditPart(Part):
    """One manual edit; `riskml.scorecard.card.edits.Edit` checks what it says."""

    column: str
    by: Text
    why: Text
    when: str | date
    points: dict[str, Points] | None = None
    splits: list[float] | None = None
    groups: list[list[Text]] | None = None
    before: Any = None


class CardPart(Part):
    """The whole file."""

    riskml_scorecard: int
    parameters: dict[str, Any]
    fitted_with: list[Literal["sample_weight", "periods"]]
    column_names: bool
    classes: Annotated[list[Any], Field(min_length=2, max_length=2)]
    intercept: float
    base_points: Points
    totals: TotalsPart
    characteristics: Annotated[list[CharacteristicPart], Field(min_length=1)]
    coefficients: list[CoefficientPart]
    edits: list[EditPart]


def read_card(raw: Any, where: str) -> CardPart:
    """Return what a file says, typed."""
    version = raw.get("riskml_scorecard") if isinstance(raw, Mapping) else None
    if type(version) is not int or version != FORMAT:
        raise DataError(
            f"this is no scorecard of format {FORMAT}; riskml_scorecard is {version!r}",
            where=where,
            fix="load a file that this version's Scorecard.save wrote; earlier formats are not read",
        )
    return validated(CardPart, raw, where, "compare with a file that Scorecard.save wrote")


def validated(kind: type[File], raw: Any, where: str, fix: str) -> File:
    """Return a document as a model; a DataError lists every entry that is wrong."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise DataError("\n".join(["invalid card file", *_lines(raw, error)]), where=where, fix=fix) from None


def _lines(raw: Mapping[str, Any], error: ValidationError) -> list[str]:
    keys = {field.alias or name for part in Part.__subclasses__() for name, field in part.model_fields.items()}
    lines = []
    for problem in error.errors():
        *place, key = _place(raw, problem["loc"]) or ["the file"]
        if problem["type"] == "extra_forbidden":
            what = f"unknown key; {did_you_mean(key, keys)}".rstrip("; ")
        elif problem["type"] == "missing":
            what = "missing, but required"
        else:
            expected = problem["msg"].replace("Input should be", "should be").split(" or instance of ")[0]
            what = expected + _got(problem["input"])
            if problem["type"] == "string_type" and isinstance(problem["input"], (bool, date)):
                what += ": YAML reads it so without quotes; quote it, as 'no'"
        lines.append("  - " + ", ".join([*place, key]) + f": {what}")
    return lines


# Lists, the word for one of their entries, and the key of its name, where it has one.
_NAMED = {
    "characteristics": ("characteristic", "column"),
    "bins": ("bin", "bin"),
    "edits": ("edit of", "column"),
    "segments": ("segment", "segment"),
    "splits": ("split", ""),
    "cases": ("case", ""),
    "levels": ("level", ""),
}


def _place(raw: Any, loc: Sequence[int | str]) -> list[str]:
    """Return where a problem is, in names: which characteristic, which bin, which key."""
    words: list[str] = []
    for step in loc:
        try:
            inner = raw[step]
        except (KeyError, IndexError, TypeError):
            inner = None
        if isinstance(step, int) and words and words[-1] in _NAMED:
            word, key = _NAMED[words.pop()]
            name = inner.get(key) if isinstance(inner, Mapping) else None
            words.append(f"{word} {name!r}" if name is not None else f"{word}{' number' * bool(key)} {step + 1}")
        elif step not in _TYPES:
            words.append(str(step))
        raw = inner
    return words


# A union names the type that it tried, as if it were a key.
_TYPES = {"str", "date"}


def _got(value: Any) -> str:
    if isinstance(value, (Mapping, list)):
        return f"; got a {'mapping' if isinstance(value, Mapping) else 'list'}"
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a number of many digits"
    return f"; got {text}"
