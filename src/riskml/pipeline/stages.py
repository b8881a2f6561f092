"""The stages of a run in order: each is a notebook, executed by papermill, by the pipeline or by hand."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from riskml.config.experiment import Experiment, read_experiment
from riskml.errors import ConfigError, InputError, RunError
from riskml.pipeline.background import BackgroundWriter, KernelPrefetcher
from riskml.runs.paths import experiment_file, notebook_file, panel_folder, runs_folder
from riskml.runs.run import STAGES, Run, newest, stage_name

__all__ = ["Progress", "begin", "begin_again", "execute", "finish", "open_run", "run_experiment", "track"]

_log = logging.getLogger(__name__)
_CELL_SECONDS = 3600.0  # that a cell may take, beyond the budget of the search


@dataclass(frozen=True)
class Progress:
    """Where a run is now.

    Parameters
    ----------
    cell, cells : int
        Cells done, and cells in all.
    heading : str
        What the running cell stands under.
    seconds : float
        Since the stage began.
    finished : bool
        Whether the stage has ended well.
    """

    stage: str
    cell: int
    cells: int
    heading: str
    seconds: float
    finished: bool = False


Listener = Callable[[Progress], None]


def _deaf(progress: Progress) -> None:
    """Listen to nothing."""


def run_experiment(
    file: str | Path,
    *,
    to: str | None = None,
    resume: str | Path | None = None,
    sample: int | None = None,
    overrides: Sequence[str] = (),
    progress: Listener = _deaf,
    track: bool = True,
) -> Run:
    """Execute the stages of an experiment, and track them in MLflow: ``begin``, then ``execute``.

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
    last = stage_name(to) if to else STAGES[-1]  # an unknown stage is refused before anything is made
    run = begin(file, resume=resume, sample=sample, overrides=overrides)
    return execute(run, to=last, progress=progress, track=track)


def begin(
    file: str | Path, *, resume: str | Path | None = None, sample: int | None = None, overrides: Sequence[str] = ()
) -> Run:
    """Start a run of an experiment, or open one to go on with. Nothing is executed yet.

    Parameters
    ----------
    file : path
        The experiment file. Runs are kept beside it, beneath ``runs/``.
    resume : path, optional
        The folder of a run to go on with.
    sample : int, optional
        Rows of a quick look, drawn with the experiment's seed, stratified by the outcome.
    overrides : sequence of str
        ``key=value`` pairs that overrule the file.

    Raises
    ------
    InputError
        When the file or an option is wrong, or the run's folder cannot be made.
    """
    file = Path(file).expanduser().absolute()
    if resume is not None:
        return _resumed(file, Path(resume).expanduser(), sample, overrides)
    if sample is not None and sample < 1:
        raise ConfigError(f"a sample has at least one row; got {sample}", where="--sample")
    experiment = read_experiment(file, overrides)
    _refuse_bad_data(experiment, sample or 0, panel_folder(file, experiment.name))
    said = read_experiment(file).digest()
    return Run.start(experiment, runs_folder(file), at=dt.datetime.now(), sample=sample or 0, file_digest=said)


def begin_again(run: Run, *, source: Path | None = None, overrides: Sequence[str] = ()) -> Run:
    """Start a run of the experiment that an earlier run was of, beside it. Nothing is executed yet."""
    experiment = read_experiment(run.path("experiment.yaml"), overrides)
    if source is not None:
        experiment = experiment.model_copy(
            update={"data": experiment.data.model_copy(update={"source": str(source.absolute())})}
        )
    runs = run.folder.parents[1]
    _refuse_bad_data(experiment, 0, runs / experiment.name / "panel")
    return Run.start(experiment, runs, at=dt.datetime.now())


def execute(run: Run, *, to: str = STAGES[-1], progress: Listener = _deaf, track: bool = True) -> Run:
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
        The same.

    Raises
    ------
    InputError
        When a stage finds that its input is wrong.
    RunError
        When a stage fails for another reason, or is stopped by hand.
    """
    _execute(run, run.lacking(stage_name(to)), progress, track=track)
    return run


def open_run(experiment: str, run: str = "", *, stage: str, sample: int = 0) -> Run:
    """Open the run that a notebook belongs to, with all that its stage builds on.

    Parameters
    ----------
    experiment : str
        An experiment file, or the name of one in the nearest ``experiments/`` folder.
    run : str, default ""
        The run's folder, as the pipeline hands it on. Without one, a person goes through the notebook: the newest run
        by hand of this experiment is opened, or one is started.
    stage : str
        The stage that the notebook is. Earlier stages that are lacking are executed first.
    sample : int, default 0
        Rows of a quick look, where a run has to be started; 0 for all.
    """
    stage = stage_name(stage)
    opened = Run.open(run, hosted=True) if run else _by_hand(experiment_file(experiment), stage, sample)
    if run and opened.status(stage) == "running":
        return opened
    earlier = [name for name in opened.lacking(stage) if name != stage]
    if earlier:
        _log.warning("%s builds on %s: executed now, first", stage, ", ".join(earlier))
        _execute(opened, earlier, _deaf, track=True)
    opened = Run.open(opened.folder)
    opened.mark(stage, "running")
    return opened


def finish(run: Run, stage: str) -> Run:
    """Note that a notebook's stage is done; one gone through by hand is written to MLflow as the pipeline would.

    Returns
    -------
    Run
        The same.
    """
    if not run.hosted:
        run.mark(stage_name(stage), "finished", time.monotonic() - run.opened)
        run.update(status=_ended(run))
        with BackgroundWriter(run, track=True) as behind:
            behind.stage(stage_name(stage))
            behind.end("FINISHED")
    return run


def track(run: Run) -> Run:
    """Write a run to MLflow from its folder, whatever was written before.

    Returns
    -------
    Run
        The same. When MLflow cannot be reached, run.json says why (``mlflow_trouble``).
    """
    state = run.state
    with BackgroundWriter(run, track=True) as behind:
        for stage in state["stages"]:
            if stage["status"] == "finished":
                behind.stage(stage["name"])
            elif stage["status"] == "failed":
                behind.failure(stage["name"], "FAILED")
        if state["status"] in {"finished", "partial"}:
            behind.end("FINISHED")
    return run


def _refuse_bad_data(experiment: Experiment, sample: int, panel: Path) -> None:
    """Read and prepare the table as the first notebook will, so that a mistake in it leaves no run behind."""
    from riskml.data.prepare import prepare
    from riskml.data.sources.source import read_table
    from riskml.data.split import split
    from riskml.data.subsample import stratified_subsample

    if experiment.panel is not None:  # the first notebook builds it, which may take long
        from riskml.features.training_table import check_tables

        check_tables(experiment, panel)
        return
    source = experiment.data.source
    try:
        table = stratified_subsample(read_table(source), experiment.data.target, sample, experiment.split.seed)
        prepared = prepare(table, experiment)
        split(prepared.y, prepared.dates, experiment.split, prepared.groups)
    except InputError as error:
        raise type(error)(error.what, where=error.where or source, fix=error.fix) from None


def _by_hand(file: Path, stage: str, sample: int) -> Run:
    experiment = read_experiment(file)
    # The later notebooks take whatever rows the first one has drawn.
    drawn = {"sample": sample} if stage == STAGES[0] else {}
    found = newest(runs_folder(file), experiment, by_hand=True, **drawn)
    if found is not None:
        return found
    runs, said = runs_folder(file), experiment.digest()
    return Run.start(experiment, runs, at=dt.datetime.now(), sample=sample, by_hand=True, file_digest=said)


def _resumed(file: Path, resume: Path, sample: int | None, overrides: Sequence[str]) -> Run:
    run, where = Run.open(resume), f"--resume {resume}"
    begun = run.state["sample"]
    if sample is not None and sample != begun:
        raise ConfigError(
            f"the run was started with {begun or 'all'} rows, not with {sample}",
            where=where,
            fix="leave --sample out, or start a new run",
        )
    asked = read_experiment(file, overrides)
    if asked.name != run.experiment.name:
        raise ConfigError(
            f"the run belongs to the experiment {run.experiment.name!r}, not to {asked.name!r}",
            where=where,
            fix="name the experiment file that it was started with",
        )
    same = {run.experiment.digest()} if overrides else {run.experiment.digest(), run.state["file_digest"]}
    if asked.digest() not in same:
        raise ConfigError(
            f"{'-p would change' if overrides else 'the file has changed'} an experiment that is under way",
            where=where,
            fix=f"start a new run, or go on as it began: name {run.path('experiment.yaml')}",
        )
    return run


def _execute(run: Run, stages: Sequence[str], progress: Listener, *, track: bool) -> None:
    if not stages:
        return
    run.update(status="running", error=None)
    with KernelPrefetcher(run, stages) as ahead, BackgroundWriter(run, track=track) as behind:
        for stage in stages:
            began = time.monotonic()
            run.mark(stage, "running")
            try:
                cells = _execute_stage(run, stage, ahead, behind, progress)
            except BaseException as error:
                stopped = isinstance(error, KeyboardInterrupt)
                why = "stopped by hand" if stopped else str(error)
                run.mark(stage, "failed", time.monotonic() - began, status="failed", error=why)
                behind.failure(stage, "KILLED" if stopped else "FAILED")
                if stopped:
                    raise RunError(why, where=f"stage {stage}") from None
                raise
            run.mark(stage, "finished", time.monotonic() - began)
            behind.stage(stage)
            progress(Progress(stage, cells, cells, "", time.monotonic() - began, finished=True))
        run.update(status=_ended(run))
        behind.end("FINISHED")


def _ended(run: Run) -> str:
    """Return how a run stands in which nothing has failed: finished, or partial when stages were not asked for."""
    return "partial" if run.lacking(STAGES[-1]) else "finished"


def _execute_stage(run: Run, stage: str, ahead: KernelPrefetcher, behind: BackgroundWriter, progress: Listener) -> int:
    from riskml.pipeline.notebooks import execute_notebook

    began = time.monotonic()

    def listen(cell: int, cells: int, heading: str) -> None:
        if cell == 0:  # only now, so that this stage's own kernel has both cores while it starts
            ahead.start()
            behind.begin()
        progress(Progress(stage, cell, cells, heading, time.monotonic() - began))

    return execute_notebook(
        notebook_file(stage, run.folder.parents[1]),
        run.path(f"{stage}.ipynb"),
        parameters(run, stage),
        kernel=ahead.kernel(),
        cell_seconds=_CELL_SECONDS + run.experiment.models.time_budget,
        listen=listen,
    )


def parameters(run: Run, stage: str) -> dict[str, str | int]:
    """Return what the notebook of a stage is executed with."""
    said: dict[str, str | int] = {"experiment": str(run.path("experiment.yaml")), "run": str(run.folder)}
    own: dict[str, dict[str, str | int]] = {"1_features": {"sample": run.state["sample"]}, "5_prediction": {"book": ""}}
    return said | own.get(stage, {})
