"""Tiers of a portfolio: assignment with hysteresis, and a table with their outcomes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from riskml.config.experiment import TierConfig
from riskml.data.portfolio import check_unique
from riskml.errors import ConfigError, DataError, did_you_mean, preview
from riskml.metrics import jeffreys_p_value
from riskml.runtime.package import tier_numbers

Floats = npt.NDArray[np.float64]


def tier_codes(probability: ArrayLike, tiers: Sequence[TierConfig]) -> npt.NDArray[np.intp]:
    """Return the position of each customer's tier, 0 for the safest."""
    return tier_numbers(probabilities(probability), [tier.from_probability for tier in tiers])


def with_hysteresis(
    probability: pd.Series, tiers: Sequence[TierConfig], previous_tier: pd.Series | None, margin: float
) -> pd.Series:
    """Return tiers in which a customer stays, unless the probability passes a cut-off by a margin.

    A customer rises over a cut-off b when the odds are at least ``(1 + margin) * b / (1 - b)``, and falls below it when
    they are less than ``b / (1 - b) / (1 + margin)``. Odds behave alike at both ends: a margin of 0.1 is "a tenth
    beyond" at a cut-off of 2 % (2.2 %) as well as at one of 98 %.

    Parameters
    ----------
    tiers : sequence of TierConfig
        The safest first.
    previous_tier : Series of str, or None
        The last tier of each customer, by the same index; customers without one are new and get the plain tier.
    margin : float
        0 or more, as a share of the odds at the cut-off; 0 switches hysteresis off.

    Raises
    ------
    DataError
        When a previous tier is unknown, a customer has two, or a value is not a probability.

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
        raise ConfigError(f"the margin must be at least 0, got {margin!r}", where="hysteresis")
    names = np.array([tier.name for tier in tiers], dtype=object)
    chance = probabilities(probability)
    plain = tier_codes(chance, tiers)
    codes = plain
    if previous_tier is not None and margin > 0:
        before = _previous(previous_tier, names, probability.index)
        odds = np.array([tier.from_probability / (1 - tier.from_probability) for tier in tiers[1:]])
        # The cut-offs as probabilities: risen ≤ plain ≤ held.
        up, down = odds * (1 + margin), odds / (1 + margin)
        risen = np.searchsorted(up / (1 + up), chance, side="right")
        held = np.searchsorted(down / (1 + down), chance, side="right")
        codes = np.where(before >= 0, np.clip(before, risen, held), plain)
    return pd.Series(names[codes], index=probability.index, name="tier")


def _previous(previous_tier: pd.Series, names: npt.NDArray[np.object_], index: pd.Index) -> npt.NDArray[np.intp]:
    check_unique(previous_tier.index, "previous_tier")
    codes, known = pd.factorize(previous_tier)
    unknown = [name for name in known if name not in names]
    if unknown:
        fix = did_you_mean(unknown[0], names) or "leave renamed tiers empty: their customers then count as new"
        what = f"the previous tiers {preview(unknown)} are not among {preview(names)}"
        raise DataError(what, where="previous_tier", fix=fix)
    positions = np.array([*(list(names).index(name) for name in known), -1], dtype=np.intp)
    before = pd.Series(positions[codes], index=previous_tier.index)
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
    """Return size, expected and observed events, and losses of each tier.

    Parameters
    ----------
    tiers : sequence of TierConfig
        The safest first.
    tier : array of str, shape (n,), optional
        Each customer's tier, where it differs from the plain one (hysteresis).
    outcome : array of 0 and 1, shape (n,), optional
        1 is the event.
    stake : array of shape (n,), or float, optional
        Money at stake: the exposure, or the value of a customer.
    loss_share : float, default 1
        Share of the stake that an event costs: the loss given default, or 1 for churn.
    level : float, default 0.95
        Confidence level of intervals and tests.

    Returns
    -------
    DataFrame
        One row per tier, the safest first: ``tier``, ``from_probability``, ``rows``, ``share``, ``expected`` (mean
        probability), ``expected_events``; with outcomes ``events``, ``observed``, ``lower`` and ``upper`` (Jeffreys
        interval of the observed rate), ``p_value`` (Jeffreys test; small where probabilities are too low),
        ``underestimated``, ``monotone`` (whether the observed rate exceeds that of the next lower tier); with a stake
        ``value_at_stake`` and ``expected_loss``, and with both ``observed_loss``. Figures of empty tiers are missing.

    References
    ----------
    ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.1; Brown, Cai,
    DasGupta (2001), Statistical Science 16(2), for the interval.
    """
    chance = probabilities(probability)
    count = len(tiers)
    codes = tier_codes(chance, tiers) if tier is None else _codes_of(tier, tiers, len(chance))
    rows = np.bincount(codes, minlength=count).astype(float)

    def total(values: Floats) -> Floats:
        return np.bincount(codes, weights=values, minlength=count).astype(np.float64)

    n = np.where(rows > 0, rows, np.nan)
    table: dict[str, object] = {
        "tier": [one.name for one in tiers],
        "from_probability": [one.from_probability for one in tiers],
        "rows": rows.astype(np.int64),
        "share": rows / max(len(chance), 1),
        "expected": total(chance) / n,
        "expected_events": total(chance),
    }
    target = None if outcome is None else outcomes(outcome, len(chance))
    if target is not None:
        table |= _outcome_columns(total(target), rows, total(chance) / n, level)
    if stake is not None:
        amount = _stakes(stake, len(chance))
        table["value_at_stake"] = total(amount)
        table["expected_loss"] = total(amount * chance) * loss_share
        if target is not None:
            table["observed_loss"] = total(amount * target) * loss_share
    return pd.DataFrame(table)


def _outcome_columns(events: Floats, rows: Floats, expected: Floats, level: float) -> dict[str, object]:
    filled = rows > 0
    observed = np.where(filled, events / np.where(filled, rows, 1), np.nan)
    tail = (1 - level) / 2
    lower = np.where(events > 0, betaincinv(events + 0.5, rows - events + 0.5, tail), 0.0)
    upper = np.where(events < rows, betaincinv(events + 0.5, rows - events + 0.5, 1 - tail), 1.0)
    p_value = np.full(len(rows), np.nan)
    if filled.any():
        p_value[filled] = jeffreys_p_value(events[filled], rows[filled], expected[filled])
    below = np.append(np.nan, pd.Series(observed).ffill().to_numpy()[:-1])
    rising = [None if not (a == a and b == b) else bool(a > b) for a, b in zip(observed, below, strict=True)]
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
    """Return probabilities as an array; refuse other values."""
    array = np.asarray(values, dtype=np.float64)
    wrong = ~((array >= 0) & (array <= 1))
    if array.ndim != 1 or not len(array) or wrong.any():
        row = int(wrong.argmax()) if wrong.ndim == 1 and wrong.any() else None
        value = "none" if row is None else f"{array[row]:g} in row {row} (counted from 0)"
        raise DataError(f"probabilities must be numbers from 0 to 1, got {value}", where="probability")
    return array


def outcomes(values: ArrayLike, rows: int) -> Floats:
    """Return outcomes as an array of 0 and 1; refuse other values."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (rows,) or not np.isin(array, (0, 1)).all():
        raise DataError(f"outcomes must be 0 or 1, one for each of the {rows} customers", where="outcome")
    return array


def _stakes(values: ArrayLike, rows: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    array = np.full(rows, array) if array.ndim == 0 else array
    if array.shape != (rows,) or not (np.isfinite(array) & (array >= 0)).all():
        raise DataError(f"stakes must be at least 0, one for each of the {rows} customers", where="stake")
    return array


def _codes_of(tier: ArrayLike, tiers: Sequence[TierConfig], rows: int) -> npt.NDArray[np.intp]:
    names = [one.name for one in tiers]
    codes = pd.Index(names).get_indexer(pd.Index(np.asarray(tier, dtype=object)))
    if len(codes) != rows or (codes < 0).any():
        raise DataError(f"each tier must be one of {preview(names)}", where="tier")
    return codes
