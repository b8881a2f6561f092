"""Retraining: the decision, from the newest month of monitoring, and the run, whose model becomes challenger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from riskml.data.dates import as_of_dates
from riskml.data.key_columns import blank
from riskml.data.sources.source import read_customers, read_table
from riskml.errors import InputError, preview
from riskml.io import read_json, replacing, write_json
from riskml.monitoring.snapshot import snapshot_of
from riskml.pipeline.monitor import FOLDER
from riskml.pipeline.stages import Listener, begin_again, execute, no_progress
from riskml.runs.months import MONITORING, MonthStore, StoredMonth
from riskml.runs.run import Run
from riskml.runtime.frame import levels

RECORD = "retrain.json"
# Recalibration is a new fit too: the gate judges nothing smaller.
_STEPS = ("retrain", "recalibrate")


@dataclass(frozen=True)
class RetrainRequest:
    """Inputs of a retraining."""

    run: str | Path  # the run whose model is monitored
    data: Path | None = None  # training table with outcomes; an experiment on dated records has its own
    outcomes: Path | None = None  # file of customer and target, where ``data`` has no outcomes
    extend: bool = False  # add ``data`` to the run's own table, where new rows replace those of the same customer
    monitoring: Path | None = None  # folder of all months; default: ``monitoring`` in the run's folder
    overrides: Sequence[str] = ()  # ``key=value`` pairs that override the run's settings
    force: bool = False  # train even if monitoring does not call for it


@dataclass(frozen=True)
class Decision:
    """Decision about a retraining."""

    needed: bool
    why: tuple[str, ...]  # reasons as sentences
    month: StoredMonth | None  # the month that the decision is based on
    begun: Path | None = None  # folder of the run that this month has already led to


def decide(request: RetrainRequest) -> Decision:
    """Decide from the newest month of monitoring whether a model is trained again."""
    run = Run.open(Path(request.run).expanduser())
    folder = request.monitoring or run.path(FOLDER)
    month = MonthStore(folder.absolute(), MONITORING).newest()
    if month is None:
        if request.force:
            return Decision(True, ("it is forced; the model was never monitored",), None)
        raise InputError(
            "the model was never monitored: nothing says whether it should be trained again",
            where=str(folder),
            fix=f"riskml monitor {run.folder} --data FILE, or --force",
        )
    step = month.state["next_step"]
    summary = f"monitored as of {month.as_of}, the next step is {step}"
    reasons = [one["what"] for one in month.state["findings"] if one["next_step"] == step and step != "none"]
    begun = None if request.force else _begun(month)
    if step in _STEPS:
        return Decision(True, (summary, *reasons), month, begun)
    if request.force:
        return Decision(True, (f"it is forced: {summary}", *reasons), month, begun)
    if step == "repair":
        summary += ": a model is not fitted to damaged data"
    return Decision(False, (summary, *reasons), month)


def retrain(
    request: RetrainRequest,
    decision: Decision,
    *,
    at: dt.datetime,
    begun: Callable[[Run], Listener] = lambda run: no_progress,
) -> Run | None:
    """Train again where the decision says so; the gate judges the new model, which is registered as challenger.

    An interrupted retraining is resumed; a finished one is not repeated for the same month.

    Parameters
    ----------
    decision : Decision
        Result of `decide`.
    at : datetime
        Names the folder of a combined table.
    begun : callable, optional
        Called with the run before it is executed; returns the listener of its progress.

    Returns
    -------
    Run or None
        None where no retraining is needed.

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
        earlier = Run.open(Path(request.run).expanduser())
        run = begin_again(earlier, source=_table(earlier, request, at), overrides=_overrides(earlier, request))
        month = decision.month
        date = "" if month is None else f", monitored as of {month.as_of}"
        run.update(retrained_from=f"{earlier.folder.name}{date}: {decision.why[0]}")
        if month is not None:
            write_json(month.folder / RECORD, {"run": str(run.folder), "why": list(decision.why)})
    return execute(run, progress=begun(run))


def _begun(month: StoredMonth) -> Path | None:
    file = month.folder / RECORD
    if not file.is_file():
        return None
    folder = Path(read_json(file)["run"])
    return folder if (folder / "run.json").is_file() else None


def _table(run: Run, request: RetrainRequest, at: dt.datetime) -> Path | None:
    """Return the training file; a combined table is written beside the runs, named as the first table."""
    experiment = run.experiment
    if experiment.panel is not None:
        if request.data is not None or not any(pair.startswith("panel.") for pair in request.overrides):
            raise InputError(
                "an experiment on dated records has its own tables: it is retrained with later as-of dates",
                where="--data" if request.data is not None else "-p",
                fix="write -p 'panel.as_of=[2024-01-01, 2024-04-01]' -p split.from_date=2024-04-01",
            )
        return None
    if request.data is None:
        raise InputError(
            "retraining needs new rows",
            where="--data",
            fix="name a table with outcomes: --data FILE",
        )
    if not request.extend and request.outcomes is None:
        return request.data
    data = experiment.data
    table = _labelled(read_customers(request.data, data), run, request)
    if request.extend:
        table = _extended(read_customers(data.source, data), table, data.id, data.date)
    stem = Path(data.source).stem
    file = run.folder.parent / "data" / f"{at:%Y%m%d-%H%M%S}" / f"{stem}.parquet"
    with replacing(file) as temporary:
        table.to_parquet(temporary, index=False)
    return file


def _labelled(frame: pd.DataFrame, run: Run, request: RetrainRequest) -> pd.DataFrame:
    """Return the rows with a known outcome."""
    experiment = run.experiment
    key, target = experiment.data.id, experiment.data.target
    if request.outcomes is not None:
        outcomes = read_table(request.outcomes)
        # This checks that the files have a key, the columns, one outcome per customer, and customers in common.
        snapshot_of(
            frame, experiment, outcomes=outcomes, source=str(request.data), outcomes_source=str(request.outcomes)
        )
        known = pd.Series(outcomes[target].to_numpy(), index=pd.Index(levels(outcomes[key]), dtype=object))
        known = known[~known.index.duplicated()]
        frame = frame.assign(**{target: known.reindex(levels(frame[key])).to_numpy()})
    if target not in frame.columns:
        raise InputError(
            f"the data have no column {target!r}: training needs outcomes",
            where=str(request.data),
            fix="add the column, or add --outcomes FILE",
        )
    return frame[~blank(frame[target])]


def _extended(before: pd.DataFrame, new: pd.DataFrame, key: str | None, date: str | None) -> pd.DataFrame:
    absent = [name for name in before.columns if name not in new.columns]
    if absent:
        raise InputError(
            f"the new rows lack columns of the run's own table: {preview(absent, 10)}",
            where="--data",
            fix="add the columns (cells may be empty), or omit --extend",
        )
    combined = pd.concat([before, new[list(before.columns)]], ignore_index=True)
    if key is None:
        return combined
    keys = pd.DataFrame({"key": levels(combined[key])})
    if date is not None and combined[key].duplicated().any() and before[key].duplicated().any():
        keys["date"] = as_of_dates(combined[date])
    return combined[~keys.duplicated(keep="last").to_numpy()].reset_index(drop=True)


def _overrides(run: Run, request: RetrainRequest) -> list[str]:
    """Return the overrides; an out-of-time sample starts later by as much as the new data end later."""
    overrides = list(request.overrides)
    experiment = run.experiment
    start = experiment.split.from_date
    overridden = any(pair.startswith("split.") for pair in overrides)
    if experiment.panel is not None or start is None or overridden or request.data is None:
        return overrides
    dates = run.features().date
    frame = read_customers(request.data, experiment.data)
    if dates is None or experiment.data.date not in frame.columns:
        return overrides
    later = as_of_dates(frame[experiment.data.date]).max() - dates.max()
    if later > pd.Timedelta(0):
        overrides.append(f"split.from_date={(pd.Timestamp(start) + later).date()}")
    return overrides
