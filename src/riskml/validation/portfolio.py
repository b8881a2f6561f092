"""Scored portfolio: customers by tier, list of customers at high risk, feature influence."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from riskml.config.experiment import TierConfig
from riskml.runtime.package import Artifact


def high_risk_list(scores: pd.DataFrame, reasons: pd.DataFrame, tiers: Sequence[TierConfig], *, n: int) -> pd.DataFrame:
    """Return the customers of the highest tier with their reasons, riskiest first."""
    top = tiers[-1]
    high = scores[scores["tier"] == top.name].sort_values("probability", ascending=False, kind="stable")
    texts = reasons.assign(text=reasons["column"].astype(str) + " = " + reasons["value"].astype(str))
    wide = texts.pivot(index="customer", columns="rank", values="text").reindex(index=high.index)
    table = pd.DataFrame(
        {"customer": high.index, "probability": high["probability"], "tier": top.name, "treatment": top.treatment}
    )
    for rank in range(1, n + 1):
        table[f"reason_{rank}"] = (wide[rank] if rank in wide else pd.Series("", index=high.index)).fillna("")
    return table.reset_index(drop=True)


def portfolio_by_tier(scores: pd.DataFrame, tiers: Sequence[TierConfig]) -> pd.DataFrame:
    """Return the customers of each tier, and their expected event rate."""
    by_tier = scores.groupby("tier")["probability"]
    names = [tier.name for tier in tiers]
    return pd.DataFrame(
        {
            "tier": names,
            "from_probability": [tier.from_probability for tier in tiers],
            "rows": by_tier.size().reindex(names, fill_value=0).to_numpy(),
            "expected": by_tier.mean().reindex(names).to_numpy(),
            "treatment": [tier.treatment for tier in tiers],
        }
    )


def contributions_vs_average(artifact: Artifact, customer: pd.DataFrame) -> pd.DataFrame:
    """Return each column's contribution to one customer's log-odds, above that of the average training customer."""
    contributions = artifact.contributions(customer).iloc[0]
    derived = artifact.read(customer)
    return pd.DataFrame(
        {
            "column": contributions.index,
            "value": [customer[name].iloc[0] if name in customer else derived[name][0] for name in contributions.index],
            "contribution": contributions.to_numpy() - pd.Series(artifact.reference)[contributions.index].to_numpy(),
        }
    )


def feature_influence(artifact: Artifact, X: pd.DataFrame) -> pd.DataFrame:
    """Return the columns by their mean absolute contribution to the scores."""
    reference = pd.Series(artifact.reference)
    contributions = artifact.contributions(X)
    moved = (contributions - reference[contributions.columns]).abs().mean()
    described = {column["name"]: column["description"] for column in artifact.columns}
    table = pd.DataFrame(
        {
            "column": moved.index,
            "mean_abs_contribution": moved.to_numpy(),
            "description": [described[name] for name in moved.index],
        }
    )
    return table.sort_values("mean_abs_contribution", ascending=False, kind="stable", ignore_index=True)
