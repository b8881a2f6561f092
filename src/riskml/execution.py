"""One notebook, executed by papermill: what goes in is checked before, and what came out after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import papermill
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from riskml import errors
from riskml.errors import InputError, RiskmlError, RunError
from riskml.files import replacing

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["execute_notebook", "to_html"]

Parameter = str | int | float | bool
CellListener = Callable[[int, int, str], None]


class _Engine(NBClientEngine):  # type: ignore[misc]
    """Papermill's own engine, that tells which cell is about to run."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, listen: CellListener, **said: Any) -> Any:
        begin, cells = nb_man.cell_start, len(nb_man.nb.cells)

        def cell_start(cell: NotebookNode, cell_index: int = 0, **more: Any) -> None:
            listen(cell_index, cells, _heading(nb_man.nb, cell_index))
            begin(cell, cell_index=cell_index, **more)

        nb_man.cell_start = cell_start
        return super().execute_managed_notebook(nb_man, kernel_name, **said)


papermill_engines.register("riskml", _Engine)
logging.getLogger("papermill").setLevel(logging.ERROR)  # it tells of every file it reads
_quiet = logging.getLogger(f"{__name__}.html")  # nbconvert looks for a picture's description in one place only
_quiet.setLevel(logging.ERROR)


def execute_notebook(
    source: Path,
    target: Path,
    parameters: Mapping[str, Parameter],
    *,
    cwd: Path,
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
    cwd : Path
        The kernel's working directory.
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
            cwd=cwd,
            progress_bar=False,
            execution_timeout=cell_seconds,
            extra_arguments=["--IPKernelApp.log_level=40"],
            listen=hear,
        )
    except PapermillExecutionError as error:
        raise _translated(error, source.stem, target) from error
    except RuntimeError as error:
        # nbclient's: the kernel died, or a cell took too long.
        raise RunError(
            str(error).strip().splitlines()[0],
            where=f"stage {source.stem}, cell {at[0]} ({at[1]})",
            mend="out of memory is the usual reason for a kernel that dies: try --sample",
        ) from error
    _check_completed(done, source.stem, target)
    return len(done.cells)


def to_html(notebook: Path) -> Path:
    """Write an executed notebook as a page beside it, and return the page."""
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter(log=_quiet).from_filename(str(notebook))  # type: ignore[no-untyped-call]
    target = notebook.with_suffix(".html")
    with replacing(target) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return target


def _check_parameters(source: Path, parameters: Mapping[str, Parameter]) -> None:
    # Papermill itself only warns of a name that the notebook does not know, and goes on with its default.
    known = set(papermill.inspect_notebook(source))
    if known != set(parameters):
        raise RunError(
            f"the notebook's parameters are {', '.join(sorted(known)) or 'none'}; "
            f"it is executed with {', '.join(sorted(parameters))}",
            where=f"{source}, the cell tagged 'parameters'",
            mend="give the cell exactly these names",
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
                mend=f"take exit() out of the notebook; it is kept as it is in {target}",
            )


def _translated(error: PapermillExecutionError, stage: str, target: Path) -> RiskmlError:
    cell = f"stage {stage}, cell {error.cell_index} (In [{error.exec_count}])"
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, InputError):
        what, where, mend = _parts(error.evalue)
        return kind(what, where="; ".join(filter(None, [where, cell])), mend=mend)
    return RunError(
        f"{error.ename}: {error.evalue}",
        where=f"{cell}: {_first_line(error.source)}",
        mend=f"the notebook is kept up to there: {target}",
    )


def _parts(text: str) -> tuple[str, str, str]:
    """Return what, where and mend of a RiskmlError's text."""
    text, _, mend = text.partition("\n  mend:  ")
    what, _, where = text.partition("\n  where: ")
    return what, where, mend


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
