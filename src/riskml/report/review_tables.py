"""Tables of a comparison of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from riskml.display.colours import NON_EVENT
from riskml.display.format import count, interval, number, p_value, percent, signed
from riskml.display.table import Head, Table, bar_column, dot_column, frame_table, number_column, text_cell, text_column
from riskml.metrics import BestCutoff

_TITLES = {"auc": "AUC", "ks": "KS", "brier": "Brier", "log_loss": "log loss", "ece": "ECE"}
_VERDICTS = {"better": "#009e73", "worse": "#d55e00"}
_MOVES = {"riskier": "to a riskier tier", "safer": "to a safer tier", "same": "unchanged"}


def side_by_side_table(frame: pd.DataFrame, *, nothing: str = "") -> Table:
    """Return facts of runs side by side, those that differ marked."""
    runs = [str(name) for name in frame.columns if name != "same"]
    rows = [[text_cell(key), *(text_cell(row[run]) for run in runs)] for key, row in frame.iterrows()]
    marked = [at for at, same in enumerate(frame["same"]) if same == "no"] if "same" in frame else []
    note = "Marked: differences." if marked else ("" if rows else nothing)
    return Table([Head(""), *(Head(run) for run in runs)], rows, frozenset(marked), note)


def differences_table(frame: pd.DataFrame) -> Table:
    """Return the differences of runs from the first one, on the same customers."""
    columns = [
        text_column("run"),
        text_column("measure", lambda row: _TITLES.get(row["metric"], str(row["metric"]))),
        number_column("A", "first", lambda value: number(value, 4)),
        number_column("run", "other", lambda value: number(value, 4)),
        number_column("difference", "difference", lambda value: signed(value, 4)),
        number_column("95% interval", lambda row: f"{signed(row['lower'], 4)} to {signed(row['upper'], 4)}", str),
        number_column("p", "p_value", p_value),
        dot_column("verdict", "verdict", lambda row: _VERDICTS.get(row["verdict"], NON_EVENT)),
        text_column("method"),
    ]
    return frame_table(frame, columns, "Open: the interval contains 0; these customers do not separate the runs.")


def moves_table(frame: pd.DataFrame) -> Table:
    """Return the number of customers who change tier, and their event rate."""
    columns = [
        text_column("run"),
        text_column("change", lambda row: _MOVES.get(row["move"], str(row["move"]))),
        number_column("customers", "count", count),
        bar_column("share", "share", colour=NON_EVENT),
        number_column("events", "event", count),
        bar_column("event rate", "event_rate"),
    ]
    note = "Of a better run, customers moved to a riskier tier have more events than those moved to a safer one."
    return frame_table(frame, columns, note)


def swaps_table(frame: pd.DataFrame) -> Table:
    """Return every pair of tiers that customers move between, and their event rate."""
    columns = [
        text_column("run"),
        text_column("tier by A", "tier_a"),
        text_column("tier by the run", "tier_b"),
        text_column("change", "move"),
        number_column("customers", "count", count),
        number_column("events", "event", count),
        bar_column("event rate", "event_rate"),
        number_column("95% interval", lambda row: f"{percent(row['lower'])} to {percent(row['upper'])}", str),
    ]
    return frame_table(frame[frame["move"] != "same"], columns, nothing="No customer changes tier.")


def levels_table(frame: pd.DataFrame) -> Table:
    """Return each run's observed and expected events; marked where the interval of their ratio excludes 1."""
    columns = [
        text_column("run"),
        number_column("events", "observed", count),
        number_column("expected", "expected", lambda value: number(value, 1)),
        number_column("observed / expected", "ratio"),
        number_column("95% interval", lambda row: interval(row["lower"], row["upper"], 3), str),
    ]
    return frame_table(frame, columns, marked=~((frame["lower"] <= 1) & (frame["upper"] >= 1)))


def stability_table(frame: pd.DataFrame) -> Table:
    """Return the shift of the scores between the training set and the test set."""
    columns = [
        text_column("run"),
        number_column("training rows", "development", count),
        number_column("test rows", "aside", count),
        number_column("PSI", "psi"),
        number_column("by chance below", "no_shift", hint="95 %, without any shift"),
        text_column("verdict"),
    ]
    return frame_table(frame, columns)


def cutoffs_table(best: Mapping[str, BestCutoff]) -> Table:
    """Return each run's most profitable cut-off, and its profit."""
    frame = pd.DataFrame([{"run": run, **asdict(cutoff)} for run, cutoff in best.items()])
    columns = [
        text_column("run"),
        number_column("best cut-off", "cutoff"),
        bar_column("share acted on", "share_acted", colour=NON_EVENT),
        number_column("profit per customer", "profit_per_customer", lambda value: number(value, 4)),
        number_column("profit", "profit", lambda value: number(value, 1)),
        number_column("acting on none", "profit_act_none", lambda value: number(value, 1)),
        number_column("acting on all", "profit_act_all", lambda value: number(value, 1)),
    ]
    return frame_table(frame, columns)
