"""Thresholds under a limit of work: sought on earlier as-of dates, judged on later ones.

The search is plain: one indicator after the other takes the thresholds, from quantiles of what it measured, that
announce the most events ahead within the limit; then once more. It knows no outcome from the later dates.
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

# The shares of customers beyond the thresholds that are tried: amber, and of those red.
_BEYOND = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_RED = (0.25, 0.5)


@dataclass(frozen=True)
class Tuned:
    """Rules with new thresholds, and what they came to.

    Parameters
    ----------
    compared : DataFrame
        Rows: ``given`` and ``tuned``, on ``earlier`` and ``later`` dates. Columns: ``rules``, ``dates``, and the
        figures of a `Backtest`.
    thresholds : DataFrame
        ``indicator``, ``amber`` and ``red`` before and after.
    """

    rules: WarningRules
    compared: pd.DataFrame
    thresholds: pd.DataFrame


def tune(
    rules: WarningRules,
    past: Replay,
    outcomes: Outcomes,
    *,
    at_most: float,
    judge_from: dt.date,
    horizon_days: int = 180,
    lead_days: int = 30,
    rounds: int = 2,
) -> Tuned:
    """Return rules whose thresholds announce the most events ahead within a limit of new alerts.

    Parameters
    ----------
    at_most : float
        Share of the book newly alerted on one as-of date at the most; it becomes ``alerts.at_most`` of the rules.
    judge_from : date
        The search sees as-of dates and events before it; the rest judge.
    horizon_days, lead_days : int
        As for ``backtest``.
    rounds : int
        How often each indicator is gone through.

    Raises
    ------
    ConfigError
        When a side of ``judge_from`` has no as-of date, or no event is known before it.
    """
    earlier, later = past.between(before=judge_from), past.between(first=judge_from)
    if not earlier.dates or not later.dates:
        raise ConfigError(
            f"the as-of dates from {past.dates[0]} to {past.dates[-1]} do not lie on both sides of {judge_from}",
            where="judge_from",
            fix="choose a date between them",
        )
    known = outcomes.before(judge_from)
    limited = rules.model_copy(update={"alerts": rules.alerts.model_copy(update={"at_most": at_most})})

    def worth(candidate: WarningRules) -> tuple[float, float, float]:
        figures = backtest(candidate, earlier, known, horizon_days=horizon_days, lead_days=lead_days).figures
        # Where as many events are announced ahead, fewer alerts are better.
        return figures["ahead"], figures["recall"], -figures["alerts"]

    best, best_worth = limited, worth(limited)
    if not backtest(limited, earlier, known, horizon_days=horizon_days, lead_days=lead_days).figures["events"]:
        raise ConfigError(
            f"no event before {judge_from} could have been announced {lead_days} days ahead: nothing to learn from",
            where="judge_from",
            fix="choose a later date, or hand in more as-of dates",
        )
    for _ in range(rounds):
        start = best_worth
        for name in rules.indicators:
            for one in _candidate(best.indicators[name], _measured(earlier, name)):
                trial = best.model_copy(update={"indicators": {**best.indicators, name: one}})
                result = worth(trial)
                if result > best_worth:
                    best, best_worth = trial, result
        if best_worth == start:
            break
    best = WarningRules.model_validate(best.model_dump())
    rows = [
        {
            "rules": label,
            "dates": when,
            **backtest(candidate, on, what, horizon_days=horizon_days, lead_days=lead_days).figures,
        }
        for when, on, what in (("earlier", earlier, known), ("later", later, outcomes))
        for label, candidate in (("given", limited), ("tuned", best))
    ]
    return Tuned(best, pd.DataFrame(rows), _thresholds(rules, best))


def _measured(past: Replay, name: str) -> np.ndarray:
    values: np.ndarray = np.concatenate(
        [
            held[name].to_numpy()[allowed.get(name, slice(None))]
            for held, allowed in zip(past.measures, past.conditions, strict=True)
        ]
    )
    known: np.ndarray = values[~np.isnan(values)]
    return known


def _candidate(one: IndicatorConfig, measured: np.ndarray) -> Iterator[IndicatorConfig]:
    """Yield the indicator with other thresholds; without a value ever measured, none."""
    if not len(measured):
        return
    lower = one.worse == "lower"
    for beyond in _BEYOND:
        amber, *reds = (_rounded(measured, share, lower) for share in (beyond, *(beyond * part for part in _RED)))
        for red in [None, *reds]:
            if red != amber:
                yield one.model_copy(update={"amber": amber, "red": red})


def _rounded(measured: np.ndarray, beyond: float, lower: bool) -> float:
    """Return the threshold that a share of the values lies beyond, in digits that a person can read."""
    return float(f"{np.quantile(measured, beyond if lower else 1 - beyond):.3g}")


def _thresholds(before: WarningRules, after: WarningRules) -> pd.DataFrame:
    rows = [
        (name, one.amber, after.indicators[name].amber, one.red, after.indicators[name].red)
        for name, one in before.indicators.items()
    ]
    return pd.DataFrame(rows, columns=["indicator", "amber", "amber_tuned", "red", "red_tuned"])
