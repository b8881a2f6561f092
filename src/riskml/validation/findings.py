"""What a validator has to settle before the model is used: found by rule in the evidence, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.grouping import FEW
from riskml.display.format import count, interval, number, p_value, percent

_FEW_EVENTS = 100
_ORDER = ("act", "watch", "note")
_GAP = 0.05
_SMALL = 0.01  # AUC that may be lost to a simpler model


@dataclass(frozen=True)
class Evidence:
    """What was measured on the rows set aside."""

    assessed: Mapping[str, Any]  # as validation.json holds it
    tests: pd.DataFrame  # `riskml.validation.calibration.calibration_tests`
    comparison: pd.DataFrame  # `riskml.comparison.against`
    characteristics: pd.DataFrame  # `riskml.validation.stability.characteristics`
    segments: pd.DataFrame  # `riskml.validation.stability.by_segment`
    fairness: pd.DataFrame  # `riskml.validation.fairness.fairness_table`; empty where no group was named
    violations: pd.DataFrame  # `riskml.explanation.monotone_violations`; empty where no direction was declared


def findings(experiment: Experiment, data: Mapping[str, Any], evidence: Evidence) -> pd.DataFrame:
    """Return what has to be settled, and what should be known."""
    records = [
        *_of_calibration(evidence),
        *_of_ranking(evidence),
        *_of_stability(evidence),
        *_of_fairness(experiment, evidence),
        *_of_directions(evidence),
        *_of_the_data(experiment, data, evidence),
        *_not_given(experiment),
    ]
    table = pd.DataFrame(records, columns=["severity", "about", "finding"])
    return table.sort_values(
        "severity", key=lambda severity: severity.map(_ORDER.index), kind="stable", ignore_index=True
    )


def _of_calibration(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    tests = evidence.tests
    whole = tests[tests["by"] == "all"].iloc[0]
    if whole["rejected"]:
        yield (
            "act",
            "calibration",
            f"Over all rows set aside the risk is underestimated: {percent(whole['pd'])} expected, "
            f"{percent(whole['event_rate'])} came (Jeffreys p {p_value(whole['jeffreys_p'])}).",
        )
    for row in tests[(tests["by"] == "tier") & tests["rejected"]].to_dict(orient="records"):
        yield (
            "act",
            "calibration",
            f"Tier “{row['grade']}” underestimates its risk: {percent(row['pd'])} expected, "
            f"{percent(row['event_rate'])} "
            f"came in {count(row['count'])} customers (Jeffreys p {p_value(row['jeffreys_p'])}).",
        )
    tenths = tests[tests["by"] == "tenth"]
    rejected = int(tenths["rejected"].sum())
    if rejected:
        yield (
            "watch",
            "calibration",
            f"{rejected} of {len(tenths)} tenths of the customers underestimate their risk; at 95 % about "
            f"{len(tenths) * 0.05:.1f} would by chance, and somewhat more, since there are two tests.",
        )
    balance = evidence.assessed["metrics"]["observed_expected"]
    if balance["high"] is not None and balance["high"] < 1:
        yield (
            "watch",
            "calibration",
            f"The risk is overestimated: {number(balance['value'], 2)} times the expected events came (interval "
            f"{interval(balance['low'], balance['high'], 2)}). Customers may be refused, or paid for, in vain.",
        )
    fit = evidence.assessed.get("hosmer_lemeshow")
    if fit and fit["p_value"] < _GAP:
        yield "watch", "calibration", f"The Hosmer-Lemeshow test rejects the fit (p {p_value(fit['p_value'])})."


def _of_ranking(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    area = evidence.assessed["metrics"]["auc"]
    if area["low"] is not None and area["low"] <= 0.5:
        yield "act", "ranking", f"The model may rank no better than chance (AUC {interval(area['low'], area['high'])})."
    better = evidence.comparison[evidence.comparison["upper"] < 0]
    for row in better.to_dict(orient="records"):
        yield (
            "watch",
            "ranking",
            f"{row['family']} ranks better on the rows set aside, by {number(-row['champion_leads_by'])} AUC "
            f"(p {p_value(row['p_value'])}).",
        )
    level = evidence.comparison[(evidence.comparison["lower"] <= 0) & (evidence.comparison["upper"] >= 0)]
    for row in level.to_dict(orient="records"):
        yield "note", "ranking", _of_a_rival(row)
    if area["value"] in (0, 1):
        yield (
            "watch",
            "ranking",
            "Every event is on one side of every non-event: ask whether a column knows the outcome. The interval of "
            "the AUC has no width then, and says nothing of chance.",
        )
    weak = evidence.segments[evidence.segments["auc_upper"] < area["value"]]
    for row in weak.to_dict(orient="records"):
        yield (
            "watch",
            "segments",
            f"It ranks less well where {row['by']} is {row['group']}: AUC {number(row['auc'])} "
            f"({interval(row['auc_lower'], row['auc_upper'])}), against {number(area['value'])} overall.",
        )


def _of_a_rival(row: Mapping[Any, Any]) -> str:
    """Return what is known of a family that these rows cannot tell from the chosen one: no difference is shown."""
    leads = float(row["champion_leads_by"])
    what = (
        f"These rows cannot tell the chosen model from {row['family']}, whose AUC is {number(abs(leads))} "
        f"{'lower' if leads >= 0 else 'higher'} (interval of the lead {interval(row['lower'], row['upper'])})"
    )
    worst = float(row["upper"])
    if worst <= _SMALL:
        return f"{what}: it loses {number(worst)} at the most, so that it is a safe choice where it is the simpler one."
    return f"{what}. That is no proof that they are equals: it may lose up to {number(worst)}."


def _of_stability(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    shift = evidence.assessed["psi"]
    if shift["verdict"] != "stable":
        yield (
            "act" if shift["verdict"] == "act" else "watch",
            "stability",
            f"The scores have shifted: PSI {number(shift['value'])} (chance stays below {number(shift['no_shift'])}).",
        )
    moved = evidence.characteristics
    for row in moved[moved["verdict"] != "stable"].to_dict(orient="records"):
        yield (
            "watch",
            "stability",
            f"{row['column']} has shifted: CSI {number(row['csi'])} (chance stays below {number(row['no_shift'])}).",
        )
    off = evidence.segments[(evidence.segments["oe_lower"] > 1) | (evidence.segments["oe_upper"] < 1)]
    for row in off.to_dict(orient="records"):
        side = "under" if row["oe_lower"] > 1 else "over"
        yield (
            "watch",
            "segments",
            f"The risk is {side}estimated where {row['by']} is {row['group']}: observed / expected "
            f"{number(row['observed_expected'], 2)} ({interval(row['oe_lower'], row['oe_upper'], 2)}).",
        )


def _of_fairness(experiment: Experiment, evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    table = evidence.fairness
    if table.empty:
        if not experiment.fairness.columns:
            yield "note", "fairness", "No protected group was named (fairness.columns): nothing was tested."
        return
    table = table[table["count"] >= FEW]
    for row in table[table["below_four_fifths"].astype(bool)].to_dict(orient="records"):
        sure = row["ratio_upper"] < 1
        yield (
            "act" if sure else "watch",
            "fairness",
            f"{row['column']} {row['group']} gets the favourable decision {number(row['ratio'], 2)} times as often as "
            "the "
            f"best placed group ({interval(row['ratio_lower'], row['ratio_upper'], 2)}): below four fifths.",
        )
    for row in table[table["gap_upper"] < 0].to_dict(orient="records"):
        yield (
            "watch",
            "fairness",
            f"Of those in {row['column']} {row['group']} who deserve it, "
            f"{percent(-row['opportunity_gap'], 0)} fewer get "
            "the favourable decision than in the best placed group.",
        )
    for row in table[~table["calibrated"].astype(bool)].to_dict(orient="records"):
        yield (
            "watch",
            "fairness",
            f"For {row['column']} {row['group']} the probability means another risk: observed / expected "
            f"{number(row['observed_expected'], 2)}.",
        )
    read = set(experiment.fairness.columns) - set(experiment.data.exclude)
    if read:
        yield "note", "fairness", f"Protected columns that the models may read: {', '.join(sorted(read))}."


def _of_directions(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    for row in evidence.violations.to_dict(orient="records"):
        if row["violated"] > 0:
            yield (
                "act",
                "explanation",
                f"{row['column']} should be {row['direction']}; for {percent(row['violated'], 0)} of customers the "
                f"probability moves the other way somewhere, by {percent(row['largest'])} at the most.",
            )


def _of_the_data(experiment: Experiment, data: Mapping[str, Any], evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    if data.get("sample"):
        yield "act", "data", f"A quick look at {count(data['sample'])} rows: no decision may rest on this run."
    events = evidence.assessed["events"]
    if events < _FEW_EVENTS:
        yield "watch", "data", f"Only {count(events)} events are among the rows set aside: intervals are wide."
    if experiment.split.kind == "stratified":
        yield "watch", "data", "No rows of a later period were looked at: how the model ages is not known."


def _not_given(experiment: Experiment) -> Iterator[tuple[str, str, str]]:
    document = experiment.document
    open_ = [name for name in ("owner", "purpose", "validated_by", "approved_by") if not getattr(document, name)]
    open_ += [] if document.limits else ["limits"]
    if open_:
        yield "watch", "ownership", f"Not given in the experiment: {', '.join(f'document.{name}' for name in open_)}."
    if experiment.costs is None:
        yield "note", "profit", "The experiment states no costs: where to decide was not weighed in money."
