"""Items to track of a run, stage by stage: plain records read from the run's folder, independent of MLflow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.metrics import delong, ece
from riskml.runs.run import Run
from riskml.tracking.descriptions import family_note, note

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
class TableFile:
    """A table that is no file of the run's folder, and the artifact that it becomes, as Parquet."""

    frame: pd.DataFrame
    path: str


@dataclass(frozen=True)
class Note:
    """What a reviewer reads first, in Markdown, of the run or of one of its families."""

    text: str
    family: str | None = None


@dataclass(frozen=True)
class Candidate:
    """The run's chosen model, for the registry; ``run`` is the run's folder and the digest of its settings."""

    name: str
    family: str
    auc_cv: float
    data_digest: str
    run: str


Item = Params | Tags | Metrics | Rows | ArtifactFile | TableFile | ModelFiles | Note | Candidate


def beginning(run: Run) -> Iterator[Item]:
    """Yield the settings of a run, before its first stage."""
    yield Params(_settings(run.experiment))
    yield Tags(_common_tags(run) | {"riskml.kind": "run", "riskml.by_hand": str(run.state["by_hand"]).lower()})
    if run.state.get("retrained_from"):
        yield Tags({"riskml.retrained_from": run.state["retrained_from"]})
    yield ArtifactFile(run.path("experiment.yaml"))
    yield Note(note(run))


def of_stage(run: Run, stage: str, *, failed: bool = False) -> Iterator[Item]:
    """Yield the results of a stage; of one that failed, its files as far as they exist, and the reason."""
    special = {"1_features": _data, "2_models": _families, "3_validation": _validation, "4_export": _export}
    if stage in special and not failed:
        yield from special[stage](run)
    yield from _files(run, stage)
    yield Note(note(run))


def ending(run: Run, status: str) -> Iterator[Item]:
    """Yield the status and the report of a run that has ended."""
    yield Tags({"status": status.lower()})
    if run.path("report.html").is_file():
        yield ArtifactFile(run.path("report.html"))
        yield Note(note(run))  # which names the report now


def registered_name(experiment: Experiment) -> str:
    """Return the name in the registry of an experiment's models."""
    return f"riskml_{experiment.name}"


def _settings(experiment: Experiment) -> dict[str, str]:
    settings = experiment.model_dump(mode="json")
    parts = {key: value for key, value in settings.items() if key in {"split", "models", "export"}}
    parts["data"] = {key: settings["data"][key] for key in ("source", "target", "event", "id", "date", "unseen")}
    return {f"{part}.{key}": _param_text(value) for part, keys in parts.items() for key, value in keys.items()}


def _param_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _data(run: Run) -> Iterator[Item]:
    card = run.read_json("data.json")
    yield Tags({"riskml.data_digest": card["digest"]})
    features = run.features()
    target = run.experiment.data.target
    for part in features.part.unique():
        rows = features.rows(str(part))
        yield Rows(str(part), _CONTEXT[str(part)], card["source"], rows.X.assign(**{target: rows.y}), target)


def _families(run: Run) -> Iterator[Item]:
    board = run.leaderboard()
    trials = run.read_csv("search.csv")
    features = run.features()
    predicted = run.read_parquet("predictions.parquet")
    example = features.rows("train").X.head(5)
    yield TableFile(for_review(predicted), "tables/predictions.parquet")
    for row in board.to_dict(orient="records"):
        family, chosen = str(row["family"]), bool(row["chosen"])
        params, figures = _best_params(trials, run.fit, family), _holdout_metrics(row, predicted, features.holdout_part)
        tags = {"riskml.kind": "family", "family": family, "champion": str(chosen).lower()}
        yield Tags(_common_tags(run) | tags, family)
        yield Params(params, family)
        yield ModelFiles(family, run.path("models", family), example)
        yield Metrics({"cv.auc_mean": row["auc_cv"], "cv.auc_se": row["auc_cv_se"]}, family, "train")
        yield Metrics(figures, family, features.holdout_part)
        yield Note(family_note(run, row, params, figures), family)
        if chosen:
            # The UI shows figures in the order they come: what decides, what judges, then all else.
            yield Tags({"family": family, "champion": family})
            yield Metrics({"cv.auc_mean": row["auc_cv"], "cv.auc_se": row["auc_cv_se"]} | figures)
            card = run.read_json("data.json")
            nested = {"cv.auc_nested": run.fit["nested_auc"]} if "nested_auc" in run.fit else {}
            yield Metrics(nested | {"data.rows": card["rows"], "data.event_rate": card["event_rate"]})


def for_review(predicted: pd.DataFrame) -> pd.DataFrame:
    """Return what others need of a run's predictions to compare it with another run."""
    named = predicted.index.astype(str).to_series().where((predicted["_part"] != "train").to_numpy(), None)
    frame = predicted[["_part", "_target", "probability", "tier"]]
    return frame.set_axis(pd.Index(named.to_numpy(), dtype=object, name="customer"))


def _common_tags(run: Run) -> dict[str, str]:
    """Return what every record of a run is found by, its families' as well."""
    state = run.state
    tags = {
        "task": state["task"],
        "riskml.experiment": state["experiment"],
        "riskml.config_digest": state["config_digest"],
        "riskml.version": state["riskml"],
        "riskml.run": run.folder.name,
    }
    if state["data_digest"]:
        tags["riskml.data_digest"] = state["data_digest"]
    return tags | ({"riskml.sample": str(state["sample"])} if state["sample"] else {})


def _best_params(trials: pd.DataFrame, fit: Mapping[str, Any], family: str) -> dict[str, str]:
    """Return the settings of a family's best trial, and how many it averages; of a blend, its weights."""
    if family == "blend":
        return {f"weight.{name}": f"{weight:.4f}" for name, weight in fit.get("weights", {}).items()}
    own = trials[trials["family"] == family].dropna(subset="auc_cv")
    if own.empty:
        return {}
    best = own.sort_values("auc_cv", ascending=False, kind="stable").iloc[0]
    averaged = len(fit.get("settings", {}).get(family, ()))
    params = {"trials": str(len(own))} | ({"settings_averaged": str(averaged)} if averaged > 1 else {})
    return {key: _param_text(value) for key, value in json.loads(best["params"]).items()} | params


def _holdout_metrics(row: Mapping[Any, Any], predicted: pd.DataFrame, part: str) -> dict[str, float]:
    """Return a family's metrics on the test set, the AUC with its 95 % interval."""
    rows = predicted[predicted["_part"] != "train"]
    area = delong(rows["_target"], rows[row["family"]])
    names = ("ks", "gini", "brier", "logloss")
    figures = {"auc": float(row["auc_test"]), "auc_low": area.lower, "auc_high": area.upper}
    figures |= {name: float(row[f"{name}_test"]) for name in names if f"{name}_test" in row}
    figures["ece"] = ece(rows["_target"], rows[row["family"]])
    return {f"{_prefix(part)}.{name}": value for name, value in figures.items()}


def _prefix(part: str) -> str:
    # The leaderboard's columns keep their names; here rows drawn at random must not pass for those of a later period.
    return "oot" if part == "oot" else "test"


def _validation(run: Run) -> Iterator[Item]:
    measures = run.read_json("validation.json")
    prefix = _prefix(measures["part"])
    for name, value in measures["metrics"].items():
        bounds = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
        yield Metrics({f"{prefix}.{key}": value[b] for b, key in bounds.items() if value.get(b) is not None})
    if measures.get("psi", {}).get("value") is not None:
        yield Metrics({f"{prefix}.psi": measures["psi"]["value"]})


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
    files = [(run.path(f"{stage}.ipynb"), "notebooks"), (run.path(f"{stage}.html"), "notebooks")]
    files += [(run.path(name), "tables") for name in _TABLES[stage]]
    files += [(path, "figures") for path in sorted(run.path("figures").glob("*.png"))]
    yield from (ArtifactFile(path, folder) for path, folder in files if path.is_file())
