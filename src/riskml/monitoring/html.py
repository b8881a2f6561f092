"""A month of a model on one page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.display.format import count, interval, number, percent
from riskml.display.table import Cell, Head, Table, templates, text_cell
from riskml.i18n import text
from riskml.io import replacing
from riskml.monitoring.estimated_performance import ASSUMPTION, Estimate
from riskml.monitoring.findings import Finding, move, next_step
from riskml.monitoring.month import PREFIX, MonthReport, Scored
from riskml.monitoring.reference import HoldoutSample, Reference
from riskml.report import monitoring_tables as tables
from riskml.report import plots

_PARTS = {
    "short": "In short",
    "trend": "The months",
    "performance": "Performance",
    "tiers": "Scores and tiers",
    "columns": "Columns",
    "segments": "Segments",
    "behaviour": "What customers do",
    "data": "Data quality",
}
_VERDICTS = {
    "repair": "The data have to be repaired first: what rests on them cannot be trusted.",
    "retrain": "The model should be trained anew.",
    "recalibrate": "The model ranks as it did; its level is off and should be set anew.",
    "watch": "The model can be used on; something has moved and should be watched.",
    "none": "The model can be used on.",
}


def write_page(
    path: Path, month: MonthReport, findings: Sequence[Finding], reference: Reference, history: pd.DataFrame
) -> None:
    """Write the page of a month."""
    page = templates().get_template("monitoring.html.j2").render(**page_context(month, findings, reference, history))
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")


def page_context(
    month: MonthReport, findings: Sequence[Finding], reference: Reference, history: pd.DataFrame
) -> dict[str, Any]:
    """Return what the page's template shows."""
    model, scored = reference.model, month.scored
    left_out = {"performance", "tiers", "segments"} if scored is None else set()
    figures = short_names(month.metrics())
    picture = None
    if len(history) > 1 and "psi_score" in history:
        picture = months_picture(history, reference)
    step = next_step(findings)
    context: dict[str, Any] = {
        "title": model.title or model.name,
        "as_of": month.as_of,
        "made": f"{count(month.rows)} customers as of {month.as_of} ({month.source}) · model {model.name} "
        f"{model.version}, {model.family}",
        "parts": [(anchor, words) for anchor, words in _PARTS.items() if anchor not in left_out],
        "verdict": _VERDICTS[step],
        "tiles": _tiles(figures, reference.holdout, text(f"monitoring.next_{step}", "en")),
        "findings": tables.findings_table([one.to_dict() for one in findings]),
        "picture": base64.b64encode(picture.png()).decode("ascii") if picture else "",
        "alt": picture.alt if picture else "",
        "trend": tables.history_table(history),
        "columns": tables.columns_table(month.columns, column_moves(month)),
        "behaviour": tables.behaviour_table(month.behaviour.summary),
        "absent": list(month.behaviour.absent.items()),
        "duplicates": f"{count(month.duplicates)} rows repeat a customer who is there already.",
        "quality": tables.quality_table(month.quality),
        "scored": scored is not None,
    }
    return context if scored is None else context | _of_scores(scored, figures, reference)


def short_names(metrics: dict[str, float]) -> dict[str, float]:
    """Return figures by their names without ``monitor.``."""
    return {name.removeprefix(PREFIX): value for name, value in metrics.items()}


def column_moves(month: MonthReport) -> list[str]:
    """Return in words which way each column moved, in the order of the month's columns."""
    return [move(row) for row in month.columns.to_dict("records")]


def months_picture(history: pd.DataFrame, reference: Reference) -> plots.Picture:
    """Return the picture of the months."""
    limits = reference.experiment.monitoring
    return plots.months(
        history, psi_watch=limits.psi_watch, psi_act=limits.psi_act, auc_before=reference.holdout.auc.value
    )


def aside_figures(aside: HoldoutSample) -> dict[str, float]:
    """Return what the rows set aside gave, by the names of a month's figures."""
    return {
        "auc": aside.auc.value,
        "auc_estimated": aside.estimated.auc.value,
        "observed_expected": aside.observed_expected.value,
        "event_rate": aside.events / aside.rows,
        "brier_estimated": aside.estimated.brier.value,
        "log_loss_estimated": aside.estimated.log_loss.value,
    }


def checked(aside: HoldoutSample) -> str:
    """Return how good the estimate was where it can be checked."""
    estimated = aside.estimated.auc
    return (
        f"Where it can be checked, on the {count(aside.rows)} rows set aside: estimated AUC {number(estimated.value)} "
        f"({interval(estimated.low, estimated.high)}), realised {number(aside.auc.value)} "
        f"({interval(aside.auc.low, aside.auc.high)}); observed over expected events "
        f"{number(aside.observed_expected.value, 2)} "
        f"({interval(aside.observed_expected.low, aside.observed_expected.high, 2)})."
    )


def _tiles(figures: dict[str, float], aside: HoldoutSample, step: str) -> list[tuple[str, str, str]]:
    """Return what, its figure, and what stands beside it."""
    found = [("next step", step, ""), ("customers", count(figures["rows"]), "")]
    if "psi_score" in figures:
        found.append(
            ("PSI of the scores", number(figures["psi_score"]), f"chance < {figures['psi_score_no_shift']:.3f}")
        )
        before = number(aside.estimated.auc.value)
        found.append(("estimated AUC", number(figures.get("auc_estimated")), f"rows set aside: {before}"))
    if "auc" in figures:
        found.append(("AUC", number(figures["auc"]), f"rows set aside: {number(aside.auc.value)}"))
    if "observed_expected" in figures:
        around = interval(figures["observed_expected_low"], figures["observed_expected_high"], 2)
        found.append(("observed / expected", number(figures["observed_expected"], 2), around))
    return found


def _of_scores(scored: Scored, figures: dict[str, float], reference: Reference) -> dict[str, Any]:
    shift, moves, came = scored.shift, scored.moves, scored.realised
    side = "riskier" if shift.now > shift.before else "safer"
    return {
        "performance": tables.performance_table(figures, aside_figures(reference.holdout)),
        "assumption": ASSUMPTION,
        "checked": checked(reference.holdout),
        "outcomes": "No outcome is known yet."
        if came is None
        else f"Outcomes of {count(came.rows)} customers are known, {count(came.events)} of them events.",
        "periods": _periods(came.by_period) if came is not None and len(came.by_period) > 1 else None,
        "shift": f"PSI {number(shift.psi)} against {shift.against} of the training rows; without a shift it stays "
        f"below {number(shift.no_shift)}. "
        f"The mean probability is {percent(shift.now)}, after {percent(shift.before)}: the book looks {side}.",
        "tiers": tables.tiers_table(moves.shares, came.by_tier if came is not None else None),
        "moves": tables.moves_table(moves.matrix) if moves.matrix is not None else None,
        "moved": f"Since {moves.since}, of {count(moves.same)} customers {count(moves.riskier)} went to a riskier "
        f"tier, {count(moves.safer)} to a safer one. Matrix-weighted bandwidth: up {number(moves.upper, 2)}, "
        f"down {number(moves.lower, 2)} (0 nobody moved, 1 as far as can be).",
        "concentration": f"Herfindahl index of the tiers {number(moves.herfindahl, 2)}, "
        f"{number(moves.herfindahl_before, 2)} in training (0 evenly spread, 1 all in one).",
        "segments": tables.segments_table(scored.segments) if len(scored.segments) else None,
    }


def _periods(by_period: pd.DataFrame) -> Table:
    rows = []
    for row in by_period.to_dict("records"):
        area = Estimate(row["auc"], row["auc_lower"], row["auc_upper"])
        rows.append(
            [
                text_cell(row["group"]),
                Cell(count(row["count"])),
                Cell(percent(row["mean_p"])),
                Cell(percent(row["event_rate"])),
                Cell(number(row["observed_expected"], 2)),
                Cell(interval(row["oe_lower"], row["oe_upper"], 2)),
                Cell(number(area.value)),
                Cell(interval(area.low, area.high)),
            ]
        )
    titles = ("customers", "expected", "observed", "ratio")
    heads = [Head("as of"), *(Head(title, True) for title in titles), Head("interval"), Head("AUC", True)]
    return Table([*heads, Head("interval")], rows)
