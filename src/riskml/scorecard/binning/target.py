"""Validation of the target and the weights of the scorecard's estimators."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import column_or_1d

from riskml.base import RiskEstimator
from riskml.errors import DataError
from riskml.runtime.frame import Floats

_MOST_TIMES = 1000  # times that a row may be repeated; larger multiples are no counts
_NUMERIC = {"boolean", "integer", "floating", "mixed-integer-float", "decimal", "empty"}


class _Target(RiskEstimator):
    """Only learns a target."""


def binary_target(frame: pd.DataFrame, y: Any) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Return the two classes, and 1 for each row of the second, shape (n,)."""
    labels = np.asarray(y) if isinstance(y, (np.ndarray, pd.Series)) else np.empty(0)
    if labels.ndim == 1 and labels.dtype.kind in "biu" and 0 < len(labels) == len(frame):
        # The general way sorts the labels, which takes longer than binning a column.
        low, high = labels.min(), labels.max()
        event = labels == high
        if low != high and (event | (labels == low)).all():
            return np.array([low, high]), event.view(np.int8)
    target = _Target()
    codes = target._learn_target(frame, y)
    return target.classes_, codes


def without_zero_weights(
    frame: pd.DataFrame, event: NDArray[np.int8], weight: Floats | None
) -> tuple[pd.DataFrame, NDArray[np.int8], Floats | None]:
    """Return the rows that count: one of weight 0 must not even move a quantile."""
    if weight is None or weight.all():
        return frame, event, weight
    rows = weight > 0
    if len(np.unique(event[rows])) < 2:
        raise DataError("the target has one class only among the rows whose weight is not zero", where="sample_weight")
    return frame[rows], event[rows], weight[rows]


def row_weights(sample_weight: Any, rows: int) -> Floats | None:
    """Return weights of rows as floats, shape (n,), or None where every row counts once.

    A constant factor changes nothing: weights that are whole multiples of the smallest positive one (1, 2, 3 or .1,
    .2, .3) are divided by it, so that a weight of 2 is a row repeated; all others are divided by their mean over the
    rows that count, so that penalties and least counts meet as many rows as there are.
    """
    if sample_weight is None:
        return None
    if np.isscalar(sample_weight):
        if not isinstance(sample_weight, Real) or not 0 < float(sample_weight) < np.inf:
            raise DataError(
                f"one weight for all rows must be finite and positive; got {sample_weight!r}", where="sample_weight"
            )
        return np.ones(rows)
    weight = _numbers(sample_weight)
    if len(weight) != rows:
        raise DataError(f"one weight for each of {rows} rows is needed; got {len(weight)}", where="sample_weight")
    bad = ~np.isfinite(weight) | (weight < 0)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"weights must be finite and not negative; got {weight[first]}",
            where=f"sample_weight, position {first} (and {int(bad.sum()) - 1} more)",
        )
    if not weight.any():
        raise DataError("all weights are zero", where="sample_weight")
    return _without_factor(weight)


def _without_factor(weight: Floats) -> Floats:
    # The largest weight first: a sum of numbers near the limits of floats would overflow, or vanish.
    weight = weight / weight.max()
    positive = weight[weight > 0]
    times = weight / positive.min()
    whole = np.round(times)
    if times.max() <= _MOST_TIMES and np.allclose(times, whole, rtol=1e-9, atol=0):
        return np.asarray(whole)
    return np.asarray(weight / positive.mean())


def _numbers(sample_weight: Any) -> Floats:
    try:
        weights = column_or_1d(sample_weight)
    except ValueError:
        shape = getattr(sample_weight, "shape", None)
        got = f"an array of shape {shape}" if shape else f"a {type(sample_weight).__name__}"
        raise DataError(
            f"weights are one real number for each row; got {got}",
            where="sample_weight",
            fix="hand in an array of shape (n,)",
        ) from None
    if weights.dtype.kind in "biuf":
        return np.asarray(weights, dtype=np.float64)
    kind = pd.api.types.infer_dtype(weights, skipna=True)
    if kind not in _NUMERIC:
        raise DataError(f"weights are numbers; got {kind}", where="sample_weight")
    return np.asarray(pd.Series(weights, dtype=object).astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))
