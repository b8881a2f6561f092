"""Pictures of a panel over its as-of dates: events, gaps in the data, and the strength of features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.ticker import StrMethodFormatter

from riskml.display.colours import EVENT, INK, MUTED
from riskml.display.format import fitted, number, percent
from riskml.report.plots.picture import Picture, as_percent, empty, headline, house_style


@house_style()
def events_over_time(frame: pd.DataFrame) -> Picture:
    """Draw customers and the event rate by as-of date.

    Parameters
    ----------
    frame : DataFrame
        ``as_of``, ``kept``, ``events``, ``censored``: one row per as-of date.
    """
    rows = frame[~frame["censored"].astype(bool) & (frame["kept"] > 0)]
    rate = rows["events"] / rows["kept"]
    text = "; ".join(f"{date}: {percent(value)}" for date, value in zip(rows["as_of"], rate, strict=True))
    picture = Picture(8.5, 3.4, f"Event rate by as-of date. {text}.")
    headline(picture, "Customers looked at, and the share that had the event")
    axes = picture.subplots()
    if rows.empty:
        empty(axes, "no as-of date has a known outcome")
        return picture
    x = np.arange(len(rows))
    error = 1.96 * np.sqrt(rate * (1 - rate) / rows["kept"])
    axes.errorbar(x, rate, yerr=error, color=EVENT, marker="o", markersize=5, linewidth=1.5, capsize=0)
    axes.set_ylim(bottom=0)
    as_percent(axes.yaxis, axes.get_ylim()[1])
    axes.set_ylabel("event rate")
    bars = axes.twinx()
    bars.bar(x, rows["kept"], color=MUTED, alpha=0.25, width=0.7)
    bars.set_ylim(0, float(rows["kept"].max()) * 2.5)
    bars.set_ylabel("customers")
    bars.grid(visible=False)
    bars.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_zorder(bars.get_zorder() + 1)
    axes.patch.set_visible(False)
    step = max(1, -(-len(rows) // 12))
    axes.set_xticks(x[::step], list(rows["as_of"].astype(str))[::step], rotation=30, ha="right")
    return picture


@house_style()
def records_over_time(frame: pd.DataFrame) -> Picture:
    """Draw how full each month of each table is.

    Parameters
    ----------
    frame : DataFrame of shape (tables, months)
        Shares of the fullest month.
    """
    return _grid(
        frame,
        "Records by month, as a share of the table's fullest: white is a gap",
        "No month is whole",
        (0.0, 1.0),
        lambda share: percent(share, 0),
    )


@house_style()
def missing_over_time(frame: pd.DataFrame) -> Picture:
    """Draw the share of missing values by column and as-of date.

    Parameters
    ----------
    frame : DataFrame of shape (columns, dates)
        Shares between 0 and 1.
    """
    return _grid(
        frame,
        "Missing values by as-of date: a column that jumps was defined anew",
        "No column misses a value",
        (0.0, 1.0),
        percent,
    )


@house_style()
def strength_over_time(frame: pd.DataFrame) -> Picture:
    """Draw the strength of columns by as-of date.

    Parameters
    ----------
    frame : DataFrame of shape (columns, dates)
        Information values.
    """
    top = float(frame.to_numpy().max()) if frame.size else 1.0
    return _grid(
        frame,
        "Information value by as-of date: a feature that fades will not hold",
        "No as-of date has enough events",
        (0.0, max(top, 0.1)),
        lambda value: number(value, 2),
    )


def _grid(
    frame: pd.DataFrame, title: str, nothing: str, limits: tuple[float, float], written: Callable[[float], str]
) -> Picture:
    height = 1.4 + 0.28 * max(len(frame), 2)
    text = "; ".join(f"{name}: {written(row.min())} to {written(row.max())}" for name, row in frame.head(10).iterrows())
    picture = Picture(8.5, height, f"{title}. {text}.")
    headline(picture, title)
    axes = picture.subplots()
    if frame.empty:
        empty(axes, nothing)
        return picture
    axes.imshow(frame.to_numpy(dtype=float), aspect="auto", cmap="Blues", vmin=limits[0], vmax=limits[1])
    axes.grid(visible=False)
    axes.set_yticks(range(len(frame)), [fitted(str(name), 34) for name in frame.index], fontsize=8)
    dates = [pd.Timestamp(date).strftime("%Y-%m-%d") for date in frame.columns]
    step = max(1, -(-len(dates) // 12))
    axes.set_xticks(range(0, len(dates), step), dates[::step], rotation=30, ha="right")
    if len(dates) <= 12:
        middle = sum(limits) / 2
        for y, row in enumerate(frame.to_numpy(dtype=float)):
            for x, value in enumerate(row):
                if np.isfinite(value):
                    colour = "white" if value > middle * 1.1 else INK
                    axes.text(x, y, written(value), ha="center", va="center", fontsize=7, color=colour)
    return picture
