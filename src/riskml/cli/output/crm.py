"""What the command line shows of a CRM."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from riskml.cli.output.runs import _console as console

if TYPE_CHECKING:
    import pandas as pd

    from riskml.crm.connector import FieldState
    from riskml.crm.pull import Pulled
    from riskml.crm.push import Plan, Pushed

_MOST_ROWS = 10


class _Bars:
    """Bars where there is a terminal."""

    def __init__(self, *columns: str) -> None:
        texts = [TextColumn(column) for column in columns]
        self._bars = Progress(
            SpinnerColumn(),
            *texts,
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def _show(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(escape(name), total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)


class TableBars(_Bars):
    """The records of each table that are read; nobody knows beforehand how many there are."""

    def __init__(self) -> None:
        super().__init__("{task.description}", "{task.completed:,} records")

    def __call__(self, table: str, read: int) -> None:
        """Show how many are read."""
        self._show(table, read, None)


class RowBar(_Bars):
    """What is written, of all that is to be written."""

    def __init__(self, what: str) -> None:
        super().__init__("{task.completed:,} of {task.total:,} " + what)

    def __call__(self, done: int, rows: int) -> None:
        """Show how many are done."""
        self._show("rows", done, rows)


def show_fields(states: Sequence[FieldState]) -> bool:
    """Show the fields that are not as the mapping has them; return whether all of them are."""
    good = [state for state in states if state.state in ("present", "created")]
    console.print(f"{len(good)} of {len(states)} fields of the mapping are there")
    for state in states:
        if state.state != "present":
            remark = f": {state.remark}" if state.remark else ""
            console.print(f"  {state.state.ljust(10)}  {escape(f'{state.object}.{state.field}{remark}')}")
    return len(good) == len(states)


def show_pulled(pulled: Sequence[Pulled]) -> None:
    """Show what a pull did to each table."""
    table = _table("table", "", "records", "new or changed", "deleted", numbers=(2, 3, 4))
    for one in pulled:
        how = "everything" if one.full else "changes"
        table.add_row(escape(one.table), how, f"{one.records:,}", f"{one.changed:,}", f"{one.gone:,}")
    console.print(table)
    for one in pulled:
        for column, count in one.unreadable.items():
            note = f"{one.table}.{column}: {count:,} values are not of the mapping's type, and empty"
            console.print(f"[yellow]unreadable:[/yellow] {escape(note)}")
    if pulled:
        console.print(f"tables: {escape(str(pulled[0].file.parent))}")


def show_plan(planned: Plan, *, done: bool) -> None:
    """Show what a push writes."""
    changed = len(planned.rows) - planned.new
    counts = f"{planned.new:,} customers for the first time, {changed:,} changed, {planned.unchanged:,} as they are"
    console.print(f"{escape(planned.object)}: {counts}")
    if done:
        return
    for row in planned.table(_MOST_ROWS).itertuples(index=False):
        console.print(f"  {escape(str(row.customer))}")
        if row.before:
            console.print(f"    from  {escape(str(row.before))}")
        console.print(f"    to    {escape(str(row.after))}")
    if len(planned.rows) > _MOST_ROWS:
        console.print(f"  … and {len(planned.rows) - _MOST_ROWS:,} more")
    if planned.rows:
        console.print("nothing is written yet: add --yes to write it")


def show_pushed(pushed: Pushed) -> None:
    """Show what became of a push."""
    counts = {status: pushed.count(status) for status in ("written", "failed", "later")}
    console.print(", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "nothing to write")
    failures = pushed.failures()
    for row in failures.head(_MOST_ROWS).itertuples(index=False):
        console.print(f"  {row.status}  {escape(f'{row.customer}  {row.code}  {row.message}')}")
    if len(failures) > _MOST_ROWS:
        console.print(f"  … and {len(failures) - _MOST_ROWS:,} more: the audit has them all")


def show_alerts(outcomes: pd.DataFrame, *, done: bool) -> None:
    """Show what became of alerts."""
    counts = outcomes["status"].value_counts()
    console.print(", ".join(f"{count:,} {status}" for status, count in counts.items()) or "no alerts")
    for row in outcomes[outcomes["remark"] != ""].head(_MOST_ROWS).itertuples(index=False):
        console.print(f"  {row.status}  {escape(f'{row.key}: {row.remark}')}")
    if not done and (outcomes["status"] == "new").any():
        console.print("nothing is raised yet: add --yes to raise them")


def _table(*titles: str, numbers: tuple[int, ...]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for at, title in enumerate(titles):
        table.add_column(title, justify="right" if at in numbers else "left")
    return table
