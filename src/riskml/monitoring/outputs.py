"""Files of a monitored month: state, tables, customers and page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from riskml import __version__
from riskml.monitoring.findings import Finding, next_step
from riskml.monitoring.html import column_moves, write_page
from riskml.monitoring.month import MonthReport
from riskml.monitoring.reference import Reference
from riskml.runs.run import Run
from riskml.runtime.batch import harmless

PAGE = "report.html"


def state_of(run: Run, reference: Reference, month: MonthReport, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the content of ``monitoring.json``."""
    model = reference.model
    return {
        "as_of": str(month.as_of),
        "experiment": run.experiment.name,
        "run": run.folder.name,
        "model": {"name": model.name, "version": model.version, "family": model.family},
        "source": month.source,
        "rows": month.rows,
        "named": month.named,
        "known": 0 if month.scored is None or month.scored.realised is None else month.scored.realised.rows,
        "scored": month.scored is not None,
        "next_step": next_step(findings),
        "findings": [one.to_dict() for one in findings],
        "behaviour_absent": dict(month.behaviour.absent),
        "metrics": month.metrics(),
        "limits": reference.experiment.monitoring.model_dump(mode="json"),
        "riskml": __version__,
        "mlflow_run_id": None,
        "mlflow_trouble": None,
    }


def write_files(
    folder: Path, month: MonthReport, findings: Sequence[Finding], reference: Reference, metrics: pd.DataFrame
) -> None:
    """Write a month's tables, its customers and its page into a folder."""
    tables = {
        "findings": pd.DataFrame([one.to_dict() for one in findings]),
        "columns": month.columns.assign(in_words=column_moves(month)),
        "quality": month.quality,
        "behaviour": month.behaviour.summary,
        "history": metrics.reset_index(),
    }
    scored = month.scored
    if scored is not None:
        tables |= {"tiers": scored.moves.shares, "segments": scored.segments, "score_bins": scored.shift.bins}
        if scored.moves.matrix is not None:
            tables["migration"] = scored.moves.matrix.reset_index()
        if scored.realised is not None:
            tables |= {"calibration": scored.realised.by_tier, "periods": scored.realised.by_period}
        customers = scored.scores.copy()
        for name, values in month.behaviour.customers.items():
            customers[str(name)] = values.to_numpy()
        customers.to_parquet(folder / "customers.parquet")
    for name, table in tables.items():
        harmless(table).to_csv(folder / f"{name}.csv", index=False)
    write_page(folder / PAGE, month, findings, reference, metrics)
