"""How well a score ranks: AUC with its interval, Gini, KS, H-measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, ndtr, ndtri

from riskml.errors import ConfigError
from riskml.metrics._inputs import Floats, level_of, number_vector, outcome_and_score, positive
from riskml.metrics._steps import Steps, descending, hull, spread, steps


@dataclass(frozen=True)
class AucInterval:
    """An AUC with its DeLong variance.

    Parameters
    ----------
    auc : float
        Area under the ROC curve.
    variance : float
        DeLong variance of the AUC.
    lower, upper : float
        Ends of the normal interval, kept within 0…1.
    level : float
        Confidence level of the interval.
    """

    auc: float
    variance: float
    lower: float
    upper: float
    level: float

    @property
    def se(self) -> float:
        """Standard error of the AUC."""
        return float(np.sqrt(self.variance))

    @property
    def note(self) -> str:
        """What the interval does not say; empty where there is nothing to add.

        Where no event and no non-event differ in how they are placed, as in a perfect ranking, DeLong's variance is 0.
        """
        if self.variance > 0:
            return ""
        return "the interval has no width, since all events are placed alike: it says nothing of chance"


@dataclass(frozen=True)
class DelongTest:
    """Two AUCs on the same rows, compared.

    Parameters
    ----------
    auc_a, auc_b : float
        The two areas.
    difference : float
        ``auc_a - auc_b``.
    se : float
        Standard error of the difference; the correlation of the two scores is in it.
    lower, upper : float
        Ends of the normal interval of the difference.
    z : float
        The difference in standard errors.
    p_value : float
        Two-sided.
    level : float
        Confidence level of the interval.
    """

    auc_a: float
    auc_b: float
    difference: float
    se: float
    lower: float
    upper: float
    z: float
    p_value: float
    level: float


@dataclass(frozen=True)
class AucDecline:
    """The current AUC against the one at development.

    Parameters
    ----------
    auc_initial, auc_current : float
        The fixed value at development, and today's.
    se : float
        DeLong standard error of today's AUC.
    statistic : float
        ``S = (auc_initial - auc_current) / se``; positive when the score ranks worse than it did.
    p_value : float
        ``1 - Phi(S)``: small when the decline is more than chance.
    """

    auc_initial: float
    auc_current: float
    se: float
    statistic: float
    p_value: float


def _auc_of(parts: Steps) -> float:
    above = np.cumsum(parts.events) - parts.events
    won = np.sum(parts.others * (above + parts.events / 2))
    return float(won / (parts.events.sum() * parts.others.sum()))


def auc(y: ArrayLike, score: ArrayLike) -> float:
    """Return the area under the ROC curve: how often an event has a higher score than a non-event.

    Source: Hanley and McNeil (1982), Radiology 143: the area is the Mann-Whitney statistic over the pairs.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores (higher is riskier). Ties count one half.

    Returns
    -------
    float
        ``U / (|A| |B|)``, the Mann-Whitney statistic over the pairs; 0.5 is chance.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return _auc_of(steps(*outcome_and_score(y, score)))


def gini(y: ArrayLike, score: ArrayLike) -> float:
    """Return the Gini coefficient (accuracy ratio), ``2 AUC - 1``.

    Source: BCBS Working Paper 14 (2005), Studies on the Validation of Internal Rating Systems: the accuracy ratio.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores (higher is riskier).

    Returns
    -------
    float
        1 is a perfect ranking, 0 is chance.

    Examples
    --------
    >>> gini([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return 2 * auc(y, score) - 1


def ks(y: ArrayLike, score: ArrayLike) -> float:
    """Return the Kolmogorov-Smirnov distance between the scores of events and of non-events.

    Source: Massey (1951), JASA 46; as a measure of scores: BCBS Working Paper 14 (2005).

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores.

    Returns
    -------
    float
        ``max |F_event - F_non-event|``, between 0 and 1.

    Examples
    --------
    >>> ks([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    parts = steps(*outcome_and_score(y, score))
    gap = np.cumsum(parts.events) / parts.events.sum() - np.cumsum(parts.others) / parts.others.sum()
    return float(np.abs(gap).max())


def _placements(parts: Steps) -> tuple[Floats, Floats]:
    """Return V10 (share of non-events below) and V01 (share of events above) at each distinct score; ties one half."""
    events, others = parts.events.sum(), parts.others.sum()
    below = others - np.cumsum(parts.others) + parts.others / 2
    above = np.cumsum(parts.events) - parts.events / 2
    return below / others, above / events


def _variance_of_mean(values: Floats, weight: Floats) -> float:
    """Return the unbiased variance of the values, taken ``weight`` times, over their number."""
    count = weight.sum()
    centre = np.sum(weight * values) / count
    return float(np.sum(weight * (values - centre) ** 2) / (count - 1) / count)


def delong(y: ArrayLike, score: ArrayLike, *, level: float = 0.95) -> AucInterval:
    """Return the AUC with its DeLong variance and interval.

    Source: DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44. The midrank form, O(n log n): Sun and Xu (2014), IEEE
    SPL 21.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores (higher is riskier).
    level : float, default 0.95
        Confidence level of the interval.

    Returns
    -------
    AucInterval
        AUC, variance ``var(V10)/|A| + var(V01)/|B|``, and the normal interval. That of a perfect ranking has no width,
        however few rows there are: ``note`` says so.

    Examples
    --------
    >>> interval = delong([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> interval.auc, interval.variance
    (0.75, 0.125)
    """
    parts = steps(*outcome_and_score(y, score, at_least=2))
    v10, v01 = _placements(parts)
    area = _auc_of(parts)
    variance = _variance_of_mean(v10, parts.events) + _variance_of_mean(v01, parts.others)
    reach = float(ndtri((1 + level_of(level)) / 2) * np.sqrt(variance))
    return AucInterval(area, variance, max(area - reach, 0.0), min(area + reach, 1.0), level)


def delong_test(y: ArrayLike, score_a: ArrayLike, score_b: ArrayLike, *, level: float = 0.95) -> DelongTest:
    """Compare the AUCs of two scores on the same rows: the paired DeLong test.

    Source: DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44.

    Parameters
    ----------
    y, score_a, score_b : array of shape (n,)
        Outcomes (1 is the event) and the two scores of the same rows, higher is riskier.
    level : float, default 0.95
        Confidence level of the interval of the difference.

    Returns
    -------
    DelongTest
        The difference a - b with its standard error, interval, z and two-sided p-value.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> test = delong_test(y, [0.1, 0.2, 0.6, 0.5, 0.7, 0.9], [0.3, 0.1, 0.7, 0.6, 0.2, 0.9])
    >>> round(test.difference, 4), round(test.p_value, 4)
    (0.2222, 0.3711)
    """
    flags, a = outcome_and_score(y, score_a, at_least=2, name="score_a")
    b = number_vector(score_b, "score_b", length=flags.size)
    by_row = []
    areas = []
    for score in (a, b):
        order, first = descending(score)
        parts = steps(flags, score, (order, first))
        v10, v01 = _placements(parts)
        placement = np.empty(flags.size)
        placement[order] = np.where(flags[order], spread(v10, order, first), spread(v01, order, first))
        by_row.append(placement)
        areas.append(_auc_of(parts))
    gap = by_row[0] - by_row[1]
    variance = float(np.var(gap[flags], ddof=1) / flags.sum() + np.var(gap[~flags], ddof=1) / (~flags).sum())
    difference, se = areas[0] - areas[1], float(np.sqrt(variance))
    # Two scores of the same order differ by nothing but rounding.
    if np.allclose(gap, 0, atol=1e-12):
        difference, se, z = 0.0, 0.0, 0.0
    else:
        z = difference / se if se > 0 else float(np.copysign(np.inf, difference))
    reach = float(ndtri((1 + level_of(level)) / 2) * se)
    p_value = float(2 * ndtr(-abs(z)))
    return DelongTest(areas[0], areas[1], difference, se, difference - reach, difference + reach, z, p_value, level)


def auc_decline(y: ArrayLike, score: ArrayLike, auc_initial: float) -> AucDecline:
    """Test whether the score ranks worse today than it did at development.

    Source: ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.3.

    Parameters
    ----------
    y : array of shape (n,)
        Today's outcomes, 1 is the event.
    score : array of shape (n,)
        Today's scores, higher is riskier.
    auc_initial : float
        AUC at the time of development, taken as fixed.

    Returns
    -------
    AucDecline
        ``S = (auc_initial - auc_current) / s`` and ``p = 1 - Phi(S)``.

    Raises
    ------
    ConfigError
        When ``auc_initial`` is outside 0…1.

    Examples
    --------
    >>> decline = auc_decline([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], auc_initial=0.8)
    >>> round(decline.statistic, 4), round(decline.p_value, 4)
    (0.1414, 0.4438)
    """
    if not 0 <= auc_initial <= 1:
        raise ConfigError(f"auc_initial must be between 0 and 1, got {auc_initial!r}", where="auc_initial")
    now = delong(y, score)
    gap = auc_initial - now.auc
    # A perfect ranking has no variance: any gap is then beyond chance, and no gap is none.
    with np.errstate(divide="ignore"):
        statistic = float(np.divide(gap, now.se)) if gap else 0.0
    return AucDecline(float(auc_initial), now.auc, now.se, statistic, float(ndtr(-statistic)))


def h_measure(y: ArrayLike, score: ArrayLike, *, alpha: float = 2.0, beta: float = 2.0) -> float:
    """Return the H-measure: the share of the worst expected loss that the score avoids.

    Every score is judged by the same prior of costs, where the AUC lets the score choose its own. The cost of
    flagging a non-event is c, of missing an event 1 - c, and c has a Beta(alpha, beta) prior.

    Source: Hand (2009), Machine Learning 77; Hand and Anagnostopoulos (2014), Pattern Recognition Letters 40.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is the event) and scores (higher is riskier).
    alpha, beta : float, default 2
        Shape of the cost prior.

    Returns
    -------
    float
        ``1 - L / L_max``: 1 is a perfect ranking, 0 is as good as flagging all or none.

    Raises
    ------
    ConfigError
        When alpha or beta is not above 0.

    Examples
    --------
    >>> h_measure([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    1.0
    >>> h_measure([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5])
    0.0
    """
    a, b = positive(alpha, "alpha"), positive(beta, "beta")
    parts = hull(steps(*outcome_and_score(y, score)))
    events, others = parts.events.sum(), parts.others.sum()

    def loss(n_events: Floats, n_others: Floats) -> float:
        # On a band with event rate r, flagging pays while c < r.
        rate = n_events / (n_events + n_others)
        flagged = a / (a + b) * betainc(a + 1, b, rate)
        missed = b / (a + b) * (1 - betainc(a, b + 1, rate))
        return float(np.sum(n_others * flagged + n_events * missed))

    return 1 - loss(parts.events, parts.others) / loss(np.array([events]), np.array([others]))
