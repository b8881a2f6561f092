"""Plots of the validation: profit by cut-off, measures by group, learning curve."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from riskml.display.colours import EVENT, INK, MUTED, NON_EVENT, OVERALL
from riskml.display.format import fitted, number, percent, signed
from riskml.models.families import family_colour
from riskml.report.plots.picture import Picture, as_percent, empty, headline, house_style, rows_from_the_top

_DASHED = (0, (4, 3))


@house_style()
def profit(
    earned: pd.DataFrame, expected: pd.DataFrame, policies: pd.DataFrame, *, family: str = "", currency: str = ""
) -> Picture:
    """Draw the profit of decisions by the share of customers acted on.

    Parameters
    ----------
    earned, expected : DataFrame
        ``validation.profit_curve`` and ``expected_profit_curve``: ``share_acted``, ``profit_per_customer``.
    policies : DataFrame
        ``policy``, ``share_acted``, ``earned``; the last one is drawn as the chosen cut-off.
    """
    chosen = policies.iloc[-1]
    share, money = percent(chosen["share_acted"], 0), signed(chosen["earned"], 3)
    text = f"{chosen['policy']}: {share} acted on earn {money} a customer"
    picture = Picture(8, 4.2, f"Profit per customer by the share of customers acted on. {text}.")
    headline(picture, "Profit: how many customers to act on")
    axes = picture.subplots()
    colour = family_colour(family) if family else EVENT
    axes.axhline(0, color=MUTED, linewidth=1)
    axes.plot(
        expected["share_acted"],
        expected["profit_per_customer"],
        color=MUTED,
        linestyle=_DASHED,
        label="promised by the probabilities",
    )
    axes.plot(earned["share_acted"], earned["profit_per_customer"], color=colour, label="earned by the outcomes")
    axes.plot(policies["share_acted"], policies["earned"], "o", color=INK, markersize=4, label="policies of the table")
    axes.plot([chosen["share_acted"]], [chosen["earned"]], "D", color=EVENT, markersize=8, label=str(chosen["policy"]))
    axes.set_xlim(-0.01, 1.01)
    as_percent(axes.xaxis, 1)
    axes.set_xlabel("share of customers acted on, the riskiest first")
    axes.set_ylabel(f"per customer{', ' + currency if currency else ''}")
    axes.legend(loc="best")
    return picture


@house_style()
def by_group(
    frame: pd.DataFrame,
    value: str,
    low: str,
    high: str,
    *,
    title: str,
    line: float = 1.0,
    bad: Literal["beside", "below"] = "beside",
) -> Picture:
    """Draw a figure with its interval for each group.

    Parameters
    ----------
    frame : DataFrame
        ``group``, ``by`` or ``column``, and the three columns of the figure; ``judged``, where groups may be too small
        to be.
    value, low, high : str
        Columns: the figure and its bounds.
    line : float, default 1
        Where a figure should lie.
    bad : {"beside", "below"}, default "beside"
        What is drawn in red: an interval that leaves the line on either side, or a figure below it.
    """
    rows = frame[frame[value].notna()]
    over = "by" if "by" in frame else "column"
    labels = [fitted(f"{by}: {group}", 40) for by, group in zip(rows[over], rows["group"], strict=True)]
    at = rows[value].to_numpy(float)
    text = "; ".join(f"{label} {number(v, 2)}" for label, v in zip(labels, at, strict=True))
    picture = Picture(8, 1.3 + 0.28 * max(len(rows), 3), f"{title}: {text}.")
    headline(picture, title)
    axes = picture.subplots()
    if rows.empty:
        empty(axes, "No group has enough rows.")
        return picture
    bounds = rows[[low, high]].to_numpy(float)
    y = np.arange(len(rows), dtype=float)
    off = at < line if bad == "below" else (bounds[:, 0] > line) | (bounds[:, 1] < line)
    if "judged" in rows:
        off = off & rows["judged"].to_numpy(dtype=bool)
    colours = [EVENT if flag else NON_EVENT for flag in off]
    axes.axvline(line, color=OVERALL, linewidth=1, linestyle=_DASHED)
    axes.hlines(y, bounds[:, 0], bounds[:, 1], color=colours, linewidth=6, alpha=0.5)
    axes.scatter(at, y, s=42, color=colours, edgecolor=INK, linewidth=0.7, zorder=3)
    # A rare group with a wide interval must not compress the others.
    reach = np.concatenate([at, np.clip(bounds.ravel(), at.min() - 1.0, at.max() + 1.0)])
    edge = (float(np.nanmin(reach)), float(np.nanmax(reach)))
    room = max(edge[1] - edge[0], 0.02)
    axes.set_xlim(edge[0] - 0.06 * room, edge[1] + 0.06 * room)
    rows_from_the_top(axes, labels)
    red = "below the dashed line" if bad == "below" else "where the interval leaves the dashed line"
    axes.set_title(f"● figure with its 95 % interval; red {red}")
    return picture


@house_style()
def learning(frame: pd.DataFrame, *, metric: str = "auc") -> Picture:
    """Draw a measure by the number of training rows.

    Parameters
    ----------
    frame : DataFrame
        ``validation.learning_curve``: ``rows``, ``metric``, ``train``, ``test``.
    """
    mean = frame[frame["metric"] == metric].groupby("rows")[["train", "test"]].agg(["mean", "min", "max"])
    last = mean["test"]["mean"].to_numpy()
    gain = float(last[-1] - last[-2]) if len(last) > 1 else float("nan")
    text = f"the last step adds {signed(gain, 3)}"
    picture = Picture(7, 3.9, f"Learning curve, {metric.upper()}: {text}.")
    headline(picture, f"Would more rows help? {text[:1].upper()}{text[1:]} {metric.upper()}")
    axes = picture.subplots()
    for name, colour, label in (("train", MUTED, "training set"), ("test", EVENT, "test set")):
        part = mean[name]
        axes.fill_between(mean.index.to_numpy(float), part["min"], part["max"], color=colour, alpha=0.15, linewidth=0)
        axes.plot(mean.index, part["mean"], "-o", color=colour, markersize=5, label=label)
    axes.set_xlim(0, float(mean.index.max()) * 1.05)
    axes.set_xlabel("training rows")
    axes.set_ylabel(metric.upper())
    axes.legend(loc="best")
    return picture
