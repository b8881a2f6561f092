"""Pictures of what is done with the model: tiers, drivers, and one customer's reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskml.display.colours import EVENT, INK, MUTED, NON_EVENT, OVERALL, tier_colours
from riskml.display.format import cell_value, count, fitted, number, percent, signed
from riskml.models.families import ALL_FAMILIES, family_colour
from riskml.report.plots.picture import Picture, as_percent, empty, headline, house_style, rows_from_the_top


@house_style()
def tiers(table: pd.DataFrame) -> Picture:
    """Draw how many customers each tier holds, and its expected and observed event rate.

    Parameters
    ----------
    table : DataFrame
        One row per tier, the safest first: ``tier``, ``rows``, ``expected`` (mean probability), ``event_rate``; with
        ``lower`` and ``upper`` (of the event rate) intervals are drawn.
    """
    names, colours = [fitted(name, 26) for name in table["tier"]], tier_colours(len(table))
    rows = table["rows"].to_numpy(float)
    share = rows / max(float(rows.sum()), 1.0)
    unknown = pd.Series(np.nan, index=table.index)
    expected, observed = (table.get(name, unknown).to_numpy(float) for name in ("expected", "event_rate"))
    low, high = table.get("lower", unknown).to_numpy(float), table.get("upper", unknown).to_numpy(float)
    alt = "; ".join(
        f"{n}: {percent(s, 0)} of customers, expected {percent(e)}, observed {percent(o)}"
        for n, s, e, o in zip(names, share, expected, observed, strict=True)
    )
    picture = Picture(8.5, 1.6 + 0.52 * len(table), f"Tiers. {alt}.")
    headline(picture, "Tiers: how many customers, how much risk")
    left, right = picture.subplots(1, 2, sharey=True, width_ratios=[2, 3])
    y = np.arange(len(table), dtype=float)
    left.barh(y, share, height=0.6, color=colours)
    for at, part, total in zip(y, share, rows, strict=True):
        left.text(part, at, f"  {percent(part, 0)}  ({count(total)})", va="center", fontsize=8.5)
    left.set_xlim(0, max(float(share.max(initial=0)), 0.01) * 1.5)
    as_percent(left.xaxis, 1)
    left.locator_params(axis="x", nbins=4)
    left.set_title("share of customers")
    rows_from_the_top(left, names)

    right.hlines(y, low, high, color=colours, linewidth=7, alpha=0.45)
    right.scatter(observed, y, s=70, color=colours, edgecolor=INK, linewidth=0.8, zorder=3, label="observed (interval)")
    right.scatter(expected, y, s=260, marker="|", color=INK, linewidth=2.2, zorder=4, label="expected by the model")
    reach = np.concatenate([expected, observed, high])
    top = max(float(np.nanmax(reach, initial=0)), 0.01)
    for at, value in zip(y, observed, strict=True):
        place = int(at)
        edge = float(np.nanmax([value, high[place], expected[place], 0.0]))
        text = percent(value) if np.isfinite(value) else "no customers"
        right.text(edge + 0.03 * top, at, text, va="center", fontsize=8.5)
    right.set_xlim(0, top * 1.22)
    as_percent(right.xaxis, top)
    right.grid(visible=False, axis="y")
    right.set_title("● observed event rate with its interval    | expected by the model")
    return picture


@house_style()
def drivers(frame: pd.DataFrame, *, most: int = 15, family: str = "") -> Picture:
    """Draw the columns that move the scores of the book most.

    Parameters
    ----------
    frame : DataFrame
        ``drivers.csv``: ``column``, ``mean_abs_contribution`` (log-odds), and ``description`` where there are some.
    most : int, default 15
        At most so many columns are drawn.
    family : str, optional
        The model's family, for its colour.
    """
    ranked = frame.sort_values("mean_abs_contribution", ascending=False, kind="stable")
    top = ranked.head(most)
    value = top["mean_abs_contribution"].to_numpy(float)
    text = ", ".join(f"{c} {number(v, 2)}" for c, v in zip(top["column"], value, strict=True))
    picture = Picture(8, 1.5 + 0.3 * max(len(top), 3), f"Mean absolute contribution to the log-odds: {text}.")
    headline(picture, "What moves the scores most")
    axes = picture.subplots()
    if top.empty:
        empty(axes, "The model uses no column.")
        return picture
    y = np.arange(len(top), dtype=float)
    axes.barh(y, value, height=0.64, color=family_colour(family) if family in ALL_FAMILIES else NON_EVENT)
    for at, size in zip(y, value, strict=True):
        axes.text(size, at, f" {number(size, 2)}", va="center", fontsize=8.5)
    axes.set_xlim(0, max(float(np.nanmax(value)), 1e-6) * 1.12)
    rows_from_the_top(axes, [fitted(column, 34) for column in top["column"]])
    rest = len(ranked) - len(top)
    left_out = f" (not shown: {rest} smaller)" if rest else ""
    axes.set_title(f"mean absolute contribution, log-odds{left_out}")
    return picture


@house_style()
def reasons_of_customer(
    frame: pd.DataFrame, *, reference: float, customer: object = "", probability: float | None = None, most: int = 10
) -> Picture:
    """Draw a waterfall: from the score of the reference customer to the score of this one.

    Parameters
    ----------
    frame : DataFrame
        One row per column: ``column``, ``value`` (the customer's), ``contribution`` (log-odds above the reference).
    reference : float
        Log-odds of the reference, to which the contributions are added.
    customer : object, optional
        The customer's label, for the title.
    probability : float, optional
        The customer's probability, for the title.
    most : int, default 10
        The largest contributions that are drawn by themselves; the others are one bar.
    """
    order = frame["contribution"].abs().sort_values(ascending=False, kind="stable").index
    ranked = frame.loc[order]
    top, rest = ranked.head(most), ranked.iloc[most:]
    steps = [
        (f"{fitted(c, 26)} = {fitted(cell_value(v), 18)}", float(x))
        for c, v, x in zip(top["column"], top["value"], top["contribution"], strict=True)
    ]
    if len(rest):
        steps.append((f"{len(rest)} other columns", float(rest["contribution"].sum())))
    size = np.array([step for _, step in steps])
    ends = reference + np.cumsum(size)
    starts = ends - size
    final = float(ends[-1]) if size.size else reference
    text = "; ".join(f"{label}: {signed(step)}" for label, step in steps)
    name = f"customer {fitted(customer, 24)}" if str(customer) else "this customer"
    risk = f", probability {percent(probability)}" if probability is not None else ""
    alt = f"Reasons of {name}{risk}: log-odds from {signed(reference)} to {signed(final)}. {text}."
    picture = Picture(8, 1.9 + 0.33 * (len(steps) + 2), alt)
    headline(picture, f"Why {name} is scored so{risk}")
    axes = picture.subplots()
    y = np.arange(1, len(steps) + 1, dtype=float)
    axes.barh(y, size, left=starts, height=0.62, color=[EVENT if step > 0 else NON_EVENT for step in size])
    spine = np.concatenate([[reference], ends, [final]])
    axes.vlines(
        spine[:-1],
        np.arange(len(steps) + 1, dtype=float),
        np.arange(1, len(steps) + 2, dtype=float),
        color=MUTED,
        linewidth=0.8,
    )
    axes.plot([reference, final], [0, len(steps) + 1], "D", color=OVERALL, markersize=6, zorder=3)
    reach = max(float(spine.max() - spine.min()), 0.1)
    for at, step, start, end in zip(y, size, starts, ends, strict=True):
        axes.text(max(start, end) + 0.015 * reach, at, signed(step), va="center", fontsize=8.5)
    for place, value in ((0, reference), (len(steps) + 1, final)):
        axes.text(value + 0.025 * reach, place, signed(value), va="center", fontsize=8.5, fontweight="bold")
    axes.set_xlim(float(spine.min()) - 0.05 * reach, float(spine.max()) + 0.16 * reach)
    rows_from_the_top(axes, ["reference customer", *(label for label, _ in steps), name])
    axes.set_title("log-odds: to the right raises the risk, to the left lowers it")
    return picture
