"""Cut-offs between tiers: explicit, of equal risk, or by profit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from riskml.config.experiment import TierConfig
from riskml.errors import ConfigError, DataError, preview
from riskml.metrics import ChurnCosts, CreditCosts
from riskml.policy.tiers import Floats, outcomes, probabilities

_RESAMPLES = 200
_DIGITS = 3  # of a cut-off


def given_tiers(bounds: Sequence[float], names: Sequence[str]) -> tuple[TierConfig, ...]:
    """Return tiers from their names, the safest first, and their lower bounds, which rise strictly from 0.

    >>> [tier.name for tier in given_tiers([0, 0.2], ["low", "high"])]
    ['low', 'high']
    """
    if len(names) != len(bounds) or not names:
        raise ConfigError(f"{len(names)} names and {len(bounds)} lower bounds", where="tiers")
    if len(set(names)) != len(names) or not all(names):
        raise ConfigError(f"names of tiers must differ, got {preview(names)}", where="tiers")
    values = [float(bound) for bound in bounds]
    rising = all(later > earlier for earlier, later in zip(values, values[1:], strict=False))
    if values[0] != 0 or not rising or not values[-1] < 1:
        raise ConfigError(
            f"lower bounds must rise strictly from 0 and stay below 1, got {preview(values)}",
            where="tiers",
            fix="sort them, the safest tier first",
        )
    return tuple(TierConfig(name=name, from_probability=bound) for name, bound in zip(names, values, strict=True))


def equal_risk_tiers(probability: ArrayLike, names: Sequence[str]) -> tuple[TierConfig, ...]:
    """Return tiers with equal shares of the expected events.

    Of k tiers, each holds about 1/k of the sum of all probabilities: the safest has many customers, the riskiest few.
    Customers of equal probability stay together.

    Parameters
    ----------
    probability : array of shape (n,)
        Calibrated, of rows that the model was not trained on.
    names : sequence of str
        The safest first, two or more.

    Returns
    -------
    tuple of TierConfig
        Cut-offs of three digits.

    Raises
    ------
    DataError
        When there are too few different probabilities, or a value is not a probability.

    Examples
    --------
    >>> tiers = equal_risk_tiers([0.1] * 6 + [0.2] * 3 + [0.6], ["low", "medium", "high"])
    >>> [tier.from_probability for tier in tiers]
    [0.0, 0.2, 0.6]
    """
    chance = np.sort(probabilities(probability))
    _check_several(names)
    before = np.cumsum(chance) - chance  # expected events below each row
    shares = before[-1:] + chance[-1:]
    positions = np.searchsorted(before, shares * np.arange(1, len(names)) / len(names) - 1e-9 * shares)
    return _rounded([0.0, *chance[np.minimum(positions, len(chance) - 1)]], names, chance)


def profit_best_tiers(
    y: ArrayLike, probability: ArrayLike, costs: CreditCosts | ChurnCosts, names: Sequence[str], *, seed: int = 0
) -> tuple[TierConfig, ...]:
    """Return tiers by the profit of acting on a customer (declining, or contacting).

    Two tiers are separated by the most profitable cut-off. Of three, the middle tier is the grey zone for manual
    review: from the 10 % to the 90 % quantile of the best cut-off over Poisson bootstrap resamples of the customers.
    Further tiers split the customers below the grey zone into equal shares of expected events.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
        1 is the event.
    probability : array of shape (n,)
        Of rows that the model was not trained on, such as out-of-fold ones.
    names : sequence of str
        The safest first, two or more.
    seed : int, default 0
        Seed of the resamples.

    Raises
    ------
    DataError
        When acting on no one, or on everyone, earns most, so that no cut-off exists.
    """
    chance = probabilities(probability)
    target = outcomes(y, len(chance))
    _check_several(names)
    best, lower, upper = _best_cutoffs(target, chance, costs, seed)
    highest, lowest = chance.max(), chance.min()
    if not lowest < best <= highest:
        who, rank = ("no one", "high") if best > highest else ("everyone", "low")
        raise DataError(
            f"under these costs acting on {who} earns most: no cut-off exists",
            where="costs",
            fix=f"check whether the cost of acting is too {rank}, or use --rule equal_risk",
        )
    if len(names) == 2:
        return _rounded([0.0, best], names, chance)
    zone = _grey_zone(chance, best, lower, upper)
    below = np.sort(chance[chance < zone[0]])
    parts = len(names) - 2
    bounds = [0.0]
    if parts > 1:
        bounds = [tier.from_probability for tier in equal_risk_tiers(below, [str(part) for part in range(parts)])]
    return _rounded([*bounds, *zone], names, chance)


def _best_cutoffs(
    target: Floats, chance: Floats, costs: CreditCosts | ChurnCosts, seed: int
) -> tuple[float, float, float]:
    """Return the most profitable cut-off, and its 10 % and 90 % quantile over Poisson resamples."""
    acted, left = costs.earned(target)
    order = np.argsort(-chance, kind="stable")
    gain, sorted_chance = (acted - left)[order], chance[order]
    # Customers of equal probability are on the same side of a cut-off.
    ends = np.flatnonzero(np.append(np.diff(sorted_chance) != 0, True))
    cutoffs = np.append(np.inf, sorted_chance[ends])
    rng = np.random.default_rng([seed, 11])

    def best_cutoff(weighted: Floats) -> float:
        return float(cutoffs[np.argmax(np.append(0.0, np.cumsum(weighted)[ends]))])

    best = best_cutoff(gain)
    resampled = sorted(best_cutoff(gain * rng.poisson(1.0, len(gain))) for _ in range(_RESAMPLES))
    return best, resampled[_RESAMPLES // 10], resampled[-_RESAMPLES // 10 - 1]


def _grey_zone(chance: Floats, best: float, lower: float, upper: float) -> tuple[float, float]:
    """Return the bounds of the grey zone, which differ and are within the probabilities."""
    known = np.unique(chance)
    first = min(max(lower, known[min(1, len(known) - 1)]), best)
    last = min(upper, known[-1])
    if last <= first:
        above = known[known > first]
        below = known[(known < first) & (known > known[0])]
        first, last = (first, above[0]) if len(above) else (below[-1] if len(below) else first, first)
    return float(first), float(last)


def _rounded(bounds: Sequence[float], names: Sequence[str], chance: Floats) -> tuple[TierConfig, ...]:
    rounded = [float(f"{bound:.{_DIGITS}g}") for bound in bounds]
    for values in (rounded, [float(bound) for bound in bounds]):
        # No tier is empty.
        steps = [chance.min(), *values[1:], 1.0]
        if all(later > earlier for earlier, later in zip(steps, steps[1:], strict=False)):
            return given_tiers(values, names)
    raise DataError(
        f"{len(np.unique(chance))} different probabilities cannot form {len(names)} tiers",
        where="probability",
        fix="use fewer tiers",
    )


def _check_several(names: Sequence[str]) -> None:
    if len(names) < 2:
        raise ConfigError(f"expected at least two tiers, got {len(names)}", where="names", fix="name the safest first")
