"""What of a run is tracked, stage by stage: plain items, read from the run's folder. Nothing here knows MLflow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config import Experiment
from riskml.run import Run

_CONTEXT = {"train": "training", "test": "validation", "oot": "out_of_time"}
_TABLES = {
    "1_features": ("data.json", "profile.csv", "notes.csv"),
    "2_models": ("leaderboard.csv", "search.csv", "fit.json"),
    "3_validation": (
        "validation.json",
        "comparison.csv",
        "drivers.csv",
        "tests.csv",
        "explanation.csv",
        "profiles.csv",
        "monotone.csv",
        "reasons.csv",
        "learning.csv",
        "characteristics.csv",
        "stability.csv",
        "fairness.csv",
        "profit.csv",
        "findings.csv",
    ),
    "4_export": ("export.json",),
    "5_prediction": ("high_risk.csv",),
}


@dataclass(frozen=True)
class Params:
    """Settings, of the run or of one of its families."""

    values: Mapping[str, str]
    family: str | None = None


@dataclass(frozen=True)
class Tags:
    """Words to find the run by."""

    values: Mapping[str, str]
    family: str | None = None


@dataclass(frozen=True)
class Metrics:
    """Figures, of the run or of one of its families; ``part`` names the rows they were measured on."""

    values: Mapping[str, float]
    family: str | None = None
    part: str | None = None


@dataclass(frozen=True)
class Rows:
    """A part of the data, as an input of the run."""

    part: str
    context: str
    source: str
    frame: pd.DataFrame
    target: str


@dataclass(frozen=True)
class ArtifactFile:
    """A file of the run's folder, and the artifact folder it goes to ("" for the top)."""

    path: Path
    folder: str = ""


@dataclass(frozen=True)
class ModelFiles:
    """A family's model: its artifact folder, and rows to show what goes in."""

    family: str
    folder: Path
    example: pd.DataFrame


@dataclass(frozen=True)
class Note:
    """What a reviewer reads first, in Markdown."""

    text: str


@dataclass(frozen=True)
class Candidate:
    """The run's chosen model, for the registry; ``run`` is the run's folder and the digest of its settings."""

    name: str
    family: str
    auc_cv: float
    data_digest: str
    run: str


Item = Params | Tags | Metrics | Rows | ArtifactFile | ModelFiles | Note | Candidate


def beginning(run: Run) -> Iterator[Item]:
    """Yield what is known before the first stage.

    Parameters
    ----------
    run : Run

    Yields
    ------
    Item
    """
    state = run.state
    yield Params(_settings(run.experiment))
    tags = {
        "task": state["task"],
        "riskml.experiment": state["experiment"],
        "riskml.config_digest": state["config_digest"],
        "riskml.version": state["riskml"],
        "riskml.run": run.folder.name,
        "riskml.by_hand": str(state["by_hand"]).lower(),
    }
    yield Tags(tags | ({"riskml.sample": str(state["sample"])} if state["sample"] else {}))
    yield ArtifactFile(run.path("experiment.yaml"))
    yield Note(note(run))


def of_stage(run: Run, stage: str) -> Iterator[Item]:
    """Yield what a finished stage has brought.

    Parameters
    ----------
    run : Run
    stage : str

    Yields
    ------
    Item
        Only of files that are there.
    """
    special = {"1_features": _data, "2_models": _families, "3_validation": _validation, "4_export": _export}
    if stage in special:
        yield from special[stage](run)
    yield from _files(run, stage)
    yield Note(note(run))


def of_failure(run: Run, stage: str) -> Iterator[Item]:
    """Yield what is left of a stage that failed: its files as far as they are there, and why it failed.

    Parameters
    ----------
    run : Run
    stage : str

    Yields
    ------
    Item
    """
    yield from _files(run, stage)
    yield Note(note(run))


def ending(run: Run, status: str) -> Iterator[Item]:
    """Yield what is known when a run has ended.

    Parameters
    ----------
    run : Run
    status : str
        FINISHED, FAILED or KILLED.

    Yields
    ------
    Item
    """
    yield Tags({"status": status.lower()})
    if run.path("report.html").is_file():
        yield ArtifactFile(run.path("report.html"))


def registered_name(experiment: Experiment) -> str:
    """Return the name in the registry of an experiment's models."""
    return f"riskml_{experiment.name}"


def note(run: Run) -> str:
    """Return a run's description in Markdown: the question, the families compared, and how one was chosen."""
    state = run.state
    lines = [f"**{_escaped(run.experiment.title)}**", ""]
    if state["sample"]:
        lines += [f"A quick look at {state['sample']} rows: its figures say little.", ""]
    if state.get("error"):
        lines += ["It failed:", "", *(f"    {line}" for line in state["error"].splitlines()), ""]
    board = state["leaderboard"]
    if board:
        lines += ["| family | AUC, cross-validated | ± | AUC, rows set aside | columns |", "|---|---|---|---|---|"]
        for row in board:
            name = f"**{row['family']}**" if row["chosen"] else row["family"]
            lines.append(
                f"| {name} | {row['auc_cv']:.4f} | {row['auc_cv_se']:.4f} | {row['auc_test']:.4f} | {row['columns']} |"
            )
        lines += ["", reason_of_choice(run.experiment, pd.DataFrame(board))]
    return "\n".join(lines)


def reason_of_choice(experiment: Experiment, board: pd.DataFrame) -> str:
    """Return a sentence that says why the champion is the champion.

    Parameters
    ----------
    experiment : Experiment
    board : DataFrame
        The leaderboard.
    """
    chosen = board.loc[board["chosen"].astype(bool)].iloc[0]
    best = board.sort_values("auc_cv", ascending=False, kind="stable").iloc[0]
    rules = {
        "best": f"{chosen['family']} was chosen: it has the highest cross-validated AUC.",
        "one_se": f"{chosen['family']} was chosen: it is the simplest family whose cross-validated AUC is within one "
        f"standard error of the highest ({best['auc_cv']:.4f} ± {best['auc_cv_se']:.4f}, {best['family']}).",
        "interpretable": f"{chosen['family']} was chosen: of the families that can be read on paper it has the highest "
        f"cross-validated AUC (the highest of all is {best['auc_cv']:.4f}, {best['family']}).",
    }
    return rules[experiment.models.select]


def _settings(experiment: Experiment) -> dict[str, str]:
    said = experiment.model_dump(mode="json")
    kept = {key: value for key, value in said.items() if key in {"split", "models", "export"}}
    kept["data"] = {key: said["data"][key] for key in ("source", "target", "event", "id", "date", "unseen")}
    return {f"{part}.{key}": _shown(value) for part, keys in kept.items() for key, value in keys.items()}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _data(run: Run) -> Iterator[Item]:
    said = run.read_json("data.json")
    yield Tags({"riskml.data_digest": said["digest"]})
    yield Metrics({"data.rows": said["rows"], "data.event_rate": said["event_rate"]})
    features = run.features()
    target = run.experiment.data.target
    for part in features.part.unique():
        rows = features.rows(str(part))
        yield Rows(str(part), _CONTEXT[str(part)], said["source"], rows.X.assign(**{target: rows.y}), target)


def _families(run: Run) -> Iterator[Item]:
    board = run.leaderboard()
    trials = run.read_csv("search.csv")
    features = run.features()
    example = features.rows("train").X.head(5)
    for row in board.to_dict(orient="records"):
        family = str(row["family"])
        yield Tags({"family": family, "task": run.experiment.task, "chosen": str(row["chosen"]).lower()}, family)
        yield Params(_best_params(trials, family), family)
        yield ModelFiles(family, run.path("models", family), example)
        yield Metrics({"cv.auc_mean": row["auc_cv"], "cv.auc_se": row["auc_cv_se"]}, family, "train")
        yield Metrics(_on_rows_aside(row, features.aside), family, features.aside)
    chosen = board.loc[board["chosen"]].iloc[0]
    yield Tags({"family": str(chosen["family"])})
    yield Metrics({"cv.auc_mean": chosen["auc_cv"], "cv.auc_se": chosen["auc_cv_se"]})
    yield Metrics(_on_rows_aside(chosen.to_dict(), features.aside))


def _best_params(trials: pd.DataFrame, family: str) -> dict[str, str]:
    own = trials[trials["family"] == family].dropna(subset="auc_cv")
    if own.empty:
        return {}
    best = own.sort_values("auc_cv", ascending=False, kind="stable").iloc[0]
    return {key: _shown(value) for key, value in json.loads(best["params"]).items()} | {"trials": str(len(own))}


def _on_rows_aside(row: Mapping[Any, Any], aside: str) -> dict[str, float]:
    # The leaderboard's columns keep their names; here rows drawn at random must not pass for those of a later period.
    said = "oot" if aside == "oot" else "test"
    names = {f"{name}_test": f"{said}.{name}" for name in ("auc", "gini", "ks", "brier", "logloss")}
    return {name: float(row[column]) for column, name in names.items() if column in row}


def _validation(run: Run) -> Iterator[Item]:
    for name, value in run.read_json("validation.json")["metrics"].items():
        bounds = {"value": f"validation.{name}", "low": f"validation.{name}_low", "high": f"validation.{name}_high"}
        yield Metrics({key: value[bound] for bound, key in bounds.items() if value.get(bound) is not None})


def _export(run: Run) -> Iterator[Item]:
    for wheel in sorted(run.path("dist").glob("*.whl")):
        yield ArtifactFile(wheel, "dist")
    state = run.state
    # A quick look is no candidate.
    if state["champion"] and not state["sample"]:
        chosen = state["champion"]
        yield Candidate(
            registered_name(run.experiment),
            chosen["family"],
            chosen["auc_cv"],
            state["data_digest"],
            run=f"{run.folder.name} {state['config_digest']}",
        )


def _files(run: Run, stage: str) -> Iterator[Item]:
    found = [(run.path(f"{stage}.ipynb"), "notebooks"), (run.path(f"{stage}.html"), "notebooks")]
    found += [(run.path(name), "tables") for name in _TABLES[stage]]
    found += [(path, "figures") for path in sorted(run.path("figures").glob("*.png"))]
    yield from (ArtifactFile(path, folder) for path, folder in found if path.is_file())


def _escaped(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")
