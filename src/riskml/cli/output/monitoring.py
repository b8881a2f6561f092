"""What the commands of monitoring show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from riskml.display.format import count, interval, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskml.pipeline.monitor import MonitorResult
    from riskml.pipeline.retrain import Decision
    from riskml.runs.months import StoredMonth

_MOST_ROWS = 12


def show_monitored(done: MonitorResult) -> None:
    """Say what a month showed, what it calls for, and where the rest is."""
    show_month(done.written, _figures(done))


def show_month(month: StoredMonth, figures: Sequence[str] = ()) -> None:
    """Say what a month's ``monitoring.json`` holds."""
    out, state = Console(highlight=False, soft_wrap=True), month.state
    out.print(f"{month.as_of}: {count(state['rows'])} customers, {count(state['known'])} outcomes known", markup=False)
    for line in figures:
        out.print(f"  {line}", markup=False)
    for one in state["findings"][:_MOST_ROWS]:
        out.print(f"  {one['severity'].ljust(5)}  {one['what']}", markup=False)
    if len(state["findings"]) > _MOST_ROWS:
        out.print(f"  … and {len(state['findings']) - _MOST_ROWS} more: findings.csv has them all", markup=False)
    for aspect, why in state["behaviour_absent"].items():
        out.print(f"  {aspect}: {why}", markup=False)
    out.print(f"next step: {state['next_step']}", markup=False)
    out.print(f"{month.folder / 'report.html'}: the page", markup=False)
    if state["mlflow_trouble"]:
        note = f"not tracked: {state['mlflow_trouble']}; the result is on disk, and the next month writes it too"
        out.print(note, markup=False)


def show_decision(decision: Decision, *, dry_run: bool) -> None:
    """Say whether the model is trained again, and why."""
    out = Console(highlight=False, soft_wrap=True)
    verdict = "train again" if decision.needed else "no training"
    out.print(f"{verdict}: {decision.why[0]}", markup=False)
    for reason in decision.why[1:]:
        out.print(f"  {reason}", markup=False)
    if decision.begun is not None:
        out.print(f"begun for this month already: {decision.begun}", markup=False)
    elif decision.needed and dry_run:
        out.print("nothing is started: leave --dry-run out to start it", markup=False)


def _figures(done: MonitorResult) -> list[str]:
    scored = done.month.scored
    if scored is None:
        return []
    shift, estimated, realised = scored.shift, scored.estimated.auc, scored.realised
    lines = [
        f"PSI of the scores {number(shift.psi)} (chance stays below {number(shift.no_shift)}); "
        f"mean probability {percent(shift.now)}, {percent(shift.before)} in training",
        f"estimated AUC {number(estimated.value)} ({interval(estimated.low, estimated.high)}), if probabilities mean "
        "what they meant",
    ]
    if realised is not None:
        ratio = realised.observed_expected
        area = "too few events" if realised.auc is None else f"{number(realised.auc.value)}"
        lines.append(
            f"realised AUC {area}; observed / expected events {number(ratio.value, 2)} "
            f"({interval(ratio.low, ratio.high, 2)})"
        )
    return lines
