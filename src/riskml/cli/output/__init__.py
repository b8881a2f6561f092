"""Terminal output of the commands; the sentences are in ``texts.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from riskml.display.texts import texts

# Long lines are not wrapped, so that paths and names can be copied.
console = Console(highlight=False, soft_wrap=True)


def print_text(key: str, **values: Any) -> None:
    """Print the text ``section.name`` of ``texts.yaml`` with its values, which are shown without markup."""
    section, name = key.split(".")
    template: str = texts("riskml.cli.output")[section][name]
    plain = {key: escape(str(value)) if isinstance(value, str | Path) else value for key, value in values.items()}
    console.print(template.format(**plain))


def print_wide(table: Table) -> None:
    """Print a table; in a file or a pipe, each row is one line."""
    (console if console.is_terminal else Console(highlight=False, width=200)).print(table)


def columns(*titles: str, numbers: Sequence[str] = ()) -> Table:
    """Return a table without lines; the columns of numbers are flush right."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        right = title in numbers
        table.add_column(
            title, justify="right" if right else "left", min_width=max(map(len, title.split())) if right else None
        )
    return table


class Bars:
    """Progress bars in a terminal, one per task."""

    def __init__(self, *before: str, after: Sequence[str] = ()) -> None:
        self._bars = Progress(
            SpinnerColumn(),
            *map(TextColumn, before),
            BarColumn(bar_width=24),
            *map(TextColumn, after),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def show(self, name: str, done: int, total: int | None, heading: str = "") -> None:
        """Show the progress of a task."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(escape(name), total=total, heading="")
        self._bars.update(self._tasks[name], completed=done, total=total, heading=escape(heading))

    def remove(self, name: str) -> None:
        """Remove the bar of a finished task."""
        self._bars.remove_task(self._tasks[name])


class CountBar(Bars):
    """A progress bar with the number of items done, of all items."""

    def __init__(self, items: str) -> None:
        super().__init__("{task.completed:,} of {task.total:,} " + items)

    def __call__(self, done: int, total: int) -> None:
        """Show the number of items done."""
        self.show("", done, total)
