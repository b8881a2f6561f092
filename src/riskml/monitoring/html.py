"""A month of a model on one page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.display.format import count, interval, number, percent
from riskml.display.table import Table, frame_table, number_column, templates, text_column
from riskml.i18n import text
from riskml.io import replacing
from riskml.monitoring.estimated_performance import ASSUMPTION
from riskml.monitoring.findings import Finding, move, next_step
from riskml.monitoring.month import PREFIX, MonthReport, Scored
from riskml.monitoring.reference import HoldoutSample, Reference
from riskml.report import monitoring_tables as tables
from riskml.report import plots

_PARTS = {
    "short": "Summary",
    "trend": "Months",
    "performance": "Performance",
    "tiers": "Scores and tiers",
    "columns": "Columns",
    "segments": "Segments",
    "behaviour": "Customer behaviour",
    "data": "Data quality",
}
_VERDICTS = {
    "repair": "The data must be repaired first: results that depend on them are unreliable.",
    "retrain": "The model should be retrained.",
    "recalibrate": "The model ranks as well as before; its level of risk is off and should be recalibrated.",
    "watch": "The model remains usable; something has changed and should be watched.",
    "none": "The model remains usable.",
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
    """Return the variables of the page's template."""
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
        "duplicates": f"{count(month.duplicates)} rows repeat the customer of an earlier row.",
        "quality": tables.quality_table(month.quality),
        "scored": scored is not None,
    }
    return context if scored is None else context | _of_scores(scored, figures, reference)


def short_names(metrics: dict[str, float]) -> dict[str, float]:
    """Return metrics by their names without ``monitor.``."""
    return {name.removeprefix(PREFIX): value for name, value in metrics.items()}


def column_moves(month: MonthReport) -> list[str]:
    """Return the direction of each column's shift, in the order of the month's columns."""
    return [move(row) for row in month.columns.to_dict("records")]


def months_picture(history: pd.DataFrame, reference: Reference) -> plots.Picture:
    """Return the picture of the months."""
    limits = reference.experiment.monitoring
    return plots.months(
        history, psi_watch=limits.psi_watch, psi_act=limits.psi_act, auc_before=reference.holdout.auc.value
    )


def holdout_figures(holdout: HoldoutSample) -> dict[str, float]:
    """Return the metrics of the hold-out rows, by the names of a month's metrics."""
    return {
        "auc": holdout.auc.value,
        "auc_estimated": holdout.estimated.auc.value,
        "observed_expected": holdout.observed_expected.value,
        "event_rate": holdout.events / holdout.rows,
        "brier_estimated": holdout.estimated.brier.value,
        "log_loss_estimated": holdout.estimated.log_loss.value,
    }


def checked(holdout: HoldoutSample) -> str:
    """Return a sentence that compares estimated and realised performance on the hold-out rows."""
    estimated = holdout.estimated.auc
    return (
        f"On the {count(holdout.rows)} rows of the test set: estimated AUC {number(estimated.value)} "
        f"({interval(estimated.low, estimated.high)}), realised {number(holdout.auc.value)} "
        f"({interval(holdout.auc.low, holdout.auc.high)}); observed over expected events "
        f"{number(holdout.observed_expected.value, 2)} "
        f"({interval(holdout.observed_expected.low, holdout.observed_expected.high, 2)})."
    )


def _tiles(figures: dict[str, float], holdout: HoldoutSample, step: str) -> list[tuple[str, str, str]]:
    """Return the name, the value and a remark of the main figures."""
    tiles = [("next step", step, ""), ("customers", count(figures["rows"]), "")]
    if "psi_score" in figures:
        tiles.append(
            ("PSI of the scores", number(figures["psi_score"]), f"chance < {figures['psi_score_no_shift']:.3f}")
        )
        before = number(holdout.estimated.auc.value)
        tiles.append(("estimated AUC", number(figures.get("auc_estimated")), f"test set: {before}"))
    if "auc" in figures:
        tiles.append(("AUC", number(figures["auc"]), f"test set: {number(holdout.auc.value)}"))
    if "observed_expected" in figures:
        around = interval(figures["observed_expected_low"], figures["observed_expected_high"], 2)
        tiles.append(("observed / expected", number(figures["observed_expected"], 2), around))
    return tiles


def _of_scores(scored: Scored, figures: dict[str, float], reference: Reference) -> dict[str, Any]:
    shift, moves, realised = scored.shift, scored.moves, scored.realised
    side = "riskier" if shift.now > shift.before else "safer"
    return {
        "performance": tables.performance_table(figures, holdout_figures(reference.holdout)),
        "assumption": ASSUMPTION,
        "checked": checked(reference.holdout),
        "outcomes": "No outcomes are known yet."
        if realised is None
        else f"Outcomes of {count(realised.rows)} customers are known, {count(realised.events)} of them events.",
        "periods": _periods(realised.by_period) if realised is not None and len(realised.by_period) > 1 else None,
        "shift": f"PSI {number(shift.psi)} against {shift.against} of the training rows; without a shift it stays "
        f"below {number(shift.no_shift)}. "
        f"The mean probability is {percent(shift.now)}, after {percent(shift.before)}: the portfolio looks {side}.",
        "tiers": tables.tiers_table(moves.shares, realised.by_tier if realised is not None else None),
        "moves": tables.moves_table(moves.matrix) if moves.matrix is not None else None,
        "moved": f"Since {moves.since}, of {count(moves.same)} customers {count(moves.riskier)} went to a riskier "
        f"tier, {count(moves.safer)} to a safer one. Matrix-weighted bandwidth: up {number(moves.upper, 2)}, "
        f"down {number(moves.lower, 2)} (0: nobody moved, 1: as far as possible).",
        "concentration": f"Herfindahl index of the tiers {number(moves.herfindahl, 2)}, "
        f"{number(moves.herfindahl_before, 2)} in training (0: evenly spread, 1: all in one).",
        "segments": tables.segments_table(scored.segments) if len(scored.segments) else None,
    }


def _periods(by_period: pd.DataFrame) -> Table:
    columns = [
        text_column("as of", "group"),
        number_column("customers", "count", count),
        number_column("expected", "mean_p", percent),
        number_column("observed", "event_rate", percent),
        number_column("ratio", "observed_expected", lambda value: number(value, 2)),
        text_column("interval", lambda row: interval(row["oe_lower"], row["oe_upper"], 2)),
        number_column("AUC", "auc"),
        text_column("interval", lambda row: interval(row["auc_lower"], row["auc_upper"])),
    ]
    return frame_table(by_period, columns)
