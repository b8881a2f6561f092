"""Tables and HTML of binners and scorecards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from markupsafe import Markup
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from riskml.display.colours import EVENT, NON_EVENT, SCORECARD
from riskml.display.format import MISSING, count, is_number, number, p_value, percent, signed
from riskml.display.table import Cell, Head, Table, bar_cell, text_cell
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


_WOE = Head("weight of evidence", True, "above 0 is riskier than the average")
_RATE = Head(
    "event rate", True, "share of events in the bin; the longest bar is the riskiest bin of 2% of rows or more"
)
_SHARE = Head("share", True, "of all rows")


def binning_table(table: BinnerLike | CardLike | pd.DataFrame, column: str = "") -> Table:
    """Show the bins of one column, and all of them together."""
    levels: LevelGroups = {}
    if not isinstance(table, pd.DataFrame):
        binner = binner_of(table)
        levels, table = levels_of(binner), bins_of(binner, column)
    total, events = float(table["count"].sum()), float(table["event"].sum())
    # A bin of a few rows may have any rate: its bar is as long as the longest of the others at the most.
    top = float(table["event_rate"][telling(table)].max()) if len(table) else 0.0
    rows = [
        [
            bin_cell(column, row["bin"], levels),
            Cell(count(row["count"])),
            bar_cell(row["count"] / total, 1.0, NON_EVENT),
            Cell(count(row["event"])),
            bar_cell(row["event_rate"], top, EVENT),
            Cell(signed(row["woe"])),
            Cell(number(row["iv"])),
        ]
        for row in table.to_dict(orient="records")
    ]
    rate = events / total if total else None
    summed = [count(total), percent(1.0), count(events), percent(rate), "", number(table["iv"].sum())]
    rows.append([Cell("all bins"), *(Cell(text) for text in summed)])
    heads = [Head(column or "bin"), Head("rows", True), _SHARE, Head("events", True), _RATE, _WOE]
    heads.append(Head("IV", True, "the bin's part of the information value"))
    return Table(heads, rows, frozenset({len(rows) - 1}))


def binner_table(summary: BinnerLike | pd.DataFrame) -> Table:
    """Show what each column tells by itself, the most telling first."""
    nominal: set[str] = set()
    if not isinstance(summary, pd.DataFrame):
        check_is_fitted(summary)
        nominal = {name for name, bins in summary.bins_.items() if isinstance(bins.shape, Levels)}
        summary = summary.summary_
    ranked = summary.sort_values("iv", ascending=False, kind="stable")
    top = max(float(ranked["iv"].max()), 0.0) if len(ranked) else 0.0
    rows = [
        [
            text_cell(row["column"]),
            bar_cell(row["iv"], top, SCORECARD, number),
            Cell(strength(row["iv"])),
            Cell(count(row["n_bins"])),
            # Levels have no order of their own: their groups stand in that of the event rate.
            text_cell("sorted" if row["column"] in nominal and row["trend"] != "flat" else row["trend"]),
        ]
        for row in ranked.to_dict(orient="records")
    ]
    heads = [Head("column"), Head("information value", True), Head("which is"), Head("bins", True)]
    heads.append(Head("event rate from bin to bin"))
    return Table(heads, rows)


def strength(iv: float) -> str:
    """Return the usual word for an information value."""
    words = ("next to nothing", "weak", "medium", "strong", "very strong: ask why")
    return words[int(np.searchsorted([0.02, 0.1, 0.3, 0.5], iv, side="right"))]


def card_table(card: CardLike | pd.DataFrame, tables: Mapping[str, pd.DataFrame] | None = None) -> Table:
    """Show a scorecard: the points of each bin of each column."""
    parts = card_parts(card, tables)
    frame, tables = parts.frame, parts.tables
    first = ~frame["column"].duplicated()
    counted = frame if tables is None else with_rates(frame, tables)
    top = _longest(counted) if tables is not None else 0.0
    digits = 0 if (frame["points"].to_numpy(float) % 1 == 0).all() else 1
    rows = []
    for row, new in zip(counted.to_dict(orient="records"), first, strict=True):
        cells = [text_cell(row["column"] if new else " "), bin_cell(row["column"], row["bin"], parts.levels)]
        if tables is not None:
            cells += [bar_cell(row["share"], 1.0, NON_EVENT), bar_cell(row["event_rate"], top, EVENT)]
        cells.append(Cell(signed(row["woe"]) if is_number(row["woe"]) else MISSING))
        rows.append([*cells, Cell(number(row["points"], digits))])
    heads = [Head("column"), Head("bin"), *([_SHARE, _RATE] if tables is not None else [])]
    heads += [_WOE, Head("points", True)]
    note = "More points are safer; a customer's points are the sum over the columns."
    in_order = (frame["column"] != frame["column"].shift()).sum() == frame["column"].nunique()
    groups = frame.groupby("column", sort=False).size().tolist() if in_order else []
    return Table(heads, rows, note=note, groups=groups)


def bin_cell(column: str, label: object, levels: LevelGroups) -> Cell:
    """Return the cell of a bin; a group of many levels can be opened."""
    names = levels.get((str(column), str(label)), ())
    cell = text_cell(label)
    return replace(cell, whole=", ".join(names)) if cell.text != ", ".join(names) and len(names) > 1 else cell


def _longest(counted: pd.DataFrame) -> float:
    """Return the highest event rate of the bins that have enough rows for it to be a measure."""
    rate = counted["event_rate"]
    telling_ = rate[counted["share"] >= 0.02]
    return float((telling_ if len(telling_) else rate).max())


def with_rates(frame: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a card's rows with ``share`` of rows and ``event_rate``; both NaN for a bin that no row fell into."""
    rates: dict[tuple[str, str], tuple[float, float]] = {}
    for column, table in tables.items():
        total = float(table["count"].sum())
        for name, rows, rate in zip(table["bin"], table["count"], table["event_rate"], strict=True):
            for part in (name, *str(name).split(" or ")):
                rates.setdefault((column, part), (float(rows) / total, float(rate)))
    nothing = (np.nan, np.nan)
    pairs = [rates.get((c, b), nothing) for c, b in zip(frame["column"], frame["bin"], strict=True)]
    return frame.assign(share=[share for share, _ in pairs], event_rate=[rate for _, rate in pairs])


def selection_table(selection: pd.DataFrame) -> Table:
    """Show which columns the card keeps, and why each of the others went."""
    ranked = selection.sort_values(["kept", "iv"], ascending=False, kind="stable")
    top = max(float(ranked["iv"].max()), 0.0) if len(ranked) else 0.0
    rows = [
        [
            text_cell(row["column"]),
            bar_cell(row["iv"], top, SCORECARD, number),
            Cell("on the card", None, SCORECARD) if row["kept"] else Cell("dropped", None, NON_EVENT),
            text_cell(row["reason"]),
        ]
        for row in ranked.to_dict(orient="records")
    ]
    return Table([Head("column"), Head("information value", True), Head(""), Head("why it was dropped")], rows)


def coefficients_table(frame: pd.DataFrame) -> Table:
    """Show the logistic regression on weights of evidence."""
    rows = [
        [
            text_cell(row["column"]),
            Cell(signed(row["coefficient"], 3)),
            Cell(number(row["standard_error"])),
            Cell(p_value(row["p_value"])),
        ]
        for row in frame.to_dict(orient="records")
    ]
    heads = [Head("column"), Head("coefficient", True), Head("standard error", True)]
    heads.append(Head("p", True, "chance of such a coefficient without a cause"))
    return Table(heads, rows)


def edits_table(edits: Sequence[Edit]) -> Table:
    """Show the manual edits of a card."""
    rows = [
        [text_cell(edit.column), text_cell(_change(edit)), text_cell(edit.by), text_cell(edit.why)]
        + [text_cell(edit.when)]
        for edit in edits
    ]
    heads = [Head("column"), Head("change"), Head("by"), Head("why"), Head("when")]
    return Table(heads, rows, note="" if rows else "No manual changes.")


def _change(edit: Edit) -> str:
    if edit.points is not None:
        was = edit.before or {}
        parts = [f"{name}{f' {was[name]}' if name in was else ''} → {point}" for name, point in edit.points.items()]
        return "points: " + "; ".join(parts)
    before = edit.before
    if edit.splits is not None:
        return _cuts(edit.splits) + (f"; before: {_cuts(before)}" if before is not None else "")
    return _groups(edit.groups or ()) + (f"; before: {_groups(before)}" if before is not None else "")


def _cuts(splits: Sequence[float]) -> str:
    return "cut at " + ", ".join(f"{split:g}" for split in splits) if len(splits) else "no cut"


def _groups(groups: Sequence[Sequence[Any]]) -> str:
    return "groups: " + " | ".join(", ".join(map(str, group)) for group in groups)


_MOST = 30  # columns whose bins a page shows


def binner_html(binner: BinnerLike) -> str:
    """Return the information values of a fitted binner, and the bins of its best columns, to unfold."""
    ranked = binner.summary_.sort_values("iv", ascending=False, kind="stable")["column"].tolist()
    bins = [_folded(name, Markup(binning_table(binner, name).__html__())) for name in ranked[:_MOST]]
    head = f"{count(len(ranked))} columns by information value. Unfold one to see its bins."
    return str(_paragraph(head) + Markup(binner_table(binner).__html__()) + Markup("").join(bins))


def card_html(card: CardLike) -> str:
    """Return the points of a fitted card, and its manual changes."""
    scale = card.scale
    head = (
        f"Scorecard of {card.card_['column'].nunique()} characteristics: {scale.base_score:g} points mean "
        f"{scale.base_odds:g} non-events per event, and every {scale.pdo:g} points more double these odds."
    )
    edits = _folded("Manual changes", Markup(edits_table(card.edits_).__html__())) if card.edits_ else Markup("")
    return str(_paragraph(head) + Markup(card_table(card).__html__()) + edits)


def segments_html(segments: pd.DataFrame, cards: Mapping[str, CardLike]) -> str:
    """Return the card of each segment, to unfold."""
    parts = [
        _folded(
            f"{row['segment']}: {row['rule']}; {count(row['count'])} rows, event rate {percent(row['event_rate'])}",
            Markup(card_html(cards[row["segment"]])),
        )
        for row in segments.to_dict(orient="records")
    ]
    return str(_paragraph(f"{len(parts)} segments, one card each, on one scale of points.") + Markup("").join(parts))


def _paragraph(text: str) -> Markup:
    return Markup('<p style="margin: 0.3em 0;">{}</p>').format(text)


def _folded(title: str, content: Markup) -> Markup:
    details = Markup(
        '<details style="margin: 0.2em 0; font-size: 13px;"><summary style="cursor: pointer;">{}</summary>{}</details>'
    )
    return details.format(title, content)
