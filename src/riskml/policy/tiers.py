"""The tiers of a book: steady from month to month, and judged on what came of their customers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from riskml.config.experiment import TierConfig
from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.metrics import jeffreys_p_value

Floats = npt.NDArray[np.float64]


def tier_codes(probability: ArrayLike, tiers: Sequence[TierConfig]) -> npt.NDArray[np.intp]:
    """Return the place of each customer's tier among the tiers, 0 for the safest."""
    bounds = [tier.from_probability for tier in tiers]
    return np.searchsorted(bounds, probabilities(probability), side="right") - 1


def with_hysteresis(
    probability: pd.Series, tiers: Sequence[TierConfig], previous_tier: pd.Series | None, margin: float
) -> pd.Series:
    """Return tiers that a customer at a border keeps, unless the probability is past the border by a margin.

    A customer rises over a border b when the odds are at least ``(1 + margin) * b / (1 - b)``, and falls beneath it
    when they are below ``b / (1 - b) / (1 + margin)``; in between the tier of before stays. Odds are taken because
    near 0 they go as the probability does, and near 1 as that of the contrary: a margin of 0.1 is "a tenth beyond"
    at a border of 2 % (2.2 %) as well as at one of 98 %.

    Parameters
    ----------
    tiers : sequence of TierConfig
        The safest first.
    previous_tier : Series of str, or None
        The last tier of customers, by the same index; who is not in it, or has none, is new, and gets the plain tier.
    margin : float
        0 or more, as a share of the border's odds; 0 switches it off.

    Returns
    -------
    Series of str, shape (n,)
        The index of ``probability``.

    Raises
    ------
    DataError
        When a previous tier is none of the tiers, a customer has two, or a value is no probability.

    Examples
    --------
    >>> from riskml.policy.cutoffs import given_tiers
    >>> tiers = given_tiers([0, 0.2], ["low", "high"])
    >>> now = pd.Series([0.21, 0.21, 0.19, 0.15], index=list("abcd"))
    >>> before = pd.Series(["low", "high", "high", "high"], index=list("abcd"))
    >>> with_hysteresis(now, tiers, before, margin=0.1).tolist()
    ['low', 'high', 'high', 'low']
    """
    if not margin >= 0 or not np.isfinite(margin):
        raise ConfigError(f"the margin is a number of at least 0; got {margin!r}", where="hysteresis")
    names = np.array([tier.name for tier in tiers], dtype=object)
    chance = probabilities(probability)
    plain = tier_codes(chance, tiers)
    codes = plain
    if previous_tier is not None and margin > 0:
        before = _previous(previous_tier, names, probability.index)
        odds = np.array([tier.from_probability / (1 - tier.from_probability) for tier in tiers[1:]])
        # As probabilities again, the borders can be searched; risen ≤ plain ≤ held.
        up, down = odds * (1 + margin), odds / (1 + margin)
        risen = np.searchsorted(up / (1 + up), chance, side="right")
        held = np.searchsorted(down / (1 + down), chance, side="right")
        codes = np.where(before >= 0, np.clip(before, risen, held), plain)
    return pd.Series(names[codes], index=probability.index, name="tier")


def _previous(previous_tier: pd.Series, names: npt.NDArray[np.object_], index: pd.Index) -> npt.NDArray[np.intp]:
    if previous_tier.index.has_duplicates:
        twice = previous_tier.index[previous_tier.index.duplicated()]
        raise DataError(
            f"{len(twice)} customers have two previous tiers: {preview(twice.unique())}",
            where="previous_tier",
            fix="hand in one tier for each customer: the last one",
        )
    codes, known = pd.factorize(previous_tier)
    strange = [name for name in known if name not in names]
    if strange:
        raise DataError(
            f"the previous tiers {preview(strange)} are none of {preview(names)}",
            where="previous_tier",
            fix=did_you_mean(strange[0], names)
            or "leave them empty where tiers were renamed: such customers count as new",
        )
    places = np.array([*(list(names).index(name) for name in known), -1], dtype=np.intp)
    before = pd.Series(places[codes], index=previous_tier.index)
    return before.reindex(index, fill_value=-1).to_numpy(dtype=np.intp)


def tier_table(
    probability: ArrayLike,
    tiers: Sequence[TierConfig],
    *,
    tier: ArrayLike | None = None,
    outcome: ArrayLike | None = None,
    stake: ArrayLike | None = None,
    loss_share: float = 1.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return what each tier holds, what is expected of it, and what came of it.

    Parameters
    ----------
    tiers : sequence of TierConfig
        The safest first.
    tier : array of str, shape (n,), optional
        Each customer's tier, where it is not the plain one (hysteresis).
    outcome : array of 0 and 1, shape (n,), optional
        1 is the event.
    stake : array of shape (n,), or float, optional
        Money at stake: the exposure, or the value of a customer.
    loss_share : float, default 1
        Share of the stake that an event costs: the loss given default; 1 where a customer leaves.
    level : float, default 0.95
        Of the intervals and of the tests.

    Returns
    -------
    DataFrame
        One row per tier, the safest first: ``tier``, ``from_probability``, ``rows``, ``share``, ``expected`` (mean
        probability), ``expected_events``; with outcomes ``events``, ``observed``, ``lower`` and ``upper`` (Jeffreys'
        interval of the observed rate), ``p_value`` (Jeffreys' test; small where the probabilities are too low),
        ``underestimated``, ``monotone`` (whether the observed rate is above that of the tier beneath); with a stake
        ``value_at_stake`` and ``expected_loss``, and with both ``observed_loss``. An empty tier has missing figures.

    Raises
    ------
    DataError
        When a value is no probability, no outcome or no amount, or the lengths differ.

    References
    ----------
    ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.1; Brown, Cai,
    DasGupta (2001), Statistical Science 16(2), for the interval.
    """
    chance = probabilities(probability)
    count = len(tiers)
    codes = tier_codes(chance, tiers) if tier is None else _named(tier, tiers, len(chance))
    rows = np.bincount(codes, minlength=count).astype(float)

    def total(values: Floats) -> Floats:
        return np.bincount(codes, weights=values, minlength=count).astype(np.float64)

    some = np.where(rows > 0, rows, np.nan)
    table: dict[str, object] = {
        "tier": [one.name for one in tiers],
        "from_probability": [one.from_probability for one in tiers],
        "rows": rows.astype(np.int64),
        "share": rows / max(len(chance), 1),
        "expected": total(chance) / some,
        "expected_events": total(chance),
    }
    target = None if outcome is None else outcomes(outcome, len(chance))
    if target is not None:
        table |= _judged(total(target), rows, total(chance) / some, level)
    if stake is not None:
        amount = _stakes(stake, len(chance))
        table["value_at_stake"] = total(amount)
        table["expected_loss"] = total(amount * chance) * loss_share
        if target is not None:
            table["observed_loss"] = total(amount * target) * loss_share
    return pd.DataFrame(table)


def _judged(events: Floats, rows: Floats, expected: Floats, level: float) -> dict[str, object]:
    filled = rows > 0
    observed = np.where(filled, events / np.where(filled, rows, 1), np.nan)
    tail = (1 - level) / 2
    lower = np.where(events > 0, betaincinv(events + 0.5, rows - events + 0.5, tail), 0.0)
    upper = np.where(events < rows, betaincinv(events + 0.5, rows - events + 0.5, 1 - tail), 1.0)
    p_value = np.full(len(rows), np.nan)
    if filled.any():
        p_value[filled] = jeffreys_p_value(events[filled], rows[filled], expected[filled])
    beneath = np.append(np.nan, pd.Series(observed).ffill().to_numpy()[:-1])
    rising = [None if not (a == a and b == b) else bool(a > b) for a, b in zip(observed, beneath, strict=True)]
    return {
        "events": events.astype(np.int64),
        "observed": observed,
        "lower": np.where(filled, lower, np.nan),
        "upper": np.where(filled, upper, np.nan),
        "p_value": p_value,
        "underestimated": p_value < 1 - level,
        "monotone": pd.array(rising, dtype="boolean"),
    }


def probabilities(values: ArrayLike) -> Floats:
    """Return probabilities as an array, and refuse what is none."""
    array = np.asarray(values, dtype=np.float64)
    wrong = ~((array >= 0) & (array <= 1))
    if array.ndim != 1 or not len(array) or wrong.any():
        row = int(wrong.argmax()) if wrong.ndim == 1 and wrong.any() else None
        what = "there are none" if row is None else f"got {array[row]:g} in row {row} (counted from 0)"
        raise DataError(f"probabilities are numbers from 0 to 1, none missing; {what}", where="probability")
    return array


def outcomes(values: ArrayLike, rows: int) -> Floats:
    """Return outcomes as an array of 0 and 1, and refuse all else."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (rows,) or not np.isin(array, (0, 1)).all():
        raise DataError(f"outcomes are 0 or 1, one for each of the {rows} customers", where="outcome")
    return array


def _stakes(values: ArrayLike, rows: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    array = np.full(rows, array) if array.ndim == 0 else array
    if array.shape != (rows,) or not (np.isfinite(array) & (array >= 0)).all():
        raise DataError(f"stakes are amounts of at least 0, one for each of the {rows} customers", where="stake")
    return array


def _named(tier: ArrayLike, tiers: Sequence[TierConfig], rows: int) -> npt.NDArray[np.intp]:
    names = [one.name for one in tiers]
    codes = pd.Index(names).get_indexer(pd.Index(np.asarray(tier, dtype=object)))
    if len(codes) != rows or (codes < 0).any():
        raise DataError(f"each customer's tier is one of {preview(names)}", where="tier")
    return codes
