"""Realised performance: a model measured on known outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.data.grouping import period_of
from riskml.metrics import auc_decline, brier, log_loss, performance_by
from riskml.monitoring.estimated_performance import Estimate
from riskml.validation.performance import Performance


@dataclass(frozen=True)
class RealisedPerformance:
    """Performance on the customers with a known outcome.

    Parameters
    ----------
    rows, events : int
        Customers with a known outcome, and events among them.
    auc : Estimate or None
        With its DeLong interval; None with fewer than two events or non-events.
    decline_p : float
        One-sided p-value of the test that the AUC is no lower than on the hold-out rows; NaN without an AUC.
    observed_expected : Estimate
        Observed over expected events, above 1 where the risk was underestimated; Jeffreys interval.
    by_tier : DataFrame
        ``tier`` (the portfolio last), ``count``, ``event``, ``event_rate``, ``pd``, ``ratio``, ``lower``, ``upper``,
        ``jeffreys_p`` (that the risk is not underestimated), ``binomial_p``, ``rejected`` (by the Jeffreys test).
    by_period : DataFrame
        `riskml.metrics.performance_by` of the as-of dates; empty without dates.
    """

    rows: int
    events: int
    auc: Estimate | None
    decline_p: float
    observed_expected: Estimate
    event_rate: float
    mean_probability: float
    brier: float
    log_loss: float
    by_tier: pd.DataFrame
    by_period: pd.DataFrame


def realised(
    outcome: pd.Series,
    scores: pd.DataFrame,
    tiers: list[str],
    *,
    auc_before: float,
    dates: pd.Series | None = None,
    level: float = 0.95,
) -> RealisedPerformance:
    """Measure a model on the customers with a known outcome.

    Source: ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.1 and 2.5.3.

    Parameters
    ----------
    outcome : Series of float, shape (n,)
        1 is the event; missing where not known; at least one is known.
    scores : DataFrame of shape (n, any)
        ``probability`` and ``tier``, in the same order.
    tiers : list of str
        The safest first.
    auc_before : float
        AUC on the hold-out rows.
    dates : Series of datetime64, shape (n,), optional
        As-of dates.
    """
    known = outcome.notna().to_numpy()
    y, rows = outcome.to_numpy()[known], scores[known]
    p = rows["probability"].to_numpy()
    performance = Performance(y, p, pd.Categorical(rows["tier"], tiers, ordered=True), level)
    area, decline = None, float("nan")
    if min(y.sum(), (1 - y).sum()) >= 2:
        area, decline = Estimate.of_auc(performance.auc), auc_decline(y, p, auc_before).p_value
    return RealisedPerformance(
        rows=len(y),
        events=int(y.sum()),
        auc=area,
        decline_p=decline,
        observed_expected=Estimate.of_ratio(performance.observed_expected),
        event_rate=float(y.mean()),
        mean_probability=float(p.mean()),
        brier=brier(y, p),
        log_loss=log_loss(y, p),
        by_tier=performance.by_tier,
        by_period=_by_period(y, p, dates[known] if dates is not None else None, level),
    )


def _by_period(y: np.ndarray, p: np.ndarray, dates: pd.Series | None, level: float) -> pd.DataFrame:
    if dates is None:
        return pd.DataFrame(columns=["group", "count", "event", "event_rate", "mean_p", "auc", "observed_expected"])
    return performance_by(y, p, period_of(dates), level=level)
