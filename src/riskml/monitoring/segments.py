"""Every figure again, in the groups of some columns: a model may fail one group and look well over all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from riskml.config.monitoring import MonitoringConfig
from riskml.data.grouping import grouping
from riskml.errors import ConfigError, did_you_mean, preview
from riskml.metrics import performance_by
from riskml.monitoring.drift import nearer_psi, shift_status
from riskml.monitoring.estimated_performance import estimated_performance
from riskml.monitoring.reference import Reference
from riskml.monitoring.snapshot import Snapshot

COLUMNS = (
    *("by", "group", "customers", "small", "mean_probability", "psi", "no_shift", "status"),
    *("auc_estimated", "auc_estimated_low", "auc_estimated_high"),
    *("known", "events", "auc", "auc_low", "auc_high", "observed_expected", "oe_low", "oe_high"),
)
_REALISED = {
    "count": "known",
    "event": "events",
    "auc": "auc",
    "auc_lower": "auc_low",
    "auc_upper": "auc_high",
    "observed_expected": "observed_expected",
    "oe_lower": "oe_low",
    "oe_upper": "oe_high",
}
_BANDS, _MOST = 3, 8


def by_segment(
    names: Sequence[str], reference: Reference, book: Snapshot, scores: pd.DataFrame, limits: MonitoringConfig
) -> pd.DataFrame:
    """Return shift, estimated and realised performance in the groups of some columns.

    Parameters
    ----------
    names : sequence of str
        Columns of the book: numbers are cut into thirds (of training where it has the column), levels are groups.
    scores : DataFrame of shape (n, any)
        ``probability``, in the book's order.

    Returns
    -------
    DataFrame
        ``by``, ``group``, ``customers``, ``small`` (below ``small_segment``: shown, and not judged),
        ``mean_probability``, ``psi`` and ``no_shift`` of the scores against the same group in training, ``status``,
        ``auc_estimated`` with its interval; ``known``, ``events``, ``auc`` and ``observed_expected`` with theirs, where
        outcomes are known. What cannot be told is missing.

    Raises
    ------
    ConfigError
        When the book has no such column.
    """
    tables = [_of_column(name, reference, book, scores, limits) for name in names]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def _of_column(
    name: str, reference: Reference, book: Snapshot, scores: pd.DataFrame, limits: MonitoringConfig
) -> pd.DataFrame:
    if name not in book.frame.columns:
        raise ConfigError(
            f"there is no column {name!r} to make segments of; the book has {preview(book.frame.columns)}",
            where="monitoring.segments",
            fix=did_you_mean(name, book.frame.columns) or "name one of the book's columns",
        )
    learnt = reference.X.get(name)
    special = reference.schema[name].special if learnt is not None else ()
    own = book.frame[name]
    bands = grouping(own if learnt is None else learnt, special=special, bands=_BANDS, most=_MOST)
    groups = bands.of(own).reset_index(drop=True)
    before = None if learnt is None else bands.of(learnt)
    chance = scores["probability"].reset_index(drop=True)
    rows = [_of_group(group, groups, before, chance, reference, limits) for group in groups.cat.categories]
    table = pd.DataFrame([{"by": name, **row} for row in rows if row["customers"]])
    known = book.outcome.notna()
    if known.any():
        measured = performance_by(book.outcome[known], chance[known], groups[known].astype(str), level=limits.level)
        own_figures = measured.set_index("group")[list(_REALISED)].rename(columns=_REALISED)
        table = table.join(own_figures, on="group")
    return table.reindex(columns=list(COLUMNS))


def _of_group(
    group: str,
    groups: pd.Series,
    before: pd.Series | None,
    chance: pd.Series,
    reference: Reference,
    limits: MonitoringConfig,
) -> dict[str, object]:
    own = chance[groups == group]
    row: dict[str, object] = {"group": str(group), "customers": len(own), "small": len(own) < limits.small_segment}
    if own.empty:
        return row
    performance = estimated_performance(own.to_numpy(), level=limits.level)
    row |= {
        "mean_probability": performance.event_rate.value,
        "auc_estimated": performance.auc.value,
        "auc_estimated_low": performance.auc.low,
        "auc_estimated_high": performance.auc.high,
        "psi": np.nan,
        "no_shift": np.nan,
        "status": "",
    }
    then = reference.scores[(before == group).to_numpy()] if before is not None else reference.scores[:0]
    if min(len(then), len(own)) >= limits.small_segment:
        test, _ = nearer_psi(then, own, n_bins=5, level=limits.level)
        row |= {
            "psi": test.psi,
            "no_shift": test.no_shift,
            "status": shift_status(test.psi, test.no_shift, limits),
        }
    return row
