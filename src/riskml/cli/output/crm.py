"""Output of `riskml crm`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from riskml.cli.output import Bars, columns, console, print_text

if TYPE_CHECKING:
    import pandas as pd

    from riskml.crm.connector import FieldState
    from riskml.crm.pull import Pulled
    from riskml.crm.push import Plan, Pushed

_MOST_ROWS = 10


class TableBars(Bars):
    """A progress bar per table, whose number of records is not known beforehand."""

    def __init__(self) -> None:
        super().__init__("{task.description}", "{task.completed:,} records")

    def __call__(self, table: str, read: int) -> None:
        """Show the number of records read."""
        self.show(table, read, None)


def show_fields(states: Sequence[FieldState]) -> bool:
    """Show the fields that are not present, and return whether the CRM has them all now."""
    good = [state for state in states if state.state in ("present", "created")]
    print_text("crm.fields", good=len(good), fields=len(states))
    for state in states:
        if state.state != "present":
            remark = f": {state.remark}" if state.remark else ""
            print_text("crm.field", state=state.state, field=f"{state.object}.{state.field}{remark}")
    return len(good) == len(states)


def show_pulled(pulled: Sequence[Pulled]) -> None:
    """Show the changes to each table."""
    numbers = ("records", "new or changed", "deleted")
    table = columns("table", "", *numbers, numbers=numbers)
    for one in pulled:
        how = "everything" if one.full else "changes"
        table.add_row(escape(one.table), how, f"{one.records:,}", f"{one.changed:,}", f"{one.gone:,}")
    console.print(table)
    for one in pulled:
        for column, count in one.unreadable.items():
            print_text("crm.unreadable", column=f"{one.table}.{column}", count=count)
    if pulled:
        print_text("crm.tables", folder=pulled[0].file.parent)


def show_plan(planned: Plan, *, done: bool) -> None:
    """Show the changes that a push writes."""
    changed = len(planned.rows) - planned.new
    counts = {"new": planned.new, "changed": changed, "unchanged": planned.unchanged}
    print_text("crm.plan", object=planned.object, **counts)
    if done:
        return
    for row in planned.table(_MOST_ROWS).itertuples(index=False):
        print_text("crm.planned_customer", customer=str(row.customer))
        if row.before:
            print_text("crm.planned_before", values=str(row.before))
        print_text("crm.planned_after", values=str(row.after))
    if len(planned.rows) > _MOST_ROWS:
        print_text("crm.planned_more", more=len(planned.rows) - _MOST_ROWS)
    if planned.rows:
        print_text("crm.not_written")


def show_pushed(pushed: Pushed) -> None:
    """Show the result of a push, with its failures."""
    counts = {status: pushed.count(status) for status in ("written", "failed", "later")}
    console.print(", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "nothing to write")
    failures = pushed.failures()
    for row in failures.head(_MOST_ROWS).itertuples(index=False):
        print_text("crm.outcome", status=str(row.status), text=f"{row.customer}  {row.code}  {row.message}")
    if len(failures) > _MOST_ROWS:
        print_text("crm.failed_more", more=len(failures) - _MOST_ROWS)


def show_alerts(outcomes: pd.DataFrame, *, done: bool) -> None:
    """Show the result of raising alerts."""
    counts = outcomes["status"].value_counts()
    console.print(", ".join(f"{count:,} {status}" for status, count in counts.items()) or "no alerts")
    for row in outcomes[outcomes["remark"] != ""].head(_MOST_ROWS).itertuples(index=False):
        print_text("crm.outcome", status=str(row.status), text=f"{row.key}: {row.remark}")
    if not done and (outcomes["status"] == "new").any():
        print_text("crm.not_raised")
