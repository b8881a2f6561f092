"""Pictures of the data: the outcome, the gaps, and how the event rate moves with each column."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from riskml.display.colours import EVENT, INK, KINDS, MUTED, NON_EVENT, OVERALL, SHARE
from riskml.display.format import count, fitted, number, percent, signed, wrapped
from riskml.report.plots.picture import CLEAR, Picture, as_percent, empty, headline, house_style, rows_from_the_top
from riskml.scorecard import OptimalBinner, Scorecard
from riskml.scorecard.display.tables import binner_of, bins_of

_MOST_COLUMNS = 30


@house_style()
def target_overview(parts: pd.DataFrame, *, event: str = "event") -> Picture:
    """Draw how many rows each part has, and its event rate.

    Parameters
    ----------
    parts : DataFrame
        One row per part: ``part`` (or the index), ``rows``, ``events``; with ``lower`` and ``upper`` (of the event
        rate) intervals are drawn.
    event : str
        What the event is called, as "default".

    Returns
    -------
    Picture
        The training rows on top.
    """
    table = parts if "part" in parts else parts.rename_axis("part").reset_index()
    table = table.sort_values("part", key=lambda part: part != "train", kind="stable")
    labels = [fitted(part, 24) for part in table["part"]]
    rows, events = table["rows"].to_numpy(float), table["events"].to_numpy(float)
    rate = np.divide(events, rows, out=np.full(rows.size, np.nan), where=rows > 0)
    text = "; ".join(f"{p}: {count(n)} rows, {percent(r)}" for p, n, r in zip(labels, rows, rate, strict=True))
    picture = Picture(8, 1.5 + 0.5 * len(labels), f"Rows and share of {event} by part. {text}.")
    headline(picture, f"Rows and share of {fitted(event, 30)} in each part")
    left, right = picture.subplots(1, 2, sharey=True, width_ratios=[3, 2])

    y = np.arange(len(labels), dtype=float)
    left.barh(y, rows - events, height=0.6, color=NON_EVENT, label=f"no {fitted(event, 30)}")
    left.barh(y, events, height=0.6, left=rows - events, color=EVENT, label=fitted(event, 30))
    for at, total in zip(y, rows, strict=True):
        left.text(total, at, f"  {count(total)}", va="center", fontsize=8.5, color=INK)
    left.set_xlim(0, max(float(rows.max(initial=0)), 1) * 1.16)
    left.set_title("rows")
    left.xaxis.set_major_formatter(lambda value, _: count(value))
    left.locator_params(axis="x", nbins=5)
    rows_from_the_top(left, labels)
    left.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=2, borderaxespad=1.2, handlelength=1)

    low, high = _interval(table)
    _rates(right, rate, y, low, high)
    right.set_title(f"share of {fitted(event, 24)}")
    return picture


@house_style()
def missing_and_kinds(profile: pd.DataFrame) -> Picture:
    """Draw the share of missing values of the columns that have some, coloured by kind.

    Parameters
    ----------
    profile : DataFrame
        One row per column: ``column``, ``kind`` (numeric or categorical), ``missing`` (share of rows).
    """
    kinds = profile["kind"].value_counts()
    made_of = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    gaps = profile.loc[profile["missing"] > 0].sort_values("missing", ascending=False, kind="stable")
    top = gaps.head(_MOST_COLUMNS)
    text = ", ".join(f"{c} {percent(m)}" for c, m in zip(top["column"].head(5), top["missing"].head(5), strict=True))
    alt = f"{len(profile)} columns ({made_of}); {len(gaps)} have missing values" + (f": {text}." if text else ".")
    picture = Picture(8, 1.4 + 0.27 * max(len(top), 3), alt)
    headline(picture, f"Missing values: {len(gaps)} of {len(profile)} columns have some")
    axes = picture.subplots()
    if top.empty:
        empty(axes, f"No value is missing in any of the {len(profile)} columns ({made_of}).")
        return picture
    y, share = np.arange(len(top), dtype=float), top["missing"].to_numpy(float)
    axes.barh(y, share, height=0.62, color=[KINDS.get(kind, MUTED) for kind in top["kind"]])
    for at, value in zip(y, share, strict=True):
        axes.text(value, at, f" {percent(value)}", va="center", fontsize=8.5)
    axes.set_xlim(0, min(float(share.max()) * 1.15, 1.12))
    as_percent(axes.xaxis, float(share.max()))
    rows_from_the_top(axes, [fitted(column, 34) for column in top["column"]])
    rest = f"; the {_MOST_COLUMNS} with most" if len(gaps) > len(top) else ""
    axes.set_title(f"share of rows without a value{rest}")
    present = [kind for kind in kinds.index if kind in set(top["kind"])]
    axes.legend(handles=[Patch(color=KINDS.get(kind, MUTED), label=kind) for kind in present], loc="lower right")
    return picture


@house_style()
def event_rate_by_column(
    tables: Mapping[str, pd.DataFrame], *, overall: float, columns: int = 3, most: int = 12
) -> Picture:
    """Draw small multiples: the event rate in each bin of the columns, with the share of rows behind it.

    Parameters
    ----------
    tables : mapping of column to DataFrame
        The bins of each column (``OptimalBinner.tables_``): ``bin``, ``count``, ``event_rate``; in the order shown.
    overall : float
        Event rate of all rows, drawn as a line.
    columns : int, default 3
        Panels beside one another.
    most : int, default 12
        At most so many columns are drawn.
    """
    panels = {name: _filled(table) for name, table in list(tables.items())[:most]}
    text = "; ".join(
        f"{name}: {percent(table['event_rate'].min())} to {percent(table['event_rate'].max())}"
        for name, table in panels.items()
    )
    n_lines = max(1, -(-len(panels) // columns))
    depth = [
        max((len(table) for table in list(panels.values())[line * columns : (line + 1) * columns]), default=3)
        for line in range(n_lines)
    ]
    height = sum(0.75 + 0.21 * bins for bins in depth) + 0.9
    picture = Picture(4 * columns - 1, height, f"Event rate by bin; overall {percent(overall)}. {text}.")
    headline(picture, "How the event rate moves with each column")
    grid = picture.subplots(n_lines, columns, squeeze=False, height_ratios=[0.75 + 0.21 * bins for bins in depth])
    top = max([overall, *(float(table["event_rate"].max()) for table in panels.values())], default=overall)
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_axis_off()
            continue
        name = list(panels)[place]
        _panel(axes, panels[name], overall, max(top, 1e-6))
        axes.set_title(fitted(name, 34), color=INK, fontweight="bold", fontsize=9)
    handles = [
        Patch(color=EVENT, label=f"event rate above the overall {percent(overall)}"),
        Patch(color=NON_EVENT, label="below it"),
        Patch(color=SHARE, label="share of rows (the panel's width is all rows)"),
    ]
    picture.legend(handles=handles, loc="outside lower left", ncols=3, handlelength=1)
    return picture


@house_style()
def woe(table: OptimalBinner | Scorecard | pd.DataFrame, column: str) -> Picture:
    """Draw the bins of one column: rows, event rate and weight of evidence.

    Parameters
    ----------
    table : OptimalBinner, Scorecard or DataFrame
        Fitted; or ``OptimalBinner.tables_[column]``: ``bin``, ``count``, ``event``, ``event_rate``, ``woe``, ``iv``. Of
        a binner that was fitted with periods, the event rate in each of them is drawn too.
    column : str
        The column's name.
    """
    periods = None
    if not isinstance(table, pd.DataFrame):
        binner = binner_of(table)
        periods = binner.by_period_[binner.by_period_["column"] == column]
        table = bins_of(binner, column)
    table = _filled(table)
    overall = float(table["event"].sum() / table["count"].sum())
    iv = float(table["iv"].sum())
    text = "; ".join(
        f"{b}: {percent(r)}, WoE {signed(w)}"
        for b, r, w in zip(table["bin"], table["event_rate"], table["woe"], strict=True)
    )
    picture = Picture(9, 1.7 + 0.36 * len(table), f"Bins of {column}, information value {number(iv)}. {text}.")
    headline(picture, f"{fitted(column, 50)}: information value {number(iv)}")
    left, middle, right = picture.subplots(1, 3, sharey=True, width_ratios=[3, 2, 2])
    y = np.arange(len(table), dtype=float)
    events, rows = table["event"].to_numpy(float), table["count"].to_numpy(float)
    left.barh(y, rows - events, height=0.62, color=NON_EVENT, label="no event")
    left.barh(y, events, height=0.62, left=rows - events, color=EVENT, label="event")
    for at, total in zip(y, rows, strict=True):
        left.text(total, at, f"  {count(total)} ({percent(total / rows.sum(), 0)})", va="center", fontsize=8)
    left.set_xlim(0, float(rows.max()) * 1.32)
    left.locator_params(axis="x", nbins=4)
    left.xaxis.set_major_formatter(lambda value, _: count(value))
    left.set_title("rows")
    rows_from_the_top(left, ["\n".join(wrapped(label, 34)) for label in table["bin"]])
    left.legend(loc="upper left", bbox_to_anchor=(0, -0.08), ncols=2, handlelength=1, borderaxespad=0.8)

    rate = table["event_rate"].to_numpy(float)
    middle.axvline(overall, color=OVERALL, linewidth=1, linestyle=(0, (4, 3)))
    _rates(middle, rate, y, *_interval(table))
    middle.set_title(f"event rate (overall {percent(overall)})")
    if periods is not None and len(periods):
        _in_periods(middle, list(table["bin"]), periods)

    evidence = table["woe"].to_numpy(float)
    right.axvline(0, color=OVERALL, linewidth=1)
    right.barh(y, evidence, height=0.62, color=[EVENT if value > overall else NON_EVENT for value in rate])
    reach = max(float(np.nanmax(np.abs(evidence), initial=0)), 0.05)
    for at, value in zip(y, evidence, strict=True):
        side = "left" if value >= 0 else "right"
        right.text(value, at, f" {signed(value)} ", va="center", ha=side, fontsize=8)
    right.set_xlim(-2.1 * reach, 2.1 * reach)
    right.grid(visible=False, axis="y")
    right.locator_params(axis="x", nbins=5)
    right.set_title("weight of evidence")
    return picture


def _panel(axes: Axes, table: pd.DataFrame, overall: float, top: float) -> None:
    y = np.arange(len(table), dtype=float)
    share = table["count"].to_numpy(float) / max(float(table["count"].sum()), 1)
    rate = table["event_rate"].to_numpy(float)
    axes.barh(y, share * top * 1.08, height=0.82, color=SHARE, zorder=0.5)
    axes.axvline(overall, color=OVERALL, linewidth=1, linestyle=(0, (4, 3)))
    colours = [EVENT if value > overall else NON_EVENT for value in rate]
    axes.hlines(y, overall, rate, color=colours, linewidth=2)
    axes.scatter(rate, y, s=30, color=colours, zorder=3, edgecolor="white", linewidth=0.6)
    axes.set_xlim(0, top * 1.08)
    as_percent(axes.xaxis, top)
    axes.locator_params(axis="x", nbins=5)
    rows_from_the_top(axes, [fitted(label, 22) for label in table["bin"]])
    axes.tick_params(labelsize=7.5)


def _rates(axes: Axes, rate: np.ndarray, y: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    axes.hlines(y, low, high, color=EVENT, linewidth=1.6, alpha=0.6)
    axes.scatter(rate, y, s=42, color=EVENT, zorder=3)
    edge = np.where(np.isnan(high), rate, high)
    top = float(np.nanmax(edge, initial=0.0)) or 0.01
    for at, value, end in zip(y, rate, edge, strict=True):
        if np.isfinite(value):
            axes.annotate(
                percent(value),
                (end, at),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                bbox=CLEAR,
            )
    axes.set_xlim(0, top * 1.35)
    as_percent(axes.xaxis, top)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(visible=False, axis="y")


def _in_periods(axes: Axes, labels: list[str], periods: pd.DataFrame) -> None:
    """Draw a thin line for each period through its event rates: lines that cross say where the trend breaks."""
    # Missing values that share a bin stand in its label.
    place = {part: at for at, label in enumerate(labels) for part in (label, *str(label).split(" or "))}
    names = periods["period"].unique()
    for _, part in periods.groupby("period", sort=False):
        known = part[part["bin"].isin(place)]
        at = known["bin"].map(place).to_numpy(float)
        axes.plot(known["event_rate"], at, color=EVENT, linewidth=0.8, marker=".", markersize=4, alpha=0.55, zorder=2)
    axes.set_xlim(0, max(axes.get_xlim()[1], 1.1 * float(periods["event_rate"].max())))
    axes.set_xlabel(f"thin: in each of {len(names)} periods")


def _interval(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    unknown = pd.Series(np.nan, index=table.index)
    return table.get("lower", unknown).to_numpy(float), table.get("upper", unknown).to_numpy(float)


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[table["count"] > 0].reset_index(drop=True)
