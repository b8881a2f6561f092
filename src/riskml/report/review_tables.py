"""Tables for those who choose between runs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskml.display.colours import EVENT, NON_EVENT
from riskml.display.format import count, interval, number, p_value, percent, signed
from riskml.display.table import Cell, Head, Table, bar_cell, text_cell
from riskml.metrics import BestCutoff

_TITLES = {"auc": "AUC", "ks": "KS", "brier": "Brier", "log_loss": "log loss", "ece": "ECE"}
_VERDICTS = {"better": "#009e73", "worse": "#d55e00"}
_MOVES = {"riskier": "to a riskier tier", "safer": "to a safer tier", "same": "as before"}


def beside_table(frame: pd.DataFrame, *, nothing: str = "") -> Table:
    """Show facts of runs beside one another, those that differ marked."""
    runs = [str(name) for name in frame.columns if name != "same"]
    rows = [[text_cell(key), *(text_cell(row[run]) for run in runs)] for key, row in frame.iterrows()]
    marked = [at for at, same in enumerate(frame["same"]) if same == "no"] if "same" in frame else []
    note = "Marked: what differs." if marked else ("" if rows else nothing)
    return Table([Head(""), *(Head(run) for run in runs)], rows, frozenset(marked), note)


def differences_table(frame: pd.DataFrame) -> Table:
    """Show by how much runs differ from the first on the same customers."""
    heads = [Head("run"), Head("measure"), Head("A", True), Head("run", True), Head("difference", True)]
    heads += [Head("95% interval", True), Head("p", True), Head("verdict"), Head("how")]
    rows = [
        [
            text_cell(row["run"]),
            Cell(_TITLES.get(row["metric"], str(row["metric"]))),
            Cell(number(row["first"], 4)),
            Cell(number(row["other"], 4)),
            Cell(signed(row["difference"], 4)),
            Cell(f"{signed(row['lower'], 4)} to {signed(row['upper'], 4)}"),
            Cell(p_value(row["p_value"])),
            Cell(str(row["verdict"]), None, _VERDICTS.get(row["verdict"], NON_EVENT)),
            text_cell(row["method"]),
        ]
        for row in frame.to_dict(orient="records")
    ]
    return Table(heads, rows, note="Open: the interval holds 0, these customers cannot tell the runs apart.")


def moves_table(frame: pd.DataFrame) -> Table:
    """Show how many customers change tier, and how they turned out."""
    rows = [
        [
            text_cell(row["run"]),
            Cell(_MOVES.get(row["move"], str(row["move"]))),
            Cell(count(row["count"])),
            bar_cell(row["share"], 1.0, NON_EVENT),
            Cell(count(row["event"])),
            bar_cell(row["event_rate"], 1.0, EVENT),
        ]
        for row in frame.to_dict(orient="records")
    ]
    heads = [Head("run"), Head("moved"), Head("customers", True), Head("share", True), Head("events", True)]
    heads.append(Head("event rate", True))
    return Table(
        heads, rows, note="A better run moves those who have more events to a riskier tier than to a safer one."
    )


def swaps_table(frame: pd.DataFrame) -> Table:
    """Show every pair of tiers that customers move between, and how they turned out."""
    moved = frame[frame["move"] != "same"]
    rows = [
        [
            text_cell(row["run"]),
            text_cell(row["tier_a"]),
            text_cell(row["tier_b"]),
            text_cell(row["move"]),
            Cell(count(row["count"])),
            Cell(count(row["event"])),
            bar_cell(row["event_rate"], 1.0, EVENT),
            Cell(f"{percent(row['lower'])} to {percent(row['upper'])}"),
        ]
        for row in moved.to_dict(orient="records")
    ]
    heads = [Head("run"), Head("tier by A"), Head("tier by the run"), Head("which is"), Head("customers", True)]
    heads += [Head("events", True), Head("event rate", True), Head("95% interval", True)]
    return Table(heads, rows, note="" if rows else "Nobody changes tier.")


def levels_table(frame: pd.DataFrame) -> Table:
    """Show each run's events beside those that it expects; marked where the interval of the ratio does not hold 1."""
    records = frame.to_dict(orient="records")
    rows = [
        [
            text_cell(row["run"]),
            Cell(count(row["observed"])),
            Cell(number(row["expected"], 1)),
            Cell(number(row["ratio"])),
            Cell(interval(row["lower"], row["upper"], 3)),
        ]
        for row in records
    ]
    off = frozenset(at for at, row in enumerate(records) if not row["lower"] <= 1 <= row["upper"])
    heads = [Head("run"), Head("events", True), Head("expected", True), Head("observed / expected", True)]
    return Table([*heads, Head("95 % interval", True)], rows, off)


def stability_table(frame: pd.DataFrame) -> Table:
    """Show how far scores have shifted between development and the rows set aside."""
    rows = [
        [
            text_cell(row["run"]),
            Cell(count(row["development"])),
            Cell(count(row["aside"])),
            Cell(number(row["psi"])),
            Cell(number(row["no_shift"])),
            text_cell(row["verdict"]),
        ]
        for row in frame.to_dict(orient="records")
    ]
    heads = [Head("run"), Head("development rows", True), Head("rows aside", True), Head("PSI", True)]
    heads += [Head("chance alone", True, "what the PSI reaches once in twenty times when nothing has shifted")]
    return Table([*heads, Head("verdict")], rows)


def cutoffs_table(best: Mapping[str, BestCutoff]) -> Table:
    """Show each run's most profitable cut-off, and what it earns."""
    rows = [
        [
            text_cell(run),
            Cell(number(cutoff.cutoff)),
            bar_cell(cutoff.share_acted, 1.0, NON_EVENT),
            Cell(number(cutoff.profit_per_customer, 4)),
            Cell(number(cutoff.profit, 1)),
            Cell(number(cutoff.profit_act_none, 1)),
            Cell(number(cutoff.profit_act_all, 1)),
        ]
        for run, cutoff in best.items()
    ]
    heads = [Head("run"), Head("best cut-off", True), Head("share acted on", True), Head("profit per customer", True)]
    return Table([*heads, Head("profit", True), Head("acting on none", True), Head("acting on all", True)], rows)
