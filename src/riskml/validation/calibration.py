"""Whether probabilities are right in size: Brier, log loss, ECE, and the tests of PDs by grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, xlog1py, xlogy
from scipy.stats import chi2, norm

from riskml.errors import DataError
from riskml.validation._inputs import (
    Floats,
    group_codes,
    level_of,
    number_vector,
    outcome_and_probability,
    positive_int,
    probability,
    same_length,
)
from riskml.validation._intervals import rate_interval
from riskml.validation._steps import row_bands

PORTFOLIO = "portfolio"


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


@dataclass(frozen=True)
class HosmerLemeshow:
    """Result of the Hosmer-Lemeshow test.

    Parameters
    ----------
    statistic : float
        ``T = sum (n p - theta)^2 / (n p (1 - p))`` over the grades.
    df : int
        Degrees of freedom of its chi-squared distribution.
    p_value : float
        Small when the probabilities do not fit the outcomes.
    """

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True)
class _Groups:
    """Sums over groups of rows."""

    label: pd.Index
    count: Floats
    event: Floats
    mean_p: Floats

    @property
    def rate(self) -> Floats:
        return self.event / self.count


def _sums(codes: NDArray[np.intp], label: pd.Index, y: NDArray[np.bool_], p: Floats) -> _Groups:
    count = np.bincount(codes, minlength=len(label)).astype(np.float64)
    event = np.bincount(codes, weights=y.astype(np.float64), minlength=len(label))
    mean_p: Floats = np.bincount(codes, weights=p, minlength=len(label)) / count
    return _Groups(label, count, event, mean_p)


def _by_band(y: NDArray[np.bool_], p: Floats, n_bands: int) -> tuple[_Groups, NDArray[np.intp]]:
    band = row_bands(p, positive_int(n_bands, "n_bands"))
    return _sums(band, pd.RangeIndex(1, int(band.max()) + 2), y, p), band


def _by_grade(y: NDArray[np.bool_], p: Floats, grade: ArrayLike | None, n_bands: int) -> _Groups:
    if grade is None:
        return _by_band(y, p, n_bands)[0]
    codes, label = group_codes(grade, "grade", length=y.size)
    return _sums(codes, label, y, p)


def brier(y: ArrayLike, p: ArrayLike) -> float:
    """Return the Brier score, the mean squared distance of probability and outcome.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event.

    Returns
    -------
    float
        0 is perfect; the event rate times its complement is what a constant forecast reaches.

    Raises
    ------
    DataError
        When y is not 0 or 1, p is outside 0…1, a value is missing, or the lengths differ.

    References
    ----------
    Brier (1950), Monthly Weather Review 78.

    Examples
    --------
    >>> round(brier([0, 1], [0.2, 0.6]), 4)
    0.1
    """
    flags, prob = outcome_and_probability(y, p)
    return float(np.mean((prob - flags) ** 2))


def brier_decomposition(y: ArrayLike, p: ArrayLike, *, n_bands: int = 10) -> BrierParts:
    """Split the Brier score into reliability, resolution and uncertainty.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event.
    n_bands : int, default 10
        Bands of about equal size; equal probabilities stay together.

    Returns
    -------
    BrierParts
        The parts; the identity holds exactly.

    Raises
    ------
    DataError
        As for `brier`.

    References
    ----------
    Murphy (1973), J. Applied Meteorology 12; the part within bands: Stephenson, Coelho, Jolliffe (2008), Weather and
    Forecasting 23.

    Examples
    --------
    >>> parts = brier_decomposition([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75])
    >>> parts.reliability, parts.resolution, parts.uncertainty
    (0.0625, 0.0625, 0.1875)
    """
    flags, prob = outcome_and_probability(y, p)
    groups, _ = _by_band(flags, prob, n_bands)
    share = groups.count / flags.size
    score, base = float(np.mean((prob - flags) ** 2)), float(flags.mean())
    reliability = float(np.sum(share * (groups.mean_p - groups.rate) ** 2))
    resolution = float(np.sum(share * (groups.rate - base) ** 2))
    uncertainty = base * (1 - base)
    return BrierParts(score, reliability, resolution, uncertainty, score - reliability + resolution - uncertainty)


def log_loss(y: ArrayLike, p: ArrayLike) -> float:
    """Return the log loss, the mean negative log-likelihood in nats.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event; 0 and 1 are moved inward by 2.2e-16, so that one sure mistake is not infinite.

    Returns
    -------
    float
        0 is perfect.

    Raises
    ------
    DataError
        As for `brier`.

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

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event.
    n_bands : int, default 10
        Number of bands; equal probabilities stay together.

    Returns
    -------
    float
        ``sum n_i / n |mean p_i - event rate_i|``; 0 is perfect.

    Raises
    ------
    DataError
        As for `brier`.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), AAAI; equal-size bands: Nixon et al. (2019), CVPR workshops.

    Examples
    --------
    >>> ece([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75])
    0.25
    """
    groups, _ = _by_band(*outcome_and_probability(y, p), n_bands)
    return float(np.sum(groups.count * np.abs(groups.mean_p - groups.rate)) / groups.count.sum())


def calibration_table(y: ArrayLike, p: ArrayLike, *, n_bands: int = 10, level: float = 0.95) -> pd.DataFrame:
    """Return predicted against observed by band of probability, with intervals: the calibration plot as a table.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event.
    n_bands : int, default 10
        Bands of about equal size; equal probabilities stay together.
    level : float, default 0.95
        Confidence level of the event rate's Jeffreys interval.

    Returns
    -------
    DataFrame
        One row per band, 1 has the lowest probabilities: ``band``, ``p_min``, ``p_max``, ``count``, ``event``,
        ``mean_p``, ``event_rate``, ``lower``, ``upper``.

    Raises
    ------
    DataError
        As for `brier`.

    Examples
    --------
    >>> calibration_table([0, 0, 1, 1], [0.1, 0.1, 0.6, 0.8], n_bands=2)[["band", "count", "mean_p", "event_rate"]]
       band  count  mean_p  event_rate
    0     1      2     0.1         0.0
    1     2      2     0.7         1.0
    """
    flags, prob = outcome_and_probability(y, p)
    groups, band = _by_band(flags, prob, n_bands)
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

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event.
    by : array of shape (n,), optional
        Grade, period or segment of each row; one row for the portfolio when it is left out.
    level : float, default 0.95
        Confidence level; the interval is that of the observed rate (Jeffreys), the expected one taken as fixed.

    Returns
    -------
    DataFrame
        ``group``, ``count``, ``observed``, ``expected`` (events), ``event_rate``, ``mean_p``, ``ratio``, ``lower``,
        ``upper``. The ratio is missing where nothing is expected.

    Raises
    ------
    DataError
        As for `brier`.

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
        groups = _sums(np.zeros(flags.size, dtype=np.intp), pd.Index([PORTFOLIO]), flags, prob)
    else:
        codes, label = group_codes(by, "by", length=flags.size)
        groups = _sums(codes, label, flags, prob)
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


def hosmer_lemeshow(
    y: ArrayLike, p: ArrayLike, *, grade: ArrayLike | None = None, n_bands: int = 10, df_lost: int = 0
) -> HosmerLemeshow:
    """Test whether the probabilities fit the outcomes over all grades at once.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event; a grade's is their mean.
    grade : array of shape (n,), optional
        Grade of each row; bands of about equal size when it is left out.
    n_bands : int, default 10
        Number of these bands.
    df_lost : int, default 0
        Degrees of freedom lost by fitting: none on rows the model has not seen, 2 on its own training rows.

    Returns
    -------
    HosmerLemeshow
        Statistic, degrees of freedom (grades less ``df_lost``) and p-value.

    Raises
    ------
    DataError
        As for `brier`, and when no degree of freedom is left.

    References
    ----------
    Hosmer and Lemeshow (1980), Communications in Statistics A9; BCBS Working Paper 14 (2005).

    Examples
    --------
    >>> y = [1] + [0] * 9 + [1] * 6 + [0] * 4
    >>> test = hosmer_lemeshow(y, [0.2] * 10 + [0.5] * 10, n_bands=2)
    >>> round(test.statistic, 4), test.df, round(test.p_value, 4)
    (1.025, 2, 0.599)
    """
    groups = _by_grade(*outcome_and_probability(y, p), grade, n_bands)
    df = len(groups.label) - positive_int(df_lost, "df_lost", at_least=0)
    if df < 1:
        raise DataError(
            f"{len(groups.label)} grades leave no degree of freedom when {df_lost} are lost",
            where="grade" if grade is not None else "n_bands",
            mend="use more grades or bands",
        )
    expected = groups.count * groups.mean_p
    gap, variance = (expected - groups.event) ** 2, expected * (1 - groups.mean_p)
    # A sure forecast (0 or 1) that comes true adds nothing; one that does not is infinitely surprising.
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(gap > 1e-18, gap / variance, 0.0)
    statistic = float(terms.sum())
    return HosmerLemeshow(statistic, df, float(chi2.sf(statistic, df)))


def jeffreys_p_value(event: ArrayLike, count: ArrayLike, pd_: ArrayLike) -> Floats:
    """Return the p-values of the Jeffreys test from a table of grades.

    Parameters
    ----------
    event : array of shape (k,)
        Defaults D in each grade.
    count : array of shape (k,)
        Customers N in each grade.
    pd_ : array of shape (k,)
        The grades' probabilities of default.

    Returns
    -------
    array of shape (k,)
        ``BetaCDF(PD; D + 1/2, N - D + 1/2)``; small where the PD is too low. H0: the PD is not underestimated.

    Raises
    ------
    DataError
        When there are more defaults than customers, a PD is outside 0…1, a value is missing, or the lengths differ.

    References
    ----------
    ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.1.

    Examples
    --------
    >>> jeffreys_p_value([0, 5], [100, 100], [0.01, 0.02]).round(4)
    array([0.8443, 0.0286])
    """
    d, n, chance = _grade_table(event, count, pd_)
    return np.asarray(betainc(d + 0.5, n - d + 0.5, chance))


def _grade_table(event: ArrayLike, count: ArrayLike, pd_: ArrayLike) -> tuple[Floats, Floats, Floats]:
    d, n = number_vector(event, "event"), number_vector(count, "count")
    chance = probability(pd_, "pd_")
    same_length([d, n, chance], ["event", "count", "pd_"])
    wrong = (d < 0) | (d > n) | (n < 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"a grade must have at least one customer and 0…count events, got {d[row]:g} events of {n[row]:g}",
            where=f"event, count: row {row} (counted from 0)",
        )
    return d, n, chance


def _tested_grades(y: ArrayLike, p: ArrayLike, grade: ArrayLike | None) -> tuple[pd.DataFrame, Floats, Floats, Floats]:
    """Return the table of grades, the portfolio last, and its events, counts and mean PDs."""
    flags, prob = outcome_and_probability(y, p)
    total = _sums(np.zeros(flags.size, dtype=np.intp), pd.Index([PORTFOLIO]), flags, prob)
    parts = [total] if grade is None else [_by_grade(flags, prob, grade, 1), total]
    label = [value for part in parts for value in part.label]
    count, event, mean_p = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("count", "event", "mean_p")
    )
    table = pd.DataFrame(
        {
            "grade": pd.Series(label, dtype=object),
            "count": count.astype(np.int64),
            "event": event.astype(np.int64),
            "pd": mean_p,
            "event_rate": event / count,
        }
    )
    return table, event, count, mean_p


def jeffreys_test(y: ArrayLike, p: ArrayLike, *, grade: ArrayLike | None = None, level: float = 0.95) -> pd.DataFrame:
    """Test, per grade and for the portfolio, whether the PDs are too low: the ECB's Jeffreys test.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event; a grade's PD is their mean.
    grade : array of shape (n,), optional
        Grade of each row; only the portfolio is tested when it is left out.
    level : float, default 0.95
        The PD is rejected where the p-value is below ``1 - level``.

    Returns
    -------
    DataFrame
        ``grade`` (the portfolio last), ``count``, ``event``, ``pd``, ``event_rate``, ``p_value``, ``rejected``.

    Raises
    ------
    DataError
        As for `brier`.

    References
    ----------
    ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.1.

    Examples
    --------
    >>> y = [0] * 95 + [1] * 5
    >>> jeffreys_test(y, [0.02] * 100).round(4)
           grade  count  event    pd  event_rate  p_value  rejected
    0  portfolio    100      5  0.02        0.05   0.0286      True
    """
    table, event, count, mean_p = _tested_grades(y, p, grade)
    p_value = jeffreys_p_value(event, count, mean_p)
    return table.assign(p_value=p_value, rejected=p_value < 1 - level_of(level))


def binomial_test(y: ArrayLike, p: ArrayLike, *, grade: ArrayLike | None = None, level: float = 0.95) -> pd.DataFrame:
    """Test, per grade and for the portfolio, whether more events came than the PDs allow: the binomial test.

    It takes defaults as independent; with correlated defaults it rejects too often.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes, 1 is the event.
    p : array of shape (n,)
        Probabilities of the event; a grade's PD is their mean.
    grade : array of shape (n,), optional
        Grade of each row; only the portfolio is tested when it is left out.
    level : float, default 0.95
        Confidence level q.

    Returns
    -------
    DataFrame
        ``grade`` (the portfolio last), ``count``, ``event``, ``pd``, ``event_rate``, ``critical`` (events from which
        the PD is rejected, ``Phi^-1(q) sqrt(n PD (1 - PD)) + n PD``), ``p_value`` (exact, of at least so many events),
        ``rejected`` (``event >= critical``).

    Raises
    ------
    DataError
        As for `brier`.

    References
    ----------
    BCBS Working Paper 14 (2005), Studies on the Validation of Internal Rating Systems.

    Examples
    --------
    >>> y = [0] * 95 + [1] * 5
    >>> binomial_test(y, [0.02] * 100)[["event", "critical", "p_value", "rejected"]].round(4)
       event  critical  p_value  rejected
    0      5    4.3028   0.0508      True
    """
    table, event, count, mean_p = _tested_grades(y, p, grade)
    expected = count * mean_p
    critical = norm.ppf(level_of(level)) * np.sqrt(expected * (1 - mean_p)) + expected
    # betainc asks for a first parameter above 0; at least no event is sure.
    exact = np.where(event > 0, betainc(np.maximum(event, 1), count - event + 1, mean_p), 1.0)
    # A PD of 0 has no variance: its critical number is 0 events, which no event does not contradict.
    return table.assign(critical=critical, p_value=exact, rejected=(event >= critical) & (event > expected))
