"""One notebook, executed by papermill: what goes in is checked before, and what came out after."""

from __future__ import annotations

import ast
import contextlib
import html
import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from riskml import errors
from riskml.errors import InputError, RiskmlError, RunError
from riskml.io import replacing

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Kernel", "execute_notebook", "to_html"]

Parameter = str | int | float | bool | list[str]
CellListener = Callable[[int, int, str], None]

_WIDGET = "application/vnd.jupyter.widget-view+json"
_OPTIONS = ["--IPKernelApp.log_level=40", "--HistoryManager.hist_file=:memory:"]


class Kernel:
    """A fresh process for one notebook, that imports what the notebook will import while it waits for its turn."""

    def __init__(self, notebook: Path, cwd: Path, also: Sequence[str] = ()) -> None:
        self.manager = AsyncKernelManager(kernel_name="python3")
        modules = [*_imported(notebook), *((name, []) for name in also)]
        # No name is defined by this, and what cannot be imported is for the notebook to complain of.
        imports = f"--IPKernelApp.exec_lines=[__import__(_, fromlist=__) for _, __ in {modules}] and None"
        run_sync(self.manager.start_kernel)(cwd=str(cwd), extra_arguments=[*_OPTIONS, imports])

    def close(self) -> None:
        """End the process, if it is still there."""
        if self.manager.has_kernel:
            run_sync(self.manager.shutdown_kernel)(now=True)


class _Engine(Engine):  # type: ignore[misc]
    """Papermill's own way with notebooks, in a kernel that is there already; it tells which cell is about to run."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, listen: CellListener, kernel: Kernel, cell_seconds: float, **_: Any
    ) -> None:
        begin, cells = nb_man.cell_start, len(nb_man.nb.cells)

        def cell_start(cell: NotebookNode, cell_index: int = 0, **more: Any) -> None:
            listen(cell_index, cells, _heading(nb_man.nb, cell_index))
            begin(cell, cell_index=cell_index, **more)

        nb_man.cell_start = cell_start
        # It takes whole seconds, or no limit.
        limit = None if math.isinf(cell_seconds) else math.ceil(cell_seconds)
        client = PapermillNotebookClient(
            nb_man, km=kernel.manager, kernel_name=kernel_name, timeout=limit, startup_timeout=120, log=_quiet
        )
        try:
            client.execute()
        finally:
            # Not left to the client: when it is interrupted, it leaves a half of it for later.
            kernel.close()
            if client.kc is not None:
                client.kc.stop_channels()


_SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
# A browser that does not know :has shows the code.
_CODE_BOX = """
<style>
.riskml-code { float: right; font: 13px sans-serif; color: #57606a; padding: 6px 10px; }
main:has(.riskml-code input:not(:checked)) .jp-CodeCell .jp-Cell-inputWrapper { display: none; }
main:has(.riskml-code input:not(:checked)) .jp-OutputPrompt { visibility: hidden; }
</style>
<label class="riskml-code"><input type="checkbox" autocomplete="off"> show the code</label>
"""
papermill_engines.register("riskml", _Engine)
logging.getLogger("papermill").setLevel(logging.ERROR)  # it tells of every file it reads
_quiet = logging.getLogger(f"{__name__}.quiet")  # nbconvert looks for a picture's description in one place only
_quiet.setLevel(logging.ERROR)


def execute_notebook(
    source: Path,
    target: Path,
    parameters: Mapping[str, Parameter],
    *,
    kernel: Kernel,
    cell_seconds: float,
    listen: CellListener,
) -> int:
    """Execute a notebook, and return the number of its cells.

    Parameters
    ----------
    source : Path
        The notebook; it stays as it is.
    target : Path
        Where the executed one is written, and kept when a cell fails.
    parameters : mapping of name to value
        Exactly the names of the notebook's parameters cell.
    kernel : Kernel
        A fresh one; it ends with the notebook.
    cell_seconds : float
        What one cell may take.
    listen : callable
        Called before each cell with its position, the number of cells, and the heading it stands under.

    Raises
    ------
    InputError
        When a cell raised one: the same kind, with the same text.
    RunError
        When a cell failed for another reason, or was not executed at all.
    """
    _check_parameters(source, parameters)
    at = [0, ""]

    def hear(cell: int, cells: int, heading: str) -> None:
        at[:] = [cell, heading]
        listen(cell, cells, heading)

    try:
        done = papermill.execute_notebook(
            source,
            target,
            dict(parameters),
            engine_name="riskml",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernel=kernel,
            cell_seconds=cell_seconds,
            listen=hear,
        )
    except PapermillExecutionError as error:
        raise _translated(error, source.stem, target) from error
    except RuntimeError as error:
        # nbclient's: the kernel died, or a cell took too long.
        raise RunError(
            str(error).strip().splitlines()[0],
            where=f"stage {source.stem}, cell {at[0]} ({at[1]})",
            fix="out of memory is the usual reason for a kernel that dies: try --sample",
        ) from error
    _check_completed(done, source.stem, target)
    return len(done.cells)


def to_html(notebook: Path) -> Path:
    """Write an executed notebook as a page beside it, and return the page."""
    from nbconvert import HTMLExporter

    read = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    title = {"metadata": {"name": notebook.stem}}
    page, _ = HTMLExporter(log=_quiet).from_notebook_node(_for_a_page(read), title)  # type: ignore[no-untyped-call]
    page = _SCRIPT.sub("", _described(page, read)).replace("<main>", f"<main>{_CODE_BOX}", 1)
    target = notebook.with_suffix(".html")
    with replacing(target) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return target


def _for_a_page(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without the optional sections that show nothing, whose widgets are shown as HTML."""
    notebook.cells = _without_empty_sections(notebook.cells)
    for output in _outputs(notebook):
        if "text/html" in output.get("data", {}):
            output["data"].pop(_WIDGET, None)
    return notebook


def _without_empty_sections(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return the cells of a notebook; a section tagged ``optional`` is kept where one of its cells has an output."""
    sections: list[tuple[bool, list[NotebookNode]]] = []
    for cell in cells:
        optional = "optional" in cell.metadata.get("tags", ())
        if not (optional and cell.cell_type == "code" and sections and sections[-1][0]):
            sections.append((optional, []))
        sections[-1][1].append(cell)
    return [
        cell
        for optional, section in sections
        if not optional or any(one.get("outputs") for one in section)
        for cell in section
    ]


def _described(page: str, notebook: NotebookNode) -> str:
    """Return a page whose pictures carry their descriptions, which nbconvert leaves behind."""
    for output in _outputs(notebook):
        said = output.get("metadata", {}).get("image/png", {}).get("alt", "")
        data = output.get("data", {}).get("image/png", "")
        at = page.find(f'src="data:image/png;base64,{data}"') if said and data else -1
        start = page.rfind("<img ", 0, max(at, 0))
        if at >= 0 and start >= 0:
            tag = re.sub(r'alt="[^"]*"', "", page[start + len("<img ") : at])
            page = f'{page[:start]}<img alt="{html.escape(said)}" {tag}{page[at:]}'
    return page


def _outputs(notebook: NotebookNode) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def _imported(notebook: Path) -> list[tuple[str, list[str]]]:
    """Return the modules that a notebook's cells import, and what they take from each, in order."""
    found: list[tuple[str, list[str]]] = []
    for cell in nbformat.read(notebook, as_version=4).cells:  # type: ignore[no-untyped-call]
        if cell.cell_type == "code":
            with contextlib.suppress(SyntaxError):  # a magic, or a mistake: it will be told when the cell runs
                for node in ast.walk(ast.parse(cell.source)):
                    if isinstance(node, ast.Import):
                        found += [(name.name, []) for name in node.names]
                    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                        found.append((node.module, [name.name for name in node.names]))
    return found


def _check_parameters(source: Path, parameters: Mapping[str, Parameter]) -> None:
    # Papermill itself only warns of a name that the notebook does not know, and goes on with its default.
    known = set(papermill.inspect_notebook(source))
    if known != set(parameters):
        raise RunError(
            f"the notebook's parameters are {', '.join(sorted(known)) or 'none'}; "
            f"it is executed with {', '.join(sorted(parameters))}",
            where=f"{source}, the cell tagged 'parameters'",
            fix="give the cell exactly these names",
        )


def _check_completed(done: NotebookNode, stage: str, target: Path) -> None:
    # sys.exit(0) ends a kernel without an error, and papermill then calls the cells that never ran completed.
    for number, cell in enumerate(done.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.metadata.papermill.status != "completed" or cell.execution_count is None:
            raise RunError(
                "a cell was never executed: one before it ended the kernel",
                where=f"stage {stage}, cell {number}: {_first_line(cell.source)}",
                fix=f"take exit() out of the notebook; it is kept as it is in {target}",
            )


def _translated(error: PapermillExecutionError, stage: str, target: Path) -> RiskmlError:
    cell = f"stage {stage}, cell {error.cell_index} (In [{error.exec_count}])"
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, InputError):
        what, where, fix = _parts(error.evalue)
        return kind(what, where="; ".join(filter(None, [where, cell])), fix=fix)
    return RunError(
        f"{error.ename}: {error.evalue}",
        where=f"{cell}: {_first_line(error.source)}",
        fix=f"the notebook is kept up to there: {target}",
    )


def _parts(text: str) -> tuple[str, str, str]:
    """Return what, where and fix of a RiskmlError's text."""
    text, _, fix = text.partition("\n  fix:   ")
    what, _, where = text.partition("\n  where: ")
    return what, where, fix


def _first_line(source: str) -> str:
    lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return lines[0] if lines else ""


def _heading(notebook: NotebookNode, position: int) -> str:
    """Return the nearest heading at or above a cell."""
    for cell in reversed(notebook.cells[: position + 1]):
        if cell.cell_type == "markdown":
            titles = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            if titles:
                return str(titles[-1])
    return ""
