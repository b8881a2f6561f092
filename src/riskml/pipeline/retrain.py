"""Whether a model is trained again, as its monitoring says; and a run that does it, whose model becomes challenger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from riskml.data.key_columns import as_of_dates, blank
from riskml.data.sources.source import read_table
from riskml.errors import InputError
from riskml.io import read_json, replacing, write_json
from riskml.monitoring.snapshot import snapshot_of
from riskml.pipeline.monitor import FOLDER
from riskml.pipeline.stages import Listener, begin_again, execute
from riskml.runs.months import MONITORING, MonthStore, StoredMonth
from riskml.runs.run import Run
from riskml.runtime.frame import levels

RECORD = "retrain.json"
# A level that is off is set anew by fitting anew: the kit knows no smaller repair that the gate could judge.
_STEPS = ("retrain", "recalibrate")


@dataclass(frozen=True)
class RetrainRequest:
    """What is asked of a retraining."""

    run: str | Path  # the run whose model is monitored
    data: Path | None = None  # A table with outcomes to learn from; an experiment on dated records has its own
    outcomes: Path | None = None  # A file of the customer and the target, where ``data`` has none
    # whether ``data`` is added to the table that the run has learnt from (of a customer in both the new row counts), in
    # place of being all there is
    extend: bool = False
    monitoring: Path | None = None  # the folder of the months; ``monitoring`` in the run's folder where left out
    overrides: Sequence[str] = ()  # ``key=value`` pairs that overrule the run's settings
    force: bool = False  # whether to train although monitoring does not call for it


@dataclass(frozen=True)
class Decision:
    """Whether to train again."""

    needed: bool
    why: tuple[str, ...]  # in words
    month: StoredMonth | None  # the month it rests on
    begun: Path | None = None  # the folder of the run that this month has led to already


def decide(asked: RetrainRequest) -> Decision:
    """Decide from the newest month whether a model is trained again."""
    run = Run.open(Path(asked.run).expanduser())
    month = MonthStore((asked.monitoring or run.path(FOLDER)).absolute(), MONITORING).newest()
    if month is None:
        if asked.force:
            return Decision(True, ("it is forced; the model was never monitored",), None)
        raise InputError(
            "the model was never monitored: nothing says whether it should be trained again",
            where=str(asked.monitoring or run.path(FOLDER)),
            fix=f"riskml monitor {run.folder} --data FILE, or --force",
        )
    step = month.state["next_step"]
    said = f"monitored as of {month.as_of}, the next step is {step}"
    reasons = [one["what"] for one in month.state["findings"] if one["next_step"] == step and step != "none"]
    begun = None if asked.force else _begun(month)
    if step in _STEPS:
        return Decision(True, (said, *reasons), month, begun)
    if asked.force:
        return Decision(True, (f"it is forced: {said}", *reasons), month, begun)
    if step == "repair":
        said += ": a model is not fitted to data that are damaged"
    return Decision(False, (said, *reasons), month)


def retrain(
    asked: RetrainRequest, decision: Decision, *, at: dt.datetime, begun: Callable[[Run], Listener] | None = None
) -> Run | None:
    """Train again where the decision says so; the gate judges the new model, which is registered as challenger.

    A retraining that was stopped goes on where it was; one that is done is not done twice for the same month.

    Parameters
    ----------
    decision : Decision
        Of `decide`.
    at : datetime
        Names the table that is put together.
    begun : callable, optional
        Is handed the run before it is executed, and returns who listens to its progress.

    Returns
    -------
    Run or None
        None where nothing is to be done.

    Raises
    ------
    InputError
        When the data are wrong; nothing is started then.
    RunError
        When a stage fails.
    """
    if not decision.needed:
        return None
    if decision.begun is not None:
        run = Run.open(decision.begun)
    else:
        earlier = Run.open(Path(asked.run).expanduser())
        run = begin_again(earlier, source=_table(earlier, asked, at), overrides=_overrides(earlier, asked))
        month = decision.month
        day = "" if month is None else f", monitored as of {month.as_of}"
        run.update(retrained_from=f"{earlier.folder.name}{day}: {decision.why[0]}")
        if month is not None:
            write_json(month.folder / RECORD, {"run": str(run.folder), "why": list(decision.why)})
    listen = begun(run) if begun is not None else None
    return execute(run, progress=listen) if listen is not None else execute(run)


def _begun(month: StoredMonth) -> Path | None:
    file = month.folder / RECORD
    if not file.is_file():
        return None
    folder = Path(read_json(file)["run"])
    return folder if (folder / "run.json").is_file() else None


def _table(run: Run, asked: RetrainRequest, at: dt.datetime) -> Path | None:
    """Return the file to learn from; one that is put together lies beside the runs, by the name of the first table."""
    experiment = run.experiment
    if experiment.panel is not None:
        if asked.data is not None or not any(one.startswith("panel.") for one in asked.overrides):
            raise InputError(
                "the experiment is on dated records: it has its own tables, and is trained again on later dates",
                where="--data" if asked.data is not None else "-p",
                fix="as -p 'panel.as_of=[2024-01-01, 2024-04-01]' -p split.from_date=2024-04-01",
            )
        return None
    if asked.data is None:
        raise InputError(
            "a model is trained again on new rows, and none are named",
            where="--data",
            fix="name a table with outcomes: --data FILE",
        )
    if not asked.extend and asked.outcomes is None:
        return asked.data
    table = _labelled(read_table(asked.data), run, asked)
    if asked.extend:
        table = _extended(read_table(experiment.data.source), table, experiment.data.id, experiment.data.date)
    stem = Path(experiment.data.source).stem
    file = run.folder.parent / "data" / f"{at:%Y%m%d-%H%M%S}" / f"{stem}.parquet"
    with replacing(file) as temporary:
        table.to_parquet(temporary, index=False)
    return file


def _labelled(frame: pd.DataFrame, run: Run, asked: RetrainRequest) -> pd.DataFrame:
    """Return the rows whose outcome is known, with it."""
    experiment = run.experiment
    key, target = experiment.data.id, experiment.data.target
    if asked.outcomes is not None:
        said = read_table(asked.outcomes)
        # Its checks: a key, columns, one outcome each, customers in common.
        snapshot_of(frame, experiment, outcomes=said, source=str(asked.data), outcomes_source=str(asked.outcomes))
        known = pd.Series(said[target].to_numpy(), index=pd.Index(levels(said[key]), dtype=object))
        known = known[~known.index.duplicated()]
        frame = frame.assign(**{target: known.reindex(levels(frame[key])).to_numpy()})
    if target not in frame.columns:
        raise InputError(
            f"the data have no column {target!r}: nothing can be learnt without outcomes",
            where=str(asked.data),
            fix="add it, or hand in --outcomes",
        )
    return frame[~blank(frame[target])]


def _extended(before: pd.DataFrame, new: pd.DataFrame, key: str | None, date: str | None) -> pd.DataFrame:
    absent = [name for name in before.columns if name not in new.columns]
    if absent:
        raise InputError(
            f"the new rows lack columns of the table they are added to: {', '.join(map(repr, absent[:10]))}",
            where="--data",
            fix="add the columns (cells may be empty), or leave --extend out",
        )
    whole = pd.concat([before, new[list(before.columns)]], ignore_index=True)
    if key is None:
        return whole
    keys = pd.DataFrame({"key": levels(whole[key])})
    if date is not None and whole[key].duplicated().any() and before[key].duplicated().any():
        keys["date"] = as_of_dates(whole[date])
    return whole[~keys.duplicated(keep="last").to_numpy()].reset_index(drop=True)


def _overrides(run: Run, asked: RetrainRequest) -> list[str]:
    """Return what is overruled: rows set aside by date begin later by as much as the data end later."""
    said = list(asked.overrides)
    experiment = run.experiment
    begins = experiment.split.from_date
    told = any(one.startswith("split.") for one in said)
    if experiment.panel is not None or begins is None or told or asked.data is None:
        return said
    dates = run.features().date
    frame = read_table(asked.data)
    if dates is None or experiment.data.date not in frame.columns:
        return said
    later = as_of_dates(frame[experiment.data.date]).max() - dates.max()
    if later > pd.Timedelta(0):
        said.append(f"split.from_date={(pd.Timestamp(begins) + later).date()}")
    return said
