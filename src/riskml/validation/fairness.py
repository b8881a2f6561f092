"""Fairness by protected group: favourable decisions, equal opportunity, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from riskml.data.grouping import FEW, grouping
from riskml.metrics import approval_rate_ratio, calibration_within_groups, equal_opportunity, performance_by
from riskml.validation.performance import TierLike

_COLUMNS = [
    "column", "group", "count", "judged", "event_rate", "favoured", "ratio", "ratio_lower", "ratio_upper",
    "below_four_fifths", "opportunity", "opportunity_gap", "gap_lower", "gap_upper", "auc", "observed_expected",
    "calibrated",
]  # fmt: skip


def fairness_table(
    y: pd.Series, probability: pd.Series, protected: pd.DataFrame, tiers: Sequence[TierLike], *, task: str
) -> pd.DataFrame:
    """Return decisions and calibration of each protected group, against the best placed group that is large enough."""
    highest = probability >= tiers[-1].from_probability
    favoured = (highest if task == "churn" else ~highest).astype(int)
    # equal_opportunity takes customers without the event as deserving.
    undeserving = 1 - y if task == "churn" else y
    tables = []
    for name in protected:
        group = grouping(protected[name]).of(protected[name]).cat.remove_unused_categories()
        if group.nunique() < 2:
            continue
        best = _best_placed(favoured, group)
        rate = approval_rate_ratio(favoured, group, reference=best)
        chance = pd.DataFrame(np.nan, index=rate["group"], columns=["rate", "difference", "lower", "upper"])
        if (undeserving == 0).any():
            opportunity = equal_opportunity(undeserving, favoured, group, reference=best)
            chance = opportunity.set_index("group").reindex(rate["group"])
        held = calibration_within_groups(y, probability, group, n_bands=1).query("band == 'portfolio'")
        by = performance_by(y, probability, group).set_index("group").reindex(rate["group"])
        tables.append(
            pd.DataFrame(
                {
                    "column": name,
                    "group": rate["group"].astype(str),
                    "count": rate["count"],
                    "judged": rate["count"] >= FEW,
                    "event_rate": by["event_rate"].to_numpy(),
                    "favoured": rate["rate"],
                    "ratio": rate["ratio"],
                    "ratio_lower": rate["lower"],
                    "ratio_upper": rate["upper"],
                    "below_four_fifths": rate["below_four_fifths"],
                    "opportunity": chance["rate"].to_numpy(),
                    "opportunity_gap": chance["difference"].to_numpy(),
                    "gap_lower": chance["lower"].to_numpy(),
                    "gap_upper": chance["upper"].to_numpy(),
                    "auc": by["auc"].to_numpy(),
                    "observed_expected": by["observed_expected"].to_numpy(),
                    "calibrated": held.set_index("group")["calibrated"].reindex(rate["group"]).to_numpy(),
                }
            )
        )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)


def smallest_ratio(table: pd.DataFrame) -> float | None:
    """Return the lowest ratio to the best placed group among groups that are large enough; None without any."""
    known = table.loc[table["count"] >= FEW, "ratio"].dropna()
    return float(known.min()) if len(known) else None


def _best_placed(favoured: pd.Series, group: pd.Series) -> str:
    """Return the group with the highest rate among those that are large enough, else the largest group."""
    by = favoured.groupby(group, observed=True).agg(["size", "mean"])
    known = by[by["size"] >= FEW]
    return str(known["mean"].idxmax() if len(known) else by["size"].idxmax())
