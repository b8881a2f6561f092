"""The cut-offs between tiers: given, of equal risk, or by what acting on a customer earns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from riskml.config.experiment import TierConfig
from riskml.errors import ConfigError, DataError, preview
from riskml.metrics import ChurnCosts, CreditCosts
from riskml.policy.tiers import Floats, outcomes, probabilities

_RESAMPLES = 200
_DIGITS = 3  # of a cut-off: more would pretend to a precision that it does not have


def given_tiers(bounds: Sequence[float], names: Sequence[str]) -> tuple[TierConfig, ...]:
    """Return the tiers of given cut-offs.

    Parameters
    ----------
    bounds : sequence of float
        Lower bounds of probability, the first 0, strictly rising.
    names : sequence of str
        One for each, the safest first.

    Raises
    ------
    ConfigError
        When the bounds leave a gap, overlap or fall, or two names are equal.

    Examples
    --------
    >>> [tier.name for tier in given_tiers([0, 0.2], ["low", "high"])]
    ['low', 'high']
    """
    if len(names) != len(bounds) or not names:
        raise ConfigError(
            f"{len(names)} names and {len(bounds)} lower bounds: each tier has one of each", where="tiers"
        )
    if len(set(names)) != len(names) or not all(names):
        raise ConfigError(f"tiers must have different names; got {preview(names)}", where="tiers")
    values = [float(bound) for bound in bounds]
    rising = all(later > earlier for earlier, later in zip(values, values[1:], strict=False))
    if values[0] != 0 or not rising or not values[-1] < 1:
        raise ConfigError(
            f"lower bounds start at 0, rise strictly and stay below 1; got {preview(values)}",
            where="tiers",
            fix="order them, the safest tier first",
        )
    return tuple(TierConfig(name=name, from_probability=bound) for name, bound in zip(names, values, strict=True))


def equal_risk_tiers(probability: ArrayLike, names: Sequence[str]) -> tuple[TierConfig, ...]:
    """Return tiers among which the expected events are shared out evenly.

    Of k tiers, each is to hold one k-th of the sum of all probabilities: the safest holds many customers, the riskiest
    few, and each deserves the same attention. Equal probabilities are never parted, so that shares differ a little.

    Parameters
    ----------
    probability : array of shape (n,)
        Calibrated, of rows that the model has not learnt from.
    names : sequence of str
        The safest first, two or more.

    Returns
    -------
    tuple of TierConfig
        Cut-offs of three digits.

    Raises
    ------
    DataError
        When too few different probabilities are there, or a value is no probability.

    Examples
    --------
    >>> tiers = equal_risk_tiers([0.1] * 6 + [0.2] * 3 + [0.6], ["low", "medium", "high"])
    >>> [tier.from_probability for tier in tiers]
    [0.0, 0.2, 0.6]
    """
    chance = np.sort(probabilities(probability))
    if len(names) < 2:
        raise ConfigError("equal-risk tiers are at least two", where="names", fix="name them, the safest first")
    before = np.cumsum(chance) - chance  # expected events beneath each row
    shares = before[-1:] + chance[-1:]
    places = np.searchsorted(before, shares * np.arange(1, len(names)) / len(names) - 1e-9 * shares)
    return _learnt([0.0, *chance[np.minimum(places, len(chance) - 1)]], names, chance)


def profit_best_tiers(
    y: ArrayLike, probability: ArrayLike, costs: CreditCosts | ChurnCosts, names: Sequence[str], *, seed: int = 0
) -> tuple[TierConfig, ...]:
    """Return tiers by what acting on a customer (declining, or contacting) earns.

    Two tiers meet at the cut-off that earns most. With three, that cut-off is uncertain, and the middle tier is the
    grey zone: between the 10 % and the 90 % quantile of the best cut-off over resamples of the customers (a Poisson
    bootstrap). Beneath it acting loses, above it acting pays, and in it an officer looks. Further tiers part the
    customers beneath the grey zone so that each holds the same number of expected events.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
        1 is the event.
    probability : array of shape (n,)
        Of rows that the model has not learnt from, such as out-of-fold ones.
    names : sequence of str
        The safest first, two or more.
    seed : int, default 0
        Of the resamples.

    Returns
    -------
    tuple of TierConfig
        Cut-offs of three digits.

    Raises
    ------
    DataError
        When acting on no one, or on everyone, earns most: no cut-off parts the book then.
    """
    chance = probabilities(probability)
    target = outcomes(y, len(chance))
    if len(names) < 2:
        raise ConfigError("profit-best tiers are at least two", where="names", fix="name them, the safest first")
    best, lower, upper = _best_cutoffs(target, chance, costs, seed)
    highest, lowest = chance.max(), chance.min()
    if not lowest < best <= highest:
        one, rank = ("no one", "high") if best > highest else ("everyone", "low")
        raise DataError(
            f"under these costs acting on {one} earns most: no cut-off parts the book",
            where="costs",
            fix=f"check whether what acting costs is set too {rank}, or use --rule equal_risk",
        )
    if len(names) == 2:
        return _learnt([0.0, best], names, chance)
    zone = _apart(chance, best, lower, upper)
    beneath = np.sort(chance[chance < zone[0]])
    parts = len(names) - 2
    bounds = [0.0]
    if parts > 1:
        bounds = [tier.from_probability for tier in equal_risk_tiers(beneath, [str(part) for part in range(parts)])]
    return _learnt([*bounds, *zone], names, chance)


def _best_cutoffs(
    target: Floats, chance: Floats, costs: CreditCosts | ChurnCosts, seed: int
) -> tuple[float, float, float]:
    """Return the cut-off that earns most, and its 10 % and 90 % quantile over Poisson resamples."""
    acted, left = costs.earned(target)
    order = np.argsort(-chance, kind="stable")
    gain, sorted_chance = (acted - left)[order], chance[order]
    # A cut-off takes all customers of one probability.
    ends = np.flatnonzero(np.append(np.diff(sorted_chance) != 0, True))
    cutoffs = np.append(np.inf, sorted_chance[ends])
    rng = np.random.default_rng([seed, 11])

    def best_cutoff(weighted: Floats) -> float:
        return float(cutoffs[np.argmax(np.append(0.0, np.cumsum(weighted)[ends]))])

    best = best_cutoff(gain)
    resampled = sorted(best_cutoff(gain * rng.poisson(1.0, len(gain))) for _ in range(_RESAMPLES))
    return best, resampled[_RESAMPLES // 10], resampled[-_RESAMPLES // 10 - 1]


def _apart(chance: Floats, best: float, lower: float, upper: float) -> tuple[float, float]:
    """Return the ends of the grey zone, inside the book and not in one place."""
    known = np.unique(chance)
    first = min(max(lower, known[min(1, len(known) - 1)]), best)
    last = min(upper, known[-1])
    if last <= first:
        above = known[known > first]
        below = known[(known < first) & (known > known[0])]
        first, last = (first, above[0]) if len(above) else (below[-1] if len(below) else first, first)
    return float(first), float(last)


def _learnt(bounds: Sequence[float], names: Sequence[str], chance: Floats) -> tuple[TierConfig, ...]:
    rounded = [float(f"{bound:.{_DIGITS}g}") for bound in bounds]
    for values in (rounded, [float(bound) for bound in bounds]):
        # The safest tier holds someone, and each further one reaches from a value of the book.
        steps = [chance.min(), *values[1:], 1.0]
        if all(later > earlier for earlier, later in zip(steps, steps[1:], strict=False)):
            return given_tiers(values, names)
    raise DataError(
        f"{len(np.unique(chance))} different probabilities do not part into {len(names)} tiers",
        where="probability",
        fix="ask for fewer tiers",
    )
