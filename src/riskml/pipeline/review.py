"""Review of runs: the review notebook, executed and written as an HTML page."""

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
# The runs to compare where fewer than two exist: few rows, and families that are fitted quickly.
_SAMPLE, _LAST_STAGE = 1500, "3_validation"
_PAIR = (["scorecard", "logistic"], ["boosting"])


def runs_to_review(runs: Sequence[str], experiment: str) -> list[RunSummary]:
    """Return the runs that the notebook compares: those named, or the experiment's newest two."""
    from riskml.tracking.reader import fetch_all

    return fetch_all(runs or _newest_two(experiment_file(experiment)))


def write_review(runs: Sequence[str], page: Path) -> Path:
    """Execute the review notebook on runs, and write it as an HTML page."""
    from riskml.pipeline.notebooks import Kernel, execute_notebook, to_html

    if page.suffix.lower() not in {".html", ".htm"}:
        raise InputError(f"the review is an HTML page; got {page.name!r}", where="-o", fix="name a file .html")
    source = notebook_file("review", Path.cwd() / "experiments" / "any.yaml")
    with tempfile.TemporaryDirectory(prefix="riskml-review-") as folder:
        target = Path(folder) / "review.ipynb"
        execute_notebook(
            source,
            target,
            {"runs": [_absolute(run) for run in runs], "experiment": ""},
            kernel=Kernel(source, Path.cwd()),
            cell_seconds=_CELL_SECONDS,
            listen=lambda cell, cells, heading: None,
        )
        html = to_html(target).read_text(encoding="utf-8")
    with replacing(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return page


def _absolute(run: str) -> str:
    """Return the absolute path of a run's folder; a run of MLflow keeps its name."""
    folder = Path(run).expanduser()
    return str(folder.resolve()) if folder.is_dir() else run


def _newest_two(file: Path) -> list[str]:
    folders = _validated(file)
    if len(folders) < 2:
        from riskml.pipeline.stages import run_experiment

        for families in _PAIR[len(folders) :]:
            _log.warning("fewer than two runs to compare: running %s on a sample first", ", ".join(families))
            overrides = [f"models.families=[{', '.join(families)}]", "models.trials=1", "models.select=best"]
            run_experiment(file, overrides=overrides, sample=_SAMPLE, to=_LAST_STAGE)
        folders = _validated(file)
    return folders[-2:]


def _validated(file: Path) -> list[str]:
    """Return the folders of an experiment's validated runs, newest last."""
    name = file.stem
    folders = sorted(path.parent for path in (runs_folder(file) / name).glob("[0-9]*/validation.json"))
    return [str(folder) for folder in folders if read_json(folder / "run.json")["experiment"] == name]
