"""What people see who open an experiment in MLflow: a line of explanation, and a table with the columns that matter.

MLflow's table of runs begins without a single figure. A shared view, which its UI keeps in a tag of the experiment and
opens by its key, has them: one line per run, the best first.
"""

from __future__ import annotations

import json

from riskml.display.format import markdown

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
