"""Stages of a run: five notebooks, executed in order by papermill or opened interactively.

`run_experiment` begins a run (`begin`) and executes its stages (`execute`); each notebook opens the run with `open_run`
and ends with `finish`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from riskml.config.experiment import Experiment, read_experiment
from riskml.errors import ConfigError, InputError, RunError
from riskml.io import parse_yaml, replacing
from riskml.models.families import check_families, known_family, use_copy
from riskml.pipeline.background import BackgroundWriter, KernelPrefetcher
from riskml.runs.paths import experiment_file, notebook_file, panel_folder, runs_folder
from riskml.runs.run import STAGES, Run, newest, stage_name

__all__ = ["Progress", "begin", "begin_again", "execute", "finish", "open_run", "run_experiment", "track"]

_log = logging.getLogger(__name__)
_CELL_SECONDS = 3600.0  # limit of one cell, added to the time budget of the search


@dataclasses.dataclass(frozen=True)
class Progress:
    """Progress of a run.

    Parameters
    ----------
    cell, cells : int
        Cells done, and cells in all.
    heading : str
        Heading above the running cell.
    seconds : float
        Time since the stage began.
    finished : bool
        Whether the stage has finished.
    """

    stage: str
    cell: int
    cells: int
    heading: str
    seconds: float
    finished: bool = False


Listener = Callable[[Progress], None]


def no_progress(progress: Progress) -> None:
    """Ignore progress."""


def run_experiment(
    file: str | Path,
    *,
    to: str | None = None,
    resume: str | Path | None = None,
    sample: int | None = None,
    overrides: Sequence[str] = (),
    progress: Listener = no_progress,
    track: bool = True,
) -> Run:
    """Execute the stages of an experiment and track them in MLflow: ``begin``, then ``execute``.

    Parameters
    ----------
    file, resume, sample, overrides
        As for ``begin``.
    to, progress, track
        As for ``execute``.

    Raises
    ------
    InputError
        When the file, the data or an option is wrong.
    RunError
        When a stage fails for another reason. The partly executed notebook is kept in the run's folder.

    Examples
    --------
    >>> run = run_experiment("experiments/credit_default.yaml", sample=1000)  # doctest: +SKIP
    >>> run.champion  # doctest: +SKIP
    'blend'
    """
    last = stage_name(to) if to else STAGES[-1]  # an unknown stage is refused before a folder is made
    run = begin(file, resume=resume, sample=sample, overrides=overrides)
    return execute(run, to=last, progress=progress, track=track)


def begin(
    file: str | Path, *, resume: str | Path | None = None, sample: int | None = None, overrides: Sequence[str] = ()
) -> Run:
    """Make the folder of a new run, or open a run to resume. Nothing is executed yet.

    Parameters
    ----------
    file : path
        The experiment file. Runs are kept beside it, in ``runs/``.
    resume : path, optional
        The folder of a run to resume.
    sample : int, optional
        Number of rows to draw, stratified by the outcome, with the experiment's seed; all rows by default.
    overrides : sequence of str
        ``key=value`` pairs that override settings of the file.

    Raises
    ------
    InputError
        When the file, the data or an option is wrong, or the run's folder cannot be made.
    """
    file = Path(file).expanduser().absolute()
    if sample is not None and sample < 1 and resume is None:
        raise ConfigError(f"a sample has at least one row; got {sample}", where="--sample")
    experiment = read_experiment(file, overrides)
    where = f"{file}, models.families"
    check_families(experiment.models.families, experiment.models.select, where, exported=True)
    for family in experiment.models.fixed:
        known_family(family, f"{file}, models.fixed")
    if resume is not None:
        return _resume(experiment, Path(resume).expanduser(), sample, overridden=bool(overrides))
    _check_data(experiment, sample or 0, panel_folder(file, experiment.name))
    file_digest = read_experiment(file).digest() if overrides else None
    return Run.start(experiment, runs_folder(file), at=dt.datetime.now(), sample=sample or 0, file_digest=file_digest)


def begin_again(run: Run, *, source: Path | None = None, overrides: Sequence[str] = ()) -> Run:
    """Make the folder of a new run with the settings of an earlier one, in the same place. Nothing is executed yet."""
    experiment = read_experiment(run.path("experiment.yaml"), overrides) if overrides else run.experiment
    if source is not None:
        data = experiment.data.model_copy(update={"source": str(source.absolute())})
        experiment = experiment.model_copy(update={"data": data})
    runs = run.folder.parents[1]
    _check_data(experiment, 0, runs / experiment.name / "panel")
    return Run.start(experiment, runs, at=dt.datetime.now())


def _resume(experiment: Experiment, folder: Path, sample: int | None, *, overridden: bool) -> Run:
    """Open a run to resume, provided that it has the same settings."""
    run, where = Run.open(folder), f"--resume {folder}"
    state = run.state
    if sample is not None and sample != state["sample"]:
        raise ConfigError(
            f"the run was started with {state['sample'] or 'all'} rows, not with {sample}",
            where=where,
            fix="omit --sample, or start a new run",
        )
    if experiment.name != run.experiment.name:
        raise ConfigError(
            f"the run belongs to the experiment {run.experiment.name!r}, not to {experiment.name!r}",
            where=where,
            fix="name the experiment file that the run was started with",
        )
    same = {run.experiment.digest()} if overridden else {run.experiment.digest(), state["file_digest"]}
    if experiment.digest() not in same:
        raise ConfigError(
            f"{'-p changes' if overridden else 'the file has changed'} the settings of a run in progress",
            where=where,
            fix=f"start a new run, or resume with the run's own settings: {run.path('experiment.yaml')}",
        )
    return run


def _check_data(experiment: Experiment, sample: int, panel: Path) -> None:
    """Check the table as the first notebook will prepare it, so that wrong data leave no run behind."""
    from riskml.data.dataset import dataset_of
    from riskml.data.prepare import prepare
    from riskml.data.sources.source import read_customers
    from riskml.data.subsample import stratified_subsample

    if experiment.panel is not None:  # building the panel may take long: the first notebook does it
        from riskml.features.training_table import check_tables

        check_tables(experiment, panel)
        return
    data = experiment.data
    try:
        table = read_customers(data.source, data)
        table = stratified_subsample(table, data.target, sample, experiment.split.seed)
        dataset_of(prepare(table, experiment), experiment.split)
    except InputError as error:
        raise type(error)(error.what, where=error.where or data.source, fix=error.fix) from None


def use_families(run: Run) -> None:
    """Load the run's own families from its copies of their files, which are made where they are missing.

    A run of the pipeline keeps to the files as they were when it began; an interactive one takes them as they are.
    """
    for entry in run.experiment.models.families:
        file = Path(entry.rpartition(":")[0])
        if file.suffix != ".py":
            continue
        copy = run.path("sources", file.name)
        if file.is_file() and (run.state["by_hand"] or not copy.exists()):
            copy.parent.mkdir(exist_ok=True)
            with replacing(copy) as temporary:
                shutil.copyfile(file, temporary)
        use_copy(file, copy)
    check_families(run.experiment.models.families, run.experiment.models.select, "models.families")


def execute(run: Run, *, to: str = STAGES[-1], progress: Listener = no_progress, track: bool = True) -> Run:
    """Execute the stages of a run that are not finished yet.

    Parameters
    ----------
    to : str
        The last stage to execute.
    progress : callable
        Called with a ``Progress`` before each cell, and after each stage.
    track : bool, default True
        Whether the run is written to MLflow.

    Returns
    -------
    Run
        The same run.

    Raises
    ------
    InputError
        When a stage finds that its input is wrong.
    RunError
        When a stage fails for another reason, or is interrupted.
    """
    stages = run.lacking(stage_name(to))
    if not stages:
        return run
    run.update(status="running", error=None)
    use_families(run)
    with KernelPrefetcher(run, stages) as prefetcher, BackgroundWriter(run, track=track) as writer:
        for stage in stages:
            start = time.monotonic()
            run.mark(stage, "running")
            try:
                cells = _execute_stage(run, stage, prefetcher, writer, progress)
            except BaseException as error:
                interrupted = isinstance(error, KeyboardInterrupt)
                reason = "interrupted" if interrupted else str(error)
                run.mark(stage, "failed", time.monotonic() - start, status="failed", error=reason)
                writer.failure(stage, "KILLED" if interrupted else "FAILED")
                if interrupted:
                    raise RunError(reason, where=f"stage {stage}") from None
                raise
            run.mark(stage, "finished", time.monotonic() - start)
            writer.stage(stage)
            progress(Progress(stage, cells, cells, "", time.monotonic() - start, finished=True))
        run.update(status=_status(run))
        writer.end("FINISHED")
    return run


def _execute_stage(
    run: Run, stage: str, prefetcher: KernelPrefetcher, writer: BackgroundWriter, progress: Listener
) -> int:
    """Execute the notebook of one stage; return the number of its cells."""
    from riskml.pipeline.notebooks import execute_notebook

    start = time.monotonic()

    def listen(cell: int, cells: int, heading: str) -> None:
        if cell == 0:  # only now, so that this stage's own kernel has both cores while it starts
            prefetcher.start()
            writer.begin()
        progress(Progress(stage, cell, cells, heading, time.monotonic() - start))

    return execute_notebook(
        notebook_file(stage, run.folder.parents[1]),
        run.path(f"{stage}.ipynb"),
        parameters(run, stage),
        kernel=prefetcher.kernel(),
        cell_seconds=_CELL_SECONDS + run.experiment.models.time_budget,
        listen=listen,
    )


def parameters(run: Run, stage: str) -> dict[str, str | int]:
    """Return the parameters that the notebook of a stage is executed with."""
    common: dict[str, str | int] = {
        "experiment": str(run.path("experiment.yaml")),
        "run": str(run.folder),
    }
    own: dict[str, dict[str, str | int]] = {
        "1_features": {"sample": run.state["sample"]},
        "5_prediction": {"book": ""},
    }
    return common | own.get(stage, {})


def open_run(
    experiment: str, run: str = "", *, stage: str, sample: int = 0, overrides: str | Sequence[str] = ()
) -> Run:
    """Open the run that a notebook belongs to, with the results of all earlier stages.

    Parameters
    ----------
    experiment : str
        An experiment file, or the name of one in the nearest ``experiments/`` folder.
    run : str, default ""
        The run's folder, as the pipeline passes it. Without one the notebook is interactive: the newest interactive run
        of this experiment is opened, or a new one is started.
    stage : str
        The notebook's stage. Earlier stages that are not finished are executed first.
    sample : int, default 0
        Number of rows to draw where a new run is started; 0 for all.
    overrides : sequence of str, or str
        ``key=value`` pairs that override settings of the experiment file, as ``riskml run -p`` does. Text, which is
        what papermill's ``-p`` passes, is one pair or a list in YAML. A run that is named must have them already.

    Raises
    ------
    ConfigError
        When an override is not valid, or differs from the settings of the run that is named.
    """
    stage, pairs = stage_name(stage), _pairs(overrides)
    if run:
        opened = Run.open(run, hosted=True)
        if pairs and read_experiment(opened.path("experiment.yaml"), pairs).digest() != opened.experiment.digest():
            raise ConfigError(
                "overrides change the settings of a run that has begun", where=run, fix="name no run, to begin another"
            )
    else:
        opened = _interactive_run(experiment_file(experiment), stage, sample, pairs)
    use_families(opened)
    if run and opened.status(stage) == "running":
        return opened
    earlier = [name for name in opened.lacking(stage) if name != stage]
    if earlier:
        _log.warning("%s needs the results of %s: executing these stages first", stage, ", ".join(earlier))
        execute(opened, to=earlier[-1])
    opened = dataclasses.replace(opened, hosted=False, opened=time.monotonic())
    opened.mark(stage, "running")
    return opened


def _pairs(overrides: str | Sequence[str]) -> list[str]:
    """Return overrides as a list; text is one of them, or a list in YAML."""
    values: Any = overrides
    if isinstance(values, str):
        values = parse_yaml(values) if values.startswith("[") else [values] * bool(values)
    if not isinstance(values, list | tuple) or any(not isinstance(value, str) for value in values):
        raise ConfigError(
            f"overrides are a list of key=value; got {overrides!r}", where="overrides", fix='["models.trials=2"]'
        )
    return list(values)


def _interactive_run(file: Path, stage: str, sample: int, overrides: Sequence[str]) -> Run:
    experiment = read_experiment(file, overrides)
    check_families(experiment.models.families, experiment.models.select, "models.families", exported=True)
    # Later notebooks accept whatever sample the first one has drawn.
    state = {"sample": sample} if stage == STAGES[0] else {}
    run = newest(runs_folder(file), experiment, by_hand=True, **state)
    if run is not None:
        return run
    begun: dict[str, Any] = {"at": dt.datetime.now(), "sample": sample, "by_hand": True}
    return Run.start(experiment, runs_folder(file), file_digest=read_experiment(file).digest(), **begun)


def finish(run: Run, stage: str) -> Run:
    """Mark a notebook's stage as finished; an interactive one is also written to MLflow, as the pipeline would.

    Returns
    -------
    Run
        The same run.
    """
    if not run.hosted:
        run.mark(stage_name(stage), "finished", time.monotonic() - run.opened)
        run.update(status=_status(run))
        with BackgroundWriter(run, track=True) as writer:
            writer.stage(stage_name(stage))
            writer.end("FINISHED")
    return run


def track(run: Run) -> Run:
    """Write a run to MLflow from its folder, whatever was written before.

    Returns
    -------
    Run
        The same run. When MLflow cannot be reached, run.json holds the reason (``mlflow_trouble``).
    """
    state = run.state
    with BackgroundWriter(run, track=True) as writer:
        for stage in state["stages"]:
            if stage["status"] == "finished":
                writer.stage(stage["name"])
            elif stage["status"] == "failed":
                writer.failure(stage["name"], "FAILED")
        if state["status"] in {"finished", "partial"}:
            writer.end("FINISHED")
    return run


def _status(run: Run) -> str:
    """Return the status of a run without failures: finished, or partial while stages are left."""
    return "partial" if run.lacking(STAGES[-1]) else "finished"
