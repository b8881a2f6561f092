"""The whole scorecard on one page: the points of every bin of every characteristic, and what a score stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from riskml.report.card_tables import with_rates
from riskml.report.colours import EVENT, FAMILIES, INK, MUTED, OVERALL
from riskml.report.plots.picture import Picture, headline, house_style
from riskml.report.wording import fitted, number, percent
from riskml.scorecard.scaling import Scale

_GAIN = FAMILIES["scorecard"]
_COLUMNS = 3
# Inches.
_WIDTH, _MARGIN, _GUTTER, _HEAD, _FOOT = 11.0, 0.132, 0.36, 1.55, 0.3
_ROW, _TITLE, _GAP = 0.185, 0.27, 0.2
_LABELS, _NUMBERS = 1.22, 0.98
_MOST = 24


@house_style()
def card(
    frame: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    pdo: float,
    base_score: float,
    base_odds: float,
    title: str = "Scorecard",
) -> Picture:
    """Draw a whole scorecard, the characteristics that move the score most first.

    Parameters
    ----------
    frame : DataFrame
        ``Scorecard.card_``: ``column``, ``bin``, ``woe``, ``points``.
    tables : mapping of column to DataFrame, optional
        ``Scorecard.tables_``: rows and event rate of each bin.
    pdo, base_score, base_odds : float
        The scale of the points: non-events per event at the base score, and the points that double them.
    title : str
        The headline.

    Returns
    -------
    Picture
        Bars go from a characteristic's average points, all on one scale: the longer, the more a bin moves the score.
    """
    rated = with_rates(frame, tables or {})
    parts = {str(name): part.reset_index(drop=True) for name, part in rated.groupby("column", sort=False)}
    shown = sorted(parts, key=lambda name: -float(np.ptp(parts[name]["points"])))[:_MOST]
    scale = Scale(pdo, base_score, base_odds)
    low, high = (sum(float(at(part["points"])) for part in parts.values()) for at in (np.min, np.max))
    said = "; ".join(f"{name} {_reach(parts[name])}" for name in shown)
    alt = f"Scorecard of {len(parts)} characteristics; points from {number(low, 0)} to {number(high, 0)}. {said}."

    places = _placed([len(parts[name]) for name in shown])
    depth = max((bottom for _, _, bottom in places), default=0.5)
    picture = Picture(_WIDTH, _HEAD + depth + _FOOT, alt)
    # Every panel has its own place, in inches, so that a row is as tall in each of them.
    picture.set_layout_engine("none")
    headline(picture, fitted(title, 80))
    _ruler(picture, scale, low, high)
    width = (_WIDTH - 2 * _MARGIN - (_COLUMNS - 1) * _GUTTER) / _COLUMNS
    span = max((_furthest(parts[name]) for name in shown), default=1.0) or 1.0
    for name, (column, top, bottom) in zip(shown, places, strict=True):
        left = _MARGIN + column * (width + _GUTTER) + _LABELS
        axes = _axes(picture, left, _HEAD + top + _TITLE, width - _LABELS - _NUMBERS, bottom - top - _TITLE)
        _panel(axes, name, parts[name], span, rates=tables is not None)
    foot = "Bars start at the characteristic's average: right is safer, left is riskier. Hollow: no row in training."
    more = f" {len(parts) - len(shown)} characteristics that move the score less are not shown." * (len(parts) > _MOST)
    _text(picture, _MARGIN, picture.get_figheight() - 0.12, foot + more, fontsize=7.5, color=MUTED)
    return picture


def _panel(axes: Axes, name: str, part: pd.DataFrame, span: float, *, rates: bool) -> None:
    y = np.arange(len(part), dtype=float)
    points = part["points"].to_numpy(float)
    away = points - _average(part)
    used = part["share"].notna().to_numpy() if rates else np.ones(len(part), bool)
    colours = np.where(away < 0, EVENT, _GAIN)
    axes.axvline(0, color=OVERALL, linewidth=0.8)
    axes.barh(
        y,
        away,
        height=0.66,
        linewidth=0.8,
        edgecolor=colours,
        color=[c if u else "none" for c, u in zip(colours, used, strict=True)],
    )
    axes.set_xlim(-1.04 * span, 1.04 * span)
    axes.set_ylim(len(part) - 0.5, -0.5)
    axes.set_axis_off()
    # A band behind every other row leads the eye from the label to the numbers.
    across = axes.get_yaxis_transform()
    box = axes.get_position()
    inch = _WIDTH * box.width
    left, right = -_LABELS / inch, 1 + _NUMBERS / inch
    for at in y[::2]:
        axes.fill_between(
            [left, right], at - 0.5, at + 0.5, transform=across, color="#f4f6f8", linewidth=0, zorder=0, clip_on=False
        )
    for at, row, seen in zip(y, part.to_dict(orient="records"), used, strict=True):
        ink = INK if seen else MUTED
        axes.text(
            left + 0.04 / inch, at, fitted(row["bin"], 20), fontsize=7.5, va="center", color=ink, transform=across
        )
        bold: dict[str, Any] = {"fontsize": 8, "va": "center", "ha": "right", "transform": across}
        axes.text(1 + 0.36 / inch, at, number(row["points"], 0).replace("-", "−"), fontweight="bold", color=ink, **bold)
        if rates:
            axes.text(right - 0.04 / inch, at, percent(row["event_rate"]), **bold | {"fontsize": 7.5}, color=MUTED)
    above: dict[str, Any] = {"va": "bottom", "transform": across}
    axes.text(left, -0.72, fitted(name, 26), fontsize=9, fontweight="bold", color=INK, **above)
    small = above | {"fontsize": 6.8, "color": MUTED, "ha": "right"}
    axes.text(1 + 0.36 / inch, -0.72, "points", **small)
    if rates:
        axes.text(right - 0.04 / inch, -0.72, "event rate", **small)


def _ruler(picture: Picture, scale: Scale, low: float, high: float) -> None:
    """Draw scores on a line, and beneath them how many events such a score stands for."""
    words = (
        "A score is the sum of one row's points per characteristic, and more points are safer. "
        f"{scale.base_score:g} points stand for {scale.base_odds:g} non-events per event; "
        f"every {scale.pdo:g} points more double that."
    )
    _text(picture, _MARGIN, 0.5, words, fontsize=8.5, color=INK)
    axes = _axes(picture, _MARGIN + 0.95, 0.82, _WIDTH - 2 * _MARGIN - 1.3, 0.5)
    axes.set_axis_off()
    low, high = (low, high) if high > low else (low - scale.pdo, high + scale.pdo)
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


def _ticks(low: float, high: float) -> list[float]:
    """Return round scores from low to high, some ten of them."""
    steps = [base * 10.0**power for power in range(-1, 6) for base in (1, 2, 5)]
    step = next((step for step in steps if (high - low) / step <= 12), high - low)
    return [step * k for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _placed(lengths: Sequence[int]) -> list[tuple[int, float, float]]:
    """Return column, top and bottom (inches) of each panel: each goes where the page is shortest."""
    down = [0.0] * _COLUMNS
    places = []
    for length in lengths:
        column = int(np.argmin(down))
        bottom = down[column] + _TITLE + length * _ROW
        places.append((column, down[column], bottom))
        down[column] = bottom + _GAP
    return places


def _average(part: pd.DataFrame) -> float:
    points, share = part["points"].to_numpy(float), part["share"].fillna(0).to_numpy(float)
    return float(points @ share / share.sum()) if share.sum() else float(points.mean())


def _furthest(part: pd.DataFrame) -> float:
    return float(np.abs(part["points"].to_numpy(float) - _average(part)).max())


def _reach(part: pd.DataFrame) -> str:
    return f"{number(part['points'].min(), 0)} to {number(part['points'].max(), 0)}"


def _axes(picture: Picture, left: float, top: float, width: float, height: float) -> Axes:
    tall = picture.get_figheight()
    return picture.add_axes((left / _WIDTH, 1 - (top + height) / tall, width / _WIDTH, height / tall))


def _text(picture: Picture, left: float, top: float, text: str, **style: Any) -> None:
    picture.text(left / _WIDTH, 1 - top / picture.get_figheight(), text, va="center", **style)
