"""Plots of a model by month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from riskml.display.colours import EVENT, INK, MUTED, NON_EVENT
from riskml.display.format import number
from riskml.report.plots.picture import Picture, headline, house_style

_DASHED = (0, (4, 3))


@house_style()
def months(history: pd.DataFrame, *, psi_watch: float, psi_act: float, auc_before: float) -> Picture:
    """Draw shift, ranking and level of a model by month.

    Parameters
    ----------
    history : DataFrame
        `riskml.monitoring.month.history`; index: the dates.
    psi_watch, psi_act : float
        Limits of the PSI.
    auc_before : float
        On the test set.
    """
    last = history.iloc[-1]
    text = f"{len(history)} months; the last: PSI {number(last.get('psi_score'))}, "
    text += f"estimated AUC {number(last.get('auc_estimated'))}, realised {number(last.get('auc'))}, "
    text += f"observed over expected {number(last.get('observed_expected'), 2)}"
    picture = Picture(8, 6.4, f"Shift, ranking and level by month. {text}.")
    headline(picture, "The model by month")
    shift, ranking, level = picture.subplots(3, 1, sharex=True)
    places = np.arange(len(history))
    _line(shift, places, history, "psi_score", NON_EVENT, "PSI of the scores")
    _line(shift, places, history, "psi_score_no_shift", MUTED, "limit without a shift", dashed=True)
    for limit in (psi_watch, psi_act):
        shift.axhline(limit, color=EVENT, linewidth=0.8, linestyle=_DASHED)
    shift.set_ylabel("PSI")
    ranking.axhline(auc_before, color=MUTED, linewidth=0.8)
    _line(ranking, places, history, "auc_estimated", NON_EVENT, "estimated", dashed=True)
    _line(ranking, places, history, "auc", INK, "realised")
    ranking.set_ylabel("AUC")
    level.axhline(1.0, color=MUTED, linewidth=0.8)
    _line(level, places, history, "observed_expected", INK, "observed / expected events")
    level.set_ylabel("observed / expected")
    for axes in (shift, ranking, level):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best")
    level.set_xticks(places, [str(day)[:7] if len(history) > 4 else str(day) for day in history.index], rotation=30)
    return picture


def _line(
    axes: Any, places: Any, history: pd.DataFrame, name: str, colour: str, label: str, *, dashed: bool = False
) -> None:
    if name not in history or history[name].isna().all():
        return
    style = _DASHED if dashed else "-"
    axes.plot(places, history[name], marker="o", markersize=3.5, color=colour, linestyle=style, label=label)
    if f"{name}_low" in history:
        axes.fill_between(
            places, history[f"{name}_low"], history[f"{name}_high"], color=colour, alpha=0.15, linewidth=0
        )
