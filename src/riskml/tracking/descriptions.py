"""Descriptions of runs and families in MLflow, in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.display.format import count, interval, markdown, number, percent
from riskml.runs.run import Run

_FIGURES = {
    "leaderboard": "the families beside one another",
    "roc": "how well the champion ranks",
    "calibration": "whether its probabilities are right",
    "tiers": "what its tiers hold",
    "drivers": "what moves its scores",
    "search": "the search, trial by trial",
    "search_settings": "which settings mattered",
    "search_seconds": "what the search cost, and what it brought",
}
_MEASURES = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier", "logloss": "log loss", "ece": "ECE"}
_PICTURES = ("leaderboard", "calibration")  # the UI shows pictures in full size
_PAGES = {"report.html": "the report, on one page", "notebooks/3_validation.html": "the validation"}


def note(run: Run) -> str:
    """Return a run's description: the champion and its figures, the families compared, and how one was chosen."""
    state = run.state
    lines = [f"**{markdown(run.experiment.title)}**", ""]
    if state["sample"]:
        lines += [f"A quick look at {state['sample']} rows: its figures say little.", ""]
    if state.get("error"):
        lines += ["It failed:", "", *(f"    {line}" for line in state["error"].splitlines()), ""]
    board = state["leaderboard"]
    if board:
        lines[:1] = [f"{_champion(run, state['champion'])} {lines[0]}"]
        lines += [reason_of_choice(run.experiment, pd.DataFrame(board)) + _of_the_choice(run), ""]
        lines += ["| family | AUC (CV) | ± | AUC (test) | columns |", "|---|---|---|---|---|"]
        for row in board:
            name = f"**{row['family']}** ★" if row["chosen"] else row["family"]
            lines.append(
                f"| {name} | {row['auc_cv']:.4f} | {row['auc_cv_se']:.4f} | {row['auc_test']:.4f} | {row['columns']} |"
            )
        lines += [f"\nLeft out: {name}: {_code(' '.join(why.split()))}" for name, why in run.left_out.items()]
        lines += ["", *_measures(run)]
    lines += _data(run) + _pictures(run)
    return "\n".join(lines).rstrip()


def family_note(run: Run, row: Mapping[Any, Any], params: Mapping[str, str], figures: Mapping[str, float]) -> str:
    """Return the description of a family: its place, its figures, its settings."""
    families = [entry["family"] for entry in run.state["leaderboard"]]
    place = f"{families.index(row['family']) + 1} of {len(families)} by cross-validated AUC"
    chosen = " **The champion.**" if row["chosen"] else ""
    lines = [f"### {row['family']}: {place}", "", f"{markdown(run.experiment.title)}{chosen}", ""]
    lines += ["| measure | value | 95 % |", "|---|---|---|"]
    lines.append(f"| AUC (CV) | {number(row['auc_cv'], 4)} | ± {number(row['auc_cv_se'], 4)} (one se) |")
    for key, value in figures.items():
        part, _, name = key.partition(".")
        if name in _MEASURES:
            between = interval(figures.get(f"{key}_low"), figures.get(f"{key}_high"), 4)
            lines.append(f"| {_MEASURES[name]}, {_sentence(part)} | {number(value, 4)} | {between} |")
    if params:
        lines += ["", "Settings: " + ", ".join(f"{_code(f'{key} = {value}')}" for key, value in params.items())]
    return "\n".join(lines)


def reason_of_choice(experiment: Experiment, board: pd.DataFrame) -> str:
    """Return a sentence that says why the champion is the champion."""
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


def _of_the_choice(run: Run) -> str:
    nested = run.fit.get("nested_auc")
    if nested is None:
        return ""
    return f" Where each fold's family is chosen by the other folds, the AUC is {number(nested, 4)}."


def _champion(run: Run, chosen: Mapping[str, Any]) -> str:
    """Return the champion in a sentence: what is seen before the description is opened."""
    area = {"value": chosen["auc_test"]}
    if run.path("validation.json").is_file():
        area = run.read_json("validation.json")["metrics"]["auc"]
    between = interval(area.get("low"), area.get("high"), 4)
    range_text = f" ({between})" if between else ""
    return f"Champion: **{chosen['family']}**, AUC **{number(area['value'], 4)}**{range_text} on unseen customers."


def _measures(run: Run) -> list[str]:
    """Return the champion's measured figures in a table, where it was validated."""
    if not run.path("validation.json").is_file():
        return []
    measures = run.read_json("validation.json")
    rows = f"{count(measures['rows'])} customers, {count(measures['events'])} events"
    # Words between two tables: the UI sets them without a gap.
    lines = [f"The champion on {_sentence(measures['part'])}: {rows}.", ""]
    lines += ["| measure | value | 95 % interval |", "|---|---|---|"]
    for name, value in measures["metrics"].items():
        title = _MEASURES.get(name, name.replace("_", " "))
        between = interval(value.get("low"), value.get("high"), 4)
        lines.append(f"| {title} | {number(value.get('value'), 4)} | {between} |")
    return [*lines, ""]


def _data(run: Run) -> list[str]:
    if not run.path("data.json").is_file():
        return []
    card = run.read_json("data.json")
    return [
        f"Data: {_code(card['title'])}, {count(card['rows'])} customers, {card['columns']} columns, "
        f"{percent(card['event_rate'])} with the event, digest {_code(card['digest'])}.",
        "",
    ]


def _pictures(run: Run) -> list[str]:
    """Return the pictures that matter most, and links to all others and to the pages."""
    there = [name for name in _FIGURES if run.path("figures", f"{name}.png").is_file()]
    lines = [
        line for name in there if name in _PICTURES for line in (f"!{_link(run, _figure(name), _FIGURES[name])}", "")
    ]
    links = [f"{_link(run, _figure(name), _FIGURES[name])}: `{_figure(name)}`" for name in there]
    pages = [(path, title) for path, title in _PAGES.items() if run.path(Path(path).name).is_file()]
    links += [f"{_link(run, path, title)}: `{path}`" for path, title in pages]
    return [*lines, "Among the artifacts:", "", *(f"- {link}" for link in links)] if links else []


def _figure(name: str) -> str:
    return f"figures/{name}.png"


def _link(run: Run, path: str, title: str) -> str:
    # Relative to where the UI is served from: the same server has the run's files.
    return f"[{title}](get-artifact?path={path}&run_uuid={run.state['mlflow_run_id']})"


def _sentence(part: str) -> str:
    return {"oot": "a later period", "test": "the test set"}.get(part, part)


def _code(text: str) -> str:
    return f"`{text.replace('`', ' ')}`"


_KEY = "riskml"
VIEW = "mlflow.sharedViewState"
# The UI has a fixed order: the attributes of a run, then figures by name, then tags, which a screen of 1,600
# pixels may not reach. The description begins with the family and what the gate said.
_COLUMNS = (
    "attributes.`Description`",
    "metrics.`cv.auc_mean`",
    *(f"metrics.`{part}.{name}`" for part in ("test", "oot") for name in ("auc", "ks", "brier", "ece")),
    "tags.`family`",
    "tags.`riskml.gate`",
)


def experiment_tags(title: str, experiment_id: str) -> dict[str, str]:
    """Return an experiment's tags: its kind, its description, and its table of runs."""
    note = (
        f"**{markdown(title)}** [Open the table of runs with the figures that matter]({page(experiment_id)}): "
        "one line per run, the best cross-validated AUC first; its description begins with the chosen family and what "
        "the gate said. "
        "Each run has its families beneath it. "
        "`riskml compare RUN RUN` tells whether a difference is more than chance."
    )
    return {
        # Without it, the UI opens an experiment on pages for language models.
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.note.content": note,
        f"{VIEW}.{_KEY}": json.dumps(_table_of_runs()),
    }


def page(experiment_id: str, run_id: str = "") -> str:
    """Return the page of an experiment's table of runs, or of a run, from the root of MLflow's UI."""
    # Without the last word, a browser that is new to the server shows the pages for language models.
    if run_id:
        return f"#/experiments/{experiment_id}/runs/{run_id}?workflowType=machine_learning"
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={_KEY}&workflowType=machine_learning"


def _table_of_runs() -> dict[str, object]:
    return {
        "searchFilter": "tags.`riskml.kind` = 'run'",
        "orderByKey": "metrics.`cv.auc_mean`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(_COLUMNS),
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "viewMaximized": True,
        "runListHidden": False,
    }
