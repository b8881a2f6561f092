"""Whether protected groups are treated alike: decisions, chances of the deserving, and meaning of the probability."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from riskml.data.grouping import FEW, grouping
from riskml.metrics import approval_rate_ratio, calibration_within_groups, equal_opportunity, performance_by
from riskml.validation.performance import TierLike


def fairness_table(
    y: pd.Series, probability: pd.Series, protected: pd.DataFrame, tiers: Sequence[TierLike], *, task: str
) -> pd.DataFrame:
    """Return how each protected group fares, against the best placed group that has customers enough."""
    highest = probability >= tiers[-1].from_probability
    favoured = (highest if task == "churn" else ~highest).astype(int)
    # Who deserves the favourable decision is, to the function, who had no event.
    undeserving = 1 - y if task == "churn" else y
    tables = []
    for name in protected:
        group = grouping(protected[name]).of(protected[name]).cat.remove_unused_categories()
        if group.nunique() < 2:
            continue
        best = _best_placed(favoured, group)
        rate = approval_rate_ratio(favoured, group, reference=best)
        chance = equal_opportunity(undeserving, favoured, group, reference=best) if (undeserving == 0).any() else None
        held = calibration_within_groups(y, probability, group, n_bands=1).query("band == 'portfolio'")
        by = performance_by(y, probability, group).set_index("group").reindex(rate["group"])
        chance = None if chance is None else chance.set_index("group").reindex(rate["group"])
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
                    "opportunity": float("nan") if chance is None else chance["rate"].to_numpy(),
                    "opportunity_gap": float("nan") if chance is None else chance["difference"].to_numpy(),
                    "gap_lower": float("nan") if chance is None else chance["lower"].to_numpy(),
                    "gap_upper": float("nan") if chance is None else chance["upper"].to_numpy(),
                    "auc": by["auc"].to_numpy(),
                    "observed_expected": by["observed_expected"].to_numpy(),
                    "calibrated": held.set_index("group")["calibrated"].reindex(rate["group"]).to_numpy(),
                }
            )
        )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)


def smallest_ratio(table: pd.DataFrame) -> float | None:
    """Return the lowest ratio to the best placed group, of groups that are not too small; None where all are."""
    known = table.loc[table["count"] >= FEW, "ratio"].dropna()
    return float(known.min()) if len(known) else None


def _best_placed(favoured: pd.Series, group: pd.Series) -> str:
    """Return the group of the highest rate among those that are not too small, or the largest one."""
    by = favoured.groupby(group, observed=True).agg(["size", "mean"])
    known = by[by["size"] >= FEW]
    return str(known["mean"].idxmax() if len(known) else by["size"].idxmax())


_COLUMNS = (
    "column",
    "group",
    "count",
    "judged",
    "event_rate",
    "favoured",
    "ratio",
    "ratio_lower",
    "ratio_upper",
    "below_four_fifths",
    "opportunity",
    "opportunity_gap",
    "gap_lower",
    "gap_upper",
    "auc",
    "observed_expected",
    "calibrated",
)
