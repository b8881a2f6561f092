"""What tables and pictures show of a fitted binner or card: its frames, and every level of its groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.shapes import Levels
from riskml.scorecard import OptimalBinner, Scorecard, SegmentedScorecard
from riskml.scorecard.binning.column_bins import ColumnBins

Levelled = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class CardParts:
    """A card in parts."""

    frame: pd.DataFrame  # ``column``, ``bin``, ``woe``, ``points``
    tables: Mapping[str, pd.DataFrame] | None = None  # the bins of each column
    levels: Levelled = field(default_factory=dict)  # every level of each group


def card_parts(card: Scorecard | pd.DataFrame, tables: Mapping[str, pd.DataFrame] | None = None) -> CardParts:
    """Return the parts of a fitted card, or of its frames."""
    if isinstance(card, pd.DataFrame):
        return CardParts(card, tables)
    _refuse_several(card)
    check_is_fitted(card)
    return CardParts(card.card_, card.tables_ if tables is None else tables, levels_of(card.binner_))


def binner_of(fitted: Any) -> OptimalBinner:
    """Return the binner of a fitted card, or a fitted binner itself."""
    _refuse_several(fitted)
    if not isinstance(fitted, (OptimalBinner, Scorecard)):
        raise ConfigError(f"a fitted OptimalBinner or Scorecard is expected; got {type(fitted).__name__}")
    check_is_fitted(fitted)
    return fitted.binner_ if isinstance(fitted, Scorecard) else fitted


def _refuse_several(card: Any) -> None:
    if isinstance(card, SegmentedScorecard):
        check_is_fitted(card)
        raise ConfigError(
            f"these are the cards of {len(card.cards_)} segments, and one card is expected",
            fix=f"hand in one of its cards, such as .cards_[{next(iter(card.cards_))!r}]",
        )


def levels_of(binner: OptimalBinner) -> Levelled:
    """Return every level of each group of each categorical column; a label names the first six alone."""
    return {
        (name, label): names
        for name, bins in binner.bins_.items()
        if isinstance(bins.shape, Levels)
        for label, names in _groups(bins, bins.shape)
    }


def bins_of(binner: OptimalBinner, column: str) -> pd.DataFrame:
    """Return the bins of one column of a fitted binner."""
    if column not in binner.tables_:
        raise ConfigError(f"no column is called {column!r}", fix=did_you_mean(column, binner.tables_))
    return binner.tables_[column]


def telling(table: pd.DataFrame, least: float = 0.02) -> np.ndarray[Any, Any]:
    """Tell which bins have enough rows for their event rate to be a measure for the others' bars."""
    rows = table["count"].to_numpy(float)
    enough = rows >= least * rows.sum()
    return enough if enough.any() else np.ones(len(table), dtype=bool)


def _groups(bins: ColumnBins, shape: Levels) -> list[tuple[str, tuple[str, ...]]]:
    members: list[list[str]] = [[] for _ in range(bins.regular)]
    for name, group in shape.levels.items():
        members[group].append(name)
    return [(label, tuple(names)) for label, names in zip(bins.labels, members, strict=False)]
