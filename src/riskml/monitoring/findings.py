"""Findings of a month: severity, next step and reason of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from riskml.config.monitoring import MonitoringConfig
from riskml.display.format import count, number, p_value, percent, signed
from riskml.i18n import LANGUAGES, Language, text
from riskml.monitoring.estimated_performance import Estimate
from riskml.monitoring.month import MonthReport, Scored
from riskml.monitoring.realised_performance import RealisedPerformance
from riskml.monitoring.reference import Reference

Severity = Literal["act", "watch", "note"]
NextStep = Literal["repair", "retrain", "recalibrate", "watch", "none"]
SEVERITIES: tuple[Severity, ...] = ("act", "watch", "note")
# An earlier step precludes the later ones: a model is not fitted to damaged data.
NEXT_STEPS: tuple[NextStep, ...] = ("repair", "retrain", "recalibrate", "watch", "none")
_ABOUT = ("level", "ranking", "tiers", "behaviour", "segments", "shift", "data")  # order within a severity
_SINGLE = 5  # columns with a finding of their own; further ones are counted, and listed in the tables
Figures = Mapping[str, str | Mapping[Language, str]]


@dataclass(frozen=True)
class Finding:
    """One finding of a month.

    Parameters
    ----------
    about : str
        ``data``, ``shift``, ``tiers``, ``ranking``, ``level``, ``segments`` or ``behaviour``.
    key : str
        Of the text in section ``monitoring`` of `riskml.i18n`.
    next_step : str
        ``repair`` (the data), ``retrain``, ``recalibrate``, ``watch`` or ``none``.
    figures : mapping
        Values of the text's placeholders; a mapping of language to text where it differs.
    """

    severity: Severity
    about: str
    key: str
    next_step: NextStep
    figures: Figures

    def text(self, language: Language = "en") -> str:
        """Return the finding as a sentence."""
        values = {name: value if isinstance(value, str) else value[language] for name, value in self.figures.items()}
        return text(f"monitoring.{self.key}", language, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as an entry of ``monitoring.json``."""
        return {
            "severity": self.severity,
            "about": self.about,
            "what": self.text("en"),
            "what_zh": self.text("zh"),
            "next_step": self.next_step,
        }


def next_step(findings: Sequence[Finding]) -> NextStep:
    """Return the step that the most severe findings call for; of several steps, the one that precludes the others."""
    severity = min((finding.severity for finding in findings), key=SEVERITIES.index, default="note")
    steps = (finding.next_step for finding in findings if finding.severity == severity)
    return min(steps, key=NEXT_STEPS.index, default="none")


def findings_of(month: MonthReport, reference: Reference) -> list[Finding]:
    """Return the findings of a month, most severe first."""
    limits = reference.experiment.monitoring
    findings = [*_of_data(month, limits), *_of_columns(month.columns, limits), *_of_behaviour(month, limits)]
    if month.scored is not None:
        findings += _of_scores(month.scored, reference, limits)

    def order(finding: Finding) -> tuple[int, int, int]:
        return (SEVERITIES.index(finding.severity), NEXT_STEPS.index(finding.next_step), _ABOUT.index(finding.about))

    return sorted(findings, key=order)


def _act(about: str, key: str, step: NextStep, /, **figures: str | Mapping[Language, str]) -> Finding:
    return Finding("act", about, key, step, figures)


def _watch(about: str, key: str, /, **figures: str | Mapping[Language, str]) -> Finding:
    return Finding("watch", about, key, "watch", figures)


def _note(about: str, key: str, /, **figures: str | Mapping[Language, str]) -> Finding:
    return Finding("note", about, key, "none", figures)


def _of_data(month: MonthReport, limits: MonitoringConfig) -> Iterator[Finding]:
    if month.scored is None:
        yield _act("data", "not_scored", "repair")
    if month.duplicates:
        yield _watch("data", "duplicates", count=count(month.duplicates))
    table = month.quality
    for row in table[table["status"] == "broken"].to_dict("records"):
        message = str(row["message"]).rstrip(".")
        yield _act("data", "broken", "repair", column=str(row["column"]), message=message)
    rise = table["missing"] - table["missing_in_training"]
    yield from _of_cells(table.assign(beyond=rise), "missing", limits.missing_rise, limits.missing_rise_act)
    yield from _of_cells(table.assign(beyond=table["unseen"]), "unseen", limits.unseen_share, limits.unseen_share_act)
    beyond = table.assign(beyond=table["out_of_range"])
    yield from _of_cells(beyond, "out_of_range", limits.out_of_range_share, float("inf"))


def _of_cells(table: pd.DataFrame, name: str, watch: float, act: float) -> Iterator[Finding]:
    """Yield the columns beyond a limit, farthest first; of those to watch only a few, and the number of the others."""
    rows = table[table["beyond"] > watch].sort_values("beyond", ascending=False, kind="stable")
    severe = rows["beyond"] > act
    for row in rows[severe | (np.arange(len(rows)) < _SINGLE)].to_dict("records"):
        figures = {"column": str(row["column"]), "now": percent(row[name])}
        figures |= {"before": percent(row["missing_in_training"])} if name == "missing" else {}
        yield _act("data", name, "repair", **figures) if row["beyond"] > act else _watch("data", name, **figures)
    rest = rows[~severe]["column"][max(_SINGLE - int(severe.sum()), 0) :]
    if len(rest):
        yield _watch("data", f"more_{name}", **_names(rest))


def _names(columns: pd.Series) -> dict[str, str]:
    names = ", ".join(map(str, columns.head(10))) + (", …" if len(columns) > 10 else "")
    return {"count": count(len(columns)), "names": names}


def _of_columns(columns: pd.DataFrame, limits: MonitoringConfig) -> Iterator[Finding]:
    used = columns[columns["used"]]
    far = int((used["status"] == "act").sum())
    if len(used) and far / len(used) > limits.shifted_share:
        limit = number(limits.psi_act, 2)
        yield _act("shift", "many_shifted", "retrain", count=count(far), all=count(len(used)), limit=limit)
    shifted = columns[columns["status"] != "stable"]
    # Sorted by effect on the scores: a large shift may have none.
    read = shifted.loc[shifted["log_odds"].abs().sort_values(ascending=False, kind="stable").index]
    read = read[read["used"]]
    for row in read.head(_SINGLE).to_dict("records"):
        yield _watch(
            "shift",
            "column_shift",
            column=str(row["column"]),
            moved={language: move(row, language) for language in LANGUAGES},
            psi=number(row["psi"]),
            no_shift=number(row["no_shift"]),
            effect=signed(row["log_odds"]),
        )
    if len(read) > _SINGLE:
        yield _watch("shift", "more_shifted", **_names(read["column"][_SINGLE:]))
    unread = shifted.loc[~shifted["used"], "column"]
    if len(unread):  # of interest for the next model only
        yield _note("shift", "unread_shifted", **_names(unread))


def move(row: Mapping[Any, Any], language: Language = "en") -> str:
    """Return the direction of a column's shift, a row of `riskml.monitoring.drift.column_shifts`, as a phrase."""
    moved = str(row["moved"])
    key = moved if moved in ("higher", "lower", "more", "fewer") else f"moved_{moved}"
    write = _significant if moved in ("higher", "lower") else percent
    return text(f"monitoring.{key}", language, level=row["level"], before=write(row["before"]), now=write(row["now"]))


def _significant(value: Any) -> str:
    return f"{float(value):,.4g}"


def _of_scores(scored: Scored, reference: Reference, limits: MonitoringConfig) -> Iterator[Finding]:
    of_outcomes = list(_of_outcomes(scored, reference, limits))
    yield from of_outcomes
    yield from _of_shift(scored, of_outcomes, limits)
    yield from _of_tiers(scored, limits)
    before, now = reference.holdout.estimated.auc, scored.estimated.auc
    if now.high < before.value - limits.auc_loss:
        figures = {"now": number(now.value), "interval": _interval(now), "before": number(before.value)}
        yield _watch("ranking", "auc_estimated", **figures)
    realised = reference.holdout.auc
    if not realised.low <= before.value <= realised.high:
        figures = {"before": number(before.value), "realised": number(realised.value), "interval": _interval(realised)}
        yield _note("ranking", "estimate_off", **figures)
    yield from _of_segments(scored, limits)


def _of_shift(scored: Scored, outcomes: Sequence[Finding], limits: MonitoringConfig) -> Iterator[Finding]:
    shift = scored.shift
    if shift.status == "stable":
        return
    side = "riskier" if shift.now > shift.before else "safer"
    figures: Figures = {
        "direction": {language: text(f"monitoring.{side}", language) for language in LANGUAGES},
        "psi": number(shift.psi),
        "no_shift": number(shift.no_shift),
        "now": percent(shift.now),
        "before": percent(shift.before),
    }
    # Other customers need no other model where outcomes show that this one still holds.
    held = _enough_outcomes(scored.realised, limits) and all(finding.severity == "note" for finding in outcomes)
    if shift.status == "act" and not held:
        yield _act("shift", "score_shift", "retrain", **figures)
    else:
        yield _watch("shift", "score_shift_held" if held else "score_shift", **figures)


def _enough_outcomes(realised: RealisedPerformance | None, limits: MonitoringConfig) -> bool:
    return realised is not None and min(realised.events, realised.rows - realised.events) >= limits.min_events


def _of_outcomes(scored: Scored, reference: Reference, limits: MonitoringConfig) -> Iterator[Finding]:
    realised, estimated = scored.realised, scored.estimated.auc
    if realised is None:
        yield _note("ranking", "no_outcomes")
        return
    yield from _of_level(realised, limits)
    before = reference.holdout.auc.value
    if realised.auc is None or not _enough_outcomes(realised, limits):
        yield _note("ranking", "few_events", events=count(realised.events), rows=count(realised.rows))
    elif realised.decline_p < 1 - limits.level:
        figures = {
            "now": number(realised.auc.value),
            "interval": _interval(realised.auc),
            "before": number(before),
            "p": p_value(realised.decline_p),
            "limit": number(limits.auc_loss),
            "promised": f"{number(estimated.value)} ({_interval(estimated)})",
        }
        lost = before - realised.auc.value
        if lost <= limits.auc_watch:  # in a large portfolio a significant loss may be negligible
            return
        if lost <= limits.auc_loss:
            yield _watch("ranking", "auc_weaker", **figures)
        elif realised.auc.value >= estimated.low:
            # More similar customers are harder to rank, for any model.
            yield _watch("ranking", "auc_mix", **figures)
        else:
            yield _act("ranking", "auc_lost", "retrain", **figures)


def _of_level(realised: RealisedPerformance, limits: MonitoringConfig) -> Iterator[Finding]:
    ratio = realised.observed_expected
    if _off(ratio, limits.calibration_watch):
        key = "underestimated" if ratio.value > 1 else "overestimated"
        figures = {
            "observed": count(realised.events),
            "expected": number(realised.rows * realised.mean_probability, 1),
            "now": number(ratio.value, 2),
            "interval": _interval(ratio, 2),
        }
        far = abs(ratio.value - 1) > limits.calibration_tolerance
        yield _act("level", key, "recalibrate", **figures) if far else _watch("level", key, **figures)
    tiers = realised.by_tier.iloc[:-1]  # the last row is the portfolio
    for row in tiers[tiers["rejected"] & (tiers["ratio"] > 1 + limits.calibration_tolerance)].to_dict("records"):
        figures = {
            "tier": str(row["tier"]),
            "expected": percent(row["pd"]),
            "observed": percent(row["event_rate"]),
            "count": count(row["count"]),
            "p": p_value(row["jeffreys_p"]),
        }
        # Each tier is tested at its share of the level (Bonferroni), as in the gate.
        significant = row["jeffreys_p"] < (1 - limits.level) / len(tiers)
        if significant:
            yield _act("level", "tier_underestimated", "recalibrate", **figures)
        else:
            yield _watch("level", "tier_underestimated", **figures)


def _off(ratio: Estimate, tolerance: float) -> bool:
    """Return whether a ratio differs from 1 by more than a tolerance, and significantly."""
    return (ratio.low > 1 or ratio.high < 1) and abs(ratio.value - 1) > tolerance


def _of_tiers(scored: Scored, limits: MonitoringConfig) -> Iterator[Finding]:
    moves = scored.moves
    if moves.same >= limits.small_segment and (moves.riskier - moves.safer) / moves.same > limits.moved_share:
        figures = {"same": count(moves.same), "riskier": count(moves.riskier), "safer": count(moves.safer)}
        yield _watch("tiers", "migrated", since=moves.since, **figures)
    enough = len(scored.scores) >= limits.small_segment
    if enough and moves.herfindahl - moves.herfindahl_before > limits.concentration_rise:
        figures = {"now": number(moves.herfindahl, 2), "before": number(moves.herfindahl_before, 2)}
        yield _watch("tiers", "concentrated", **figures)


def _of_segments(scored: Scored, limits: MonitoringConfig) -> Iterator[Finding]:
    for row in scored.segments[~scored.segments["small"].astype(bool)].to_dict("records"):
        group = {"by": str(row["by"]), "group": str(row["group"])}
        if row["status"] == "act":
            yield _watch("segments", "segment_shift", psi=number(row["psi"]), no_shift=number(row["no_shift"]), **group)
        level = Estimate(row["observed_expected"], row["oe_low"], row["oe_high"])
        if row["known"] >= limits.small_segment and _off(level, limits.calibration_watch):
            figures = {"now": number(level.value, 2), "interval": _interval(level, 2)}
            yield _watch("segments", "segment_level", **group, **figures)
        # Customers of a group are more similar: the estimate tells how well they can be ranked.
        area, estimated = Estimate(row["auc"], row["auc_low"], row["auc_high"]), row["auc_estimated"]
        far = estimated - area.value > limits.auc_loss and area.high < row["auc_estimated_low"]
        if row["events"] >= limits.min_events and far:
            figures = {"now": number(area.value), "interval": _interval(area), "promised": number(estimated)}
            yield _watch("segments", "segment_auc", **group, **figures)


def _of_behaviour(month: MonthReport, limits: MonitoringConfig) -> Iterator[Finding]:
    for row in month.behaviour.summary.to_dict("records"):
        before = row["share_in_training"]
        if row["share"] - before > limits.behaviour.share_rise and row["low"] > before:
            yield _watch("behaviour", str(row["aspect"]), share=percent(row["share"]), before=percent(before))


def _interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{number(estimate.low, digits)}–{number(estimate.high, digits)}"
