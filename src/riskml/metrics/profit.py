"""What decisions by a score earn: profit over the cut-off, the best cut-off, and break-even, under stated costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.errors import ConfigError, DataError
from riskml.metrics._inputs import Floats, number_vector, outcome_and_probability, positive_int, probability
from riskml.metrics._steps import Rows, descending


@dataclass(frozen=True)
class CreditCosts:
    """What a loan earns or loses. To act is to decline; a declined customer earns nothing.

    Parameters
    ----------
    exposure : float or array of shape (n,), default 1
        Exposure at default, in money.
    lgd : float or array of shape (n,)
        Loss given default, as a share of the exposure, 0…1.
    margin : float or array of shape (n,)
        What a customer who does not default earns, as a share of the exposure.
    """

    lgd: ArrayLike
    margin: ArrayLike
    exposure: ArrayLike = 1.0

    def earned(self, event: Floats) -> tuple[Floats, Floats]:
        """Return what each customer earns when acted on (declined), and when not.

        Parameters
        ----------
        event : array of shape (n,)
            The outcome, or its probability.
        """
        lgd, margin, exposure = (
            _per_row(value, name, event.size)
            for value, name in ((self.lgd, "lgd"), (self.margin, "margin"), (self.exposure, "exposure"))
        )
        if (lgd > 1).any():
            raise ConfigError(f"lgd is a share of the exposure, 0…1, got {lgd.max():g}", where="lgd")
        return np.zeros(event.size), exposure * ((1 - event) * margin - event * lgd)

    def break_even(self) -> Floats:
        """Return the probability of default from which declining pays, ``margin / (margin + lgd)``."""
        lgd, margin = np.asarray(self.lgd, dtype=np.float64), np.asarray(self.margin, dtype=np.float64)
        return np.asarray(margin / (margin + lgd))


@dataclass(frozen=True)
class ChurnCosts:
    """What a retention offer earns or costs. To act is to contact; who is left alone costs nothing.

    Parameters
    ----------
    value : float or array of shape (n,)
        Value of a customer kept, in money.
    contact_cost : float or array of shape (n,)
        Cost of one contact, in money.
    success_rate : float or array of shape (n,), default 0.3
        Share of would-be churners who accept the offer and stay. The default is the mean of the Beta(6, 14) prior of
        Verbraken et al. (2013).
    incentive : float or array of shape (n,), default 0
        Cost of the offer to who accepts it; a customer who would have stayed anyway always accepts.
    """

    value: ArrayLike
    contact_cost: ArrayLike
    success_rate: ArrayLike = 0.3
    incentive: ArrayLike = 0.0

    def earned(self, event: Floats) -> tuple[Floats, Floats]:
        """Return what each customer earns when acted on (contacted), and when not.

        Parameters
        ----------
        event : array of shape (n,)
            The outcome, or its probability.
        """
        value, contact, success, incentive = (
            _per_row(amount, name, event.size)
            for amount, name in (
                (self.value, "value"),
                (self.contact_cost, "contact_cost"),
                (self.success_rate, "success_rate"),
                (self.incentive, "incentive"),
            )
        )
        if (success > 1).any():
            raise ConfigError(f"success_rate is a share, 0…1, got {success.max():g}", where="success_rate")
        return event * success * (value - incentive) - (1 - event) * incentive - contact, np.zeros(event.size)

    def break_even(self) -> Floats:
        """Return the probability of churn from which a contact pays; above 1 when it never does."""
        value, contact, success, incentive = (
            np.asarray(amount, dtype=np.float64)
            for amount in (self.value, self.contact_cost, self.success_rate, self.incentive)
        )
        won = success * (value - incentive) + incentive
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(won > 0, (contact + incentive) / won, np.inf))


@dataclass(frozen=True)
class BestCutoff:
    """The cut-off that earns most on these rows.

    Parameters
    ----------
    cutoff : float
        Act on a customer with at least this probability; infinite when acting on no one is best.
    profit, profit_per_customer : float
        What it earns, in money.
    share_acted : float
        Share of customers acted on.
    profit_act_none, profit_act_all : float
        What acting on no one, and on everyone, earns.
    """

    cutoff: float
    profit: float
    profit_per_customer: float
    share_acted: float
    profit_act_none: float
    profit_act_all: float


def _per_row(value: ArrayLike, name: str, length: int) -> Floats:
    """Return a cost of each row, given as one number or one per row."""
    one = isinstance(value, int | float | np.number) or np.ndim(value) == 0
    costs = np.full(length, value, dtype=np.float64) if one else number_vector(value, name)
    if costs.size != length:
        raise DataError(
            f"{name} has {costs.size} rows where {length} are expected",
            where=name,
            fix="give one number, or one for each row in the same order",
        )
    if not np.isfinite(costs).all() or (costs < 0).any():
        raise ConfigError(f"{name} must be a number of at least 0", where=name)
    return costs


def _totals(event: Floats, p: Floats, costs: CreditCosts | ChurnCosts) -> tuple[Floats, Floats, Rows]:
    """Return, acting on none and then down to each distinct probability: the cut-off, the profit, the rows acted on."""
    acted, left = costs.earned(event)
    order, first = descending(p)
    change = np.add.reduceat((acted - left)[order], first)
    profit = left.sum() + np.append(0.0, np.cumsum(change))
    return np.append(np.inf, p[order[first]]), profit, np.append(first, p.size)


def _curve(event: Floats, p: Floats, costs: CreditCosts | ChurnCosts, max_points: int) -> pd.DataFrame:
    cutoff, profit, acted = _totals(event, p, costs)
    limit = positive_int(max_points, "max_points", at_least=2)
    if cutoff.size > limit:
        keep = np.searchsorted(acted, np.linspace(0, p.size, limit))
        # The best cut-off is always among the points, so that a plot of the curve shows it.
        keep = np.unique(np.append(keep, profit.argmax()))
        cutoff, profit, acted = cutoff[keep], profit[keep], acted[keep]
    return pd.DataFrame(
        {"cutoff": cutoff, "share_acted": acted / p.size, "profit": profit, "profit_per_customer": profit / p.size}
    )


def profit_curve(y: ArrayLike, p: ArrayLike, costs: CreditCosts | ChurnCosts, *, max_points: int = 500) -> pd.DataFrame:
    """Return what each cut-off would have earned on rows with a known outcome.

    Source: Elkan (2001), IJCAI: decisions by expected cost; Provost and Fawcett (2013), Data Science for Business:
    profit curves.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event. Customers with at least the cut-off are acted on:
        declined, or contacted.
    costs : CreditCosts or ChurnCosts
        What a decision earns or costs.
    max_points : int, default 500
        At most about so many points, evenly spaced over the customers; the best one is among them.

    Returns
    -------
    DataFrame
        ``cutoff`` (infinite: no one), ``share_acted``, ``profit`` and ``profit_per_customer``, in money.

    Raises
    ------
    ConfigError
        When a cost is negative or a share is above 1.

    Examples
    --------
    >>> profit_curve([0, 0, 1], [0.1, 0.2, 0.9], CreditCosts(exposure=1000, lgd=0.5, margin=0.1))
       cutoff  share_acted  profit  profit_per_customer
    0     inf     0.000000  -300.0          -100.000000
    1     0.9     0.333333   200.0            66.666667
    2     0.2     0.666667   100.0            33.333333
    3     0.1     1.000000     0.0             0.000000
    """
    flags, prob = outcome_and_probability(y, p)
    return _curve(flags.astype(np.float64), prob, costs, max_points)


def expected_profit_curve(p: ArrayLike, costs: CreditCosts | ChurnCosts, *, max_points: int = 500) -> pd.DataFrame:
    """Return what each cut-off is expected to earn, where the outcome is not known yet: the probabilities stand for it.

    Over `profit_curve` of the same rows it shows what miscalibration costs.

    Source: Elkan (2001), IJCAI: decisions by expected cost.

    Parameters
    ----------
    p : array of shape (n,)
        Probabilities of the event.
    costs : CreditCosts or ChurnCosts
        What a decision earns or costs.
    max_points : int, default 500
        At most about so many points.

    Returns
    -------
    DataFrame
        As `profit_curve`.

    Examples
    --------
    >>> expected_profit_curve([0.1, 0.5], CreditCosts(exposure=1000, lgd=0.5, margin=0.1))["profit"].tolist()
    [-160.0, 40.0, 0.0]
    """
    prob = probability(p)
    return _curve(prob, prob, costs, max_points)


def best_cutoff(y: ArrayLike, p: ArrayLike, costs: CreditCosts | ChurnCosts) -> BestCutoff:
    """Return the cut-off that would have earned most.

    It is the best in hindsight on these rows: choose it on validation rows, and report its profit on others.

    Source: Elkan (2001), IJCAI: decisions by expected cost.

    Parameters
    ----------
    y, p : array of shape (n,)
        Outcomes (1 is the event) and probabilities of the event.
    costs : CreditCosts or ChurnCosts
        What a decision earns or costs.

    Returns
    -------
    BestCutoff
        The cut-off, its profit, and what acting on no one and on everyone would have earned. Of equally good cut-offs
        it is the highest: the fewest customers are acted on.

    Examples
    --------
    >>> best = best_cutoff([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], ChurnCosts(value=100, contact_cost=5, success_rate=0.5))
    >>> best.cutoff, best.profit, best.share_acted
    (0.6, 90.0, 0.5)
    """
    flags, prob = outcome_and_probability(y, p)
    cutoff, profit, acted = _totals(flags.astype(np.float64), prob, costs)
    # Sums of many small amounts differ in their last digits; what differs by less is equally good.
    best = int(np.argmax(profit >= profit.max() - 1e-9 * max(1.0, float(np.abs(profit).max()))))
    total = float(profit[best])
    return BestCutoff(
        float(cutoff[best]),
        total,
        total / prob.size,
        float(acted[best] / prob.size),
        float(profit[0]),
        float(profit[-1]),
    )
