"""Background work of a run: starting the next kernel, writing HTML pages and MLflow records."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from riskml.models.families import known_family
from riskml.runs.paths import notebook_file, project_folder
from riskml.runs.run import STAGES, Run
from riskml.tracking.client import without_secrets

if TYPE_CHECKING:
    from riskml.pipeline.notebooks import Kernel
    from riskml.tracking.sink import Sink

_log = logging.getLogger(__name__)


class KernelPrefetcher:
    """Kernel of the next stage, started while the current stage runs."""

    def __init__(self, run: Run, stages: Sequence[str]) -> None:
        self._runs = run.folder.parents[1]
        self._stages = iter(stages)
        self._waiting: list[Kernel] = []
        self._taken: list[Kernel] = []
        families = [known_family(entry, "models.families") for entry in run.experiment.models.families]
        self._libraries = ["pyarrow.parquet", *(family.library for family in families if family.library)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        for kernel in (*self._taken, *self._waiting):
            kernel.close()

    def start(self) -> None:
        """Start the kernel of the next stage, if there is one."""
        # Importing papermill takes seconds.
        from riskml.pipeline.notebooks import Kernel

        stage = next(self._stages, None)
        if stage is not None:
            libraries = self._libraries if stage != STAGES[0] else []
            self._waiting.append(Kernel(notebook_file(stage, self._runs), project_folder(self._runs), libraries))

    def kernel(self) -> Kernel:
        """Return the kernel of the stage to execute now."""
        self._taken.append(self._waiting.pop())
        return self._taken[-1]


class BackgroundWriter:
    """HTML pages and MLflow records of finished stages, written while the next notebook runs."""

    def __init__(self, run: Run, *, track: bool) -> None:
        self._run, self._track = run, track
        self._sink: Sink | None = None
        self._trouble: str | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="riskml-background")
        self._pages: list[Future[Path]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=True)
        self._run.update(mlflow_trouble=self._trouble)
        if error[0] is None:
            for page in self._pages:
                page.result()

    def begin(self) -> None:
        """Open the MLflow records, if they are not open yet."""
        self._records(lambda sink: None)

    def stage(self, stage: str) -> None:
        """Write the page and the records of a finished stage."""
        self._page(stage)
        self._records(lambda sink: sink.stage(stage))

    def failure(self, stage: str, status: str) -> None:
        """Write the page and the records of a failed stage, and close the records."""
        self._page(stage)
        self._records(lambda sink: sink.failure(stage))
        self.end(status)

    def end(self, status: str) -> None:
        """Write the run's report, and close the records with a status: FINISHED, FAILED or KILLED."""
        self._pages.append(self._pool.submit(_report, self._run))
        self._records(lambda sink: sink.end(status))

    def _page(self, stage: str) -> None:
        from riskml.pipeline.notebooks import to_html

        notebook = self._run.path(f"{stage}.ipynb")
        if notebook.is_file():
            self._pages.append(self._pool.submit(to_html, notebook))

    def _records(self, write: Callable[[Sink], None]) -> None:
        if self._track:
            self._pool.submit(self._write, write)

    def _write(self, write: Callable[[Sink], None]) -> None:
        if self._trouble is not None:
            return
        try:
            if self._sink is None:
                # Importing MLflow takes seconds: here, the first notebook runs meanwhile.
                from riskml.tracking.sink import Sink

                self._sink = Sink(self._run)
                self._sink.begin()
            write(self._sink)
        except Exception as error:  # whatever a server, a file system or a database may raise
            _log.debug("not tracked", exc_info=True)
            self._trouble = without_secrets(f"{type(error).__name__}: {error}")


def _report(run: Run) -> Path:
    from riskml.report.html import build_report

    page = build_report(run.folder)
    run.update()  # adds the report to run.json
    if run.state["status"] == "finished":
        run.become_latest()
    return page
