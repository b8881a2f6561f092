"""Parts of fitted binners and cards for tables and plots: frames of bins, and levels of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from riskml.errors import ConfigError, did_you_mean
from riskml.runtime.shapes import Levels
from riskml.scorecard.binning.column_bins import ColumnBins
from riskml.scorecard.card.edits import Edit
from riskml.scorecard.card.scaling import Scale

LevelGroups = Mapping[tuple[str, str], tuple[str, ...]]  # column, bin label: levels


class BinnerLike(Protocol):
    """A fitted `OptimalBinner`."""

    bins_: dict[str, ColumnBins]
    tables_: dict[str, pd.DataFrame]
    summary_: pd.DataFrame


class CardLike(Protocol):
    """A fitted `Scorecard`."""

    card_: pd.DataFrame
    tables_: dict[str, pd.DataFrame]
    edits_: tuple[Edit, ...]

    @property
    def binner_(self) -> BinnerLike: ...  # noqa: D102

    @property
    def scale(self) -> Scale: ...  # noqa: D102


@dataclass(frozen=True)
class CardParts:
    """A card in parts."""

    frame: pd.DataFrame  # ``column``, ``bin``, ``woe``, ``points``
    tables: Mapping[str, pd.DataFrame] | None = None  # the bins of each column
    levels: LevelGroups = field(default_factory=dict)


def card_parts(card: CardLike | pd.DataFrame, tables: Mapping[str, pd.DataFrame] | None = None) -> CardParts:
    """Return the parts of a fitted card, or of its frames."""
    if isinstance(card, pd.DataFrame):
        return CardParts(card, tables)
    check_is_fitted(card)
    _refuse_segments(card)
    return CardParts(card.card_, card.tables_ if tables is None else tables, levels_of(card.binner_))


def binner_of(fitted: Any) -> Any:
    """Return the binner of a fitted card, or a fitted binner itself."""
    if isinstance(fitted, BaseEstimator):
        check_is_fitted(fitted)
        _refuse_segments(fitted)
        binner = getattr(fitted, "binner_", fitted)
        if hasattr(binner, "bins_"):
            return binner
    raise ConfigError(f"expected a fitted OptimalBinner or Scorecard, got {type(fitted).__name__}")


def _refuse_segments(card: Any) -> None:
    if cards := getattr(card, "cards_", None):
        raise ConfigError(
            f"expected one card, got the cards of {len(cards)} segments",
            fix=f"pass one of them, such as .cards_[{next(iter(cards))!r}]",
        )


def levels_of(binner: BinnerLike) -> LevelGroups:
    """Return all levels of each group of each categorical column; a bin's label names only the first six."""
    return {
        (name, label): tuple(group)
        for name, bins in binner.bins_.items()
        if isinstance(bins.shape, Levels)
        for label, group in zip(bins.labels, members(bins.shape, bins.regular), strict=False)
    }


def members(shape: Levels, groups: int) -> Sequence[Sequence[str]]:
    """Return the levels of each group."""
    names: list[list[str]] = [[] for _ in range(groups)]
    for name, group in shape.levels.items():
        names[group].append(name)
    return names


def bins_of(binner: BinnerLike, column: str) -> pd.DataFrame:
    """Return the bins of one column of a fitted binner."""
    if column not in binner.tables_:
        raise ConfigError(f"no column is called {column!r}", fix=did_you_mean(column, binner.tables_))
    return binner.tables_[column]


def telling(table: pd.DataFrame, least: float = 0.02) -> np.ndarray[Any, Any]:
    """Return which bins have enough rows for their event rate to scale the bars."""
    rows = table["count"].to_numpy(float)
    enough = rows >= least * rows.sum()
    return enough if enough.any() else np.ones(len(table), dtype=bool)
