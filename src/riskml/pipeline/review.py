"""The review notebook: which runs it looks at, and how it becomes a page."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from riskml.errors import InputError
from riskml.io import read_json, replacing
from riskml.runs.paths import experiment_file, notebook_file, runs_folder
from riskml.runs.summary import RunSummary

_log = logging.getLogger(__name__)
_CELL_SECONDS = 3600.0
# What a first review looks at where nothing was run yet: few rows, families that are soon fitted.
_QUICK = {"sample": 1500, "to": "3_validation"}
_PAIR = (["scorecard", "logistic"], ["boosting"])


def runs_to_review(runs: Sequence[str], experiment: str) -> list[RunSummary]:
    """Return the runs that the notebook compares."""
    from riskml.tracking.reader import fetch_all

    return fetch_all(runs or _newest_two(experiment_file(experiment)))


def write_review(runs: Sequence[str], page: Path) -> Path:
    """Execute the review notebook on runs, and write it as a page."""
    from riskml.pipeline.notebooks import Kernel, execute_notebook, to_html

    if page.suffix.lower() not in {".html", ".htm"}:
        raise InputError(f"the review is written as a page; got {page.name!r}", where="-o", fix="name a file .html")
    source = notebook_file("review", Path.cwd() / "experiments" / "any.yaml")
    with tempfile.TemporaryDirectory(prefix="riskml-review-") as folder:
        target = Path(folder) / "review.ipynb"
        execute_notebook(
            source,
            target,
            {"runs": [_lasting(run) for run in runs], "experiment": ""},
            kernel=Kernel(source, Path.cwd()),
            cell_seconds=_CELL_SECONDS,
            listen=lambda cell, cells, heading: None,
        )
        text = to_html(target).read_text(encoding="utf-8")
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return page


def _lasting(run: str) -> str:
    """Return a run's folder in full: the page tells of it wherever it is read."""
    folder = Path(run).expanduser()
    return str(folder.resolve()) if folder.is_dir() else run


def _newest_two(file: Path) -> list[str]:
    found = _validated(file)
    if len(found) < 2:
        from riskml.pipeline.stages import run_experiment

        for families in _PAIR[len(found) :]:
            _log.warning("there are fewer than two runs to compare: a quick look at %s first", ", ".join(families))
            said = f"models.families=[{', '.join(families)}]"
            run_experiment(file, overrides=[said, "models.trials=1", "models.select=best"], **_QUICK)  # type: ignore[arg-type]
        found = _validated(file)
    return found[-2:]


def _validated(file: Path) -> list[str]:
    """Return the folders of the runs of an experiment that hold all that a review needs, the newest last."""
    name = file.stem
    folders = sorted(path.parent for path in (runs_folder(file) / name).glob("[0-9]*/validation.json"))
    return [str(folder) for folder in folders if read_json(folder / "run.json")["experiment"] == name]
