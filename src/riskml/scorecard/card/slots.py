"""The log-odds of each slot of a characteristic, those that no row of the training fell into among them."""

from __future__ import annotations

import numpy as np

from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.card.flexible_regression import Steps


def log_odds(steps: Steps, characteristic: int, bins: ColumnBins, *, classic: bool) -> list[float]:
    """Return the log-odds of each slot; one that no row of the training fell into, and no option weighs, is average."""
    values = np.array([steps.value_at(characteristic, weight) for weight in bins.shape.value])
    if classic:
        return list(map(float, values))
    rows = bins.counts.sum(axis=1)
    silent = (rows == 0) & (np.asarray(bins.shape.value) == 0)
    return list(map(float, np.where(silent, rows @ values / rows.sum(), values)))
