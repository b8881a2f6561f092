"""Monitoring by segment: shift, estimated and realised performance in groups of customers."""

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
    names: Sequence[str], reference: Reference, snapshot: Snapshot, scores: pd.DataFrame, limits: MonitoringConfig
) -> pd.DataFrame:
    """Return shift, estimated and realised performance by segment.

    Parameters
    ----------
    names : sequence of str
        Columns of the portfolio: numbers are cut into thirds (of training, if it has the column), levels are groups.
    scores : DataFrame of shape (n, any)
        ``probability``, in the order of the portfolio.

    Returns
    -------
    DataFrame
        ``by``, ``group``, ``customers``, ``small`` (below ``small_segment``: not judged),
        ``mean_probability``, ``psi`` and ``no_shift`` of the scores against the same group in training, ``status``,
        ``auc_estimated`` with its interval; ``known``, ``events``, ``auc`` and ``observed_expected`` with theirs, where
        outcomes are known; else missing.

    Raises
    ------
    ConfigError
        When the portfolio has no such column.
    """
    tables = [_of_column(name, reference, snapshot, scores, limits) for name in names]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def _of_column(
    name: str, reference: Reference, snapshot: Snapshot, scores: pd.DataFrame, limits: MonitoringConfig
) -> pd.DataFrame:
    if name not in snapshot.frame.columns:
        raise ConfigError(
            f"the portfolio has no column {name!r}; it has {preview(snapshot.frame.columns)}",
            where="monitoring.segments",
            fix=did_you_mean(name, snapshot.frame.columns) or "name one of its columns",
        )
    training = reference.X.get(name)
    special = reference.schema[name].special if training is not None else ()
    own = snapshot.frame[name]
    bands = grouping(own if training is None else training, special=special, bands=_BANDS, most=_MOST)
    groups = bands.of(own).reset_index(drop=True)
    before = None if training is None else bands.of(training)
    chance = scores["probability"].reset_index(drop=True)
    rows = [_of_group(group, groups, before, chance, reference, limits) for group in groups.cat.categories]
    table = pd.DataFrame([{"by": name, **row} for row in rows if row["customers"]])
    known = snapshot.outcome.notna()
    if known.any():
        measured = performance_by(snapshot.outcome[known], chance[known], groups[known].astype(str), level=limits.level)
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
    earlier = reference.scores[(before == group).to_numpy()] if before is not None else reference.scores[:0]
    if min(len(earlier), len(own)) >= limits.small_segment:
        test, _ = nearer_psi(earlier, own, n_bins=5, level=limits.level)
        row |= {"psi": test.psi, "no_shift": test.no_shift, "status": shift_status(test.psi, test.no_shift, limits)}
    return row
