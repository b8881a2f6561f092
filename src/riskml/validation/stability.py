"""Whether the model holds everywhere: by segment, over time, and for each characteristic."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from riskml.data.grouping import grouping, period_of
from riskml.errors import DataError
from riskml.metrics import baseline, csi, drift_test, performance_by, psi_test
from riskml.schema import Column, Schema

_KEPT = (
    "group",
    "count",
    "event",
    "event_rate",
    "mean_p",
    "auc",
    "auc_lower",
    "auc_upper",
    "observed_expected",
    "oe_lower",
    "oe_upper",
)
_LEAST = 20  # rows of a segment, on both sides, below which no PSI of it is worth telling


def characteristics(learnt: pd.DataFrame, unseen: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the stability index of every column between the training rows and the rows set aside."""
    fixed = {column.name: baseline(learnt[column.name], special_values=column.special) for column in schema}
    tested = {column.name: _drift(learnt[column.name], unseen[column.name], column) for column in schema}
    table = csi(fixed, unseen[list(fixed)])
    return table.join(
        pd.DataFrame(tested.values(), index=list(tested), columns=["test", "statistic", "drift"]), "column"
    )


def _drift(before: pd.Series, now: pd.Series, column: Column) -> tuple[str, float, bool | None]:
    try:
        test = drift_test(before, now, special_values=column.special)
    except DataError:  # all values of one side are missing, or special codes: the CSI has told so
        return "", float("nan"), None
    return test.method, test.statistic, test.drift


def by_segment(
    columns: Sequence[str], X: pd.DataFrame, learnt: pd.DataFrame, unseen: pd.DataFrame, schema: Schema
) -> pd.DataFrame:
    """Return ranking, calibration and shift in the segments of some columns."""
    tables = [pd.DataFrame(columns=["by", *_KEPT, "psi", "no_shift"])] if not columns else []
    for name in columns:
        bands = grouping(X.loc[learnt.index, name], special=schema[name].special, bands=3, most=8)
        before, now = bands.of(X.loc[learnt.index, name]), bands.of(X.loc[unseen.index, name])
        table = performance_by(unseen["_target"], unseen["probability"], now.cat.remove_unused_categories())
        table = table[list(_KEPT)].assign(group=table["group"].astype(str))
        table.insert(0, "by", name)
        shifts = [
            _shift(learnt.loc[before == group, "probability"], unseen.loc[now == group, "probability"])
            for group in table["group"]
        ]
        tables.append(table.assign(psi=[shift[0] for shift in shifts], no_shift=[shift[1] for shift in shifts]))
    return pd.concat(tables, ignore_index=True)


def over_time(dates: pd.Series | None, development: pd.Series, scored: pd.DataFrame) -> pd.DataFrame:
    """Return ranking, calibration and shift by period; nothing where the rows have no dates."""
    if dates is None:
        return pd.DataFrame(columns=["by", *_KEPT, "psi", "no_shift", "part"])
    period = period_of(dates.loc[scored.index])
    tables = []
    for part, rows in scored.groupby("_part", sort=False):
        own = period.loc[rows.index]
        table = performance_by(rows["_target"], rows["probability"], own)[list(_KEPT)]
        shifts = [_shift(development, rows.loc[own == group, "probability"]) for group in table["group"]]
        table = table.assign(
            group=table["group"].astype(str), psi=[shift[0] for shift in shifts], no_shift=[s[1] for s in shifts]
        )
        table.insert(0, "by", "period")
        tables.append(table.assign(part=part))
    return pd.concat(tables, ignore_index=True).sort_values("group", kind="stable", ignore_index=True)


def together(segments: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Return segments and periods in one table; the part of the segments is that of the rows set aside."""
    parts = [part for part in (segments, periods) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else segments


def _shift(before: pd.Series, now: pd.Series) -> tuple[float, float]:
    if min(len(before), len(now)) < _LEAST:
        return float("nan"), float("nan")
    test = psi_test(before, now, n_bins=5)
    return test.psi, test.no_shift
