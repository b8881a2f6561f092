"""A card as one readable file, YAML or JSON: every bin with its bounds, counts, evidence, log-odds and points."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import yaml

from riskml.errors import ConfigError, DataError
from riskml.files import replacing
from riskml.runtime.model import Additive
from riskml.runtime.shapes import Levels, Step
from riskml.schema import Column, Schema
from riskml.scorecard.binner import OptimalBinner
from riskml.scorecard.columns import ColumnBins
from riskml.scorecard.edits import Edit
from riskml.scorecard.scaling import Scale

if TYPE_CHECKING:
    from riskml.scorecard.card import Scorecard

FORMAT = 1
Card = TypeVar("Card", bound="Scorecard")


def write_document(path: str | Path, document: Mapping[str, Any]) -> None:
    """Write a document as the file's suffix says."""
    text = (
        json.dumps(document, indent=1, ensure_ascii=False)
        if _is_json(path)
        # One bin to a line: a flow mapping below the second level.
        else yaml.dump(document, Dumper=_OneLineBins, sort_keys=False, allow_unicode=True, width=10_000)
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_document(path: str | Path) -> Any:
    """Return what a YAML or JSON file holds."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        return json.loads(text) if _is_json(path) else yaml.safe_load(text)
    except FileNotFoundError:
        raise DataError("the card file does not exist", where=str(path), mend="check the path") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        raise DataError(f"the card file cannot be read: {error}", where=str(path)) from None


def _is_json(path: str | Path) -> bool:
    suffix = Path(path).suffix.lower()
    if suffix not in (".json", ".yaml", ".yml"):
        raise ConfigError(f"a card is saved as .yaml or .json; got {suffix!r}", where=str(path))
    return suffix == ".json"


class _Bin(dict[str, Any]):
    """A mapping that stands on one line."""


class _OneLineBins(yaml.SafeDumper):
    """Writes a bin on one line."""


_OneLineBins.add_representer(
    _Bin, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)


def card_document(card: Scorecard) -> dict[str, Any]:
    """Return a fitted card as plain values."""
    shapes = {shape.column: shape for shape in card.model_.shapes}
    reasons = dict(zip(card.selection_["column"], card.selection_["reason"], strict=True))
    return {
        "riskml_scorecard": FORMAT,
        "classes": [_plain(value) for value in card.classes_],
        "scale": {"pdo": float(card.pdo), "base_score": float(card.base_score), "base_odds": float(card.base_odds)},
        "intercept": float(card.model_.intercept),
        "base_points": float(card.model_.base_points or 0.0),
        "totals": _Bin(zip(("non_event", "event"), map(float, _totals(card)), strict=True)),
        "characteristics": [
            _characteristic(card, bins, shapes.get(name), reasons.get(name, ""))
            for name, bins in card.binner_.bins_.items()
        ],
        "coefficients": [
            _Bin({str(key): None if pd.isna(value) else _plain(value) for key, value in row.items()})
            for row in card.coefficients_.to_dict("records")
        ],
        "edits": [_edit_document(edit) for edit in card.edits_],
    }


def _totals(card: Scorecard) -> Sequence[float]:
    return list(next(iter(card.binner_.bins_.values())).totals)


def _characteristic(card: Scorecard, bins: ColumnBins, shape: Any, reason: str) -> dict[str, Any]:
    said: dict[str, Any] = {"column": bins.column, "kind": bins.shape.kind, "kept": shape is not None}
    if shape is None:
        said["reason"] = reason
    else:
        said["reference_points"] = card.reference_points_[bins.column]
    said["trend"] = bins.trend
    rows = []
    for slot, label in enumerate(bins.labels):
        row = _Bin({"bin": label} | _place(bins, slot))
        row |= {"non_event": float(bins.counts[slot, 0]), "event": float(bins.counts[slot, 1])}
        if bins.row.count(bins.row[slot]) > 1:
            row["shares_bin"] = int(bins.row[slot])
        row["woe"] = float(bins.shape.value[slot])
        if shape is not None:
            row |= {"log_odds": float(shape.value[slot]), "points": int(shape.points[slot])}
        rows.append(_Bin(row))
    return said | {"bins": rows}


def _place(bins: ColumnBins, slot: int) -> dict[str, Any]:
    shape = bins.shape
    if isinstance(shape, Levels):
        if slot >= bins.regular:
            return {}
        return {"levels": [name for name, group in shape.levels.items() if group == slot]}
    if slot < bins.regular:
        return {"from": float(shape.splits[slot - 1]) if slot else None}
    return {"code": float(shape.special[slot - bins.regular - 1])} if slot > bins.regular else {}


def _edit_document(edit: Edit) -> dict[str, Any]:
    said = {name: value for name, value in vars(edit).items() if value is not None and value != ""}
    if edit.points is not None:
        said["points"] = {label: int(point) for label, point in edit.points.items()}
    if edit.splits is not None:
        said["splits"] = [float(split) for split in edit.splits]
    if edit.groups is not None:
        said["groups"] = [[str(level) for level in group] for group in edit.groups]
    return said


def card_from_document(kind: type[Card], said: Any, where: str) -> Card:
    """Return the card that a document describes; what does not fit together is refused."""
    if not isinstance(said, Mapping) or said.get("riskml_scorecard") != FORMAT:
        raise DataError(
            f"this is no scorecard of format {FORMAT}", where=where, mend="load a file that Scorecard.save wrote"
        )
    try:
        return _built(kind, said, where)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"the card file lacks something, or holds something of another type: {error!r}",
            where=where,
            mend="compare with a file that Scorecard.save wrote",
        ) from None


def _built(kind: type[Card], said: Mapping[str, Any], where: str) -> Card:
    names = ("pdo", "base_score", "base_odds")
    scale = Scale(**{name: _number(said["scale"][name], f"{where}, scale.{name}") for name in names})
    card = kind(scale.pdo, scale.base_score, scale.base_odds)
    card.classes_ = np.asarray(said["classes"])
    if len(card.classes_) != 2:
        raise DataError(f"a card has two classes; got {said['classes']}", where=where)
    totals = np.array([_number(said["totals"][name], f"{where}, totals") for name in ("non_event", "event")])
    bins: dict[str, ColumnBins] = {}
    shapes: list[Step | Levels] = []
    card.reference_points_ = {}
    for part in said["characteristics"]:
        name, place = part["column"], f"{where}, characteristic {part['column']!r}"
        if name in bins:
            raise DataError("the characteristic occurs twice", where=place)
        bins[name] = _bins(part, totals, place)
        if part["kept"]:
            shapes.append(_shape(bins[name].shape, part["bins"], place))
            card.reference_points_[name] = _number(part["reference_points"], f"{place}, reference_points")
    intercept = _number(said["intercept"], f"{where}, intercept")
    card.model_ = Additive(intercept, tuple(shapes), _number(said["base_points"], f"{where}, base_points"))
    card.binner_ = binner_of(bins, card.classes_)
    card.schema_, card.tables_, card.summary_ = card.binner_.schema_, card.binner_.tables_, card.binner_.summary_
    card.feature_names_in_, card.n_features_in_ = card.binner_.feature_names_in_, len(bins)
    card.selection_ = card.summary_[["column", "iv"]].assign(
        kept=[bool(part["kept"]) for part in said["characteristics"]],
        reason=[part.get("reason", "") for part in said["characteristics"]],
    )
    numbers = ["coefficient", "standard_error", "p_value"]
    coefficients = pd.DataFrame(said["coefficients"], columns=["column", *numbers])
    card.coefficients_ = coefficients.astype(dict.fromkeys(numbers, float))
    card.edits_ = tuple(Edit(**edit) for edit in said["edits"])
    card.card_ = card.card_of(shapes)
    return card


def binner_of(bins: Mapping[str, ColumnBins], classes: np.ndarray[Any, Any]) -> OptimalBinner:
    """Return a fitted binner of given bins."""
    binner = OptimalBinner()
    columns = [
        Column(name, "numeric", part.shape.special) if isinstance(part.shape, Step) else Column(name, "categorical")
        for name, part in bins.items()
    ]
    binner.schema_, binner.bins_, binner.classes_ = Schema(tuple(columns)), dict(bins), classes
    binner.feature_names_in_, binner.n_features_in_ = np.asarray(list(bins), dtype=object), len(bins)
    return binner.summarised()


def _bins(part: Mapping[str, Any], totals: np.ndarray[Any, Any], place: str) -> ColumnBins:
    rows = part["bins"]
    woe = tuple(_number(row["woe"], f"{place}, bin {row['bin']!r}, woe") for row in rows)
    counts = np.array([[_number(row[name], f"{place}, {name}") for name in ("non_event", "event")] for row in rows])
    if (counts < 0).any():
        raise DataError("a count is negative", where=place)
    row_of: list[int] = []
    used: dict[tuple[str, int], int] = {}
    for slot, row in enumerate(rows):
        key = ("shared", row["shares_bin"]) if "shares_bin" in row else ("own", slot)
        row_of.append(used.setdefault(key, len(used)))
    shape = _step(part, woe, place) if part["kind"] == "numeric" else _levels(part, woe, place)
    return ColumnBins(shape, tuple(str(row["bin"]) for row in rows), counts, tuple(row_of), str(part["trend"]), totals)


def _step(part: Mapping[str, Any], woe: tuple[float, ...], place: str) -> Step:
    rows = part["bins"]
    regular = [row for row in rows if "from" in row]
    codes = [_number(row["code"], f"{place}, code") for row in rows if "code" in row]
    if len(rows) != len(regular) + 1 + len(codes) or not regular or regular[0]["from"] is not None:
        raise DataError(
            "a numeric characteristic has bins that begin at a number (the first at nothing), one for missing values, "
            "and one per special code",
            where=place,
        )
    splits = [_number(row["from"], f"{place}, bin {row['bin']!r}, from") for row in regular[1:]]
    if any(after <= before for before, after in zip(splits, splits[1:], strict=False)):
        raise DataError(f"the bins' bounds must rise; got {splits}", where=place, mend="sort the bins, or merge two")
    return Step(part["column"], tuple(splits), tuple(codes), woe)


def _levels(part: Mapping[str, Any], woe: tuple[float, ...], place: str) -> Levels:
    groups = [row["levels"] for row in part["bins"] if "levels" in row]
    if len(part["bins"]) != len(groups) + 2:
        raise DataError("a categorical characteristic ends with the bins of missing and unseen values", where=place)
    named = [str(name) for group in groups for name in group]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise DataError(f"levels stand in two bins: {', '.join(twice)}", where=place, mend="name each level once")
    return Levels(part["column"], {str(name): g for g, group in enumerate(groups) for name in group}, woe)


def _shape(shape: Step | Levels, rows: Sequence[Mapping[str, Any]], place: str) -> Step | Levels:
    value = tuple(_number(row["log_odds"], f"{place}, bin {row['bin']!r}, log_odds") for row in rows)
    points = tuple(_number(row["points"], f"{place}, bin {row['bin']!r}, points") for row in rows)
    for row, point in zip(rows, points, strict=True):
        if point != round(point):
            raise DataError(f"points are whole numbers; got {point!r}", where=f"{place}, bin {row['bin']!r}")
    if isinstance(shape, Step):
        return Step(shape.column, shape.splits, shape.special, value, points)
    return Levels(shape.column, shape.levels, value, points)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise DataError(f"a finite number is expected; got {value!r}", where=where)
    return float(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
