"""Output of `riskml monitor` and `riskml retrain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskml.cli.output import print_text
from riskml.display.format import interval, number, percent

if TYPE_CHECKING:
    from riskml.monitoring.month import Scored
    from riskml.pipeline.monitor import MonitorResult
    from riskml.pipeline.retrain import Decision
    from riskml.runs.months import StoredMonth

_MOST_ROWS = 12


def show_monitored(done: MonitorResult) -> None:
    """Show the figures and findings of a month, and its next step."""
    show_month(done.written, done.month.scored)


def show_month(month: StoredMonth, scored: Scored | None = None) -> None:
    """Show the content of a month's ``monitoring.json``, and the figures of its scores."""
    state = month.state
    print_text("monitoring.month", as_of=month.as_of, rows=state["rows"], known=state["known"])
    if scored is not None:
        _show_figures(scored)
    for finding in state["findings"][:_MOST_ROWS]:
        print_text("monitoring.finding", severity=finding["severity"], finding=finding["what"])
    if len(state["findings"]) > _MOST_ROWS:
        print_text("monitoring.more", more=len(state["findings"]) - _MOST_ROWS)
    for aspect, why in state["behaviour_absent"].items():
        print_text("monitoring.absent", aspect=aspect, why=why)
    print_text("monitoring.next_step", step=state["next_step"])
    print_text("monitoring.page", page=month.folder / "report.html")
    if state["mlflow_trouble"]:
        print_text("monitoring.not_tracked", reason=state["mlflow_trouble"])


def show_decision(decision: Decision, *, dry_run: bool) -> None:
    """Show whether the model is trained again, and the reasons."""
    print_text("monitoring.train" if decision.needed else "monitoring.no_training", why=decision.why[0])
    for reason in decision.why[1:]:
        print_text("monitoring.reason", reason=reason)
    if decision.begun is not None:
        print_text("monitoring.begun", run=str(decision.begun))
    elif decision.needed and dry_run:
        print_text("monitoring.dry_run")


def _show_figures(scored: Scored) -> None:
    shift, estimated, realised = scored.shift, scored.estimated.auc, scored.realised
    means = {"now": percent(shift.now), "before": percent(shift.before)}
    print_text("monitoring.shift", psi=number(shift.psi), no_shift=number(shift.no_shift), **means)
    between = interval(estimated.low, estimated.high)
    print_text("monitoring.estimated", auc=number(estimated.value), interval=between)
    if realised is not None:
        ratio = realised.observed_expected
        area = "too few events" if realised.auc is None else number(realised.auc.value)
        between = interval(ratio.low, ratio.high, 2)
        print_text("monitoring.realised", auc=area, ratio=number(ratio.value, 2), interval=between)
