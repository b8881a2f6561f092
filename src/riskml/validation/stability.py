"""Stability of the model: by segment, over time, and of each characteristic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from riskml.data.grouping import grouping, period_of
from riskml.errors import DataError
from riskml.metrics import baseline, csi, drift_test, performance_by, psi_test
from riskml.schema import Column, Schema

_MEASURES = [
    "group", "count", "event", "event_rate", "mean_p", "auc", "auc_lower", "auc_upper", "observed_expected",
    "oe_lower", "oe_upper",
]  # fmt: skip
_LEAST = 20  # rows of a segment, on either side, that a PSI needs


def characteristics(training: pd.DataFrame, test: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the stability index of every column between the training set and the test set, and its drift test."""
    fixed = {column.name: baseline(training[column.name], special_values=column.special) for column in schema}
    drift = [_drift(training[column.name], test[column.name], column) for column in schema]
    tests = pd.DataFrame(drift, index=list(fixed), columns=["test", "statistic", "drift"])
    return csi(fixed, test[list(fixed)]).join(tests, "column")


def _drift(before: pd.Series, now: pd.Series, column: Column) -> tuple[str, float, bool | None]:
    try:
        test = drift_test(before, now, special_values=column.special)
    except DataError:  # all values of one side are missing, or special codes: the CSI shows that
        return "", float("nan"), None
    return test.method, test.statistic, test.drift


def by_segment(
    columns: Sequence[str], X: pd.DataFrame, training: pd.DataFrame, test: pd.DataFrame, schema: Schema
) -> pd.DataFrame:
    """Return ranking, calibration and shift in the segments of some columns."""
    tables = [] if columns else [pd.DataFrame(columns=["by", *_MEASURES, "psi", "no_shift"])]
    for name in columns:
        bands = grouping(X.loc[training.index, name], special=schema[name].special, bands=3, most=8)
        groups = bands.of(X.loc[training.index, name])
        before = {group: training.loc[groups == group, "probability"] for group in groups.cat.categories}
        now = bands.of(X.loc[test.index, name]).cat.remove_unused_categories()
        tables.append(_measured(name, test, now, before))
    return pd.concat(tables, ignore_index=True)


def over_time(dates: pd.Series | None, development: pd.Series, scored: pd.DataFrame) -> pd.DataFrame:
    """Return ranking, calibration and shift by period; no rows without dates."""
    if dates is None:
        return pd.DataFrame(columns=["by", *_MEASURES, "psi", "no_shift", "part"])
    period = period_of(dates.loc[scored.index])
    before = dict.fromkeys(period.unique(), development)
    parts = scored.groupby("_part", sort=False)
    tables = [_measured("period", rows, period.loc[rows.index], before).assign(part=part) for part, rows in parts]
    return pd.concat(tables, ignore_index=True).sort_values("group", kind="stable", ignore_index=True)


def _measured(by: str, rows: pd.DataFrame, groups: pd.Series, before: Mapping[Any, pd.Series]) -> pd.DataFrame:
    """Return the measures of each group of rows, and the shift of its scores from those before."""
    table = performance_by(rows["_target"], rows["probability"], groups)[_MEASURES]
    shifts = [_shift(before[group], rows.loc[groups == group, "probability"]) for group in table["group"]]
    table[["psi", "no_shift"]] = np.array(shifts, dtype=np.float64).reshape(len(table), 2)
    table.insert(0, "by", by)
    return table.assign(group=table["group"].astype(str))


def together(segments: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Return segments, which are of the test set, and periods in one table."""
    parts = [part for part in (segments, periods) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else segments


def _shift(before: pd.Series, now: pd.Series) -> tuple[float, float]:
    if min(len(before), len(now)) < _LEAST:
        return float("nan"), float("nan")
    test = psi_test(before, now, n_bins=5)
    return test.psi, test.no_shift
