"""Performance of the chosen model on the test set, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.metrics import (
    brier,
    calibration_table,
    captured_share,
    ece,
    gains_table,
    h_measure,
    ks,
    log_loss,
    psi_test,
    roc_curve,
)
from riskml.validation.performance import Performance, TierLike, tier_of

_LEVEL = 0.95
_RESAMPLES = 400
_GRID = np.linspace(0.0, 1.0, 101)


def assess(
    y: pd.Series, probability: pd.Series, development: pd.Series, tiers: Sequence[TierLike], *, seed: int
) -> dict[str, Any]:
    """Measure a model on the test set."""
    performance = Performance(y, probability, tier_of(probability, tiers), _LEVEL)
    area, balance = performance.auc, performance.observed_expected
    metrics = {
        "auc": _interval(area.auc, area.lower, area.upper),
        "gini": _interval(2 * area.auc - 1, 2 * area.lower - 1, 2 * area.upper - 1),
        **_resampled(y, probability, seed),
        "observed_expected": _interval(balance["ratio"], balance["lower"], balance["upper"]),
    }
    shift = psi_test(development, probability)
    return {
        "rows": len(y),
        "events": int(y.sum()),
        "level": _LEVEL,
        "metrics": metrics,
        "calibration": _records(calibration_table(y, probability, level=_LEVEL)),
        "gains": _records(gains_table(y, probability)),
        "tiers": _records(tier_table(y, probability, tiers)),
        "psi": {"value": _plain(shift.psi), "no_shift": _plain(shift.no_shift), "verdict": shift.verdict},
    }


def tier_table(y: pd.Series, probability: pd.Series, tiers: Sequence[TierLike]) -> pd.DataFrame:
    """Return each tier's size and its expected and observed event rate."""
    table = pd.DataFrame(
        {"tier": [tier.name for tier in tiers], "from_probability": [tier.from_probability for tier in tiers]}
    )
    by_tier = Performance(y, probability, tier_of(probability, tiers), _LEVEL).by_tier
    by_tier = by_tier.iloc[:-1].set_index("tier").reindex(table["tier"])
    return table.assign(
        rows=by_tier["count"].fillna(0).astype(int).to_numpy(),
        events=by_tier["event"].fillna(0).astype(int).to_numpy(),
        expected=by_tier["pd"].to_numpy(),
        event_rate=by_tier["event_rate"].to_numpy(),
        # The interval of the ratio of the observed to the expected rate, as an interval of the rate.
        lower=(by_tier["lower"] * by_tier["pd"]).to_numpy(),
        upper=(by_tier["upper"] * by_tier["pd"]).to_numpy(),
        jeffreys_p=by_tier["jeffreys_p"].to_numpy(),
    )


def roc_with_band(y: pd.Series, probability: pd.Series, *, seed: int) -> pd.DataFrame:
    """Return a ROC curve on a grid of false positive rates, with a pointwise 95 % band from the bootstrap."""
    target, score = y.to_numpy(), probability.to_numpy()
    curves = [_heights(target[rows], score[rows]) for rows in _resamples(target, seed)]
    lower, upper = np.quantile(curves, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    return pd.DataFrame(
        {"false_positive_rate": _GRID, "true_positive_rate": _heights(target, score), "lower": lower, "upper": upper}
    )


def _heights(target: NDArray[Any], score: NDArray[np.float64]) -> NDArray[np.float64]:
    curve = roc_curve(target, score)
    # The upper end of a vertical step counts.
    steps = curve.groupby("false_positive_rate")["true_positive_rate"].max()
    heights = np.interp(_GRID, steps.index.to_numpy(), steps.to_numpy())
    heights[0] = 0.0
    return np.asarray(heights)


def _resampled(y: pd.Series, probability: pd.Series, seed: int) -> dict[str, dict[str, float | None]]:
    target, chance = y.to_numpy(), probability.to_numpy()
    measures: dict[str, Callable[..., float]] = {
        "ks": ks,
        "h_measure": h_measure,
        "brier": brier,
        "logloss": log_loss,
        "ece": ece,
        "captured_10": lambda y, p: captured_share(y, p, share=0.10),
    }
    samples = list(_resamples(target, seed))
    out = {}
    for name, measure in measures.items():
        values = [measure(target[rows], chance[rows]) for rows in samples]
        low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        out[name] = _interval(measure(target, chance), low, high)
    return out


def _resamples(target: NDArray[Any], seed: int) -> list[NDArray[np.intp]]:
    """Return rows drawn with replacement within events and within non-events."""
    rng = np.random.default_rng([seed, 3])
    classes = [np.flatnonzero(target == value) for value in (0, 1)]
    return [np.concatenate([rng.choice(rows, len(rows)) for rows in classes]) for _ in range(_RESAMPLES)]


def _interval(value: float, low: float, high: float) -> dict[str, float | None]:
    return {"value": _plain(value), "low": _plain(low), "high": _plain(high)}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): _plain(value) for key, value in row.items()} for row in table.to_dict(orient="records")]


def _plain(value: Any) -> Any:
    """Return a value for JSON: no NaN, no infinity, no numpy scalar."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
