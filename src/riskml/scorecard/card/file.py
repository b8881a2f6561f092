"""Card file, YAML or JSON: every bin with its bounds, counts, evidence, log-odds and points."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import yaml

from riskml.errors import ConfigError, DataError, InputError, did_you_mean
from riskml.io import parse_yaml, replacing
from riskml.runtime.additive import Additive
from riskml.runtime.shapes import Levels, Step
from riskml.schema import Column, Schema
from riskml.scorecard.binning.binner import OptimalBinner
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.binning.options import special_codes
from riskml.scorecard.binning.periods import no_periods
from riskml.scorecard.card import file_checks as checks
from riskml.scorecard.card.edits import Edit
from riskml.scorecard.card.file_schema import FORMAT, BinPart, CardPart, CharacteristicPart, read_card
from riskml.scorecard.card.fitted import FittedCard
from riskml.scorecard.card.scaling import intercept_shares


class OneLine(dict[str, Any]):
    """A mapping that stands on one line."""


class OneLineList(list[Any]):
    """A list that stands on one line."""


class _Writer(yaml.SafeDumper):
    """Writes bins on one line, and no references from one place to another."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Writer.add_representer(
    OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)
_Writer.add_representer(
    OneLineList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def yaml_text(document: Mapping[str, Any]) -> str:
    """Return a document as YAML."""
    return str(yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000))


def write_document(path: str | Path, document: Mapping[str, Any]) -> None:
    """Write a document as the file's suffix says."""
    text = json.dumps(document, indent=1, ensure_ascii=False) if _is_json(path) else yaml_text(document)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_document(path: str | Path) -> Any:
    """Return what a YAML or JSON file holds."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        if _is_json(path):
            return json.loads(text, object_pairs_hook=_once)
        return parse_yaml(text)
    except FileNotFoundError:
        raise DataError("the card file does not exist", where=str(path), fix="check the path") from None
    except DataError as error:
        raise DataError(error.what, where=f"{path}, {error.where}".removesuffix(", "), fix=error.fix) from None
    except RecursionError:
        raise DataError("the card file is nested too deeply to be a card", where=str(path)) from None
    # A number or a day that cannot be is a plain ValueError of either reader.
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise DataError(f"the card file cannot be read: {error}", where=str(path)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise DataError(f"the key {key!r} occurs twice", fix="keep one")
        mapping[key] = value
    return mapping


def _is_json(path: str | Path) -> bool:
    suffix = Path(path).suffix.lower()
    if suffix not in (".json", ".yaml", ".yml"):
        raise ConfigError(f"a card is saved as .yaml or .json; got {suffix!r}", where=str(path))
    return suffix == ".json"


Card = TypeVar("Card", bound=FittedCard)
_NUMBERS = ("pdo", "base_score", "base_odds", "smoothing", "max_bins", "min_bin_size", "C", "flexibility")
_LARGEST = 1e30


def card_document(card: FittedCard) -> dict[str, Any]:
    """Return a fitted card as plain values."""
    shapes = {shape.column: shape for shape in card.model_.shapes}
    reasons = dict(zip(card.selection_["column"], card.selection_["reason"], strict=True))
    totals = next(iter(card.binner_.bins_.values())).totals
    return {
        "riskml_scorecard": FORMAT,
        "parameters": {name: _parameter(value, name) for name, value in card.get_params(deep=False).items()},
        "fitted_with": OneLineList(card.fitted_with_),
        "column_names": hasattr(card, "feature_names_in_"),
        "classes": OneLineList(_parameter(value, "classes") for value in card.classes_),
        "intercept": float(card.model_.intercept),
        "base_points": int(card.model_.base_points or 0),
        "totals": OneLine(zip(("non_event", "event"), map(float, totals), strict=True)),
        "characteristics": [
            _characteristic(card, bins, shapes.get(name), reasons.get(name, ""))
            for name, bins in card.binner_.bins_.items()
        ],
        "coefficients": [
            OneLine({str(key): None if pd.isna(value) else _parameter(value, str(key)) for key, value in row.items()})
            for row in card.coefficients_.to_dict("records")
        ],
        "edits": [
            {name: _parameter(value, name) for name, value in vars(edit).items() if value is not None}
            for edit in card.edits_
        ],
    }


def _parameter(value: Any, name: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        inner = {str(key): _parameter(item, name) for key, item in value.items()}
        return inner if any(isinstance(item, Mapping) for item in inner.values()) else OneLine(inner)
    if isinstance(value, (Sequence, set, frozenset, np.ndarray, pd.Series, pd.Index)):
        return OneLineList(_parameter(item, name) for item in value)
    raise ConfigError(
        f"a card file holds numbers, text, lists and mappings; got {value!r}", where=name, fix="fit with plain values"
    )


def _characteristic(card: FittedCard, bins: ColumnBins, shape: Any, reason: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"column": bins.column, "kind": bins.shape.kind, "kept": shape is not None}
    if shape is None:
        entry["reason"] = reason
    else:
        entry["reference_points"] = card.reference_points_[bins.column]
    entry["trend"] = bins.trend
    if bins.note:
        entry["note"] = bins.note
    rows = []
    for slot, label in enumerate(bins.labels):
        row = OneLine({"bin": label} | _role(bins, slot))
        row |= {"non_event": float(bins.counts[slot, 0]), "event": float(bins.counts[slot, 1])}
        if bins.row.count(bins.row[slot]) > 1:
            row["shares_bin"] = int(bins.row[slot])
        row["woe"] = float(bins.shape.value[slot])
        if shape is not None:
            row |= {"log_odds": float(shape.value[slot]), "points": int(shape.points[slot])}
        rows.append(OneLine(row))
    return entry | {"bins": rows}


def _role(bins: ColumnBins, slot: int) -> dict[str, Any]:
    shape = bins.shape
    if slot == bins.regular:
        return {"missing": True}
    if isinstance(shape, Levels):
        if slot > bins.regular:
            return {"unseen": True}
        return {"levels": [name for name, group in shape.levels.items() if group == slot]}
    if slot > bins.regular:
        return {"code": float(shape.special[slot - bins.regular - 1])}
    return {"from": float(shape.splits[slot - 1]) if slot else None}


def card_from_document(kind: type[Card], raw: Any, where: str) -> Card:
    """Return the card that a document describes; what does not fit together is refused."""
    part = read_card(raw, where)
    card = _with_parameters(kind, part.parameters, [row.column for row in part.characteristics], where)
    checks.check_classes(part.classes, where)
    checks.check_coefficients(part, where)
    binner = _binner(card, part, where)
    bins, shapes = _read_bins(part, binner, where)
    edits = _read_edits(part, where)
    checks.check_edits(edits, bins, shapes, where)
    edited = checks.edited_points(edits, bins, where)
    if not card.flexibility:
        checks.check_classic(part, bins, shapes, edited, where)
    references = {row.column: row.reference_points for row in part.characteristics if row.reference_points is not None}
    checks.check_base_points(part, card.scale, where)
    shares = intercept_shares(part.intercept, len(shapes), card.scale)
    for share, (name, shape) in zip(shares, shapes.items(), strict=True):
        place = f"{where}, characteristic {name!r}"
        checks.check_points(bins[name], shape, set(edited.get(name, {})), references[name], share, card.scale, place)
    checks.check_kept({name: bins[name].iv for name in shapes}, part, card.rules, where)
    card.model_ = Additive(part.intercept, tuple(shapes.values()), float(part.base_points))
    card.classes_ = np.asarray(part.classes)
    card.reference_points_ = references
    card.binner_ = _fitted(binner, bins, card.classes_, named=part.column_names)
    card.schema_, card.tables_, card.summary_ = card.binner_.schema_, card.binner_.tables_, card.binner_.summary_
    card.n_features_in_ = len(bins)
    if part.column_names:
        card.feature_names_in_ = card.binner_.feature_names_in_
    card.selection_ = card.summary_[["column", "iv"]].assign(
        kept=[row.kept for row in part.characteristics], reason=[row.reason or "" for row in part.characteristics]
    )
    numbers = ["coefficient", "standard_error", "p_value"]
    coefficients = pd.DataFrame([row.model_dump() for row in part.coefficients], columns=["column", *numbers])
    card.coefficients_ = coefficients.astype(dict.fromkeys(numbers, float))
    card.edits_, card.fitted_with_ = tuple(edits), tuple(part.fitted_with)
    card.card_ = card.card_of(list(shapes.values()))
    return card


def _with_parameters(kind: type[Card], parameters: Mapping[str, Any], columns: Sequence[str], where: str) -> Card:
    card = kind()
    known = card.get_params(deep=False)
    unknown, absent = sorted(set(parameters) - set(known)), sorted(set(known) - set(parameters))
    if unknown or absent:
        problem = (
            f"unknown parameters: {', '.join(unknown)}" if unknown else f"parameters are absent: {', '.join(absent)}"
        )
        fix = did_you_mean(unknown[0], known) if unknown else "write them as Scorecard.save does, defaults included"
        raise DataError(problem, where=f"{where}, parameters", fix=fix)
    for name, value in parameters.items():
        if not _is_like(value, known[name]) or (value is None and name in _NUMBERS):
            raise DataError(
                f"{name} is of the kind of {known[name]!r}; got {str(value)[:40]}", where=f"{where}, parameters.{name}"
            )
    card.set_params(**parameters)
    try:
        _ = card.scale
        card.check_numbers()
        card.rules.check(columns)
    except ConfigError as error:
        raise DataError(error.what, where=f"{where}, parameters.{error.where}", fix=error.fix) from None
    return card


def _is_like(value: Any, default: Any) -> bool:
    """Tell whether a value is of its default's kind; what may be left out may be null."""
    if value is None or default is None:
        return True
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST
    return isinstance(value, list if isinstance(default, tuple) else type(default))


def _read_bins(
    part: CardPart, binner: OptimalBinner, where: str
) -> tuple[dict[str, ColumnBins], dict[str, Step | Levels]]:
    totals = np.array([part.totals.non_event, part.totals.event])
    options = binner._options([row.column for row in part.characteristics])
    bins: dict[str, ColumnBins] = {}
    shapes: dict[str, Step | Levels] = {}
    for row in part.characteristics:
        name, place = row.column, f"{where}, characteristic {row.column!r}"
        if name in bins:
            raise DataError("the characteristic occurs twice", where=place)
        rows = checks.ordered_rows(row, place)
        special = checks.special_groups(row, rows, special_codes(binner.special_values, Column(name, "categorical")))
        checks.check_rows(row, rows, special, place)
        bins[name] = _bins(row, rows, totals, special, place)
        codes = getattr(bins[name].shape, "special", None)
        if codes is not None and codes != special_codes(binner.special_values, Column(name, "numeric")):
            raise DataError("the special codes are not those of parameters.special_values", where=f"{place}, code")
        checks.check_bins(bins[name], options[name], place)
        if row.kept:
            value = tuple(float(bin_.log_odds or 0.0) for bin_ in rows)
            points = tuple(float(bin_.points or 0) for bin_ in rows)
            shapes[name] = replace(bins[name].shape, value=value, points=points)
    return bins, shapes


def _bins(
    part: CharacteristicPart, rows: list[BinPart], totals: np.ndarray[Any, Any], special: int, place: str
) -> ColumnBins:
    row_of: list[int] = []
    used: dict[tuple[str, int], int] = {}
    for slot, row in enumerate(rows):
        key = ("own", slot) if row.shares_bin is None else ("shared", row.shares_bin)
        row_of.append(used.setdefault(key, len(used)))
        if row.woe != rows[row_of.index(row_of[-1])].woe:
            raise DataError("bins that share one have one weight", where=f"{place}, bin {row.bin!r}, shares_bin")
    woe = tuple(float(row.woe) for row in rows)
    shape: Step | Levels
    if part.kind == "numeric":
        splits = tuple(float(row.from_) for row in rows if row.from_ is not None)
        codes = tuple(float(row.code) for row in rows if row.code is not None)
        shape = Step(part.column, splits, codes, woe)
    else:
        groups = [row.levels for row in rows if row.levels]
        shape = Levels(part.column, {name: g for g, group in enumerate(groups) for name in group}, woe)
    counts = np.array([[row.non_event, row.event] for row in rows], dtype=np.float64)
    labels = tuple(row.bin for row in rows)
    return ColumnBins(shape, labels, counts, tuple(row_of), part.trend, totals, part.note, special)


def _read_edits(part: CardPart, where: str) -> list[Edit]:
    edits = []
    for row in part.edits:
        try:
            edits.append(Edit(**row.model_dump()))
        except InputError as error:
            raise DataError(error.what, where=f"{where}, {error.where}", fix=error.fix) from None
    return edits


def _binner(card: FittedCard, part: CardPart, where: str) -> OptimalBinner:
    """Return the binner that the card would fit, with options that make sense for the file's columns."""
    parameters = card.get_params(deep=False)
    binner = OptimalBinner(constant="keep")
    binner.set_params(**{name: parameters[name] for name in binner.get_params(deep=False) if name in parameters})
    try:
        binner._options([row.column for row in part.characteristics])
        for row in part.characteristics:
            special_codes(binner.special_values, Column(row.column, row.kind))
    except InputError as error:
        raise DataError(error.what, where=f"{where}, parameters, {error.where}", fix=error.fix) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the options of the bins make no sense: {error}", where=f"{where}, parameters") from None
    return binner


def _fitted(
    binner: OptimalBinner, bins: Mapping[str, ColumnBins], classes: np.ndarray[Any, Any], *, named: bool
) -> OptimalBinner:
    columns = [
        Column(name, "numeric", part.shape.special)
        if isinstance(part.shape, Step)
        else Column(name, "categorical", special_codes(binner.special_values, Column(name, "categorical")))
        for name, part in bins.items()
    ]
    binner.schema_ = Schema(tuple(columns))
    binner.bins_, binner.classes_, binner.n_features_in_ = dict(bins), classes, len(bins)
    if named:
        binner.feature_names_in_ = np.asarray(list(bins), dtype=object)
    binner.by_period_ = no_periods()
    return binner.summarised()
