"""Whether groups of people are treated alike: approval rates, equal opportunity, calibration within group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.errors import DataError
from riskml.metrics._groups import PORTFOLIO
from riskml.metrics._inputs import Flags, Floats, group_codes, level_of, outcome, outcome_and_probability, positive_int
from riskml.metrics._intervals import rate_interval, ratio_interval, wilson_interval
from riskml.metrics._steps import Rows, row_bands

FOUR_FIFTHS = 0.8


def _counts(flags: Flags, codes: Rows, n_groups: int) -> tuple[Floats, Floats]:
    count = np.bincount(codes, minlength=n_groups).astype(np.float64)
    return np.bincount(codes, weights=flags, minlength=n_groups).astype(np.float64), count


def _reference(reference: Any, label: pd.Index, rate: Floats) -> int:
    """Return the position of the group that the others are compared with."""
    if reference is None:
        return int(np.nanargmax(rate))
    if reference not in label:
        raise DataError(
            f"the reference group {reference!r} is not among the groups: {', '.join(map(str, label))}",
            where="reference",
            fix="name one of the groups, or leave it out to compare with the highest rate",
        )
    return int(np.flatnonzero(label == reference)[0])


def approval_rate_ratio(
    approved: ArrayLike, group: ArrayLike, *, reference: Any = None, level: float = 0.95
) -> pd.DataFrame:
    """Return each group's approval rate over that of the reference group (the adverse impact ratio).

    Source: Four-fifths rule: 29 CFR 1607.4(D). Interval: Katz, Baptista, Azen, Pike (1978), Biometrics 34.

    Parameters
    ----------
    approved : array of shape (n,)
        1 for a customer who gets the good decision, 0 for one who does not.
    group : array of shape (n,)
        Protected group of each customer; missing values form a group of their own.
    reference : label, optional
        Group to compare with; the one with the highest rate when left out.
    level : float, default 0.95
        Confidence level of the ratio's interval (log-normal).

    Returns
    -------
    DataFrame
        ``group``, ``count``, ``approved``, ``rate``, ``ratio``, ``lower``, ``upper``, ``below_four_fifths``. The
        reference has the ratio 1; the ratios are missing when the reference has no approval.

    Raises
    ------
    DataError
        When ``approved`` is not 0 or 1, a value is missing, the lengths differ, or the reference is not a group.

    Examples
    --------
    >>> approved = [1] * 80 + [0] * 20 + [1] * 60 + [0] * 40
    >>> approval_rate_ratio(approved, ["m"] * 100 + ["f"] * 100).round(4)
      group  count  approved  rate  ratio   lower   upper  below_four_fifths
    0     f    100        60   0.6   0.75  0.6217  0.9048               True
    1     m    100        80   0.8   1.00  1.0000  1.0000              False
    """
    flags = outcome(approved, name="approved")
    codes, label = group_codes(group, "group", length=flags.size)
    hits, count = _counts(flags, codes, len(label))
    rate = hits / count
    place = _reference(reference, label, rate)
    ratio, lower, upper = ratio_interval(hits, count, hits[place], count[place], level_of(level))
    lower[place], upper[place] = ratio[place], ratio[place]
    return pd.DataFrame(
        {
            "group": label,
            "count": count.astype(np.int64),
            "approved": hits.astype(np.int64),
            "rate": rate,
            "ratio": ratio,
            "lower": lower,
            "upper": upper,
            "below_four_fifths": ratio < FOUR_FIFTHS,
        }
    )


def equal_opportunity(
    y: ArrayLike, approved: ArrayLike, group: ArrayLike, *, reference: Any = None, level: float = 0.95
) -> pd.DataFrame:
    """Return each group's approval rate among its good customers, against the reference group.

    Source: Hardt, Price, Srebro (2016), NeurIPS. Interval: Newcombe (1998), Statistics in Medicine 17, method 10.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event; good customers have 0.
    approved : array of shape (n,)
        1 for a customer who gets the good decision, 0 for one who does not.
    group : array of shape (n,)
        Protected group of each customer; missing values form a group of their own.
    reference : label, optional
        Group to compare with; the one with the highest rate when left out.
    level : float, default 0.95
        Confidence level of the difference's interval (Newcombe).

    Returns
    -------
    DataFrame
        ``group``, ``count`` (good customers), ``approved`` (of these), ``rate``, ``difference`` (rate less that of the
        reference), ``lower``, ``upper``. Rates are missing in a group without good customers.

    Raises
    ------
    DataError
        When y or ``approved`` is not 0 or 1, a value is missing, the lengths differ, nobody is good, or the reference
        is not a group.

    Examples
    --------
    >>> y = [0] * 200 + [1] * 10
    >>> approved = [1] * 80 + [0] * 20 + [1] * 60 + [0] * 40 + [0] * 10
    >>> equal_opportunity(y, approved, ["m"] * 100 + ["f"] * 110).round(4)
      group  count  approved  rate  difference   lower   upper
    0     f    100        60   0.6        -0.2 -0.3185 -0.0731
    1     m    100        80   0.8         0.0  0.0000  0.0000
    """
    good = ~outcome(y)
    flags = outcome(approved, name="approved")
    if flags.size != good.size:
        raise DataError(f"approved has {flags.size} rows where y has {good.size}", where="approved")
    codes, label = group_codes(group, "group", length=good.size)
    if not good.any():
        raise DataError("y has no non-event: nobody's opportunity can be compared", where="y")
    hits, count = _counts(flags[good], codes[good], len(label))
    rate = np.divide(hits, count, out=np.full(len(label), np.nan), where=count > 0)
    place = _reference(reference, label, rate)
    low, high = wilson_interval(hits, count, level_of(level))
    gap = rate - rate[place]
    lower = gap - np.sqrt((rate - low) ** 2 + (high[place] - rate[place]) ** 2)
    upper = gap + np.sqrt((high - rate) ** 2 + (rate[place] - low[place]) ** 2)
    lower[place], upper[place] = gap[place], gap[place]
    return pd.DataFrame(
        {
            "group": label,
            "count": count.astype(np.int64),
            "approved": hits.astype(np.int64),
            "rate": rate,
            "difference": gap,
            "lower": lower,
            "upper": upper,
        }
    )


def calibration_within_groups(
    y: ArrayLike, p: ArrayLike, group: ArrayLike, *, n_bands: int = 5, level: float = 0.95
) -> pd.DataFrame:
    """Return predicted against observed within each group: whether one probability means one risk for all.

    Source: Kleinberg, Mullainathan, Raghavan (2017), ITCS: calibration within groups.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.
    group : array of shape (n,)
        Protected group of each customer; missing values form a group of their own.
    n_bands : int, default 5
        Bands of probability of about equal size over all customers, the same in every group.
    level : float, default 0.95
        Confidence level of the event rate's Jeffreys interval.

    Returns
    -------
    DataFrame
        ``group``, ``band`` (1 has the lowest probabilities; a last line ``portfolio`` holds all of the group),
        ``count``, ``event``, ``mean_p``, ``event_rate``, ``lower``, ``upper``, ``calibrated`` (the mean probability
        lies in the interval). Bands without customers are left out.

    Examples
    --------
    >>> y = [0] * 9 + [1] + [0] * 5 + [1] * 5
    >>> table = calibration_within_groups(y, [0.1] * 20, ["m"] * 10 + ["f"] * 10, n_bands=1)
    >>> table[["group", "band", "count", "event_rate", "calibrated"]]
      group       band  count  event_rate  calibrated
    0     f          1     10         0.5       False
    1     f  portfolio     10         0.5       False
    2     m          1     10         0.1        True
    3     m  portfolio     10         0.1        True
    """
    flags, prob = outcome_and_probability(y, p)
    codes, label = group_codes(group, "group", length=flags.size)
    band = row_bands(prob, positive_int(n_bands, "n_bands"))
    size = int(band.max()) + 1
    cell = codes * size + band

    def per_group(weights: Floats | None) -> Floats:
        cells = np.bincount(cell, weights=weights, minlength=len(label) * size).reshape(len(label), size)
        return np.column_stack([cells, cells.sum(axis=1)]).ravel().astype(np.float64)

    count, event, total = per_group(None), per_group(flags.astype(np.float64)), per_group(prob)
    names: list[int | str] = [*range(1, size + 1), PORTFOLIO]
    held = count > 0
    count, event, total = count[held], event[held], total[held]
    lower, upper = rate_interval(event, count, level_of(level))
    mean_p = total / count
    return pd.DataFrame(
        {
            "group": label.repeat(size + 1)[held],
            "band": pd.Series(names * len(label), dtype=object)[held].to_numpy(),
            "count": count.astype(np.int64),
            "event": event.astype(np.int64),
            "mean_p": mean_p,
            "event_rate": event / count,
            "lower": lower,
            "upper": upper,
            "calibrated": (lower <= mean_p) & (mean_p <= upper),
        }
    )
