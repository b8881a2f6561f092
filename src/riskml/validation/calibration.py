"""Calibration tests by tier and by tenth of the customers, as supervisors require."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from riskml.metrics import brier_decomposition, concentration, hosmer_lemeshow
from riskml.validation.performance import TierLike, grade_tests, tier_of

_BANDS = 10


def calibration_tests(
    y: pd.Series, probability: pd.Series, tiers: Sequence[TierLike], *, level: float = 0.95
) -> pd.DataFrame:
    """Return the Jeffreys and the binomial test of each tier, each tenth of the customers, and all customers."""
    tier = pd.Categorical(tier_of(probability, tiers), [tier.name for tier in tiers], ordered=True)
    tenth = (probability.rank(method="first", pct=True) * _BANDS).clip(upper=_BANDS - 1e-9).astype(int) + 1
    grades: list[tuple[str, Any]] = [("tier", tier), ("tenth", tenth.to_numpy())]
    tables = []
    for by, grade in grades:
        table = grade_tests(y, probability, grade, level=level)
        table["rejected"] = table.pop("jeffreys_rejected") | table.pop("binomial_rejected")
        table.insert(0, "by", [*[by] * (len(table) - 1), "all"])
        tables.append(table)
    return pd.concat([tables[0].iloc[:-1], *tables[1:]], ignore_index=True)


def calibration_figures(y: pd.Series, probability: pd.Series, tiers: Sequence[TierLike]) -> dict[str, Any]:
    """Return the parts of the Brier score, the Hosmer-Lemeshow test, and the concentration of the tiers."""
    names = [tier.name for tier in tiers]
    return {
        "brier_parts": asdict(brier_decomposition(y, probability, n_bands=_BANDS)),
        "hosmer_lemeshow": asdict(hosmer_lemeshow(y, probability, n_bands=_BANDS)),
        "concentration": asdict(concentration(tier_of(probability, tiers), grades=names)) if len(names) > 1 else None,
    }
