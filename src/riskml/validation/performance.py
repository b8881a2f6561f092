"""Performance of a model on rows with known outcomes, shared by validation, gate and monitoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from riskml.metrics import AucInterval, binomial_test, delong, jeffreys_test, observed_expected
from riskml.runtime.package import tier_numbers


class TierLike(Protocol):
    """Tier of an experiment or of a package."""

    @property
    def name(self) -> str:
        """Name of the tier."""

    @property
    def from_probability(self) -> float:
        """Lower bound, inclusive."""


def tier_of(probability: pd.Series, tiers: Sequence[TierLike]) -> pd.Series:
    """Return the name of the tier that each probability falls into."""
    bounds = [tier.from_probability for tier in tiers]
    names = np.array([tier.name for tier in tiers], dtype=object)
    return pd.Series(names[tier_numbers(probability.to_numpy(dtype=np.float64), bounds)], index=probability.index)


@dataclass(frozen=True)
class Performance:
    """Ranking, calibration overall and calibration by tier; each is computed when it is first read.

    Parameters
    ----------
    y, probability : array of shape (n,)
        Outcomes, 1 is the event; predicted probabilities.
    tier : array of shape (n,)
        Tiers; an ordered categorical sets their order, else they are sorted.
    level : float, default 0.95
        Confidence level of intervals and tests.
    """

    y: Any
    probability: Any
    tier: Any
    level: float = 0.95

    @cached_property
    def auc(self) -> AucInterval:
        """AUC with its DeLong interval."""
        return delong(self.y, self.probability, level=self.level)

    @cached_property
    def observed_expected(self) -> pd.Series:
        """Observed and expected events and their ratio with its interval, as `riskml.metrics.observed_expected`."""
        return observed_expected(self.y, self.probability, level=self.level).iloc[0]

    @cached_property
    def by_tier(self) -> pd.DataFrame:
        """Counts, rates, their ratio and both tests of each tier; the portfolio is the last row."""
        tests = grade_tests(self.y, self.probability, self.tier, level=self.level)
        ratios = [
            observed_expected(self.y, self.probability, by=self.tier, level=self.level),
            observed_expected(self.y, self.probability, level=self.level),
        ]
        ratio = pd.concat(ratios, ignore_index=True)[["ratio", "lower", "upper"]]
        columns = ["grade", "count", "event", "pd", "event_rate", "jeffreys_p"]
        table = pd.concat([tests[columns], ratio, tests["binomial_p"]], axis=1).rename(columns={"grade": "tier"})
        return table.assign(tier=table["tier"].astype(str), rejected=tests["jeffreys_rejected"])


def grade_tests(y: Any, probability: Any, grade: Any, *, level: float = 0.95) -> pd.DataFrame:
    """Return the Jeffreys and the binomial test of each grade, and of all rows last."""
    jeffreys = jeffreys_test(y, probability, grade=grade, level=level)
    binomial = binomial_test(y, probability, grade=grade, level=level)
    table = jeffreys.rename(columns={"p_value": "jeffreys_p", "rejected": "jeffreys_rejected"})
    return table.assign(
        critical=binomial["critical"], binomial_p=binomial["p_value"], binomial_rejected=binomial["rejected"]
    )
