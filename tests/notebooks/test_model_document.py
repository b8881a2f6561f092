"""Notebook 3 is a model document: every part that a validator looks for, and its evidence as files."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd

from riskml.runs.run import Run

FOLDER = Path(__file__).parents[2] / "notebooks"
PARTS = (
    "Purpose and use",
    "Data and its limits",
    "Method, and why",
    "Assumptions",
    "Development results",
    "Independent validation",
    "Outcomes analysis",
    "Monitoring plan and triggers",
    "Limits of use",
    "Ownership and change log",
)
EVIDENCE = "tests explanation profiles monotone reasons characteristics stability fairness findings comparison drivers"


def test_the_parts_of_a_model_document_are_there_in_their_order() -> None:
    notebook = nbformat.read(FOLDER / "3_validation.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    heads = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert heads == [f"{number} · {part}" for number, part in enumerate(PARTS, start=1)]


def test_the_evidence_is_kept_as_tables(quick_run: Run) -> None:
    assert all(len(quick_run.read_csv(f"{name}.csv").columns) for name in EVIDENCE.split())


def test_the_figures_are_kept_for_machines(quick_run: Run) -> None:
    said = quick_run.read_json("validation.json")
    assert said["metrics"]["h_measure"]["low"] < said["metrics"]["h_measure"]["high"]
    assert said["maximum_profit"]["prior"]
    assert said["hosmer_lemeshow"]["df"] > 0
    assert set(said["findings"]) == {"act", "watch", "note"}
    assert (said["profit"] is None) == (quick_run.experiment.costs is None)


def test_a_quick_look_must_not_be_decided_on(quick_run: Run) -> None:
    found: pd.DataFrame = quick_run.read_csv("findings.csv")
    assert "do not make decisions based on this run" in " ".join(found.loc[found["severity"] == "act", "finding"])
