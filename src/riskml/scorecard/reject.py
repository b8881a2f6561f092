"""Reject inference: what to do with applicants who were declined, and so have no outcome.

A card built on accepted applicants alone knows only people whom the old policy liked. None of the remedies adds
information: each replaces the unknown outcomes by an assumption, and only the outcomes of some declined applicants who
were accepted on trial would test it. Hand (1998) and Crook and Banasik (2004) find that, where the old policy's
variables are on the new card, augmentation seldom beats the known outcomes alone. Look at `reject_sensitivity` before
a card is signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from riskml.errors import ConfigError, DataError
from riskml.runtime.frame import Floats
from riskml.scorecard.card import Scorecard

Method = Literal["known", "fuzzy", "parcelling"]
WARNINGS: dict[Method, str] = {
    "known": "The known outcomes alone: unbiased only where the old policy's variables are all on the card (outcomes "
    "missing at random, Little and Rubin 2002); probabilities of declined applicants are extrapolated.",
    "fuzzy": "Fuzzy augmentation: every declined applicant counts as an event and as a non-event, weighted by the "
    "first card's probability. With uplift 1 it repeats what that card believes, and understates standard errors "
    "because inferred rows count as observed (Siddiqi 2006; Hand 1998).",
    "parcelling": "Parcelling: outcomes of declined applicants are drawn, score band by score band, at the accepted "
    "event rate times the uplift. The uplift is an assumption that no data of accepted applicants can test, and it "
    "moves the result (Siddiqi 2006; Crook and Banasik 2004).",
}


@dataclass(frozen=True)
class Augmented:
    """Applicants with known and with inferred outcomes.

    Parameters
    ----------
    X : DataFrame of shape (n, p)
        Accepted applicants first.
    event : ndarray of shape (n,)
        The outcome, 1 for an event, observed or assumed.
    weight : ndarray of shape (n,)
    inferred : ndarray of bool, shape (n,)
    warning : str
        What the method's literature warns of.
    """

    X: pd.DataFrame
    event: NDArray[np.int8]
    weight: Floats
    inferred: NDArray[np.bool_]
    warning: str


def infer_rejects(
    card: Scorecard,
    X: pd.DataFrame,
    y: Any,
    rejected: pd.DataFrame,
    *,
    method: Method = "fuzzy",
    uplift: float = 1.0,
    bands: int = 10,
    random_state: int = 0,
) -> Augmented:
    """Return accepted and declined applicants together, the latter with assumed outcomes.

    Parameters
    ----------
    card : Scorecard
        Fitted on the accepted.
    X : DataFrame of shape (n_accepted, p)
    y : array of shape (n_accepted,)
        Their outcomes, with the card's classes.
    rejected : DataFrame of shape (n_rejected, p)
    method : {"known", "fuzzy", "parcelling"}
    uplift : float
        By how much the odds (fuzzy) or the event rate of a band (parcelling) of declined applicants exceed those of
        accepted ones who look the same. At least 1: the old policy knew something.
    bands : int
        Score bands of equal numbers of accepted applicants (parcelling).
    random_state : int
        Seed of the draws (parcelling).

    Raises
    ------
    ConfigError, DataError
        When an argument is impossible, or the two tables do not have the same columns.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 22, 25, 31, 40, 44, 51, 60] * 10})
    >>> y = [1, 1, 0, 1, 0, 0, 1, 0] * 5 + [1, 1, 1, 0, 0, 0, 0, 0] * 5
    >>> card = Scorecard(max_bins=2).fit(X, y)
    >>> both = infer_rejects(card, X, y, pd.DataFrame({"age": [19, 21]}))
    >>> len(both.X), round(float(both.weight.sum()), 6)
    (84, 82.0)
    """
    if method not in get_args(Method):
        raise ConfigError(f"method must be one of {', '.join(get_args(Method))}; got {method!r}", where="infer_rejects")
    if not uplift >= 1:
        raise ConfigError(
            f"uplift must be at least 1; got {uplift!r}",
            where="infer_rejects",
            mend="declined applicants are not safer than accepted ones who look the same",
        )
    if list(X.columns) != list(rejected.columns):
        raise DataError(
            "accepted and declined applicants must have the same columns",
            where=f"only in one of the tables: {sorted(map(str, set(X.columns) ^ set(rejected.columns)))}",
        )
    event = (np.asarray(y) == card.classes_[1]).astype(np.int8)
    known = np.ones(len(X))
    if method == "known" or not len(rejected):
        return Augmented(X, event, known, np.zeros(len(X), dtype=bool), WARNINGS["known"])
    if method == "fuzzy":
        margin = card.decision_function(rejected) + np.log(uplift)
        p = 1.0 / (1.0 + np.exp(-margin))
        frame = pd.concat([X, rejected, rejected])
        events = np.concatenate([event, np.ones(len(rejected), np.int8), np.zeros(len(rejected), np.int8)])
        weight = np.concatenate([known, p, 1 - p])
    else:
        p = np.minimum(_band_rates(card, X, event, rejected, bands) * uplift, 1.0)
        drawn = (np.random.default_rng(random_state).random(len(rejected)) < p).astype(np.int8)
        frame, events = pd.concat([X, rejected]), np.concatenate([event, drawn])
        weight = np.ones(len(frame))
    inferred = np.arange(len(frame)) >= len(X)
    return Augmented(frame, events, weight, inferred, WARNINGS[method])


def _band_rates(
    card: Scorecard, X: pd.DataFrame, event: NDArray[np.int8], rejected: pd.DataFrame, bands: int
) -> Floats:
    """Return the accepted event rate of each declined applicant's score band."""
    if bands < 1:
        raise ConfigError(f"bands must be at least 1; got {bands}", where="infer_rejects")
    accepted, declined = card.points(X).to_numpy(), card.points(rejected).to_numpy()
    cuts = np.unique(np.quantile(accepted, np.arange(1, bands) / bands))
    band = np.searchsorted(cuts, accepted, side="right")
    rows = np.bincount(band, minlength=len(cuts) + 1)
    events = np.bincount(band, event, minlength=len(cuts) + 1)
    average = event.mean()
    # A band with nobody in it borrows the average.
    rate = np.where(rows > 0, events / np.maximum(rows, 1), average)
    return np.asarray(rate[np.searchsorted(cuts, declined, side="right")])


def reject_sensitivity(
    card: Scorecard,
    X: pd.DataFrame,
    y: Any,
    rejected: pd.DataFrame,
    *,
    uplifts: Sequence[float] = (1.0, 1.5, 2.0),
    random_state: int = 0,
) -> pd.DataFrame:
    """Return how much a card depends on what is assumed of declined applicants.

    Parameters
    ----------
    card : Scorecard
        Fitted on the accepted; its parameters are used for the others.
    X, y, rejected
        As for `infer_rejects`.
    uplifts : sequence of float
    random_state : int

    Returns
    -------
    DataFrame
        A row per method and uplift: ``method``, ``uplift``, ``event_rate_rejected`` (what the new card expects of
        declined applicants), ``mean_points_shift`` and ``largest_points_shift`` of accepted ones against the first
        card, ``rank_correlation`` of both cards' points.
    """
    before = card.points(X)
    rows = []
    inferring: tuple[Method, ...] = ("fuzzy", "parcelling")
    trials: list[tuple[Method, float]] = [("known", 1.0), *((method, up) for method in inferring for up in uplifts)]
    for method, uplift in trials:
        both = infer_rejects(card, X, y, rejected, method=method, uplift=uplift, random_state=random_state)
        other = clone(card).fit(both.X, card.classes_[both.event.astype(int)], both.weight)
        after = other.points(X)
        rows.append(
            {
                "method": method,
                "uplift": uplift,
                "event_rate_rejected": float(other.predict_proba(rejected)[:, 1].mean()),
                "mean_points_shift": float((after - before).mean()),
                "largest_points_shift": float((after - before).abs().max()),
                "rank_correlation": float(before.rank().corr(after.rank())),
            }
        )
    return pd.DataFrame(rows)
