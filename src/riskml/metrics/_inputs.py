"""What a measure accepts: the checks at the doors, one clear error for each kind of bad input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from riskml.errors import ConfigError, DataError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def _vector(values: ArrayLike, name: str) -> Floats:
    """Return the values as a vector of floats without a missing value."""
    try:
        if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
            array = values.astype(np.float64, copy=False)
        elif isinstance(values, pd.Series | pd.Index):
            array = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} must be numbers, got something else: {error}",
            where=name,
            fix="turn labels into 0 and 1 (1 is the event), and scores into numbers",
        ) from None
    if array.ndim != 1:
        raise DataError(
            f"{name} must have one dimension, got shape {array.shape}",
            where=name,
            fix="of predict_proba's two columns pass the second one, [:, 1]",
        )
    if array.size == 0:
        raise DataError(f"{name} has no rows", where=name)
    missing = np.isnan(array)
    if missing.any():
        raise DataError(
            f"{name} has {int(missing.sum())} missing values in {array.size} rows",
            where=f"{name}, first at row {int(missing.argmax())} (counted from 0)",
            fix="drop these rows, or find out why they were not scored or have no outcome",
        )
    return array


def number_vector(values: ArrayLike, name: str, *, length: int | None = None) -> Floats:
    """Return the values as a vector of floats; a missing value or another length is an error."""
    array = _vector(values, name)
    if length is not None and array.size != length:
        raise DataError(
            f"{name} has {array.size} rows where y has {length}",
            where=name,
            fix="pass the outcome and the score of the same rows, in the same order",
        )
    return array


def _flags(y: ArrayLike, name: str) -> Flags:
    """Return 0/1 values as flags."""
    if isinstance(y, np.ndarray) and y.dtype == np.bool_ and y.ndim == 1 and y.size:
        return y
    array = _vector(y, name)
    flags: Flags = array == 1
    wrong = ~flags & (array != 0)
    if wrong.any():
        values = ", ".join(f"{value:g}" for value in np.unique(array[wrong])[:5])
        raise DataError(
            f"{name} must be 0 or 1, got also {values}",
            where=f"{name}, first at row {int(wrong.argmax())} (counted from 0)",
            fix="set the event (default, churn) to 1 and everything else to 0",
        )
    return flags


def outcome(y: ArrayLike, *, both_classes: bool = False, at_least: int = 1, name: str = "y") -> Flags:
    """Return 0/1 outcomes as flags, True is the event."""
    flags = _flags(y, name)
    if both_classes:
        _both_classes(flags, at_least, name)
    return flags


def _both_classes(flags: Flags, at_least: int, name: str) -> None:
    events = int(flags.sum())
    if min(events, flags.size - events) < at_least:
        raise DataError(
            f"{name} must have at least {at_least} of each class, "
            f"got {events} events and {flags.size - events} non-events",
            where=name,
            fix="use more rows, or a longer performance window, so that both outcomes occur",
        )


def probability(p: ArrayLike, name: str = "p", *, length: int | None = None) -> Floats:
    """Return probabilities as floats; a value outside 0…1 is an error."""
    array = number_vector(p, name, length=length)
    wrong = (array < 0) | (array > 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{name} must be probabilities between 0 and 1, got {array[row]:g}",
            where=f"{name}, first at row {row} (counted from 0)",
            fix="pass the probability of the event, not points or log-odds",
        )
    return array


def outcome_and_score(
    y: ArrayLike, score: ArrayLike, *, at_least: int = 1, name: str = "score"
) -> tuple[Flags, Floats]:
    """Return checked outcomes of both classes, and scores, of the same rows."""
    flags = outcome(y)
    numbers = number_vector(score, name, length=flags.size)
    _both_classes(flags, at_least, "y")
    return flags, numbers


def outcome_and_probability(y: ArrayLike, p: ArrayLike, *, name: str = "p") -> tuple[Flags, Floats]:
    """Return checked outcomes and probabilities of the same rows."""
    flags = outcome(y)
    return flags, probability(p, name, length=flags.size)


def column(values: ArrayLike | pd.Series[Any], name: str, *, length: int | None = None) -> pd.Series[Any]:
    """Return values of any kind, missing ones too, as a column; rows are told by position, whatever its index was."""
    shape = getattr(values, "shape", (0,))
    if len(shape) != 1:
        raise DataError(f"{name} must have one dimension, got shape {shape}", where=name)
    # A list does not go by way of an array: numpy would turn a missing value among texts into the text "nan".
    series = values.reset_index(drop=True) if isinstance(values, pd.Series) else pd.Series(values)
    if length is not None and len(series) != length:
        raise DataError(
            f"{name} has {len(series)} rows where {length} are expected",
            where=name,
            fix="pass one value for each row, in the same order",
        )
    return series


def group_codes(group: ArrayLike | pd.Series, name: str, *, length: int) -> tuple[NDArray[np.intp], pd.Index]:
    """Return each row's group number and the groups in order; missing values form a group of their own, last."""
    values = column(group, name, length=length)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        codes, labels = values.cat.codes.to_numpy().astype(np.intp), pd.Index(values.cat.categories)
    else:
        try:
            codes, labels = pd.factorize(values, sort=True)
        except TypeError:
            raise DataError(
                f"{name} mixes kinds of values that have no order, such as numbers and text",
                where=name,
                fix="turn the groups into text, or into an ordered categorical",
            ) from None
        labels = pd.Index(labels)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(labels), codes)
        labels = pd.Index([*labels.tolist(), "missing"], dtype=object)
    return codes, labels


def level_of(level: float) -> float:
    """Return the confidence level; one outside 0…1 is an error."""
    if not 0 < level < 1:
        raise ConfigError(f"level must be between 0 and 1, got {level!r}", where="level", fix="use for example 0.95")
    return level


def positive_int(value: int, name: str, *, at_least: int = 1) -> int:
    """Return a whole number of at least ``at_least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise ConfigError(f"{name} must be a whole number of at least {at_least}, got {value!r}", where=name)
    return int(value)


def positive(value: float, name: str, *, zero: bool = False) -> float:
    """Return a finite number above zero (or not below it)."""
    number = float(value)
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise ConfigError(f"{name} must be {'at least' if zero else 'above'} 0, got {value!r}", where=name)
    return number


def same_length(columns: Sequence[Floats], names: Sequence[str]) -> None:
    """Raise where vectors that describe the same rows have different lengths."""
    sizes = {name: column.size for name, column in zip(names, columns, strict=True)}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise DataError(f"these must have one length, got {listed}", where=", ".join(names))
