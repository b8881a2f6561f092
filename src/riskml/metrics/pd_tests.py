"""Statistical tests of probabilities by grade: Hosmer-Lemeshow, Jeffreys, binomial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc, chdtrc, ndtri

from riskml.errors import DataError
from riskml.metrics._groups import PORTFOLIO, by_grade, sums
from riskml.metrics._inputs import (
    Floats,
    level_of,
    number_vector,
    outcome_and_probability,
    positive_int,
    probability,
    same_length,
)


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


def hosmer_lemeshow(
    y: ArrayLike, p: ArrayLike, *, grade: ArrayLike | None = None, n_bands: int = 10, df_lost: int = 0
) -> HosmerLemeshow:
    """Test whether the probabilities fit the outcomes over all grades at once.

    Source: Hosmer and Lemeshow (1980), Communications in Statistics A9; BCBS Working Paper 14 (2005).

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event; a grade's is their mean.
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

    Examples
    --------
    >>> y = [1] + [0] * 9 + [1] * 6 + [0] * 4
    >>> test = hosmer_lemeshow(y, [0.2] * 10 + [0.5] * 10, n_bands=2)
    >>> round(test.statistic, 4), test.df, round(test.p_value, 4)
    (1.025, 2, 0.599)
    """
    groups = by_grade(*outcome_and_probability(y, p), grade, n_bands)
    df = len(groups.label) - positive_int(df_lost, "df_lost", at_least=0)
    if df < 1:
        raise DataError(
            f"{len(groups.label)} grades leave no degree of freedom when {df_lost} are lost",
            where="grade" if grade is not None else "n_bands",
            fix="use more grades or bands",
        )
    expected = groups.count * groups.mean_p
    gap, variance = (expected - groups.event) ** 2, expected * (1 - groups.mean_p)
    # A sure forecast (0 or 1) that comes true adds nothing; one that does not is infinitely surprising.
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(gap > 1e-18, gap / variance, 0.0)
    statistic = float(terms.sum())
    return HosmerLemeshow(statistic, df, float(chdtrc(df, statistic)))


def jeffreys_p_value(event: ArrayLike, count: ArrayLike, pd_: ArrayLike) -> Floats:
    """Return the p-values of the Jeffreys test from a table of grades.

    Source: ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.1.

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
    total = sums(np.zeros(flags.size, dtype=np.intp), pd.Index([PORTFOLIO]), flags, prob)
    parts = [total] if grade is None else [by_grade(flags, prob, grade, 1), total]
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

    Source: ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.1.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event; a grade's PD is their mean.
    grade : array of shape (n,), optional
        Grade of each row; only the portfolio is tested when it is left out.
    level : float, default 0.95
        The PD is rejected where the p-value is below ``1 - level``.

    Returns
    -------
    DataFrame
        ``grade`` (the portfolio last), ``count``, ``event``, ``pd``, ``event_rate``, ``p_value``, ``rejected``.

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

    Source: BCBS Working Paper 14 (2005), Studies on the Validation of Internal Rating Systems.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event; a grade's PD is their mean.
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

    Examples
    --------
    >>> y = [0] * 95 + [1] * 5
    >>> binomial_test(y, [0.02] * 100)[["event", "critical", "p_value", "rejected"]].round(4)
       event  critical  p_value  rejected
    0      5    4.3028   0.0508      True
    """
    table, event, count, mean_p = _tested_grades(y, p, grade)
    expected = count * mean_p
    critical = ndtri(level_of(level)) * np.sqrt(expected * (1 - mean_p)) + expected
    # betainc asks for a first parameter above 0; at least no event is sure.
    exact = np.where(event > 0, betainc(np.maximum(event, 1), count - event + 1, mean_p), 1.0)
    # A PD of 0 has no variance: its critical number is 0 events, which no event does not contradict.
    return table.assign(critical=critical, p_value=exact, rejected=(event >= critical) & (event > expected))
