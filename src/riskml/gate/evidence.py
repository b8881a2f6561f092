"""What a model is judged by: rows that it has never learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from riskml.comparison import TierLike


@dataclass(frozen=True)
class Evidence:
    """A model's probabilities for the rows set aside, and what became of these customers.

    Parameters
    ----------
    y : Series of 0 and 1, shape (n,)
        1 is the event.
    probability : Series of shape (n,)
        Of the event; higher is riskier. The index of ``y``.
    development : Series of shape (m,)
        The model's out-of-fold probabilities for the training rows.
    tiers : sequence of tiers
        The safest first.
    groups : DataFrame of shape (n, protected columns)
        The index of ``y``.
    seed : int
        Of what is drawn by chance.
    by_hand : bool
        Whether a person has gone through the notebooks.
    """

    y: pd.Series
    probability: pd.Series
    development: pd.Series
    tiers: Sequence[TierLike]
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    seed: int = 0
    by_hand: bool = False
