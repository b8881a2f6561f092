"""What a month's figures call for: each finding with its severity, its next step, and the reason in words."""

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
# What comes first stands in the way of what follows: a model is not fitted to damaged data.
NEXT_STEPS: tuple[NextStep, ...] = ("repair", "retrain", "recalibrate", "watch", "none")
# Of findings alike: what came of the customers, then what they do, then their columns.
_ABOUT = ("level", "ranking", "tiers", "behaviour", "segments", "shift", "data")
_SINGLY = 5  # columns told of one by one: the others are counted, and the tables have them


@dataclass(frozen=True)
class Finding:
    """One thing that a month's figures say.

    Parameters
    ----------
    about : str
        ``data``, ``shift``, ``tiers``, ``ranking``, ``level``, ``segments`` or ``behaviour``.
    key : str
        Of the text in section ``monitoring`` of `riskml.i18n`.
    next_step : str
        ``repair`` (the data), ``retrain``, ``recalibrate``, ``watch`` or ``none``.
    figures : mapping
        What stands in the sentence's places; a mapping of language to text where it differs.
    """

    severity: Severity
    about: str
    key: str
    next_step: NextStep
    figures: Mapping[str, str | Mapping[Language, str]]

    def text(self, language: Language = "en") -> str:
        """Return the finding as a sentence."""
        said = {name: one if isinstance(one, str) else one[language] for name, one in self.figures.items()}
        return text(f"monitoring.{self.key}", language, **said)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as ``monitoring.json`` holds it."""
        return {
            "severity": self.severity,
            "about": self.about,
            "what": self.text("en"),
            "what_zh": self.text("zh"),
            "next_step": self.next_step,
        }


def next_step(findings: Sequence[Finding]) -> NextStep:
    """Return the step that the gravest findings call for; of several, the one that stands in the way of the others."""
    gravest = min((one.severity for one in findings), key=SEVERITIES.index, default="note")
    steps = (one.next_step for one in findings if one.severity == gravest)
    return min(steps, key=NEXT_STEPS.index, default="none")


def findings_of(month: MonthReport, reference: Reference) -> list[Finding]:
    """Return what a month's figures call for, the gravest first."""
    limits = reference.experiment.monitoring
    found = [*_of_data(month, limits), *_of_columns(month.columns, limits), *_of_behaviour(month, limits)]
    if month.scored is not None:
        found += _of_scores(month.scored, reference, limits)

    def order(one: Finding) -> tuple[int, int, int]:
        return SEVERITIES.index(one.severity), NEXT_STEPS.index(one.next_step), _ABOUT.index(one.about)

    return sorted(found, key=order)


def _of_data(month: MonthReport, limits: MonitoringConfig) -> Iterator[Finding]:
    if month.scored is None:
        yield Finding("act", "data", "not_scored", "repair", {})
    if month.duplicates:
        yield Finding("watch", "data", "duplicates", "watch", {"count": count(month.duplicates)})
    table = month.quality
    for row in table[table["status"] == "broken"].to_dict("records"):
        said = {"column": str(row["column"]), "message": str(row["message"]).rstrip(".")}
        yield Finding("act", "data", "broken", "repair", said)
    rise = table["missing"] - table["missing_in_training"]
    yield from _of_cells(table.assign(beyond=rise), "missing", limits.missing_rise, limits.missing_rise_act)
    for name, limit in (("unseen", limits.unseen_share), ("out_of_range", limits.out_of_range_share)):
        yield from _of_cells(table.assign(beyond=table[name]), name, limit, float("inf"))


def _of_cells(table: pd.DataFrame, name: str, watch: float, act: float) -> Iterator[Finding]:
    """Yield what is beyond a limit, the farthest first; what is not grave is told of a few columns, and counted."""
    found = table[table["beyond"] > watch].sort_values("beyond", ascending=False, kind="stable")
    grave = found["beyond"] > act
    for row in found[grave | (np.arange(len(found)) < _SINGLY)].to_dict("records"):
        said = {"column": str(row["column"]), "now": percent(row[name])}
        said |= {"before": percent(row["missing_in_training"])} if name == "missing" else {}
        if row["beyond"] > act:
            yield Finding("act", "data", name, "repair", said)
        else:
            yield Finding("watch", "data", name, "watch", said)
    yield from _the_rest("watch", "data", f"more_{name}", found[~grave]["column"][max(_SINGLY - int(grave.sum()), 0) :])


def _the_rest(severity: Severity, about: str, key: str, columns: pd.Series) -> Iterator[Finding]:
    if len(columns):
        names = ", ".join(map(str, columns.head(10))) + (", …" if len(columns) > 10 else "")
        step: NextStep = "watch" if severity == "watch" else "none"
        yield Finding(severity, about, key, step, {"count": count(len(columns)), "names": names})


def _of_columns(columns: pd.DataFrame, limits: MonitoringConfig) -> Iterator[Finding]:
    used = columns[columns["used"]]
    far = int((used["status"] == "act").sum())
    if len(used) and far / len(used) > limits.shifted_share:
        many = {"count": count(far), "all": count(len(used)), "limit": number(limits.psi_act, 2)}
        yield Finding("act", "shift", "many_shifted", "retrain", many)
    moved = columns[columns["status"] != "stable"]
    # What moves the scores most comes first: a column may have moved far and matter to nobody.
    read = moved.loc[moved["log_odds"].abs().sort_values(ascending=False, kind="stable").index]
    read = read[read["used"]]
    for row in read.head(_SINGLY).to_dict("records"):
        said: dict[str, str | Mapping[Language, str]] = {
            "column": str(row["column"]),
            "moved": {language: move(row, language) for language in LANGUAGES},
            "psi": number(row["psi"]),
            "no_shift": number(row["no_shift"]),
            "effect": signed(row["log_odds"]),
        }
        yield Finding("watch", "shift", "column_shift", "watch", said)
    yield from _the_rest("watch", "shift", "more_shifted", read["column"][_SINGLY:])
    # It matters to the next model only.
    yield from _the_rest("note", "shift", "unread_shifted", moved.loc[~moved["used"], "column"])


def move(row: Mapping[Any, Any], language: Language = "en") -> str:
    """Return in words which way a column moved: a row of `riskml.monitoring.drift.column_shifts`."""
    moved = str(row["moved"])
    key = moved if moved in ("higher", "lower", "more", "fewer") else f"moved_{moved}"
    written = _figure if moved in ("higher", "lower") else percent
    return text(
        f"monitoring.{key}", language, level=row["level"], before=written(row["before"]), now=written(row["now"])
    )


def _figure(value: Any) -> str:
    return f"{float(value):,.4g}"


def _of_scores(scored: Scored, reference: Reference, limits: MonitoringConfig) -> Iterator[Finding]:
    of_outcomes = list(_of_outcomes(scored, reference, limits))
    yield from of_outcomes
    yield from _of_shift(scored, of_outcomes, limits)
    yield from _of_tiers(scored, limits)
    aside, now = reference.holdout.estimated.auc, scored.estimated.auc
    if now.high < aside.value - limits.auc_loss:
        said = {"now": number(now.value), "interval": _interval(now), "before": number(aside.value)}
        yield Finding("watch", "ranking", "auc_estimated", "watch", said)
    checked = reference.holdout.auc
    if not checked.low <= aside.value <= checked.high:
        said = {"before": number(aside.value), "realised": number(checked.value), "interval": _interval(checked)}
        yield Finding("note", "ranking", "estimate_off", "none", said)
    yield from _of_segments(scored, limits)


def _of_shift(scored: Scored, outcomes: Sequence[Finding], limits: MonitoringConfig) -> Iterator[Finding]:
    shift = scored.shift
    if shift.status == "stable":
        return
    side = "riskier" if shift.now > shift.before else "safer"
    said: dict[str, str | Mapping[Language, str]] = {
        "direction": {language: text(f"monitoring.{side}", language) for language in LANGUAGES},
        "psi": number(shift.psi),
        "no_shift": number(shift.no_shift),
        "now": percent(shift.now),
        "before": percent(shift.before),
    }
    # Other customers are no reason for another model where outcomes show that this one still serves them.
    held = _judged(scored.realised, limits) and all(one.severity == "note" for one in outcomes)
    if shift.status == "act" and not held:
        yield Finding("act", "shift", "score_shift", "retrain", said)
    else:
        yield Finding("watch", "shift", "score_shift_held" if held else "score_shift", "watch", said)


def _judged(came: RealisedPerformance | None, limits: MonitoringConfig) -> bool:
    return came is not None and min(came.events, came.rows - came.events) >= limits.min_events


def _of_outcomes(scored: Scored, reference: Reference, limits: MonitoringConfig) -> Iterator[Finding]:
    came, promised = scored.realised, scored.estimated.auc
    if came is None:
        yield Finding("note", "ranking", "no_outcomes", "none", {})
        return
    yield from _of_level(came, limits)
    before = reference.holdout.auc.value
    if came.auc is None or not _judged(came, limits):
        said = {"events": count(came.events), "rows": count(came.rows)}
        yield Finding("note", "ranking", "few_events", "none", said)
    elif came.decline_p < 1 - limits.level:
        figures = {
            "now": number(came.auc.value),
            "interval": _interval(came.auc),
            "before": number(before),
            "p": p_value(came.decline_p),
            "limit": number(limits.auc_loss),
            "promised": f"{number(promised.value)} ({_interval(promised)})",
        }
        lost = before - came.auc.value
        if lost <= limits.auc_watch:  # of a large book chance is no excuse, and no matter
            return
        if lost <= limits.auc_loss:
            yield Finding("watch", "ranking", "auc_weaker", "watch", figures)
        elif came.auc.value >= promised.low:
            # Customers who are more alike are harder to rank: another model would have them before it too.
            yield Finding("watch", "ranking", "auc_mix", "watch", figures)
        else:
            yield Finding("act", "ranking", "auc_lost", "retrain", figures)


def _of_level(came: RealisedPerformance, limits: MonitoringConfig) -> Iterator[Finding]:
    ratio = came.observed_expected
    if _off(ratio, limits.calibration_watch):
        said = {
            "observed": count(came.events),
            "expected": number(came.rows * came.mean_probability, 1),
            "now": number(ratio.value, 2),
            "interval": _interval(ratio, 2),
        }
        key = "underestimated" if ratio.value > 1 else "overestimated"
        far = abs(ratio.value - 1) > limits.calibration_tolerance
        yield Finding("act" if far else "watch", "level", key, "recalibrate" if far else "watch", said)
    tiers = came.by_tier.iloc[:-1]  # the last is the portfolio
    for row in tiers[tiers["rejected"] & (tiers["ratio"] > 1 + limits.calibration_tolerance)].to_dict("records"):
        said = {
            "tier": str(row["tier"]),
            "expected": percent(row["pd"]),
            "observed": percent(row["event_rate"]),
            "count": count(row["count"]),
            "p": p_value(row["jeffreys_p"]),
        }
        # There are several tiers: each is tested at its share of the level (Bonferroni), as the gate does it.
        sure = row["jeffreys_p"] < (1 - limits.level) / len(tiers)
        step: NextStep = "recalibrate" if sure else "watch"
        yield Finding("act" if sure else "watch", "level", "tier_underestimated", step, said)


def _off(ratio: Estimate, by: float) -> bool:
    """Tell whether a ratio is off by a share, and not by chance."""
    return (ratio.low > 1 or ratio.high < 1) and abs(ratio.value - 1) > by


def _of_tiers(scored: Scored, limits: MonitoringConfig) -> Iterator[Finding]:
    moves = scored.moves
    if moves.same >= limits.small_segment and (moves.riskier - moves.safer) / moves.same > limits.moved_share:
        said = {"since": moves.since, "same": count(moves.same)}
        said |= {"riskier": count(moves.riskier), "safer": count(moves.safer)}
        yield Finding("watch", "tiers", "migrated", "watch", said)
    enough = len(scored.scores) >= limits.small_segment
    if enough and moves.herfindahl - moves.herfindahl_before > limits.concentration_rise:
        said = {"now": number(moves.herfindahl, 2), "before": number(moves.herfindahl_before, 2)}
        yield Finding("watch", "tiers", "concentrated", "watch", said)


def _of_segments(scored: Scored, limits: MonitoringConfig) -> Iterator[Finding]:
    for row in scored.segments[~scored.segments["small"].astype(bool)].to_dict("records"):
        group = {"by": str(row["by"]), "group": str(row["group"])}
        if row["status"] == "act":
            shift = {"psi": number(row["psi"]), "no_shift": number(row["no_shift"])}
            yield Finding("watch", "segments", "segment_shift", "watch", group | shift)
        level = Estimate(row["observed_expected"], row["oe_low"], row["oe_high"])
        if row["known"] >= limits.small_segment and _off(level, limits.calibration_watch):
            said = {"now": number(level.value, 2), "interval": _interval(level, 2)}
            yield Finding("watch", "segments", "segment_level", "watch", group | said)
        # Within a group customers are more alike than over all: the scores say how well they can be told apart.
        area, promised = Estimate(row["auc"], row["auc_low"], row["auc_high"]), row["auc_estimated"]
        far = promised - area.value > limits.auc_loss and area.high < row["auc_estimated_low"]
        if row["events"] >= limits.min_events and far:
            said = {"now": number(area.value), "interval": _interval(area), "promised": number(promised)}
            yield Finding("watch", "segments", "segment_auc", "watch", group | said)


def _of_behaviour(month: MonthReport, limits: MonitoringConfig) -> Iterator[Finding]:
    for row in month.behaviour.summary.to_dict("records"):
        before = row["share_in_training"]
        if row["share"] - before > limits.behaviour.share_rise and row["low"] > before:
            said = {"share": percent(row["share"]), "before": percent(before)}
            yield Finding("watch", "behaviour", str(row["aspect"]), "watch", said)


def _interval(estimate: Estimate, digits: int = 3) -> str:
    return f"{number(estimate.low, digits)}–{number(estimate.high, digits)}"
