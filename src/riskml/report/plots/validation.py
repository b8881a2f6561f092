"""Plots of the validation: ROC curve, calibration, score distribution, gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from riskml.display.colours import EVENT, INK, MUTED, NON_EVENT, OVERALL, tier_colours
from riskml.display.format import count, fitted, number, percent
from riskml.models.families import family_colour
from riskml.report.plots.picture import CLEAR, Picture, as_percent, headline, house_style

_CHANCE = (0, (4, 3))


@house_style()
def roc(
    curves: Mapping[str, pd.DataFrame], *, auc: Mapping[str, Sequence[float]] | None = None, chosen: str | None = None
) -> Picture:
    """Draw ROC curves on the test set.

    Parameters
    ----------
    curves : mapping of family to DataFrame
        ``validation.roc_curve``: ``false_positive_rate``, ``true_positive_rate``; with ``lower`` and ``upper`` (of the
        true positive rate) a band is drawn.
    auc : mapping of family to (value, low, high), optional
        Written into the legend; an unknown bound is NaN.
    chosen : str, optional
        The family drawn strong; the others are drawn thin. All are drawn strong when it is left out.
    """
    aucs = auc or {}
    names = {family: _with_auc(family, aucs.get(family, ())) for family in curves}
    picture = Picture(5.9, 5.9, f"ROC curves on the test set. {'; '.join(names.values())}.")
    headline(picture, "ROC curve on the test set")
    axes = picture.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=_CHANCE)
    axes.text(0.52, 0.47, "chance", color=MUTED, fontsize=8.5, rotation=45, rotation_mode="anchor")
    for family, curve in sorted(curves.items(), key=lambda item: item[0] == chosen):
        strong = chosen in (None, family)
        x, colour = curve["false_positive_rate"].to_numpy(float), family_colour(family)
        if {"lower", "upper"} <= set(curve.columns):
            axes.fill_between(x, curve["lower"], curve["upper"], color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            x, curve["true_positive_rate"], color=colour, label=names[family],
            linewidth=2.6 if strong else 1.3, alpha=1 if strong else 0.8,
        )  # fmt: skip
    handles, labels = axes.get_legend_handles_labels()
    order = [labels.index(names[family]) for family in curves]
    axes.legend([handles[i] for i in order], [labels[i] for i in order], loc="lower right")
    _unit_square(axes)
    axes.set_xlabel("false positive rate: share of non-events flagged")
    axes.set_ylabel("true positive rate: share of events flagged")
    return picture


@house_style()
def calibration(table: pd.DataFrame, *, probability: ArrayLike | None = None, family: str = "") -> Picture:
    """Draw observed against predicted event rates by band, and beneath them how the probabilities are spread.

    Parameters
    ----------
    table : DataFrame
        ``validation.calibration_table``: ``mean_p``, ``event_rate``, ``lower``, ``upper``, ``count``.
    probability : array of shape (n,), optional
        All predicted probabilities; without them the bands' counts are drawn beneath.
    family : str, optional
        The model's family, for its colour.
    """
    expected, observed = table["mean_p"].to_numpy(float), table["event_rate"].to_numpy(float)
    unknown = pd.Series(np.nan, index=table.index)
    low, high = table.get("lower", unknown).to_numpy(float), table.get("upper", unknown).to_numpy(float)
    inside = int(np.sum((low <= expected) & (expected <= high)))
    known = int(np.sum(np.isfinite(low) & np.isfinite(high)))
    text = "; ".join(f"{percent(p)} predicted, {percent(r)} observed" for p, r in zip(expected, observed, strict=True))
    picture = Picture(6.2, 6.2, f"Calibration by band: {text}.")
    headline(picture, "Calibration: does 20% mean 20%?")
    upper, lower = picture.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    top = min(1.0, float(np.nanmax(np.concatenate([expected, observed, high]), initial=0.02)) * 1.06)
    colour = family_colour(family) if family else INK
    upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=_CHANCE, label="perfect")
    upper.plot(expected, observed, "-o", color=colour, linewidth=1, markersize=7, label="observed in each band")
    upper.vlines(expected, low, high, color=colour, linewidth=2.2, alpha=0.5, label="its interval")
    upper.legend(loc="upper left")
    upper.set_ylim(-0.02 * top, top)
    upper.set_xlim(-0.02 * top, top)
    upper.set_ylabel("observed event rate")
    if known:
        upper.set_title(f"the diagonal lies inside the interval of {inside} of {known} bands")
    as_percent(upper.yaxis, top)
    as_percent(lower.xaxis, top)
    if probability is not None:
        values = np.asarray(probability, dtype=float)
        lower.hist(values[np.isfinite(values)], bins=np.linspace(0, top, 41).tolist(), color=colour, alpha=0.75)
    else:
        lower.bar(expected, table["count"], width=0.018 * top, color=colour, alpha=0.75)
    lower.set_ylabel("rows")
    lower.yaxis.set_major_formatter(lambda value, _: count(value))
    lower.locator_params(axis="y", nbins=3)
    lower.set_xlabel("predicted probability of the event")
    return picture


@house_style()
def score_distribution(
    probability: ArrayLike, event: ArrayLike, *, tiers: pd.DataFrame | None = None, bins: int = 40
) -> Picture:
    """Draw how the predicted probabilities of events and of non-events are spread.

    Parameters
    ----------
    probability : array of shape (n,)
        Predicted probability of the event.
    event : array of shape (n,)
        1 where the event happened.
    tiers : DataFrame, optional
        ``tier`` (or ``name``) and ``from_probability``, the safest first: drawn as bands behind the curves.
    """
    p, flags = np.asarray(probability, dtype=float), np.asarray(event).astype(bool)
    groups = [("events", p[flags], EVENT), ("non-events", p[~flags], NON_EVENT)]
    text = "; ".join(f"{name}: median {percent(np.median(v)) if v.size else '–'}" for name, v, _ in groups)
    picture = Picture(8, 3.7, f"Spread of the predicted probability. {text}.")
    headline(picture, "Predicted probability of events and of non-events")
    axes = picture.subplots()
    top = min(1.0, float(np.nanmax(p, initial=0.02)) * 1.02)
    edges = np.linspace(0, top, bins + 1).tolist()
    for name, values, colour in reversed(groups):
        if not values.size:
            continue
        weights = np.full(values.size, 1 / values.size)
        label = f"{name} ({count(values.size)}), median {percent(np.median(values))}"
        axes.hist(values, edges, weights=weights, color=colour, alpha=0.35, zorder=2)
        axes.hist(values, edges, weights=weights, color=colour, histtype="step", linewidth=1.8, label=label, zorder=3)
        axes.axvline(float(np.median(values)), color=colour, linewidth=1.2, linestyle=_CHANCE, zorder=3)
    if tiers is not None:
        _tier_bands(axes, tiers, top)
    axes.set_xlim(0, top)
    axes.set_ylim(0, axes.get_ylim()[1] * (1.14 if tiers is not None else 1.0))
    as_percent(axes.xaxis, top)
    as_percent(axes.yaxis, axes.get_ylim()[1])
    axes.set_xlabel("predicted probability of the event")
    axes.set_ylabel("share of each group")
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.9 if tiers is not None else 1))
    return picture


@house_style()
def gains(table: pd.DataFrame, *, family: str = "") -> Picture:
    """Draw the gains curve and the lift of each band, the riskiest first.

    Parameters
    ----------
    table : DataFrame
        ``validation.gains_table``: ``cumulative_share``, ``captured``, ``event_rate``, ``lift``, the riskiest first.
    family : str, optional
        The model's family, for its colour.
    """
    share = np.append(0.0, table["cumulative_share"].to_numpy(float))
    captured = np.append(0.0, table["captured"].to_numpy(float))
    lift, rate = table["lift"].to_numpy(float), table["event_rate"].to_numpy(float)
    overall = float(rate[0] / lift[0]) if len(table) and lift[0] > 0 else float("nan")
    first = f"the riskiest {percent(share[1], 0)} hold {percent(captured[1], 0)} of all events" if len(table) else ""
    picture = Picture(9.5, 4.3, f"Gains: {first}. Lift by band: {', '.join(number(v, 1) for v in lift)}.")
    headline(picture, f"Gains: {first}" if first else "Gains")
    left, right = picture.subplots(1, 2)
    colour = family_colour(family) if family else EVENT
    if np.isfinite(overall):
        left.plot([0, overall, 1], [0, 1, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)), label="perfect order")
    left.plot(share, captured, "-o", color=colour, markersize=5, label="this model")
    left.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=_CHANCE, label="chance")
    _unit_square(left)
    left.set_title("cumulative")
    left.set_xlabel("share of customers, the riskiest first")
    left.set_ylabel("share of all events held")
    left.legend(loc="lower right")

    x = np.arange(1, len(table) + 1, dtype=float)
    right.bar(x, rate, width=0.72, color=[EVENT if value > 1 else NON_EVENT for value in lift])
    if np.isfinite(overall):
        right.axhline(overall, color=OVERALL, linewidth=1, linestyle=_CHANCE)
        right.annotate(
            f"overall {percent(overall)}", (1, overall), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", fontsize=8.5, color=OVERALL,
        )  # fmt: skip
    for at, value, times in zip(x, rate, lift, strict=True):
        right.text(at, value, f"{number(times, 1)}×", ha="center", va="bottom", fontsize=8, bbox=CLEAR)
    top = max(float(np.nanmax(rate, initial=0)), 0.01)
    right.set_ylim(0, top * 1.12)
    as_percent(right.yaxis, top)
    right.set_xticks(x if len(x) <= 20 else x[:: len(x) // 10])
    right.grid(visible=False, axis="x")
    right.set_title("event rate and lift by band")
    right.set_xlabel("band of customers, 1 is the riskiest")
    return picture


def _tier_bands(axes: Axes, tiers: pd.DataFrame, top: float) -> None:
    names = tiers["tier" if "tier" in tiers else "name"]
    start = tiers["from_probability"].to_numpy(float)
    ends = np.append(start[1:], 1.0)
    for name, low, high, colour in zip(names, start, ends, tier_colours(len(tiers)), strict=True):
        low, high = min(low, top), min(high, top)
        axes.axvspan(low, high, ymin=0.93, color=colour, alpha=0.85, linewidth=0, zorder=1)
        if low > 0:
            axes.axvline(low, color=colour, linewidth=1, zorder=1)
        room = int((high - low) / top * 90)
        if room >= 4:
            axes.text(
                (low + high) / 2, 0.965, fitted(name, room), transform=axes.get_xaxis_transform(),
                ha="center", va="center", fontsize=8.5, color=INK,
            )  # fmt: skip


def _with_auc(family: str, auc: Sequence[float]) -> str:
    values = [*auc, float("nan"), float("nan"), float("nan")]
    label = fitted(family, 24)
    if np.isfinite(values[0]):
        label += f"  AUC (test) {number(values[0])}"
    if np.isfinite(values[1]) and np.isfinite(values[2]):
        label += f" ({number(values[1])} to {number(values[2])})"
    return label


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    as_percent(axes.xaxis, 1)
    as_percent(axes.yaxis, 1)
    axes.set_aspect("equal")
