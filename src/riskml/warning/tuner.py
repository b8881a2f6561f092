"""Tuner: thresholds under a limit of work, searched on earlier as-of dates and evaluated on later ones.

Coordinate search: each indicator in turn takes the thresholds, from quantiles of its measure, that announce the most
events within the limit. The search uses no outcome of the later dates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.warning import IndicatorConfig, WarningRules
from riskml.errors import ConfigError
from riskml.warning.backtest import backtest
from riskml.warning.replay import Outcomes, Replay

# Shares of customers beyond the candidate thresholds: amber, and red as a share of amber.
_BEYOND = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_RED = (0.25, 0.5)
_ROUNDS = 2  # passes over all indicators


@dataclass(frozen=True)
class Tuned:
    """Rules with new thresholds, and their backtests."""

    rules: WarningRules
    # rows: ``given`` and ``tuned``, on ``earlier`` and ``later`` dates; columns: ``rules``, ``dates``, and the figures
    # of a `Backtest`
    compared: pd.DataFrame
    thresholds: pd.DataFrame  # ``indicator``, ``amber`` and ``red`` before and after


def tune(
    rules: WarningRules,
    past: Replay,
    outcomes: Outcomes,
    *,
    at_most: float,
    judge_from: dt.date,
    horizon_days: int = 180,
    lead_days: int = 30,
) -> Tuned:
    """Return rules whose thresholds announce the most events ahead within a limit of new alerts.

    Parameters
    ----------
    at_most : float
        Maximum share of the portfolio with a new alert on one as-of date; becomes ``alerts.at_most`` of the rules.
    judge_from : date
        The search uses as-of dates and events before it; the others evaluate its result.
    horizon_days, lead_days : int
        As for ``backtest``.

    Raises
    ------
    ConfigError
        When there is no as-of date before or from ``judge_from``, or no event is known before it.
    """
    earlier, later = past.between(before=judge_from), past.between(first=judge_from)
    if not earlier.dates or not later.dates:
        raise ConfigError(
            f"{judge_from} does not lie between the as-of dates, {past.dates[0]} to {past.dates[-1]}",
            where="judge_from",
            fix="choose a date between them",
        )
    known = outcomes.before(judge_from)
    limited = rules.model_copy(update={"alerts": rules.alerts.model_copy(update={"at_most": at_most})})

    def figures_of(candidate: WarningRules, on: Replay, events: Outcomes) -> dict[str, float]:
        return backtest(candidate, on, events, horizon_days=horizon_days, lead_days=lead_days).figures

    def objective(candidate: WarningRules) -> tuple[float, float, float]:
        figures = figures_of(candidate, earlier, known)
        return figures["ahead"], figures["recall"], -figures["alerts"]  # fewer alerts break ties

    if not figures_of(limited, earlier, known)["events"]:
        raise ConfigError(
            f"no event before {judge_from} could have been announced {lead_days} days ahead",
            where="judge_from",
            fix="choose a later date, or provide more as-of dates",
        )
    best, best_value = limited, objective(limited)
    for _ in range(_ROUNDS):
        start = best_value
        for name in rules.indicators:
            for candidate in _candidates(best.indicators[name], _measured(earlier, name)):
                trial = best.model_copy(update={"indicators": {**best.indicators, name: candidate}})
                value = objective(trial)
                if value > best_value:
                    best, best_value = trial, value
        if best_value == start:
            break
    best = WarningRules.model_validate(best.model_dump())
    rows = [
        {"rules": label, "dates": when, **figures_of(candidate, on, events)}
        for when, on, events in (("earlier", earlier, known), ("later", later, outcomes))
        for label, candidate in (("given", limited), ("tuned", best))
    ]
    thresholds = [
        (name, before.amber, best.indicators[name].amber, before.red, best.indicators[name].red)
        for name, before in rules.indicators.items()
    ]
    columns = ["indicator", "amber", "amber_tuned", "red", "red_tuned"]
    return Tuned(best, pd.DataFrame(rows), pd.DataFrame(thresholds, columns=columns))


def _measured(past: Replay, name: str) -> np.ndarray:
    values: np.ndarray = np.concatenate(
        [
            measured[name].to_numpy()[allowed.get(name, slice(None))]
            for measured, allowed in zip(past.measures, past.conditions, strict=True)
        ]
    )
    known: np.ndarray = values[~np.isnan(values)]
    return known


def _candidates(indicator: IndicatorConfig, measured: np.ndarray) -> Iterator[IndicatorConfig]:
    """Yield the indicator with other thresholds, rounded to three digits; none without a measured value."""
    if not len(measured):
        return
    for beyond in _BEYOND:
        shares = np.array([beyond, *(beyond * part for part in _RED)])
        quantiles = np.quantile(measured, shares if indicator.worse == "lower" else 1 - shares)
        amber, *reds = (float(f"{quantile:.3g}") for quantile in quantiles)
        for red in [None, *reds]:
            if red != amber:
                yield indicator.model_copy(update={"amber": amber, "red": red})
