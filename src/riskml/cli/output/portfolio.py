"""What the commands of a managed book show."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from riskml.portfolio.manage import MonthResult
    from riskml.portfolio.treatment_results import Feedback

_STEP_NAMES = {"scores": "scoring", "reasons": "finding the reasons", "actions": "choosing actions"}


class Steps:
    """A line that says what is being done."""

    def __init__(self) -> None:
        self._status = Status("reading", console=Console(stderr=True))

    def begin(self, what: str) -> None:
        """Say what begins."""
        self._status.update(_STEP_NAMES.get(what, what))

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()


def show_month(done: MonthResult) -> None:
    """Say where the month is, and what it holds."""
    state, out = done.month.state, Console(highlight=False, soft_wrap=True)
    if not done.new:
        out.print(f"{state['as_of']} is done already, from the same book: nothing was changed", markup=False)
    tiers = ", ".join(f"{count:,} {name}" for name, count in state["tiers"].items())
    out.print(f"{state['customers']:,} customers: {tiers}", markup=False)
    out.print(
        f"{state['actions']:,} actions, cost {state['cost']:,.0f}, expected benefit {state['expected_benefit']:,.0f}; "
        f"{state['left_out']:,} customers left out",
        markup=False,
    )
    out.print(f"{state['alerts_opened']:,} alerts opened, {state['alerts_open']:,} open", markup=False)
    out.print(f"{done.month.folder / 'pack.html'}: the pack; lists/ beside it: who does what", markup=False)


def show_feedback(result: Feedback, folder: Path) -> None:
    """Show what actions brought, and what to reconsider."""
    out = Console(highlight=False, soft_wrap=True)
    labels = result.labels
    out.print(f"{len(labels):,} customers and as-of dates, {int(labels['outcome'].sum()):,} events", markup=False)
    out.print(_text(result.results), markup=False)
    if len(result.reconsider):
        out.print("\nto be reconsidered:\n" + _text(result.reconsider), markup=False)
    out.print(
        "\nNot an experiment unless it is against customers held out: who got an action was chosen.", markup=False
    )
    out.print(f"{folder}/: results, overrides, reconsider, and labels for the next training", markup=False)


def _text(table: pd.DataFrame) -> str:
    return table.to_string(index=False, float_format=lambda value: f"{value:.3f}") if len(table) else "nothing yet"
