"""Tables of a monitored month, for the notebook and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from riskml.display.colours import EVENT, NON_EVENT
from riskml.display.format import MISSING, count, interval, is_number, number, p_value, percent, signed
from riskml.display.table import (
    Cell,
    Column,
    Head,
    Row,
    Table,
    bar_column,
    frame_table,
    number_column,
    text_cell,
    text_column,
    text_table,
)

_MOST_ROWS = 25
_ASPECTS = {
    "frequency": ("purchase frequency", "buy far less often than usual"),
    "payment": ("payment timeliness (days past due)", "pay far later than usual"),
    "complaints": ("complaints", "complain more than usual"),
}
_MEASURES: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "auc": ("AUC", number),
    "brier": ("Brier score", number),
    "log_loss": ("log loss", number),
    "event_rate": ("event rate", percent),
}


def _two_decimals(value: Any) -> str:
    return number(value, 2)


def findings_table(findings: Sequence[Mapping[str, Any]]) -> Table:
    """Return findings as ``monitoring.json`` holds them, most severe first."""
    frame = pd.DataFrame(findings, columns=["severity", "what", "next_step"])
    columns = [text_column("severity"), text_column("finding", "what"), text_column("next step", "next_step")]
    return frame_table(frame, columns, marked=frame["severity"] == "act")


def performance_table(month: Mapping[str, float], before: Mapping[str, Any], note: str = "") -> Table:
    """Return estimated and realised measures, and those on the test set."""
    rows = []
    for name, (title, write) in _MEASURES.items():
        estimated = f"{name}_estimated"
        rows.append(
            [
                title,
                write(month.get(estimated)),
                interval(month.get(f"{estimated}_low"), month.get(f"{estimated}_high")),
                write(month.get(name)),
                interval(month.get(f"{name}_low"), month.get(f"{name}_high")),
                write(before.get(name, before.get(estimated))),
            ]
        )
    ratio = "observed_expected"
    rows.append(
        [
            "observed / expected events",
            number(1.0, 2) if is_number(month.get("event_rate_estimated")) else MISSING,
            "",
            number(month.get(ratio), 2),
            interval(month.get(f"{ratio}_low"), month.get(f"{ratio}_high"), 2),
            number(before.get(ratio), 2),
        ]
    )
    titles = ("measure", "estimated", "95% by chance", "realised", "95% interval", "on the test set")
    heads = [Head(title, title in ("estimated", "realised", "on the test set")) for title in titles]
    return Table(heads, [[Cell(text) for text in row] for row in rows], note=note)


def columns_table(columns: pd.DataFrame, moves: Sequence[str]) -> Table:
    """Return the shift of each column, and the direction of the shift as a sentence."""
    top = columns.head(_MOST_ROWS)
    full = max(float(columns["psi"].max()), 0.25) if len(columns) else 1.0

    def colour(row: Row) -> str:
        return EVENT if row["status"] == "act" else NON_EVENT

    left = len(columns) - len(top)
    return frame_table(
        top.assign(move=list(moves)[: len(top)]),
        [
            text_column("column"),
            bar_column("PSI", "psi", full=full, colour=colour, write=number),
            number_column("by chance below", "no_shift"),
            text_column("status"),
            text_column("shift", "move"),
            number_column(
                "effect",
                "log_odds",
                lambda value: signed(value, 3),
                "change of the mean log-odds of the event: above 0 is riskier",
            ),
            text_column("used by the model", lambda row: "yes" if row["used"] else "no"),
        ],
        f"{left} more columns with smaller shifts are in columns.csv." if left > 0 else "",
    )


def quality_table(quality: pd.DataFrame) -> Table:
    """Return the columns with missing, unseen or out-of-range values; the other columns are counted."""
    remarkable = quality[(quality["status"] != "good") | (quality["message"] != "") | (quality["missing"] > 0)]
    columns = [
        text_column("column"),
        text_column("status"),
        number_column("missing", "missing", percent),
        number_column("missing in training", "missing_in_training", percent),
        number_column("unseen levels", "unseen", percent),
        number_column("out of range", "out_of_range", percent),
        text_column("remark", "message"),
    ]
    return frame_table(remarkable, columns, f"{len(quality) - len(remarkable)} more columns are complete and in range.")


def tiers_table(shares: pd.DataFrame, by_tier: pd.DataFrame | None = None) -> Table:
    """Return each tier's share of customers and that in training, with observed rates where outcomes are known."""
    full = max(float(shares["share"].max()), float(shares["share_before"].max()))
    columns = [
        text_column("tier"),
        number_column("customers", "customers", count),
        bar_column("share", "share", full=full, colour=NON_EVENT),
        number_column("in training", "share_before", percent),
        number_column("expected", "mean_probability", percent),
    ]
    if by_tier is None:
        return frame_table(shares, columns)
    observed: list[Column] = [
        number_column("observed", "event_rate", percent),
        number_column("ratio", "ratio", _two_decimals),
        text_column("interval", lambda row: interval(row["lower"], row["upper"], 2) or MISSING),
        number_column("Jeffreys p", "jeffreys_p", p_value),
        number_column("binomial p", "binomial_p", p_value),
    ]
    table = frame_table(shares.merge(by_tier, on="tier", how="left"), [*columns, *observed])
    total = by_tier[by_tier["tier"] == "portfolio"].to_dict("records")[0]
    last = [text_cell("all"), *[Cell("")] * 4, *(column.cell(total) for column in observed)]
    return Table(table.heads, [*table.rows, last])


def moves_table(matrix: pd.DataFrame) -> Table:
    """Return the number of customers from tier to tier; right of the diagonal is riskier."""
    rows = [[str(before), *map(count, line)] for before, line in zip(matrix.index, matrix.to_numpy(), strict=True)]
    return text_table(["from tier", *(Head(str(name), True) for name in matrix.columns)], rows)


def segments_table(segments: pd.DataFrame) -> Table:
    """Return the measures of each segment."""

    def estimated(row: Row) -> str:
        limits = interval(row["auc_estimated_low"], row["auc_estimated_high"])
        return f"{number(row['auc_estimated'])} ({limits})" if limits else MISSING

    columns = [
        text_column("by"),
        text_column("group"),
        number_column("customers", lambda row: count(row["customers"]) + (" (small)" if row["small"] else ""), str),
        number_column("mean probability", "mean_probability", percent),
        number_column("PSI", "psi"),
        number_column("by chance below", "no_shift"),
        number_column("estimated AUC", estimated, str),
        number_column("AUC", "auc"),
        number_column("observed / expected", "observed_expected", _two_decimals),
        text_column("interval", lambda row: interval(row["oe_low"], row["oe_high"], 2)),
    ]
    return frame_table(segments, columns)


def behaviour_table(summary: pd.DataFrame) -> Table:
    """Return customers' recent behaviour, and how many have changed for the worse."""
    columns = [
        text_column("behaviour", lambda row: _ASPECTS[row["aspect"]][0]),
        number_column("customers", "customers", count),
        number_column("recent", "recent", _two_decimals),
        number_column("usual", "usual", _two_decimals),
        text_column("customers who …", lambda row: _ASPECTS[row["aspect"]][1]),
        number_column("number", lambda row: f"{count(row['worse'])} ({percent(row['share'])})", str),
        text_column("interval", lambda row: f"{percent(row['low'])} to {percent(row['high'])}"),
        number_column("in training", "share_in_training", percent),
    ]
    return frame_table(summary, columns)


def history_table(history: pd.DataFrame) -> Table:
    """Return the metrics of the months, newest last."""
    columns: Sequence[tuple[str, str, Callable[[Any], str]]] = (
        ("rows", "customers", count),
        ("psi_score", "PSI of the scores", number),
        ("psi_score_no_shift", "by chance below", number),
        ("mean_probability", "expected rate", percent),
        ("event_rate", "observed rate", percent),
        ("observed_expected", "observed / expected", _two_decimals),
        ("auc_estimated", "estimated AUC", number),
        ("auc", "AUC", number),
        ("moved_riskier", "to a riskier tier", percent),
        ("frequency_worse", "buy less", percent),
        ("payment_worse", "pay later", percent),
        ("complaints_worse", "complain more", percent),
    )
    known = [number_column(title, name, write) for name, title, write in columns if name in history]
    months = history.assign(month=[str(day) for day in history.index])
    return frame_table(months, [text_column("month"), *known])
