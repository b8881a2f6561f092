"""The whole scorecard on one page: the points of every bin of every characteristic, and what a score stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from riskml.display.colours import EVENT, INK, MUTED, OVERALL, SCORECARD
from riskml.display.format import fitted, listed, number, percent, wrapped
from riskml.errors import ConfigError
from riskml.report.plots.picture import Picture, headline, house_style
from riskml.scorecard import Scorecard
from riskml.scorecard.card.scaling import Scale
from riskml.scorecard.display.tables import LevelGroups, card_parts, with_rates

_GAIN = SCORECARD
# Inches.
_PANEL, _MARGIN, _GUTTER, _HEAD, _FOOT = 3.34, 0.132, 0.36, 1.55, 0.3
_ROW, _LINE, _TITLE, _GAP = 0.185, 0.125, 0.27, 0.2
_LABELS, _NUMBERS = 1.22, 0.98
_LETTERS, _LINES = 20, 4
_COLUMNS = (3, 4, 5, 6)
_PAGE = 297 / 210  # height over width of a sheet of paper
_MOST = 24
# Scores beyond these event rates hold next to nobody.
_RULED = (0.002, 0.99)


@house_style()
def card(
    card: Scorecard | pd.DataFrame,
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    pdo: float | None = None,
    base_score: float | None = None,
    base_odds: float | None = None,
    title: str = "Scorecard",
) -> Picture:
    """Draw a whole scorecard on one page, the characteristics that move the score most first.

    Parameters
    ----------
    card : Scorecard or DataFrame
        Fitted; or its ``card_``: ``column``, ``bin``, ``woe``, ``points``.
    tables : mapping of column to DataFrame, optional
        ``Scorecard.tables_``: rows and event rate of each bin; a fitted card has its own.
    pdo, base_score, base_odds : float, optional
        The scale of the points: non-events per event at the base score, and the points that double them. A fitted card
        has its own.
    title : str
        The headline.

    Returns
    -------
    Picture
        Bars go from a characteristic's average points, all on one scale: the longer, the more a bin moves the score.
        The page is never taller than a sheet of paper is: a card of many bins stands in more columns.
    """
    shown_card = card_parts(card, tables)
    scale = _scale(card, pdo, base_score, base_odds)
    rated = with_rates(shown_card.frame, shown_card.tables or {})
    parts = {str(name): part.reset_index(drop=True) for name, part in rated.groupby("column", sort=False)}
    strongest = sorted(parts, key=lambda name: -float(np.ptp(parts[name]["points"])))[:_MOST]
    low, high = (sum(float(at(part["points"])) for part in parts.values()) for at in (np.min, np.max))
    text = "; ".join(f"{name} {_reach(parts[name])}" for name in strongest)
    alt = f"Scorecard of {len(parts)} characteristics; points from {number(low, 0)} to {number(high, 0)}. {text}."

    labels = {name: [_label(name, str(bin_), shown_card.levels) for bin_ in parts[name]["bin"]] for name in strongest}
    names = {name: wrapped(name, 27) for name in strongest}
    tall = [_TITLE + _LINE * (len(names[name]) - 1) + sum(map(_height, labels[name])) for name in strongest]
    columns, places = _laid_out(tall)
    width = 2 * _MARGIN + columns * _PANEL + (columns - 1) * _GUTTER
    depth = max((bottom for _, _, bottom in places), default=0.5)
    picture = Picture(width, _HEAD + depth + _FOOT, alt)
    # Every panel has its own place, in inches, so that a row is as tall in each of them.
    picture.set_layout_engine("none")
    headline(picture, fitted(title, 80), top=0.13)
    _ruler(picture, scale, low, high)
    span = max((_furthest(parts[name]) for name in strongest), default=1.0) or 1.0
    for name, (column, top, bottom) in zip(strongest, places, strict=True):
        above = _TITLE + _LINE * (len(names[name]) - 1)
        left = _MARGIN + column * (_PANEL + _GUTTER) + _LABELS
        axes = _axes(picture, left, _HEAD + top + above, _PANEL - _LABELS - _NUMBERS, bottom - top - above)
        _panel(axes, names[name], labels[name], parts[name], span, rates=shown_card.tables is not None)
    foot = "Bars start at the characteristic's average: right is safer, left is riskier. Hollow: no row in training."
    more = f" {len(parts) - len(strongest)} characteristics that move the score less are not shown." * (
        len(parts) > _MOST
    )
    _text(picture, _MARGIN, picture.get_figheight() - 0.12, foot + more, fontsize=7.5, color=MUTED)
    return picture


def _scale(card: Scorecard | pd.DataFrame, *numbers: float | None) -> Scale:
    own = card.scale if isinstance(card, Scorecard) else None
    known = (own.pdo, own.base_score, own.base_odds) if own else (None, None, None)
    pdo, base_score, base_odds = (
        mine if mine is not None else other for mine, other in zip(numbers, known, strict=True)
    )
    if pdo is None or base_score is None or base_odds is None:
        raise ConfigError("the scale of the points is not known", fix="hand in pdo, base_score and base_odds")
    return Scale(float(pdo), float(base_score), float(base_odds))


def _label(column: str, bin_: str, levels: LevelGroups) -> list[str]:
    """Return a bin's label over lines: both ends of an interval, and as many levels as have room."""
    names = levels.get((column, bin_), ())
    return listed(names, _LETTERS, _LINES) if len(names) > 1 else wrapped(bin_, _LETTERS, _LINES)


def _height(lines: Sequence[str]) -> float:
    return _ROW + _LINE * (len(lines) - 1)


def _panel(
    axes: Axes, name: Sequence[str], labels: Sequence[Sequence[str]], part: pd.DataFrame, span: float, *, rates: bool
) -> None:
    height = np.array([_height(lines) for lines in labels])
    y = np.cumsum(height) - height / 2
    points = part["points"].to_numpy(float)
    away = points - _average(part)
    used = part["share"].notna().to_numpy() if rates else np.ones(len(part), bool)
    colours = np.where(away < 0, EVENT, _GAIN)
    axes.axvline(0, color=OVERALL, linewidth=0.8)
    axes.barh(
        y,
        away,
        height=0.66 * _ROW,
        linewidth=0.8,
        edgecolor=colours,
        color=[c if u else "none" for c, u in zip(colours, used, strict=True)],
    )
    axes.set_xlim(-1.04 * span, 1.04 * span)
    axes.set_ylim(float(height.sum()), 0)
    axes.set_axis_off()
    # A band behind every other row leads the eye from the label to the numbers.
    across = axes.get_yaxis_transform()
    inch = _PANEL - _LABELS - _NUMBERS
    left, right = -_LABELS / inch, 1 + _NUMBERS / inch
    for at, tall in zip(y[::2], height[::2], strict=True):
        axes.fill_between(
            [left, right],
            at - tall / 2,
            at + tall / 2,
            transform=across,
            color="#f4f6f8",
            linewidth=0,
            zorder=0,
            clip_on=False,
        )
    for at, row, lines, seen in zip(y, part.to_dict(orient="records"), labels, used, strict=True):
        ink = INK if seen else MUTED
        plain: dict[str, Any] = {"fontsize": 7.5, "va": "center", "transform": across, "linespacing": 1.12}
        axes.text(left + 0.04 / inch, at, "\n".join(lines), color=ink, **plain)
        bold = plain | {"fontsize": 8, "ha": "right"}
        axes.text(1 + 0.36 / inch, at, number(row["points"], 0).replace("-", "−"), fontweight="bold", color=ink, **bold)
        if rates:
            axes.text(right - 0.04 / inch, at, percent(row["event_rate"]), **bold | {"fontsize": 7.5}, color=MUTED)
    above: dict[str, Any] = {"va": "bottom", "transform": across}
    axes.text(left, -0.04, "\n".join(name), fontsize=9, fontweight="bold", color=INK, linespacing=1.05, **above)
    small = above | {"fontsize": 6.8, "color": MUTED, "ha": "right"}
    axes.text(1 + 0.36 / inch, -0.045, "points", **small)
    if rates:
        axes.text(right - 0.04 / inch, -0.045, "event rate", **small)


def _ruler(picture: Picture, scale: Scale, low: float, high: float) -> None:
    """Draw scores on a line, and beneath them how many events such a score stands for."""
    words = (
        "A score is the sum of one row's points per characteristic, and more points are safer. "
        f"{scale.base_score:g} points stand for {scale.base_odds:g} non-events per event; "
        f"every {scale.pdo:g} points more double that."
    )
    _text(picture, _MARGIN, 0.5, words, fontsize=8.5, color=INK)
    axes = _axes(picture, _MARGIN + 0.95, 0.82, picture.get_figwidth() - 2 * _MARGIN - 1.3, 0.5)
    axes.set_axis_off()
    low, high = _ruled(scale, low, high)
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1)
    axes.plot([low, high], [0.5, 0.5], color=OVERALL, linewidth=1.2, clip_on=False)
    ticks = _ticks(low, high)
    for at, p in zip(ticks, scale.probability(np.asarray(ticks, dtype=np.float64)), strict=True):
        axes.plot([at, at], [0.42, 0.58], color=OVERALL, linewidth=1.0, clip_on=False)
        axes.text(at, 0.7, f"{at:g}".replace("-", "−"), ha="center", va="bottom", fontsize=8.5, fontweight="bold")
        axes.text(at, 0.3, percent(p), ha="center", va="top", fontsize=8, color=MUTED)
    _text(picture, _MARGIN, 0.905, "score", fontsize=8, color=MUTED)
    _text(picture, _MARGIN, 1.235, "event rate", fontsize=8, color=MUTED)


def _ruled(scale: Scale, low: float, high: float) -> tuple[float, float]:
    """Return the scores that the ruler shows: those that the card can give and that somebody may have."""
    least, most = sorted(float(scale.score(np.array(np.log(p / (1 - p))))) for p in _RULED)
    if max(low, least) < min(high, most):
        return max(low, least), min(high, most)
    return (low, high) if high > low else (low - scale.pdo, high + scale.pdo)


def _ticks(low: float, high: float) -> list[float]:
    """Return round scores from low to high, some ten of them."""
    steps = [base * 10.0**power for power in range(-1, 6) for base in (1, 2, 5)]
    step = next((step for step in steps if (high - low) / step <= 12), high - low)
    return [step * k for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _laid_out(tall: Sequence[float]) -> tuple[int, list[tuple[int, float, float]]]:
    """Return how many columns the page has, and each panel's column, top and bottom (inches)."""
    for columns in _COLUMNS:
        places = _placed(tall, columns)
        depth = _HEAD + max((bottom for _, _, bottom in places), default=0.0) + _FOOT
        if depth <= _PAGE * (2 * _MARGIN + columns * _PANEL + (columns - 1) * _GUTTER):
            break
    return columns, places


def _placed(tall: Sequence[float], columns: int) -> list[tuple[int, float, float]]:
    """Return column, top and bottom (inches) of each panel: each goes where the page is shortest."""
    down = [0.0] * columns
    places = []
    for height in tall:
        column = int(np.argmin(down))
        places.append((column, down[column], down[column] + height))
        down[column] += height + _GAP
    return places


def _average(part: pd.DataFrame) -> float:
    points, share = part["points"].to_numpy(float), part["share"].fillna(0).to_numpy(float)
    return float(points @ share / share.sum()) if share.sum() else float(points.mean())


def _furthest(part: pd.DataFrame) -> float:
    return float(np.abs(part["points"].to_numpy(float) - _average(part)).max())


def _reach(part: pd.DataFrame) -> str:
    return f"{number(part['points'].min(), 0)} to {number(part['points'].max(), 0)}"


def _axes(picture: Picture, left: float, top: float, width: float, height: float) -> Axes:
    wide, tall = picture.get_size_inches()
    return picture.add_axes((left / wide, 1 - (top + height) / tall, width / wide, height / tall))


def _text(picture: Picture, left: float, top: float, text: str, **style: Any) -> None:
    wide, tall = picture.get_size_inches()
    picture.text(left / wide, 1 - top / tall, text, va="center", **style)
