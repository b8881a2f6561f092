"""A table that shows itself in a notebook and in the report: every value escaped, legible on light and dark pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from riskml.display.format import MISSING, fitted, is_number, percent


@dataclass(frozen=True)
class Head:
    """The head of a column.

    Parameters
    ----------
    numeric : bool, default False
        Whether its cells are flush right.
    hint : str, default ""
        What the column means, shown when it is pointed at.
    """

    text: str
    numeric: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : str
        As it is shown; it may hold anything.
    bar : float or None, default None
        Length of a bar before the text, as a share of the longest, 0 to 1.
    colour : str, default ""
        Colour of the bar; without a bar, of a dot before the text. One of ``riskml.display.colours``.
    whole : str, default ""
        The whole of a text that is shortened: a page shows it when it is asked for.
    """

    text: str
    bar: float | None = None
    colour: str = ""
    whole: str = field(default="", repr=False)


@dataclass(frozen=True)
class Table:
    """A table of formatted cells.

    Parameters
    ----------
    marked : frozenset of int
        Positions of the rows that stand out.
    note : str
        A line beneath the table.
    groups : sequence of int
        How many rows belong together, from the top on: their first cell stands for all of them.
    """

    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    marked: frozenset[int] = frozenset()
    note: str = ""
    groups: Sequence[int] = ()

    @property
    def bodies(self) -> list[list[tuple[int, Sequence[Cell]]]]:
        """The rows with their positions, by group."""
        rows = list(enumerate(self.rows))
        ends = list(accumulate(self.groups)) or [len(rows)]
        return [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def __html__(self) -> str:
        """Return the table as HTML, which templates need not escape again."""
        return templates().get_template("table.html.j2").render(table=self)

    def _repr_html_(self) -> str:
        return self.__html__()

    def __str__(self) -> str:
        """Return the table as plain text, for terminals and for notebooks that show no HTML."""
        lines = [[head.text for head in self.heads], *([cell.text for cell in row] for row in self.rows)]
        lines = [[fitted(text, 60) for text in line] for line in lines]
        widths = [max(len(text) for text in column) for column in zip(*lines, strict=True)]
        written = [
            "  ".join(
                text.rjust(width) if head.numeric else text.ljust(width)
                for text, width, head in zip(line, widths, self.heads, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*written, *([self.note] if self.note else [])])

    __repr__ = __str__


def text_cell(value: object) -> Cell:
    """Return a cell of text; a missing value is a dash.

    >>> text_cell(None).text, text_cell(float("nan")).text, text_cell("a").text
    ('–', '–', 'a')
    """
    missing = value is None or value != value or value == ""
    return Cell(MISSING if missing else str(value))


def bar_cell(value: Any, full: float, colour: str, written: Callable[[Any], str] = percent) -> Cell:
    """Return a cell with a bar before it, as long as the value's share of ``full``.

    >>> bar_cell(0.2, 0.4, "#d55e00")
    Cell(text='20.0%', bar=0.5, colour='#d55e00')
    """
    share = min(max(float(value) / full, 0.0), 1.0) if is_number(value) and full > 0 else None
    return Cell(written(value), share, colour if share is not None else "")


@cache
def templates() -> Environment:
    """Return the templates of the report, which escape every value."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
