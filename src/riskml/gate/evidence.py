"""Evidence for the gate: test-set outcomes and probabilities of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from riskml.validation.performance import Performance, TierLike, tier_of


@dataclass(frozen=True)
class Evidence:
    """A model's probabilities for the test set, and the outcomes.

    Parameters
    ----------
    y : Series of 0 and 1, shape (n,)
        1 is the event.
    probability : Series of shape (n,)
        Of the event; higher is riskier. The index of ``y``.
    development : Series of shape (m,)
        The out-of-fold probabilities of the training rows, by models that were not trained on them.
    fitted : Series of shape (k,), optional
        What the model itself gives training rows; like for like where probabilities take few values.
    tiers : sequence of tiers
        The safest first.
    groups : DataFrame of shape (n, protected columns)
        The index of ``y``.
    unread : mapping of column to reason
        Protected columns that could not be read, and why.
    directions : mapping of column to "ascending" or "descending"
        What the experiment declares of the columns.
    violations : DataFrame
        How the model keeps to it: `riskml.explanation.monotone_violations`.
    seed : int
        Of what is drawn by chance.
    by_hand : bool
        Whether a person has gone through the notebooks.
    """

    y: pd.Series
    probability: pd.Series
    development: pd.Series
    tiers: Sequence[TierLike]
    fitted: pd.Series | None = None
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    unread: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, str] = field(default_factory=dict)
    violations: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["column", "violated", "largest"]))
    seed: int = 0
    by_hand: bool = False

    def performance(self, level: float) -> Performance:
        """Return the model's performance on these rows, with intervals at a level."""
        return Performance(self.y, self.probability, tier_of(self.probability, self.tiers), level)
