"""Whether probabilities are right in size: Brier and its parts, log loss, ECE, observed against expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import xlog1py, xlogy

from riskml.metrics._groups import PORTFOLIO, by_band, sums
from riskml.metrics._inputs import group_codes, level_of, outcome_and_probability
from riskml.metrics._intervals import rate_interval


@dataclass(frozen=True)
class BrierParts:
    """The Brier score and what it is made of: ``brier = reliability - resolution + uncertainty + within_band``.

    Parameters
    ----------
    brier : float
        The Brier score.
    reliability : float
        Distance of the mean probability from the event rate in a band; 0 is perfectly calibrated.
    resolution : float
        How far the bands' event rates lie apart; more is better.
    uncertainty : float
        Variance of the outcome, the Brier score of a constant forecast.
    within_band : float
        What probabilities that differ inside a band add; 0 when each band has one probability.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_band: float


def brier(y: ArrayLike, p: ArrayLike) -> float:
    """Return the Brier score, the mean squared distance of probability and outcome.

    Source: Brier (1950), Monthly Weather Review 78.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.

    Returns
    -------
    float
        0 is perfect; the event rate times its complement is what a constant forecast reaches.

    Examples
    --------
    >>> round(brier([0, 1], [0.2, 0.6]), 4)
    0.1
    """
    flags, prob = outcome_and_probability(y, p)
    return float(np.mean((prob - flags) ** 2))


def brier_decomposition(y: ArrayLike, p: ArrayLike, *, n_bands: int = 10) -> BrierParts:
    """Split the Brier score into reliability, resolution and uncertainty.

    Source: Murphy (1973), J. Applied Meteorology 12; the part within bands: Stephenson, Coelho, Jolliffe (2008),
    Weather and Forecasting 23.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.
    n_bands : int, default 10
        Bands of about equal size; equal probabilities stay together.

    Returns
    -------
    BrierParts
        The parts; the identity holds exactly.

    Examples
    --------
    >>> parts = brier_decomposition([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75])
    >>> parts.reliability, parts.resolution, parts.uncertainty
    (0.0625, 0.0625, 0.1875)
    """
    flags, prob = outcome_and_probability(y, p)
    groups, _ = by_band(flags, prob, n_bands)
    share = groups.count / flags.size
    score, base = float(np.mean((prob - flags) ** 2)), float(flags.mean())
    reliability = float(np.sum(share * (groups.mean_p - groups.rate) ** 2))
    resolution = float(np.sum(share * (groups.rate - base) ** 2))
    uncertainty = base * (1 - base)
    return BrierParts(score, reliability, resolution, uncertainty, score - reliability + resolution - uncertainty)


def log_loss(y: ArrayLike, p: ArrayLike) -> float:
    """Return the log loss, the mean negative log-likelihood in nats.

    Source: Good (1952), Journal of the Royal Statistical Society B 14: the logarithmic score.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event; 0 and 1 are moved inward by 2.2e-16, so that one sure
        mistake is not infinite.

    Returns
    -------
    float
        0 is perfect.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.5]), 4)
    0.6931
    """
    flags, prob = outcome_and_probability(y, p)
    tiny = np.finfo(np.float64).eps
    prob = np.clip(prob, tiny, 1 - tiny)
    return float(-np.mean(xlogy(flags, prob) + xlog1py(~flags, -prob)))


def ece(y: ArrayLike, p: ArrayLike, *, n_bands: int = 10) -> float:
    """Return the expected calibration error over bands of about equal size.

    Bands of equal size, not of equal width: most risk probabilities are small, and equal widths would put nearly all
    rows into one band.

    Source: Naeini, Cooper, Hauskrecht (2015), AAAI; equal-size bands: Nixon et al. (2019), CVPR workshops.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.
    n_bands : int, default 10
        Number of bands; equal probabilities stay together.

    Returns
    -------
    float
        ``sum n_i / n |mean p_i - event rate_i|``; 0 is perfect.

    Examples
    --------
    >>> ece([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75])
    0.25
    """
    groups, _ = by_band(*outcome_and_probability(y, p), n_bands)
    return float(np.sum(groups.count * np.abs(groups.mean_p - groups.rate)) / groups.count.sum())


def calibration_table(y: ArrayLike, p: ArrayLike, *, n_bands: int = 10, level: float = 0.95) -> pd.DataFrame:
    """Return predicted against observed by band of probability, with intervals: the calibration plot as a table.

    Source: Murphy and Winkler (1977), Applied Statistics 26; the interval: Brown, Cai, DasGupta (2001), Statistical
    Science 16.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.
    n_bands : int, default 10
        Bands of about equal size; equal probabilities stay together.
    level : float, default 0.95
        Confidence level of the event rate's Jeffreys interval.

    Returns
    -------
    DataFrame
        One row per band, 1 has the lowest probabilities: ``band``, ``p_min``, ``p_max``, ``count``, ``event``,
        ``mean_p``, ``event_rate``, ``lower``, ``upper``.

    Examples
    --------
    >>> calibration_table([0, 0, 1, 1], [0.1, 0.1, 0.6, 0.8], n_bands=2)[["band", "count", "mean_p", "event_rate"]]
       band  count  mean_p  event_rate
    0     1      2     0.1         0.0
    1     2      2     0.7         1.0
    """
    flags, prob = outcome_and_probability(y, p)
    groups, band = by_band(flags, prob, n_bands)
    lower, upper = rate_interval(groups.event, groups.count, level_of(level))
    low, high = np.full(len(groups.label), np.inf), np.full(len(groups.label), -np.inf)
    np.minimum.at(low, band, prob)
    np.maximum.at(high, band, prob)
    return pd.DataFrame(
        {
            "band": groups.label,
            "p_min": low,
            "p_max": high,
            "count": groups.count.astype(np.int64),
            "event": groups.event.astype(np.int64),
            "mean_p": groups.mean_p,
            "event_rate": groups.rate,
            "lower": lower,
            "upper": upper,
        }
    )


def observed_expected(y: ArrayLike, p: ArrayLike, *, by: ArrayLike | None = None, level: float = 0.95) -> pd.DataFrame:
    """Return observed over expected events, by grade, period or segment.

    A ratio above 1 means that the risk is underestimated. Look at it out of time: AUC and PSI can
    stay steady while it moves.

    Source: BCBS Working Paper 14 (2005), Studies on the Validation of Internal Rating Systems; the interval: Brown,
    Cai, DasGupta (2001), Statistical Science 16.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.
    by : array of shape (n,), optional
        Grade, period or segment of each row; one row for the portfolio when it is left out.
    level : float, default 0.95
        Confidence level; the interval is that of the observed rate (Jeffreys), the expected one taken as fixed.

    Returns
    -------
    DataFrame
        ``group``, ``count``, ``observed``, ``expected`` (events), ``event_rate``, ``mean_p``, ``ratio``, ``lower``,
        ``upper``. The ratio is missing where nothing is expected.

    Examples
    --------
    >>> table = observed_expected([0, 1, 0, 1], [0.2, 0.3, 0.5, 0.5], by=["a", "a", "b", "b"])
    >>> table[["group", "observed", "expected", "ratio"]]
      group  observed  expected  ratio
    0     a         1       0.5    2.0
    1     b         1       1.0    1.0
    """
    flags, prob = outcome_and_probability(y, p)
    if by is None:
        groups = sums(np.zeros(flags.size, dtype=np.intp), pd.Index([PORTFOLIO]), flags, prob)
    else:
        codes, label = group_codes(by, "by", length=flags.size)
        groups = sums(codes, label, flags, prob)
    lower, upper = rate_interval(groups.event, groups.count, level_of(level))
    expected = np.where(groups.mean_p > 0, groups.mean_p, np.nan)
    return pd.DataFrame(
        {
            "group": groups.label,
            "count": groups.count.astype(np.int64),
            "observed": groups.event.astype(np.int64),
            "expected": groups.count * groups.mean_p,
            "event_rate": groups.rate,
            "mean_p": groups.mean_p,
            "ratio": groups.rate / expected,
            "lower": lower / expected,
            "upper": upper / expected,
        }
    )
