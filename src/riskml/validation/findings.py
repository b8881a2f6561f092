"""Findings of the validation: what to settle before the model is used, most severe first; texts in findings.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.grouping import FEW
from riskml.display.format import count, interval, number, p_value, percent
from riskml.display.texts import texts

_FEW_EVENTS = 100
_ORDER = ("act", "watch", "note")
_REJECTED = 0.05
_SMALL = 0.01  # AUC that may be lost to a simpler model
Finding = tuple[str, str, str]  # severity, subject, sentence


@dataclass(frozen=True)
class Evidence:
    """Measurements on the test set."""

    assessed: Mapping[str, Any]  # content of validation.json
    tests: pd.DataFrame  # `riskml.validation.calibration.calibration_tests`
    comparison: pd.DataFrame  # `riskml.validation.leaderboard.against`
    characteristics: pd.DataFrame  # `riskml.validation.stability.characteristics`
    segments: pd.DataFrame  # `riskml.validation.stability.by_segment`
    fairness: pd.DataFrame  # `riskml.validation.fairness.fairness_table`; empty without protected groups
    violations: pd.DataFrame  # `riskml.validation.explain.monotone_violations`; empty without declared directions


def findings(experiment: Experiment, data: Mapping[str, Any], evidence: Evidence) -> pd.DataFrame:
    """Return the findings: ``severity``, ``about``, ``finding``."""
    records = [
        *_of_calibration(evidence),
        *_of_ranking(evidence),
        *_of_stability(evidence),
        *_of_fairness(experiment, evidence.fairness),
        *_of_directions(evidence.violations),
        *_of_the_data(experiment, data, evidence.assessed["events"]),
        *_of_the_experiment(experiment),
    ]
    table = pd.DataFrame(records, columns=["severity", "about", "finding"])
    return table.sort_values("severity", key=lambda column: column.map(_ORDER.index), kind="stable", ignore_index=True)


def _finding(key: str, /, *, severity: str | None = None, **figures: object) -> Finding:
    usual, about, text = texts("riskml.validation", "findings.yaml")[key]
    return severity or usual, about, text.format(**figures)


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict(orient="records")


def _of_calibration(evidence: Evidence) -> Iterator[Finding]:
    tests = evidence.tests
    for key, rows in (("level_low", tests["by"] == "all"), ("tier_low", tests["by"] == "tier")):
        for row in _rows(tests[rows & tests["rejected"]]):
            rates = {"expected": percent(row["pd"]), "observed": percent(row["event_rate"])}
            p = p_value(row["jeffreys_p"])
            yield _finding(key, tier=row["grade"], count=count(row["count"]), p=p, **rates)
    tenths = tests[tests["by"] == "tenth"]
    rejected = int(tenths["rejected"].sum())
    if rejected:
        yield _finding("tenths_low", rejected=rejected, tenths=len(tenths), chance=len(tenths) * _REJECTED)
    balance = evidence.assessed["metrics"]["observed_expected"]
    if balance["high"] is not None and balance["high"] < 1:
        around = interval(balance["low"], balance["high"], 2)
        yield _finding("level_high", ratio=number(balance["value"], 2), interval=around)
    fit = evidence.assessed.get("hosmer_lemeshow")
    if fit and fit["p_value"] < _REJECTED:
        yield _finding("fit", p=p_value(fit["p_value"]))


def _of_ranking(evidence: Evidence) -> Iterator[Finding]:
    area, comparison = evidence.assessed["metrics"]["auc"], evidence.comparison
    if area["low"] is not None and area["low"] <= 0.5:
        yield _finding("chance", interval=interval(area["low"], area["high"]))
    for row in _rows(comparison[comparison["upper"] < 0]):
        gap = number(-row["champion_leads_by"])
        yield _finding("family_better", family=row["family"], gap=gap, p=p_value(row["p_value"]))
    for row in _rows(comparison[(comparison["lower"] <= 0) & (comparison["upper"] >= 0)]):
        lead, worst = float(row["champion_leads_by"]), float(row["upper"])
        figures = {"gap": number(abs(lead)), "side": "lower" if lead >= 0 else "higher", "worst": number(worst)}
        key, around = "family_equal" if worst <= _SMALL else "family_open", interval(row["lower"], row["upper"])
        yield _finding(key, family=row["family"], interval=around, **figures)
    if area["value"] in (0, 1):
        yield _finding("perfect")
    for row in _rows(evidence.segments[evidence.segments["auc_upper"] < area["value"]]):
        aucs = {"auc": number(row["auc"]), "overall": number(area["value"])}
        around = interval(row["auc_lower"], row["auc_upper"])
        yield _finding("segment_auc", by=row["by"], group=row["group"], interval=around, **aucs)


def _of_stability(evidence: Evidence) -> Iterator[Finding]:
    shift, moved, segments = evidence.assessed["psi"], evidence.characteristics, evidence.segments
    if shift["verdict"] != "stable":
        figures = {"psi": number(shift["value"]), "no_shift": number(shift["no_shift"])}
        yield _finding("score_shift", severity="act" if shift["verdict"] == "act" else None, **figures)
    for row in _rows(moved[moved["verdict"] != "stable"]):
        yield _finding("column_shift", column=row["column"], csi=number(row["csi"]), no_shift=number(row["no_shift"]))
    for row in _rows(segments[(segments["oe_lower"] > 1) | (segments["oe_upper"] < 1)]):
        side, ratio = "under" if row["oe_lower"] > 1 else "over", number(row["observed_expected"], 2)
        around = interval(row["oe_lower"], row["oe_upper"], 2)
        yield _finding("segment_level", side=side, by=row["by"], group=row["group"], ratio=ratio, interval=around)


def _of_fairness(experiment: Experiment, table: pd.DataFrame) -> Iterator[Finding]:
    if table.empty:
        if not experiment.fairness.columns:
            yield _finding("no_groups")
        return
    table = table[table["count"] >= FEW]
    for row in _rows(table[table["below_four_fifths"].astype(bool)]):
        ratio, around = number(row["ratio"], 2), interval(row["ratio_lower"], row["ratio_upper"], 2)
        severity = "act" if row["ratio_upper"] < 1 else None
        yield _finding("four_fifths", severity=severity, group=_group(row), ratio=ratio, interval=around)
    for row in _rows(table[table["gap_upper"] < 0]):
        yield _finding("opportunity", group=_group(row), gap=percent(-row["opportunity_gap"], 0))
    for row in _rows(table[~table["calibrated"].astype(bool)]):
        yield _finding("miscalibrated", group=_group(row), ratio=number(row["observed_expected"], 2))
    read = set(experiment.fairness.columns) - set(experiment.data.exclude)
    if read:
        yield _finding("protected_read", columns=", ".join(sorted(read)))


def _group(row: Mapping[Any, Any]) -> str:
    return f"{row['column']} {row['group']}"


def _of_directions(violations: pd.DataFrame) -> Iterator[Finding]:
    for row in _rows(violations[violations["violated"] > 0]):
        figures = {"share": percent(row["violated"], 0), "largest": percent(row["largest"])}
        yield _finding("direction", column=row["column"], direction=row["direction"], **figures)


def _of_the_data(experiment: Experiment, data: Mapping[str, Any], events: int) -> Iterator[Finding]:
    if data.get("sample"):
        yield _finding("sample", rows=count(data["sample"]))
    if events < _FEW_EVENTS:
        yield _finding("few_events", events=count(events))
    if experiment.split.kind == "stratified":
        yield _finding("same_period")


def _of_the_experiment(experiment: Experiment) -> Iterator[Finding]:
    required = ("owner", "purpose", "validated_by", "approved_by", "limits")
    missing = [f"document.{name}" for name in required if not getattr(experiment.document, name)]
    if missing:
        yield _finding("not_given", names=", ".join(missing))
    if experiment.costs is None:
        yield _finding("no_costs")
