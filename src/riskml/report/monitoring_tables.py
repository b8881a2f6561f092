"""Tables of a month's monitoring, for the notebook and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from riskml.display.colours import EVENT, NON_EVENT
from riskml.display.format import MISSING, count, interval, is_number, number, p_value, percent, signed
from riskml.display.table import Cell, Head, Table, bar_cell, text_cell

_MOST_ROWS = 25
_ASPECTS = {
    "frequency": "purchase frequency",
    "payment": "payment timeliness (days past due)",
    "complaints": "complaints",
}
_WORSE = {
    "frequency": "buy far less than is their way",
    "payment": "pay far later than is their way",
    "complaints": "complain more than is their way",
}


def findings_table(findings: Sequence[Mapping[str, Any]]) -> Table:
    """Return findings as ``monitoring.json`` holds them, the gravest first."""
    rows = [[text_cell(one[name]) for name in ("severity", "what", "next_step")] for one in findings]
    marked = frozenset(at for at, one in enumerate(findings) if one["severity"] == "act")
    return Table([Head("severity"), Head("finding"), Head("next step")], rows, marked)


def performance_table(month: Mapping[str, float], before: Mapping[str, Any], note: str = "") -> Table:
    """Return estimated figures beside realised ones, and those of the rows set aside."""
    expected = month.get("event_rate_estimated")
    rows = [
        _figure("AUC", month, "auc_estimated", "auc", before),
        _figure("Brier score", month, "brier_estimated", "brier", before),
        _figure("log loss", month, "log_loss_estimated", "log_loss", before),
        _figure("event rate", month, "event_rate_estimated", "event_rate", before, percent),
        [
            text_cell("observed / expected events"),
            Cell(number(1.0, 2) if is_number(expected) else MISSING),
            Cell(""),
            Cell(number(month.get("observed_expected"), 2)),
            Cell(interval(month.get("observed_expected_low"), month.get("observed_expected_high"), 2)),
            Cell(number(before.get("observed_expected"), 2)),
        ],
    ]
    heads = [Head("figure"), Head("estimated", True), Head("by chance within"), Head("realised", True)]
    return Table([*heads, Head("interval"), Head("on the rows set aside", True)], rows, note=note)


def _figure(
    title: str,
    month: Mapping[str, float],
    estimated: str,
    realised: str,
    before: Mapping[str, Any],
    written: Callable[[Any], str] = number,
) -> list[Cell]:
    then = before.get(realised, before.get(estimated))
    around = interval(month.get(f"{estimated}_low"), month.get(f"{estimated}_high"))
    range_text = interval(month.get(f"{realised}_low"), month.get(f"{realised}_high"))
    figures = [month.get(estimated), month.get(realised), then]
    cells = [Cell(written(value)) for value in figures]
    return [text_cell(title), cells[0], Cell(around), cells[1], Cell(range_text), cells[2]]


def columns_table(columns: pd.DataFrame, moves: Sequence[str]) -> Table:
    """Return the shift of each column, with the move in words."""
    full = max(float(columns["psi"].max()), 0.25) if len(columns) else 1.0
    rows = [
        [
            text_cell(row["column"]),
            bar_cell(row["psi"], full, EVENT if row["status"] == "act" else NON_EVENT, number),
            Cell(number(row["no_shift"])),
            text_cell(row["status"]),
            text_cell(move),
            Cell(signed(row["log_odds"], 3)),
            text_cell("yes" if row["used"] else "no"),
        ]
        for row, move in zip(columns.head(_MOST_ROWS).to_dict("records"), moves, strict=False)
    ]
    hint = "what the move adds to the mean log-odds of the event: above 0 is riskier"
    heads = [Head("column"), Head("PSI", True), Head("chance stays below", True), Head("status"), Head("moved")]
    left = len(columns) - len(rows)
    note = f"{left} more columns moved less: columns.csv has them all." if left > 0 else ""
    return Table([*heads, Head("effect", True, hint), Head("read by the model")], rows, note=note)


def quality_table(quality: pd.DataFrame) -> Table:
    """Return what is missing, unknown or out of range; columns in which nothing is are counted."""
    remarkable = quality[(quality["status"] != "good") | (quality["message"] != "") | (quality["missing"] > 0)]
    rows = [
        [
            text_cell(row["column"]),
            text_cell(row["status"]),
            *(Cell(percent(row[name])) for name in ("missing", "missing_in_training", "unseen", "out_of_range")),
            text_cell(row["message"]),
        ]
        for row in remarkable.to_dict("records")
    ]
    titles = ("missing", "missing in training", "unseen levels", "out of range")
    heads = [Head("column"), Head("status"), *(Head(title, True) for title in titles), Head("remark")]
    return Table(heads, rows, note=f"{len(quality) - len(remarkable)} more columns are whole and within range.")


def tiers_table(shares: pd.DataFrame, by_tier: pd.DataFrame | None = None) -> Table:
    """Return each tier's customers beside training's share, and what was observed where outcomes are known."""
    full = max(float(shares["share"].max()), float(shares["share_before"].max()))
    known = None if by_tier is None else by_tier.set_index("tier")
    rows = []
    for row in shares.to_dict("records"):
        cells = [
            text_cell(row["tier"]),
            Cell(count(row["customers"])),
            bar_cell(row["share"], full, NON_EVENT),
            Cell(percent(row["share_before"])),
            Cell(percent(row["mean_probability"])),
        ]
        rows.append(cells + _observed(known, row["tier"]) if known is not None else cells)
    heads = [Head("tier"), *(Head(text, True) for text in ("customers", "share", "in training", "expected"))]
    if known is not None:
        rows.append([text_cell("all"), *[Cell("")] * 4, *_observed(known, "portfolio")])
        heads += [Head("observed", True), Head("ratio", True), Head("interval"), Head("Jeffreys p", True)]
        heads += [Head("binomial p", True)]
    return Table(heads, rows)


def _observed(known: pd.DataFrame, tier: str) -> list[Cell]:
    if tier not in known.index:
        return [Cell(MISSING)] * 5
    row = known.loc[tier]
    return [
        Cell(percent(row["event_rate"])),
        Cell(number(row["ratio"], 2)),
        Cell(interval(row["lower"], row["upper"], 2)),
        Cell(p_value(row["jeffreys_p"])),
        Cell(p_value(row["binomial_p"])),
    ]


def moves_table(matrix: pd.DataFrame) -> Table:
    """Return who went from which tier to which; right of the diagonal is riskier."""
    rows = [
        [text_cell(before), *(Cell(count(value)) for value in line)]
        for before, line in zip(matrix.index, matrix.to_numpy(), strict=True)
    ]
    return Table([Head("from tier"), *(Head(str(name), True) for name in matrix.columns)], rows)


def segments_table(segments: pd.DataFrame) -> Table:
    """Return the figures of each group; small ones are said to be small."""
    rows = []
    for row in segments.to_dict("records"):
        estimated = interval(row["auc_estimated_low"], row["auc_estimated_high"])
        rows.append(
            [
                text_cell(row["by"]),
                text_cell(row["group"]),
                Cell(count(row["customers"]) + (" (small)" if row["small"] else "")),
                Cell(percent(row["mean_probability"])),
                Cell(number(row["psi"])),
                Cell(number(row["no_shift"])),
                Cell(f"{number(row['auc_estimated'])} ({estimated})" if estimated else MISSING),
                Cell(number(row["auc"])),
                Cell(number(row["observed_expected"], 2)),
                Cell(interval(row["oe_low"], row["oe_high"], 2)),
            ]
        )
    titles = ("customers", "mean probability", "PSI", "chance stays below", "estimated AUC", "AUC", "observed/expected")
    heads = [Head("by"), Head("group"), *(Head(title, True) for title in titles), Head("interval")]
    return Table(heads, rows)


def behaviour_table(summary: pd.DataFrame) -> Table:
    """Return what customers do of late, and how many fall behind their own past."""
    rows = [
        [
            text_cell(_ASPECTS[row["aspect"]]),
            Cell(count(row["customers"])),
            Cell(number(row["recent"], 2)),
            Cell(number(row["usual"], 2)),
            text_cell(_WORSE[row["aspect"]]),
            Cell(f"{count(row['worse'])} ({percent(row['share'])})"),
            Cell(f"{percent(row['low'])} to {percent(row['high'])}"),
            Cell(percent(row["share_in_training"])),
        ]
        for row in summary.to_dict("records")
    ]
    heads = [Head("what"), Head("customers", True), Head("of late", True), Head("usual", True), Head("customers who …")]
    return Table([*heads, Head("how many", True), Head("interval"), Head("in training", True)], rows)


def history_table(history: pd.DataFrame) -> Table:
    """Return the months side by side, the newest last."""
    columns: Sequence[tuple[str, str, Callable[[Any], str]]] = (
        ("rows", "customers", count),
        ("psi_score", "PSI of the scores", number),
        ("psi_score_no_shift", "chance stays below", number),
        ("mean_probability", "expected rate", percent),
        ("event_rate", "observed rate", percent),
        ("observed_expected", "observed/expected", lambda value: number(value, 2)),
        ("auc_estimated", "estimated AUC", number),
        ("auc", "AUC", number),
        ("moved_riskier", "to a riskier tier", percent),
        ("frequency_worse", "buy less", percent),
        ("payment_worse", "pay later", percent),
        ("complaints_worse", "complain more", percent),
    )
    there = [(name, title, written) for name, title, written in columns if name in history]
    rows = [
        [text_cell(day), *(Cell(written(row[name])) for name, _, written in there)]
        for day, row in zip(history.index, history.to_dict("records"), strict=True)
    ]
    return Table([Head("month"), *(Head(title, True) for _, title, _ in there)], rows)
