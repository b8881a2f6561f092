"""Tables with an HTML form for notebooks and pages, and a text form for terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from riskml.display.colours import EVENT
from riskml.display.format import MISSING, fitted, is_number, number, percent

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[Any, Any]
Value = str | Callable[[Row], Any]  # the name of a column, or a function of a row


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


@dataclass(frozen=True)
class Column:
    """A column of a table that is made from the rows of a frame: see `text_column`, `number_column`, `bar_column`."""

    head: Head
    cell: Callable[[Row], Cell]


def text_column(title: str, value: Value | None = None, hint: str = "") -> Column:
    """Return a column of text; the value is the column of the same name where none is named."""
    return Column(Head(title, False, hint), lambda row: text_cell(_value(row, value or title)))


def number_column(title: str, value: Value, write: Callable[[Any], str] = number, hint: str = "") -> Column:
    """Return a column of numbers, flush right."""
    return Column(Head(title, True, hint), lambda row: Cell(write(_value(row, value))))


def bar_column(
    title: str,
    value: Value,
    *,
    full: float = 1.0,
    colour: str | Callable[[Row], str] = EVENT,
    write: Callable[[Any], str] = percent,
    hint: str = "",
) -> Column:
    """Return a column of numbers with bars, each as long as the number's share of ``full``."""

    def cell(row: Row) -> Cell:
        return bar_cell(_value(row, value), full, colour if isinstance(colour, str) else colour(row), write)

    return Column(Head(title, True, hint), cell)


def dot_column(title: str, value: Value, colour: Callable[[Row], str]) -> Column:
    """Return a column of text with a coloured dot before it."""
    return Column(Head(title), lambda row: Cell(str(_value(row, value)), None, colour(row)))


def frame_table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    note: str = "",
    *,
    marked: Iterable[object] = (),
    nothing: str | None = None,
) -> Table:
    """Return a table of a frame's rows.

    Parameters
    ----------
    note : str
        A line beneath the table.
    marked : iterable of bool
        Rows that stand out.
    nothing : str, optional
        The note of a table without rows.
    """
    rows = [[column.cell(row) for column in columns] for row in frame.to_dict(orient="records")]
    positions = frozenset(position for position, flag in enumerate(marked) if flag)
    heads = [column.head for column in columns]
    return Table(heads, rows, positions, note if rows or nothing is None else nothing)


def text_table(titles: Sequence[str | Head], rows: Iterable[Sequence[str]], note: str = "") -> Table:
    """Return a table of texts."""
    heads = [title if isinstance(title, Head) else Head(title) for title in titles]
    return Table(heads, [[text_cell(text) for text in row] for row in rows], note=note)


def _value(row: Row, value: Value) -> Any:
    return row[value] if isinstance(value, str) else value(row)


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
