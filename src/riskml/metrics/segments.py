"""The measures over time and by segment: where and when a model stops working."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.metrics._inputs import column, group_codes, outcome_and_probability
from riskml.metrics._steps import Rows
from riskml.metrics.calibration import brier, log_loss, observed_expected
from riskml.metrics.discrimination import auc, delong, ks
from riskml.metrics.stability import Baseline, fixed_baseline, psi_test


def _rows_of(codes: Rows, n_groups: int) -> Iterator[Rows]:
    """Yield the rows of each group in turn."""
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=n_groups))
    yield from np.split(order, ends[:-1])


def performance_by(y: ArrayLike, p: ArrayLike, by: ArrayLike, *, level: float = 0.95) -> pd.DataFrame:
    """Return discrimination and calibration in each period or segment.

    Sources: those of `delong`, `ks`, `brier`, `log_loss` and `observed_expected`.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.
    by : array of shape (n,)
        Period or segment of each row.
    level : float, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        One row per group: ``group``, ``count``, ``event``, ``event_rate``, ``mean_p``, ``auc`` with ``auc_lower`` and
        ``auc_upper`` (DeLong), ``gini``, ``ks``, ``brier``, ``log_loss``, and ``observed_expected`` with ``oe_lower``
        and ``oe_upper``. Ranking measures are missing where a group has one class, their interval where it has fewer
        than two of each.

    Examples
    --------
    >>> y, p = [0, 0, 1, 1, 0, 0], [0.1, 0.2, 0.3, 0.9, 0.1, 0.2]
    >>> performance_by(y, p, ["2023"] * 4 + ["2024"] * 2)[["group", "count", "event", "auc", "observed_expected"]]
      group  count  event  auc  observed_expected
    0  2023      4      2  1.0           1.333333
    1  2024      2      0  NaN           0.000000
    """
    flags, prob = outcome_and_probability(y, p)
    codes, label = group_codes(by, "by", length=flags.size)
    sizes = observed_expected(flags, prob, by=by, level=level)
    records = []
    for rows in _rows_of(codes, len(label)):
        outcomes, chances = flags[rows], prob[rows]
        fewer = min(outcomes.sum(), (~outcomes).sum())
        record = dict.fromkeys(("auc", "auc_lower", "auc_upper", "ks"), np.nan)
        if fewer >= 2:
            interval = delong(outcomes, chances, level=level)
            record |= {"auc": interval.auc, "auc_lower": interval.lower, "auc_upper": interval.upper}
        elif fewer == 1:
            record["auc"] = auc(outcomes, chances)
        if fewer:
            record["ks"] = ks(outcomes, chances)
        records.append(record | {"brier": brier(outcomes, chances), "log_loss": log_loss(outcomes, chances)})
    ranks = pd.DataFrame(records)
    return pd.DataFrame(
        {
            "group": sizes["group"],
            "count": sizes["count"],
            "event": sizes["observed"],
            "event_rate": sizes["event_rate"],
            "mean_p": sizes["mean_p"],
            "auc": ranks["auc"],
            "auc_lower": ranks["auc_lower"],
            "auc_upper": ranks["auc_upper"],
            "gini": 2 * ranks["auc"] - 1,
            "ks": ranks["ks"],
            "brier": ranks["brier"],
            "log_loss": ranks["log_loss"],
            "observed_expected": sizes["ratio"],
            "oe_lower": sizes["lower"],
            "oe_upper": sizes["upper"],
        }
    )


def psi_by(
    reference: Baseline | ArrayLike | pd.Series[Any],
    values: ArrayLike | pd.Series[Any],
    by: ArrayLike,
    *,
    n_bins: int = 10,
    special_values: Sequence[float | str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the PSI of each period or segment against one fixed baseline.

    Source: Yurdakul and Naranjo (2020), Journal of Risk Model Validation 14(3).

    Parameters
    ----------
    reference : Baseline, array or Series
        The baseline book: its fixed bins, or its values.
    values : array or Series of shape (n,)
        The values looked at.
    by : array of shape (n,)
        Period or segment of each row.
    n_bins : int, default 10
        Bins when ``reference`` holds values.
    special_values : sequence of float or str, optional
        Special codes when ``reference`` holds values.
    level : float, default 0.95
        Level of the no-shift quantile.

    Returns
    -------
    DataFrame
        ``group``, ``count``, ``psi``, ``no_shift``, ``verdict``.

    Raises
    ------
    DataError
        When there are no rows, the lengths differ, or the values are of another kind than the baseline's.

    Examples
    --------
    >>> psi_by([1, 2, 3, 4] * 25, [1, 2, 3, 4] * 25 + [4] * 100, ["Q1"] * 100 + ["Q2"] * 100, n_bins=4).round(3)
      group  count    psi  no_shift verdict
    0    Q1    100  0.000     0.156  stable
    1    Q2    100  3.915     0.156     act
    """
    fixed = fixed_baseline(reference, n_bins=n_bins, special_values=special_values)
    book = column(values, "values")
    codes, label = group_codes(by, "by", length=len(book))
    records = []
    for rows, name in zip(_rows_of(codes, len(label)), label, strict=True):
        test = psi_test(fixed, book.iloc[rows], level=level)
        records.append((name, rows.size, test.psi, test.no_shift, test.verdict))
    return pd.DataFrame(records, columns=["group", "count", "psi", "no_shift", "verdict"])
