"""Pictures that lay runs over one another, judged on the same customers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from riskml.display.colours import INK, MUTED
from riskml.display.format import fitted, number, percent, signed
from riskml.report.plots.picture import Picture, as_percent, headline, house_style

# Of Okabe and Ito: families have theirs, runs need others, the first one the darkest.
_RUNS = ("#1f2933", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")
_MARKS = "osD^vP"
_CHANCE = (0, (4, 3))


@house_style()
def calibrations(tables: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str] | None = None) -> Picture:
    """Draw observed against predicted event rates by band, the runs laid over one another.

    Parameters
    ----------
    tables : mapping of run to DataFrame
        ``validation.calibration_table``: ``mean_p``, ``event_rate``, ``lower``, ``upper``.
    labels : mapping of run to str, optional
        For the legend.
    """
    text = "; ".join(f"{run}: {_bands(table)}" for run, table in tables.items())
    picture = Picture(7.4, 6.2, f"Calibration of runs on the same customers. {text}.")
    headline(picture, "Calibration: does 20% mean 20%, and for which run?")
    axes = picture.subplots()
    reach = [table[["mean_p", "event_rate", "upper"]].to_numpy(float) for table in tables.values()]
    top = min(1.0, float(np.nanmax(np.concatenate([values.ravel() for values in reach]), initial=0.02)) * 1.04)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=_CHANCE, label="perfect")
    for at, (run, table) in enumerate(tables.items()):
        colour, mark = _RUNS[at % len(_RUNS)], _MARKS[at % len(_MARKS)]
        label = fitted((labels or {}).get(run, run), 46)
        axes.plot(
            table["mean_p"], table["event_rate"], f"-{mark}", color=colour, linewidth=1.2, markersize=6, label=label
        )
        axes.vlines(table["mean_p"], table["lower"], table["upper"], color=colour, linewidth=2, alpha=0.3)
    axes.set_xlim(-0.02 * top, top)
    axes.set_ylim(-0.02 * top, top)
    axes.set_title("bands of about equal size; the bars are 95 % intervals of the observed rate")
    axes.set_xlabel("predicted probability of the event")
    axes.set_ylabel("observed event rate")
    as_percent(axes.xaxis, top)
    as_percent(axes.yaxis, top)
    axes.legend(loc="upper left")
    return picture


@house_style()
def profits(
    curves: Mapping[str, pd.DataFrame], *, labels: Mapping[str, str] | None = None, act: str = "acted on"
) -> Picture:
    """Draw what each share of customers acted on would have earned, the runs laid over one another.

    Parameters
    ----------
    curves : mapping of run to DataFrame
        ``validation.profit_curve``: ``share_acted``, ``profit_per_customer``.
    labels : mapping of run to str, optional
        For the legend.
    act : str
        What is done with a customer of high risk: declined, or contacted.
    """
    best = {run: curve.iloc[int(curve["profit_per_customer"].argmax())] for run, curve in curves.items()}
    text = "; ".join(f"{run}: {_best(row, act)}" for run, row in best.items())
    picture = Picture(8, 4.6, f"Profit of runs on the same customers. {text}.")
    headline(picture, "Profit: what the riskiest share, acted on, would have earned")
    axes = picture.subplots()
    axes.axhline(0, color=MUTED, linewidth=1, linestyle=_CHANCE)
    for at, (run, curve) in enumerate(curves.items()):
        colour, row = _RUNS[at % len(_RUNS)], best[run]
        label = f"{fitted((labels or {}).get(run, run), 40)}: {_best(row, act)}"
        axes.plot(curve["share_acted"], curve["profit_per_customer"], color=colour, label=label)
        axes.plot(row["share_acted"], row["profit_per_customer"], _MARKS[at % len(_MARKS)], color=colour, markersize=8)
    axes.set_xlim(-0.01, 1.01)
    as_percent(axes.xaxis, 1)
    axes.set_title("the mark is the best cut-off, in hindsight")
    axes.set_xlabel(f"share of customers {act}, the riskiest first")
    axes.set_ylabel("profit per customer")
    picture.legend(loc="outside lower left")
    return picture


@house_style()
def differences(table: pd.DataFrame) -> Picture:
    """Draw by how much runs differ from the first, measure by measure, with intervals; right of the line is better.

    Parameters
    ----------
    table : DataFrame
        ``review.differences``: ``run``, ``metric``, ``difference``, ``lower``, ``upper``, ``verdict``.
    """
    rows = table.to_dict(orient="records")
    text = "; ".join(f"{row['run']} {row['metric']} {signed(row['difference'], 4)}, {row['verdict']}" for row in rows)
    picture = Picture(8, 1.4 + 0.34 * len(rows), f"Differences from the first run. {text}.")
    headline(picture, "By how much each run is better (right) or worse (left) than A")
    axes = picture.subplots()
    axes.axvline(0, color=INK, linewidth=1)
    for y, row in enumerate(rows):
        way = 1 if row["metric"] in {"auc", "ks"} else -1
        colour = _RUNS[(ord(str(row["run"])[0]) - ord("A")) % len(_RUNS)]
        strong = row["verdict"] != "open"
        axes.plot(
            [way * row["lower"], way * row["upper"]], [y, y], color=colour, linewidth=3, alpha=0.9 if strong else 0.35
        )
        axes.plot(way * row["difference"], y, "o", color=colour, markerfacecolor=colour if strong else "white")
    axes.set_yticks(range(len(rows)), [f"{row['run']}  {str(row['metric']).replace('_', ' ')}" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(
        "filled: the 95 % interval does not hold 0. Brier, log loss and ECE are turned round: less is better"
    )
    return picture


def _bands(table: pd.DataFrame) -> str:
    pairs = zip(table["mean_p"], table["event_rate"], strict=True)
    return ", ".join(
        f"{percent(expected, 0)} predicted {percent(observed, 0)} observed" for expected, observed in pairs
    )


def _best(row: pd.Series, act: str) -> str:
    return f"{number(row['profit_per_customer'], 4)} at {percent(row['share_acted'], 0)} {act}"
