"""Tier migration and concentration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.metrics import concentration, matrix_weighted_bandwidth, migration_matrix


@dataclass(frozen=True)
class TierMoves:
    """Customers by tier and their moves between tiers.

    Parameters
    ----------
    shares : DataFrame
        ``tier``, ``customers``, ``share``, ``share_before`` (in training), ``mean_probability``.
    herfindahl, herfindahl_before : float
        Concentration over the tiers: 0 evenly spread, 1 all in one. Not a number with a single tier.
    matrix : DataFrame or None
        Counts of the same customers, previous tier in rows, current tier in columns; right of the diagonal is riskier.
        None without an earlier month of these customers.
    same, riskier, safer : int
        Customers of both months, those in a riskier tier now, those in a safer one.
    upper, lower : float
        Matrix-weighted bandwidth of the moves to riskier and to safer tiers.
    since : str
        The date of the earlier month.
    """

    shares: pd.DataFrame
    herfindahl: float
    herfindahl_before: float
    matrix: pd.DataFrame | None
    same: int
    riskier: int
    safer: int
    upper: float
    lower: float
    since: str


def tier_moves(
    scores: pd.DataFrame, training: pd.Series, tiers: Sequence[str], *, before: pd.Series | None = None, since: str = ""
) -> TierMoves:
    """Return the customers of each tier, and their moves from an earlier month.

    Parameters
    ----------
    scores : DataFrame of shape (n, any)
        ``probability`` and ``tier``; index: the customer.
    training : Series of str
        Tiers of the training rows.
    tiers : sequence of str
        The safest first.
    before : Series of str, optional
        Tiers of an earlier month, by customer.
    since : str, default ""
        Its date.
    """
    names = list(tiers)
    counted = scores["tier"].value_counts().reindex(names, fill_value=0)
    shares = pd.DataFrame(
        {
            "tier": names,
            "customers": counted.to_numpy(),
            "share": counted.to_numpy() / max(len(scores), 1),
            "share_before": training.value_counts(normalize=True).reindex(names, fill_value=0.0).to_numpy(),
            "mean_probability": scores.groupby("tier")["probability"].mean().reindex(names).to_numpy(),
        }
    )
    crowded = [
        concentration(tier, grades=names).hi if len(names) > 1 else np.nan for tier in (scores["tier"], training)
    ]
    matrix, upper, lower = None, np.nan, np.nan
    now = scores["tier"][~scores.index.duplicated()]
    shared = now.index[:0] if before is None else now.index.intersection(before.index)
    if before is not None and len(shared):
        known = before[~before.index.duplicated()].reindex(shared)
        known = known[known.isin(names)]
        if len(known):
            matrix = migration_matrix(known, now.reindex(known.index), grades=names)
            bandwidth = matrix_weighted_bandwidth(matrix)
            upper, lower = bandwidth.upper, bandwidth.lower
    counts = np.zeros((len(names), len(names))) if matrix is None else matrix.to_numpy()
    return TierMoves(
        shares=shares,
        herfindahl=float(crowded[0]),
        herfindahl_before=float(crowded[1]),
        matrix=matrix,
        same=int(counts.sum()),
        riskier=int(np.triu(counts, 1).sum()),
        safer=int(np.tril(counts, -1).sum()),
        upper=float(upper),
        lower=float(lower),
        since=since if matrix is not None else "",
    )
