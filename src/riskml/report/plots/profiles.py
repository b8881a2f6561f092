"""Pictures of how the probability goes with each column, and where the customers are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from riskml.display.colours import EVENT, MUTED, OVERALL, SHARE
from riskml.display.format import fitted, percent
from riskml.models.families import family_colour
from riskml.report.plots.picture import Picture, as_percent, empty, headline, house_style

_ACROSS = 3


@house_style()
def profiles(frame: pd.DataFrame, *, columns: list[str] | None = None, family: str = "") -> Picture:
    """Draw the probability over the values of each column.

    Parameters
    ----------
    frame : DataFrame
        See `riskml.validation.explain.partial_dependence`: ``column``, ``kind``, ``value``, ``sort``, ``share``,
        ``probability``, ``accumulated``.
    columns : list of str, optional
        Those that are drawn, in this order; all of the frame by default.
    family : str, optional
        The model's family, for its colour.
    """
    names = list(frame["column"].unique()) if columns is None else columns
    deep = max(-(-len(names) // _ACROSS), 1)
    moves = [frame.loc[frame["column"] == name, "probability"] for name in names]
    text = "; ".join(f"{n} {percent(m.min())} to {percent(m.max())}" for n, m in zip(names, moves, strict=True))
    picture = Picture(9.5, 0.8 + 2.5 * deep, f"Mean probability over the values of each column: {text}.")
    headline(picture, "How the probability goes with each column")
    grid = np.atleast_1d(picture.subplots(deep, _ACROSS, sharey=True, squeeze=False).ravel())
    colour = family_colour(family) if family else EVENT
    top = max((float(m.max()) for m in moves), default=0.1) * 1.15
    for axes, name in zip(grid, names, strict=False):
        own = frame[frame["column"] == name].reset_index(drop=True)
        _one(axes, own, colour, top)
        axes.set_title(fitted(name, 30))
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    if not names:
        empty(grid[0], "The model uses no column.")
        return picture
    for axes in grid[::_ACROSS]:
        as_percent(axes.yaxis, top)
    grid[0].set_ylim(0, top)
    return picture


def _one(axes: Axes, own: pd.DataFrame, colour: str, top: float) -> None:
    x = np.arange(len(own), dtype=float)
    value = (own["sort"] == "value").to_numpy()
    share = own["share"].to_numpy(float)
    # Bars at the foot say where the customers are; the tallest takes a third of the height.
    axes.bar(x, share / max(float(share.max(initial=0)), 1e-9) * top / 3, color=SHARE, width=0.9, zorder=1)
    chance, local = own["probability"].to_numpy(float), own["accumulated"].to_numpy(float)
    joined = own["kind"].iloc[0] == "numeric"
    if joined:
        axes.plot(x[value], local[value], color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
    axes.plot(x[value], chance[value], "-o" if joined else "o", color=colour, markersize=4, zorder=3)
    axes.plot(x[~value], chance[~value], "D", color=OVERALL, markersize=5, zorder=3)
    step = max(len(own) // 6, 1) if joined else 1
    ticks = [at for at in range(len(own)) if at % step == 0 or not value[at] or at == int(value.sum()) - 1]
    labels = [fitted(own["value"].iloc[at], 8 if joined else 10) for at in ticks]
    turned = sum(len(label) + 1 for label in labels) > 26
    axes.set_xticks([x[at] for at in ticks], labels, rotation=35 if turned else 0, ha="right" if turned else "center")
    axes.grid(visible=False, axis="x")
