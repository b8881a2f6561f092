"""Notebook execution by papermill, with checks of the parameters before and of the cells after."""

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
    """New kernel for one notebook; while it waits, it imports the modules that the notebook imports."""

    def __init__(self, notebook: Path, cwd: Path, libraries: Sequence[str] = ()) -> None:
        self.manager = AsyncKernelManager(kernel_name="python3")
        modules = [*_imports(notebook), *((name, []) for name in libraries)]
        # This defines no name; a module that cannot be imported fails later, in the notebook.
        imports = f"--IPKernelApp.exec_lines=[__import__(_, fromlist=__) for _, __ in {modules}] and None"
        run_sync(self.manager.start_kernel)(cwd=str(cwd), extra_arguments=[*_OPTIONS, imports])

    def close(self) -> None:
        """Stop the kernel, if it still runs."""
        if self.manager.has_kernel:
            run_sync(self.manager.shutdown_kernel)(now=True)


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Client that reports lines of progress in the metadata of outputs (``riskml``)."""

    on_line: Callable[[int, str], None]

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        line = msg["content"].get("metadata", {}).get("riskml")
        if isinstance(line, str):
            self.on_line(cell_index, line)
        return super().process_message(msg, cell, cell_index)


class _Engine(Engine):  # type: ignore[misc]
    """Papermill engine that uses a running kernel and reports each cell before it runs."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, listen: CellListener, kernel: Kernel, cell_seconds: float, **_: Any
    ) -> None:
        begin, cells = nb_man.cell_start, len(nb_man.nb.cells)

        def cell_start(cell: NotebookNode, cell_index: int = 0, **more: Any) -> None:
            listen(cell_index, cells, _heading(nb_man.nb, cell_index))
            begin(cell, cell_index=cell_index, **more)

        nb_man.cell_start = cell_start
        # nbclient accepts whole seconds, or no limit.
        limit = None if math.isinf(cell_seconds) else math.ceil(cell_seconds)
        client = _Client(
            nb_man, km=kernel.manager, kernel_name=kernel_name, timeout=limit, startup_timeout=120, log=_quiet
        )
        client.on_line = lambda cell, line: listen(cell, cells, line)
        try:
            client.execute()
        finally:
            # The client does not close both when it is interrupted.
            kernel.close()
            if client.kc is not None:
                client.kc.stop_channels()


_SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
# A browser without support for :has shows the code.
_CODE_BOX = """
<style>
.riskml-code { float: right; font: 13px sans-serif; color: #57606a; padding: 6px 10px; }
main:has(.riskml-code input:not(:checked)) .jp-CodeCell .jp-Cell-inputWrapper { display: none; }
main:has(.riskml-code input:not(:checked)) .jp-OutputPrompt { visibility: hidden; }
</style>
<label class="riskml-code"><input type="checkbox" autocomplete="off"> show the code</label>
"""
papermill_engines.register("riskml", _Engine)
logging.getLogger("papermill").setLevel(logging.ERROR)  # it logs every file it reads
_quiet = logging.getLogger(f"{__name__}.quiet")  # nbconvert warns of pictures whose description it does not find
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
        The notebook; it is not changed.
    target : Path
        File for the executed notebook, which is kept when a cell fails.
    parameters : mapping of name to value
        Exactly the names in the notebook's parameters cell.
    kernel : Kernel
        A new kernel; it is stopped afterwards.
    cell_seconds : float
        Time limit of one cell.
    listen : callable
        Called before each cell with its position, the number of cells, and the heading above it.

    Raises
    ------
    InputError
        When a cell raised one: the same class, with the same text.
    RunError
        When a cell failed for another reason, or was not executed.
    """
    _check_parameters(source, parameters)
    current: tuple[int, str] = (0, "")

    def on_cell(cell: int, cells: int, heading: str) -> None:
        nonlocal current
        current = (cell, heading)
        listen(cell, cells, heading)

    try:
        executed = papermill.execute_notebook(
            source,
            target,
            dict(parameters),
            engine_name="riskml",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernel=kernel,
            cell_seconds=cell_seconds,
            listen=on_cell,
        )
    except PapermillExecutionError as error:
        raise _translated(error, source.stem, target) from error
    except RuntimeError as error:
        # From nbclient: the kernel died, or a cell exceeded its time limit.
        raise RunError(
            str(error).strip().splitlines()[0],
            where=f"stage {source.stem}, cell {current[0]} ({current[1]})",
            fix="a kernel usually dies because memory is exhausted: try --sample",
        ) from error
    _check_completed(executed, source.stem, target)
    return len(executed.cells)


def to_html(notebook: Path) -> Path:
    """Write an executed notebook as an HTML page beside it, and return the page."""
    from nbconvert import HTMLExporter

    content = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    title = {"metadata": {"name": notebook.stem}}
    page, _ = HTMLExporter(log=_quiet).from_notebook_node(_for_page(content), title)  # type: ignore[no-untyped-call]
    page = _SCRIPT.sub("", _with_descriptions(page, content)).replace("<main>", f"<main>{_CODE_BOX}", 1)
    target = notebook.with_suffix(".html")
    with replacing(target) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return target


def _for_page(notebook: NotebookNode) -> NotebookNode:
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


def _with_descriptions(page: str, notebook: NotebookNode) -> str:
    """Return a page whose pictures have their descriptions, which nbconvert drops."""
    for output in _outputs(notebook):
        description = output.get("metadata", {}).get("image/png", {}).get("alt", "")
        data = output.get("data", {}).get("image/png", "")
        at = page.find(f'src="data:image/png;base64,{data}"') if description and data else -1
        start = page.rfind("<img ", 0, max(at, 0))
        if at >= 0 and start >= 0:
            tag = re.sub(r'alt="[^"]*"', "", page[start + len("<img ") : at])
            page = f'{page[:start]}<img alt="{html.escape(description)}" {tag}{page[at:]}'
    return page


def _outputs(notebook: NotebookNode) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def _imports(notebook: Path) -> list[tuple[str, list[str]]]:
    """Return the modules that a notebook's cells import, with the names from each, in order."""
    modules: list[tuple[str, list[str]]] = []
    for cell in nbformat.read(notebook, as_version=4).cells:  # type: ignore[no-untyped-call]
        if cell.cell_type == "code":
            with contextlib.suppress(SyntaxError):  # a magic, or an error that the notebook will raise
                for node in ast.walk(ast.parse(cell.source)):
                    if isinstance(node, ast.Import):
                        modules += [(name.name, []) for name in node.names]
                    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                        modules.append((node.module, [name.name for name in node.names]))
    return modules


def _check_parameters(source: Path, parameters: Mapping[str, Parameter]) -> None:
    # Papermill only warns of a parameter that the notebook lacks.
    known = set(papermill.inspect_notebook(source))
    # The overrides of a run are in its experiment.yaml already.
    if known - {"overrides"} != set(parameters):
        raise RunError(
            f"the notebook's parameters are {', '.join(sorted(known)) or 'none'}; "
            f"expected {', '.join(sorted(parameters))}",
            where=f"{source}, the cell tagged 'parameters'",
            fix="define exactly the expected names in this cell",
        )


def _check_completed(notebook: NotebookNode, stage: str, target: Path) -> None:
    # sys.exit(0) stops a kernel without an error, and papermill then reports the remaining cells as completed.
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.metadata.papermill.status != "completed" or cell.execution_count is None:
            raise RunError(
                "a cell was not executed: an earlier cell stopped the kernel",
                where=f"stage {stage}, cell {number}: {_first_line(cell.source)}",
                fix=f"remove exit() from the notebook; the executed part is in {target}",
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
        fix=f"see the executed part of the notebook: {target}",
    )


def _parts(text: str) -> tuple[str, str, str]:
    """Return the message, the place and the fix in a RiskmlError's text."""
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
