"""What a fitted binner or card shows of itself in a notebook: its bins, its points; not a diagram of its parameters."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from riskml.display.format import count, percent
from riskml.scorecard import OptimalBinner, Scorecard, SegmentedScorecard
from riskml.scorecard.display.tables import binner_table, binning_table, card_table, edits_table

_MOST = 30  # columns whose bins a page holds


def html_of(estimator: Any) -> str:
    """Return an estimator as HTML, or "" where there is nothing better than scikit-learn's diagram."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return ""
    for kind, shown in ((Scorecard, _card), (SegmentedScorecard, _segments), (OptimalBinner, _binner)):
        if isinstance(estimator, kind):
            return str(shown(estimator))
    return ""


def _binner(binner: OptimalBinner) -> Markup:
    ranked = binner.summary_.sort_values("iv", ascending=False, kind="stable")["column"].tolist()
    bins = [_folded(name, Markup(binning_table(binner, name).__html__())) for name in ranked[:_MOST]]
    head = f"{count(len(ranked))} columns, the most telling first. Open one to see its bins."
    return _paragraph(head) + Markup(binner_table(binner).__html__()) + Markup("").join(bins)


def _card(card: Scorecard) -> Markup:
    scale = card.scale
    head = (
        f"Scorecard of {card.card_['column'].nunique()} characteristics: {scale.base_score:g} points stand for "
        f"{scale.base_odds:g} non-events per event, and every {scale.pdo:g} points more double that."
    )
    edits = _folded("Changes by hand", Markup(edits_table(card.edits_).__html__())) if card.edits_ else Markup("")
    return _paragraph(head) + Markup(card_table(card).__html__()) + edits


def _segments(cards: SegmentedScorecard) -> Markup:
    parts = [
        _folded(
            f"{row['segment']}: {row['rule']}; {count(row['count'])} rows, event rate {percent(row['event_rate'])}",
            _card(cards.cards_[row["segment"]]),
        )
        for row in cards.segments_.to_dict(orient="records")
    ]
    return _paragraph(f"{len(parts)} segments, a card each, on one scale of points.") + Markup("").join(parts)


def _paragraph(text: str) -> Markup:
    return Markup('<p style="margin: 0.3em 0;">{}</p>').format(text)


def _folded(title: str, shown: Markup) -> Markup:
    opened = Markup(
        '<details style="margin: 0.2em 0; font-size: 13px;"><summary style="cursor: pointer;">{}</summary>{}</details>'
    )
    return opened.format(title, shown)
