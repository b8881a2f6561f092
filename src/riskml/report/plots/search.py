"""Plots of the hyperparameter search: influence of the settings, cost and result by family."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from riskml.display.format import fitted, number, seconds
from riskml.models.families import family_colour
from riskml.report.plots.picture import Picture, empty, headline, house_style

_LEAST = 4  # trials of a family that a correlation needs
_MOST_SETTINGS = 14


@house_style()
def search_settings(trials: pd.DataFrame) -> Picture:
    """Draw the association of each setting with the AUC of the trials, strongest first.

    It is Spearman's rank correlation for numbers and the root of the correlation ratio for categories; it does not
    show causes.

    Parameters
    ----------
    trials : DataFrame
        ``search.csv``: ``family``, ``auc_cv`` (NaN for a trial that was pruned), ``params`` (a mapping, or its JSON).
    """
    table = strengths(trials).head(_MOST_SETTINGS)
    text = "; ".join(f"{row.family} {row.setting} {number(row.strength, 2)}" for row in table.itertuples())
    picture = Picture(8, 1.5 + 0.3 * max(len(table), 2), f"Settings and the AUC of the trials. {text}.")
    headline(picture, "Search: settings associated with a better or worse AUC")
    axes = picture.subplots()
    if table.empty:
        empty(axes, f"at least {_LEAST} finished trials of a family are needed")
        return picture
    names = [fitted(f"{row.family}: {row.setting}", 40) for row in table.itertuples()]
    axes.barh(range(len(table)), table["strength"], color=[family_colour(family) for family in table["family"]])
    axes.set_yticks(range(len(table)), names)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.axvline(0, color="#b8c0c8", linewidth=1)
    axes.set_xlim(-1.02, 1.02)
    axes.set_title("rank correlation with the AUC: right, more is better; left, less is better (categories: size only)")
    return picture


@house_style()
def search_seconds(board: pd.DataFrame, spent: Mapping[str, float]) -> Picture:
    """Draw the seconds and the AUC of each family's search.

    Parameters
    ----------
    board : DataFrame
        ``leaderboard.csv``: ``family``, ``auc_cv``, ``auc_cv_se``.
    spent : mapping of family to float
        Seconds; families without an entry, such as the blend, are left out.
    """
    rows = [row for row in board.to_dict(orient="records") if row["family"] in spent]
    text = "; ".join(f"{row['family']}: {seconds(spent[row['family']])}, AUC {number(row['auc_cv'])}" for row in rows)
    picture = Picture(7, 3.8, f"Seconds and AUC by family. {text}.")
    headline(picture, "Search: cost and result")
    axes = picture.subplots()
    if not rows:
        empty(axes, "no durations are known")
        return picture
    for row in rows:
        family, x, y = str(row["family"]), spent[row["family"]], float(row["auc_cv"])
        colour = family_colour(family)
        axes.errorbar(x, y, yerr=float(row["auc_cv_se"]), fmt="o", color=colour, markersize=8, alpha=0.9)
        axes.annotate(
            f"{family}  {seconds(x)}", (x, y), xytext=(8, 5), textcoords="offset points", fontsize=9, color=colour
        )
    axes.set_xscale("log")
    # Labels of powers of ten would need math text, which these plots switch off.
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.25, y=0.2)
    axes.set_title("up and to the left is better; the bar is one standard error")
    axes.set_xlabel("seconds of search, logarithmic")
    axes.set_ylabel("AUC (CV)")
    return picture


def strengths(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the rank correlation of each setting with the AUC, the strongest first."""
    rows = []
    for family, own in trials.dropna(subset="auc_cv").groupby("family", sort=False):
        if len(own) < _LEAST:
            continue
        settings = pd.DataFrame([json.loads(p) if isinstance(p, str) else dict(p) for p in own["params"]])
        auc = pd.Series(own["auc_cv"].to_numpy(float))
        rows += [(str(family), str(name), _strength(settings[name], auc)) for name in settings]
    table = pd.DataFrame(rows, columns=["family", "setting", "strength"]).dropna(subset="strength")
    return table.sort_values("strength", key=lambda column: -column.abs(), kind="stable", ignore_index=True)


def _strength(values: pd.Series, auc: pd.Series) -> float:
    if values.astype(str).nunique() < 2 or auc.nunique() < 2:
        return float("nan")
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return float(values.rank().corr(auc.rank()))
    ranks = auc.rank()
    fitted_ranks = ranks.groupby(values.astype(str)).transform("mean")
    return float(np.sqrt(fitted_ranks.var(ddof=0) / ranks.var(ddof=0)))
