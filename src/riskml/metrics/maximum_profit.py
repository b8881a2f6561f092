"""Expected maximum profit: the best profit a ranking allows, averaged over a prior of what is not known for sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

from riskml.errors import ConfigError
from riskml.metrics._inputs import Floats, outcome_and_score, positive
from riskml.metrics._steps import Steps, hull, steps


class Prior(Protocol):
    """A named distribution of a share between 0 and 1: the loss given default, or the acceptance of an offer."""

    @property
    def name(self) -> str:
        """What to call it in a report."""

    def above(self, threshold: Floats) -> tuple[Floats, Floats]:
        """Return P(x >= threshold) and E[x; x >= threshold]."""


@dataclass(frozen=True)
class PointMassPrior:
    """Masses at 0 and at 1, uniform between: the loss given default of Verbraken et al. (2014).

    Parameters
    ----------
    zero : float, default 0.55
        Probability that all is recovered.
    one : float, default 0.10
        Probability that nothing is recovered.
    """

    zero: float = 0.55
    one: float = 0.10

    def __post_init__(self) -> None:
        """Refuse masses that are no probabilities."""
        if min(self.zero, self.one) < 0 or self.zero + self.one > 1:
            raise ConfigError(
                f"the masses must be at least 0 and at most 1 together, got {self.zero:g} and {self.one:g}",
                where="PointMassPrior",
            )

    @property
    def name(self) -> str:
        """What to call it in a report."""
        return f"{self.zero:g} at 0, {self.one:g} at 1, uniform between (Verbraken et al. 2014)"

    def above(self, threshold: Floats) -> tuple[Floats, Floats]:
        """Return P(x >= threshold) and E[x; x >= threshold]; the mass at 0 never counts, as nothing is lost there."""
        inside = np.clip(threshold, 0, 1)
        between, one = 1 - self.zero - self.one, np.where(threshold <= 1, self.one, 0.0)
        return between * (1 - inside) + one, between * (1 - inside**2) / 2 + one


@dataclass(frozen=True)
class BetaPrior:
    """A Beta distribution.

    Parameters
    ----------
    alpha, beta : float
        Its shape; the mean is ``alpha / (alpha + beta)``.
    """

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        """Refuse a shape that is not above 0."""
        positive(self.alpha, "alpha")
        positive(self.beta, "beta")

    @property
    def name(self) -> str:
        """What to call it in a report."""
        return f"Beta({self.alpha:g}, {self.beta:g})"

    def above(self, threshold: Floats) -> tuple[Floats, Floats]:
        """Return P(x >= threshold) and E[x; x >= threshold]."""
        inside = np.clip(threshold, 0, 1)
        mean = self.alpha / (self.alpha + self.beta)
        return 1 - betainc(self.alpha, self.beta, inside), mean * (1 - betainc(self.alpha + 1, self.beta, inside))


VERBRAKEN_LGD = PointMassPrior()
VERBRAKEN_ACCEPTANCE = BetaPrior(6, 14)


@dataclass(frozen=True)
class ExpectedMaximumProfit:
    """The expected maximum profit, and how many customers it means to act on.

    Parameters
    ----------
    value : float
        Expected maximum profit per customer: as a share of the loan (credit), in money (churn).
    fraction : float
        Expected share of customers to decline (credit) or to contact (churn) at the best cut-off.
    prior : str
        Name of the prior.
    """

    value: float
    fraction: float
    prior: str


def _expected_maximum(
    parts: Steps, prior: Prior, *, gain: float, event_cost: float, other_cost: float
) -> tuple[float, float]:
    """Return the expected maximum profit and the share of customers acted on."""
    # A band without events never pays.
    odds = np.divide(parts.others, parts.events, out=np.full(parts.events.size, np.inf), where=parts.events > 0)
    pays_from = (event_cost + other_cost * odds) / gain if other_cost else np.full(odds.size, event_cost / gain)
    chance, part = prior.above(pays_from)
    total = parts.count.sum()
    won = parts.events * (gain * part - event_cost * chance) - parts.others * other_cost * chance
    return float(won.sum() / total), float((parts.count * chance).sum() / total)


def emp_credit(
    y: ArrayLike, score: ArrayLike, *, roi: float = 0.2644, prior: Prior = VERBRAKEN_LGD
) -> ExpectedMaximumProfit:
    """Return the expected maximum profit of a credit score, with the share of customers to decline and the prior.

    Source: Verbraken, Bravo, Weber, Baesens (2014), European Journal of Operational Research 238.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is default) and scores (higher is riskier).
    roi : float, default 0.2644
        Return on a loan that is repaid, as a share of it: what declining a good customer costs.
    prior : Prior, default VERBRAKEN_LGD
        Distribution of the loss given default: 0.55 at 0, 0.10 at 1, uniform between, or for example ``BetaPrior(2,
        3)``.

    Returns
    -------
    ExpectedMaximumProfit
        Expected maximum profit per unit lent against lending to all, expected share to decline, name of the prior.

    Raises
    ------
    ConfigError
        When ``roi`` is not above 0.

    Examples
    --------
    >>> result = emp_credit([0, 1, 0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    >>> round(result.value, 4), round(result.fraction, 4)
    (0.0975, 0.3243)
    """
    parts = hull(steps(*outcome_and_score(y, score)))
    value, fraction = _expected_maximum(parts, prior, gain=1.0, event_cost=0.0, other_cost=positive(roi, "roi"))
    return ExpectedMaximumProfit(value, fraction, prior.name)


def emp(y: ArrayLike, score: ArrayLike, *, roi: float = 0.2644, prior: Prior = VERBRAKEN_LGD) -> float:
    """Return the expected maximum profit of a credit score, per unit lent; `emp_credit` has the share to decline too.

    Source: Verbraken, Bravo, Weber, Baesens (2014), European Journal of Operational Research 238.

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is default) and scores (higher is riskier).
    roi : float, default 0.2644
        Return on a loan that is repaid.
    prior : Prior, default VERBRAKEN_LGD
        Distribution of the loss given default.

    Returns
    -------
    float
        Expected maximum profit against lending to all; 0 when the score ranks nothing worth declining.

    Examples
    --------
    >>> round(emp([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), 4)
    0.1375
    """
    return emp_credit(y, score, roi=roi, prior=prior).value


def emp_churn(
    y: ArrayLike,
    score: ArrayLike,
    *,
    value: float = 200.0,
    incentive: float = 10.0,
    contact_cost: float = 1.0,
    prior: Prior = VERBRAKEN_ACCEPTANCE,
) -> ExpectedMaximumProfit:
    """Return the expected maximum profit of a churn score, with the share of customers to contact and the prior.

    Source: Verbraken, Verbeke, Baesens (2013), IEEE Transactions on Knowledge and Data Engineering 25(5).

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is churn) and scores (higher is riskier).
    value : float, default 200
        Lifetime value of a customer kept, in money.
    incentive : float, default 10
        Cost of the offer to who accepts it, in money; customers who would have stayed accept it too.
    contact_cost : float, default 1
        Cost of one contact, in money.
    prior : Prior, default VERBRAKEN_ACCEPTANCE
        Distribution of the share of would-be churners who accept and stay: Beta(6, 14).

    Returns
    -------
    ExpectedMaximumProfit
        Expected maximum profit per customer of the whole book, in money, expected share to contact, name of the prior.

    Raises
    ------
    ConfigError
        When a cost is below 0, or a customer kept is not worth the incentive.

    Examples
    --------
    >>> result = emp_churn([0, 1, 0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    >>> round(result.value, 4), round(result.fraction, 4)
    (23.8756, 0.8744)
    """
    positive(incentive, "incentive", zero=True)
    positive(contact_cost, "contact_cost", zero=True)
    if not positive(value, "value") > incentive:
        raise ConfigError(
            f"value must be above incentive, got {value!r} and {incentive!r}",
            where="value, incentive",
            fix="an offer that costs more than the customer is worth never pays",
        )
    parts = hull(steps(*outcome_and_score(y, score)))
    expected, fraction = _expected_maximum(
        parts, prior, gain=value - incentive, event_cost=contact_cost, other_cost=contact_cost + incentive
    )
    return ExpectedMaximumProfit(expected, fraction, prior.name)


def empc(
    y: ArrayLike,
    score: ArrayLike,
    *,
    value: float = 200.0,
    incentive: float = 10.0,
    contact_cost: float = 1.0,
    prior: Prior = VERBRAKEN_ACCEPTANCE,
) -> float:
    """Return the expected maximum profit of a churn score, per customer; `emp_churn` has the share to contact too.

    Source: Verbraken, Verbeke, Baesens (2013), IEEE Transactions on Knowledge and Data Engineering 25(5).

    Parameters
    ----------
    y, score : array of shape (n,)
        Outcomes (1 is churn) and scores (higher is riskier).
    value : float, default 200
        Lifetime value of a customer kept, in money.
    incentive : float, default 10
        Cost of the offer to who accepts it, in money.
    contact_cost : float, default 1
        Cost of one contact, in money.
    prior : Prior, default VERBRAKEN_ACCEPTANCE
        Distribution of the share of would-be churners who accept and stay.

    Returns
    -------
    float
        Expected maximum profit per customer, in money.

    Examples
    --------
    >>> round(empc([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), 4)
    28.0
    """
    return emp_churn(y, score, value=value, incentive=incentive, contact_cost=contact_cost, prior=prior).value
