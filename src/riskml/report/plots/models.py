"""Plots of the model comparison: leaderboard, and search by family."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from riskml.display.colours import INK, MUTED
from riskml.display.format import fitted, number
from riskml.models.families import family_colour
from riskml.report.plots.picture import Picture, empty, headline, house_style, rows_from_the_top


@house_style()
def leaderboard(frame: pd.DataFrame) -> Picture:
    """Draw each family's AUC (CV) with its standard error, and its AUC (test).

    Parameters
    ----------
    frame : DataFrame
        ``leaderboard.csv``: ``family``, ``auc_cv``, ``auc_cv_se``, ``auc_test``, and ``chosen`` where one is chosen.
    """
    nothing = pd.Series(np.nan, index=frame.index)
    cv, se = frame["auc_cv"].to_numpy(float), frame.get("auc_cv_se", nothing).to_numpy(float)
    test = frame.get("auc_test", nothing).to_numpy(float)
    chosen = frame["chosen"].astype(bool).to_numpy() if "chosen" in frame else np.zeros(len(frame), bool)
    text = "; ".join(
        f"{family}: AUC (CV) {number(a)}, AUC (test) {number(b)}{', chosen' if c else ''}"
        for family, a, b, c in zip(frame["family"], cv, test, chosen, strict=True)
    )
    picture = Picture(8, 1.75 + 0.42 * len(frame), f"AUC by family. {text}.")
    headline(picture, "Leaderboard: how well each family ranks customers")
    axes = picture.subplots()
    for y, family in enumerate(frame["family"]):
        colour = family_colour(family)
        if chosen[y]:
            axes.axhspan(y - 0.5, y + 0.5, color=colour, alpha=0.12, linewidth=0, zorder=0)
        axes.plot([cv[y] - se[y], cv[y] + se[y]], [y, y], color=colour, linewidth=4, alpha=0.45)
        axes.plot(cv[y], y, "o", color=colour, markersize=9)
        axes.plot(test[y], y, "D", markerfacecolor="white", markeredgecolor=colour, markersize=7, markeredgewidth=1.8)
    reach = np.concatenate([cv - np.nan_to_num(se), cv + np.nan_to_num(se), test])
    low, high = (float(np.nanmin(reach)), float(np.nanmax(reach))) if np.isfinite(reach).any() else (0.5, 1.0)
    span = max(high - low, 0.01)
    axes.set_xlim(low - 0.08 * span, high + 0.34 * span)
    for y, value in enumerate(cv):
        axes.annotate(
            f"{number(value)}" + (f" ± {number(se[y])}" if np.isfinite(se[y]) else ""),
            (1, y), xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points",
            ha="right", va="center", fontsize=9, fontweight="bold" if chosen[y] else "normal",
        )  # fmt: skip
    labels = [f"{fitted(family, 24)}{'  ★' if c else ''}" for family, c in zip(frame["family"], chosen, strict=True)]
    rows_from_the_top(axes, labels)
    for label, c in zip(axes.get_yticklabels(), chosen, strict=True):
        label.set_fontweight("bold" if c else "normal")
        label.set_fontsize(9.5)
    axes.set_title("● AUC (CV) ± one standard error    ◇ AUC (test)    ★ chosen")
    axes.set_xlabel("0.5 is chance, 1 is perfect; higher is better")
    return picture


@house_style()
def search_history(frame: pd.DataFrame) -> Picture:
    """Draw the AUC of each trial of the search, and the best so far, a panel per family.

    Parameters
    ----------
    frame : DataFrame
        ``search.csv``: one row per trial: ``family``, ``trial``, ``auc_cv`` (NaN for a trial that was pruned).
    """
    families = list(dict.fromkeys(frame["family"]))
    best = frame.groupby("family", sort=False)["auc_cv"].max()
    text = "; ".join(f"{family}: best {number(best[family])}" for family in families)
    columns = 2 if len(families) in (2, 4) else min(max(len(families), 1), 3)
    lines = max(1, -(-len(families) // columns))
    picture = Picture(8.5 if columns > 1 else 5, 2.1 * lines + 0.9, f"Search for hyperparameters by trial. {text}.")
    headline(picture, "Search: the AUC of each trial, and the best so far")
    grid = picture.subplots(lines, columns, squeeze=False, sharey=True)
    for place, axes in enumerate(grid.flat):
        if place >= len(families):
            axes.set_axis_off()
            continue
        trials = frame.loc[frame["family"] == families[place]].sort_values("trial")
        trial, auc = trials["trial"].to_numpy(float), trials["auc_cv"].to_numpy(float)
        colour = family_colour(families[place])
        axes.scatter(trial, auc, s=22, color=colour, alpha=0.55, linewidth=0)
        axes.step(trial, np.fmax.accumulate(auc), where="post", color=colour)
        axes.set_title(f"{fitted(families[place], 22)}  {number(best[families[place]])}", color=INK, fontweight="bold")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        axes.set_xlabel("trial")
        axes.set_xlim(*_around(trial))
    seen = frame["auc_cv"].dropna().to_numpy(float)
    if seen.size:
        # A poor first trial must not compress the others.
        low, high = float(np.quantile(seen, 0.1)), float(seen.max())
        room = max(high - low, 0.005)
        grid.flat[0].set_ylim(low - 0.35 * room, high + 0.12 * room)
        grid.flat[0].set_ylabel("AUC (CV)")
    else:
        empty(grid.flat[0], "no trial was finished")
    for axes in grid.flat:
        axes.tick_params(labelcolor=MUTED)
    return picture


def _around(values: np.ndarray) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    room = max(0.5, 0.04 * float(values.max() - values.min()))
    return float(values.min()) - room, float(values.max()) + room
