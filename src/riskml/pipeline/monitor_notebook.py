"""The monitoring notebook, executed as CI does it: the same month, told as a story."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path

from riskml.errors import InputError
from riskml.monitoring.snapshot import read_snapshot
from riskml.monitoring.store import StoredReport, opened
from riskml.pipeline.monitor import FOLDER, Asked
from riskml.runs.paths import notebook_file
from riskml.runs.run import Run

NOTEBOOK = "6_monitoring"
_CELL_SECONDS = 3600.0


def execute_monitoring(asked: Asked, *, today: dt.date) -> StoredReport:
    """Monitor a month by its notebook, which is kept in the month's folder, executed, as .ipynb and .html."""
    from riskml.pipeline.notebooks import Kernel, execute_notebook, to_html

    if not asked.data:
        raise InputError("the notebook is executed on a month's customers", where="--data", fix="name a file")
    run = Run.open(Path(asked.run).expanduser())
    book = read_snapshot(asked.data, run.experiment, outcomes=asked.outcomes, customer=asked.customer)
    day, place = asked.date or book.day() or today, (asked.folder or run.path(FOLDER)).absolute()
    source = notebook_file(NOTEBOOK, run.folder.parents[1])
    with tempfile.TemporaryDirectory(prefix="riskml-monitoring-") as folder:
        target = Path(folder) / f"{NOTEBOOK}.ipynb"
        execute_notebook(
            source,
            target,
            parameters(asked, run, day, place),
            kernel=Kernel(source, Path.cwd()),
            cell_seconds=_CELL_SECONDS,
            listen=lambda cell, cells, heading: None,
        )
        month = opened(place / str(day))
        for file in (target, to_html(target)):
            shutil.copy(file, month.folder / file.name)
    return month


def parameters(asked: Asked, run: Run, day: dt.date, place: Path) -> dict[str, str]:
    """Return what the notebook is executed with."""
    return {
        "experiment": "",
        "run": str(run.folder),
        "data": _whole(asked.data),
        "outcomes": _whole(asked.outcomes),
        "date": str(day),
        "previous": _whole(asked.previous),
        "folder": str(place),
        "customer": asked.customer or "",
        "segments": ", ".join(asked.segments),
        "limits": "; ".join(asked.overrides),
    }


def _whole(path: str | Path | None) -> str:
    """Return a file's path in full: a kernel may stand elsewhere. A sample goes by its name."""
    if not path:
        return ""
    found = Path(path).expanduser()
    return str(found.absolute()) if found.exists() else str(path)
