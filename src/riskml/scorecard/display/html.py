"""HTML of fitted binners and scorecards for notebooks."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from riskml.display.format import count, percent
from riskml.scorecard.display.parts import BinnerLike, CardLike
from riskml.scorecard.display.tables import binner_table, binning_table, card_table, edits_table

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
