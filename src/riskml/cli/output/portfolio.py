"""Output of `riskml manage` and `riskml feedback`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from riskml.cli.output import print_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from riskml.portfolio.manage import MonthResult
    from riskml.portfolio.treatment_results import Feedback

_STEP_NAMES = {"scores": "scoring", "reasons": "computing reasons", "actions": "choosing actions"}


@contextmanager
def step_line() -> Iterator[Callable[[str], None]]:
    """Show a line with the current step in a terminal; yield the function that changes the step."""
    with Console(stderr=True).status("reading") as status:
        yield lambda step: status.update(_STEP_NAMES.get(step, step))


def show_month(done: MonthResult) -> None:
    """Show the content of a month, and its folder."""
    state = done.month.state
    if not done.new:
        print_text("portfolio.done_before", as_of=state["as_of"])
    tiers = ", ".join(f"{count:,} {name}" for name, count in state["tiers"].items())
    print_text("portfolio.tiers", customers=state["customers"], tiers=tiers)
    print_text("portfolio.actions", **{n: state[n] for n in ("actions", "cost", "expected_benefit", "left_out")})
    print_text("portfolio.alerts", opened=state["alerts_opened"], open=state["alerts_open"])
    print_text("portfolio.pack", pack=done.month.folder / "pack.html")


def show_feedback(result: Feedback, folder: Path) -> None:
    """Show the results of actions, and the actions to reconsider."""
    labels = result.labels
    print_text("portfolio.labels", labels=len(labels), events=int(labels["outcome"].sum()))
    print_text("portfolio.results", table=_text(result.results))
    if len(result.reconsider):
        print_text("portfolio.reconsider", table=_text(result.reconsider))
    print_text("portfolio.not_an_experiment")
    print_text("portfolio.feedback", folder=folder)


def _text(table: pd.DataFrame) -> str:
    return table.to_string(index=False, float_format="{:.3f}".format) if len(table) else "nothing yet"
