"""Files and inputs: atomic writes, YAML, JSON, Excel workbooks, dates and environment variables."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import shutil
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from riskml.errors import InputError

if TYPE_CHECKING:
    from openpyxl import Workbook

_LONGEST = 32_767  # characters of an Excel cell
_MOST_YAML = 20_000_000  # characters
_MOST_DEPTH, _MOST_EXPANDED = 50, 200_000  # levels of nesting, and nodes that aliases stand for
_NOT_WRITABLE = (PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path for a file or a new folder, which is renamed to ``path`` if the block succeeds."""
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(f"no permission to write in {path.parent}")
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if not isinstance(error, _NOT_WRITABLE) and error.errno != errno.ENOSPC:
            raise
        fix = "choose a folder that you may write to, on a disk with enough space"
        raise InputError(f"cannot be written: {error.strerror or error}", where=str(path), fix=fix) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)


def parse_date(text: str, where: str) -> dt.date:
    """Return an ISO 8601 date, or raise an InputError.

    >>> parse_date("2024-07-01", "--as-of")
    datetime.date(2024, 7, 1)
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"expected a date such as 2024-07-01, got {text!r}", where=where) from None


def environment_variable(name: str, where: str) -> str:
    """Return a variable of the environment, or raise an InputError."""
    if not os.environ.get(name):
        fix = f"set it before the run: export {name}=…"
        raise InputError(f"the environment has no variable {name!r}", where=where, fix=fix)
    return os.environ[name]


class _YamlLoader(yaml.SafeLoader):
    """A safe loader that refuses duplicate keys, deep nesting, and aliases that stand for very much.

    Every fault is a ``yaml.MarkedYAMLError`` with its line, before anything large is built.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _fault(f"more than {_MOST_DEPTH} levels of nesting", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _count_expanded(node, {})
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:  # a date or a number that cannot be
            raise _fault(str(error), node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, Hashable) and lines.setdefault(key, line) != line:
                raise _fault(f"duplicate key {key!r} (first defined on line {lines[key]})", key_node.start_mark)
        return super().construct_mapping(node, deep)


def _fault(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _count_expanded(node: yaml.Node, counts: dict[int, int]) -> int:
    """Return how many nodes a node stands for, each alias counted again; refuse too many, and cycles."""
    if id(node) not in counts:
        counts[id(node)] = _MOST_EXPANDED  # until its own count is known: only a cycle meets it
        if isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        else:
            children = node.value if isinstance(node, yaml.SequenceNode) else []
        counts[id(node)] = 1 + sum(_count_expanded(child, counts) for child in children)
    if counts[id(node)] >= _MOST_EXPANDED:
        raise _fault(f"aliases stand for more than {_MOST_EXPANDED:,} values", node.start_mark)
    return counts[id(node)]


def parse_yaml(text: str) -> Any:
    """Return what a YAML document holds.

    Raises
    ------
    ValueError
        When it is not valid YAML; the message is one sentence with the line.
    """
    try:
        if len(text) > _MOST_YAML:
            raise ValueError(f"more than {_MOST_YAML // 1_000_000} million characters")
        return yaml.load(text, Loader=_YamlLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise ValueError(f"{problem}{line}") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON in UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read JSON in UTF-8; an InputError where the file holds none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise InputError(
            f"the file is damaged: {error}", where=str(path), fix="restore it, or write it again"
        ) from None


def workbook(tables: Mapping[str, pd.DataFrame]) -> Workbook:
    """Return a workbook with one sheet per table: a frozen bold header, filters, and text that is never a formula."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, table in tables.items():
        sheet = made.create_sheet(name[:31])
        for column, title in enumerate(table.columns, start=1):
            sheet.cell(1, column, str(title)).font = Font(bold=True)
        for row, values in enumerate(table.itertuples(index=False), start=2):
            for column, value in enumerate(values, start=1):
                cell = sheet.cell(row, column)
                if value is None or value != value or value is pd.NaT:
                    continue
                if isinstance(value, dt.datetime):
                    cell.value = value.date()
                elif isinstance(value, str):
                    cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)[:_LONGEST]
                    cell.data_type = "s"  # never a formula
                else:
                    cell.value = value.item() if hasattr(value, "item") else value
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = sheet.dimensions
    return made
