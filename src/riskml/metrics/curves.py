"""A ranking as a curve: ROC points, gains and lift, captured share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.errors import ConfigError
from riskml.metrics._inputs import outcome_and_score, positive_int
from riskml.metrics._steps import bands, steps


def roc_curve(y: ArrayLike, score: ArrayLike, *, max_points: int = 1000) -> pd.DataFrame:
    """Return the points of the ROC curve.

    Source: Fawcett (2006), Pattern Recognition Letters 27.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores (higher is riskier).
    max_points : int, default 1000
        At most so many points, evenly spaced along the curve: a plot needs no more.

    Returns
    -------
    DataFrame
        ``threshold`` (flag when the score is at least this; infinite at the origin), ``false_positive_rate``,
        ``true_positive_rate``, from (0, 0) to (1, 1).

    Examples
    --------
    >>> roc_curve([0, 1, 0, 1], [0.1, 0.4, 0.35, 0.8])
       threshold  false_positive_rate  true_positive_rate
    0        inf                  0.0                 0.0
    1       0.80                  0.0                 0.5
    2       0.40                  0.0                 1.0
    3       0.35                  0.5                 1.0
    4       0.10                  1.0                 1.0
    """
    limit = positive_int(max_points, "max_points", at_least=2)
    parts = steps(*outcome_and_score(y, score))
    false = np.append(0.0, np.cumsum(parts.others) / parts.others.sum())
    true = np.append(0.0, np.cumsum(parts.events) / parts.events.sum())
    threshold = np.append(np.inf, parts.score)
    if threshold.size > limit:
        along = (false + true) / 2
        keep = np.unique(np.append(np.searchsorted(along, np.linspace(0, 1, limit)[:-1]), threshold.size - 1))
        false, true, threshold = false[keep], true[keep], threshold[keep]
    return pd.DataFrame({"threshold": threshold, "false_positive_rate": false, "true_positive_rate": true})


def gains_table(y: ArrayLike, score: ArrayLike, *, n_bands: int = 10) -> pd.DataFrame:
    """Return the gains table: bands of about equal size from the riskiest down, with lift and captured events.

    Source: Siddiqi (2006), Credit Risk Scorecards: gains and lift by band.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores (higher is riskier). Rows of one score stay in one band.
    n_bands : int, default 10
        Number of bands; there are fewer when many rows share a score.

    Returns
    -------
    DataFrame
        One row per band, 1 is the riskiest: ``band``, ``score_min``, ``score_max``, ``count``, ``event``,
        ``event_rate``, ``lift`` (event rate over the overall one), ``cumulative_share`` (of rows), ``captured``
        (share of all events so far), ``cumulative_lift``, ``ks`` (captured less the same of non-events).

    Examples
    --------
    >>> table = gains_table([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], n_bands=2)
    >>> table[["band", "count", "event", "lift", "captured"]]
       band  count  event  lift  captured
    0     1      2      1   1.0       0.5
    1     2      2      1   1.0       1.0
    """
    parts = steps(*outcome_and_score(y, score))
    band = bands(parts.count, positive_int(n_bands, "n_bands"))
    first = np.flatnonzero(np.append(True, band[1:] != band[:-1]))
    event, other = np.add.reduceat(parts.events, first), np.add.reduceat(parts.others, first)
    count = event + other
    share, captured = np.cumsum(count) / count.sum(), np.cumsum(event) / event.sum()
    return pd.DataFrame(
        {
            "band": np.arange(1, first.size + 1),
            "score_min": parts.score[np.append(first[1:], parts.score.size) - 1],
            "score_max": parts.score[first],
            "count": count.astype(np.int64),
            "event": event.astype(np.int64),
            "event_rate": event / count,
            "lift": event / count * (count.sum() / event.sum()),
            "cumulative_share": share,
            "captured": captured,
            "cumulative_lift": captured / share,
            "ks": captured - np.cumsum(other) / other.sum(),
        }
    )


def captured_share(y: ArrayLike, score: ArrayLike, *, share: float = 0.10) -> float:
    """Return the share of all events that the riskiest rows hold.

    Source: Siddiqi (2006), Credit Risk Scorecards: the cumulative accuracy profile (BCBS Working Paper 14) at one
    share.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores (higher is riskier). Of rows with one score, on the border, the same part
        is taken.
    share : float, default 0.10
        The share of rows looked at.

    Returns
    -------
    float
        Captured events over all events; over ``share`` it is the lift.

    Raises
    ------
    ConfigError
        When ``share`` is not above 0 and at most 1.

    Examples
    --------
    >>> captured_share([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], share=0.25)
    0.5
    """
    if not 0 < share <= 1:
        raise ConfigError(f"share must be above 0 and at most 1, got {share!r}", where="share")
    parts = steps(*outcome_and_score(y, score))
    rows = np.append(0.0, np.cumsum(parts.count) / parts.count.sum())
    events = np.append(0.0, np.cumsum(parts.events) / parts.events.sum())
    return float(np.interp(share, rows, events))
