"""Results of a run, read from its folder for the report; results that do not exist yet are None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment, read_experiment
from riskml.errors import InputError
from riskml.io import read_json

_RATES = ("expected", "event_rate", "lower", "upper", "jeffreys_p")
_CSV = ("profile", "notes", "leaderboard", "comparison", "scorecard", "drivers", "findings", "high_risk")
# Columns that are always text: customer 007 is not customer 7.
_TEXT = (
    *("customer", "column", "family", "finding", "severity", "done", "tier", "treatment"),
    *("description", "suspicion", "bin"),
)


@dataclass(frozen=True)
class Results:
    """The files of a run.

    Parameters
    ----------
    run : mapping
        run.json.
    data, validation, fit, export : mapping or None
        data.json, validation.json, fit.json, export.json.
    profile, notes, leaderboard, comparison, scorecard, drivers, findings, high_risk : DataFrame or None
        The CSV files of these names.
    scored : Series or None
        Customers of the scored portfolio by tier, from scores.parquet.
    """

    folder: Path
    experiment: Experiment
    run: Mapping[str, Any]
    data: Mapping[str, Any] | None
    validation: Mapping[str, Any] | None
    fit: Mapping[str, Any] | None
    export: Mapping[str, Any] | None
    profile: pd.DataFrame | None
    notes: pd.DataFrame | None
    leaderboard: pd.DataFrame | None
    comparison: pd.DataFrame | None
    scorecard: pd.DataFrame | None
    drivers: pd.DataFrame | None
    findings: pd.DataFrame | None
    high_risk: pd.DataFrame | None
    scored: pd.Series | None

    @property
    def champion(self) -> Mapping[str, Any] | None:
        """The chosen row of the leaderboard."""
        if self.leaderboard is None:
            return None
        chosen = self.leaderboard.loc[self.leaderboard["chosen"].astype(str) == "True"]
        return {str(key): value for key, value in chosen.iloc[0].items()} if len(chosen) else None

    @property
    def parts(self) -> pd.DataFrame:
        """Rows and events of each part."""
        parts = (self.data or {}).get("parts", {})
        return pd.DataFrame(
            [{"part": part, **counts} for part, counts in parts.items()], columns=["part", "rows", "events"]
        )

    @property
    def tiers(self) -> pd.DataFrame | None:
        """The tiers on the test set, with their lower bounds and treatments."""
        rows = (self.validation or {}).get("tiers")
        if not rows:
            return None
        known = {tier.name: tier for tier in self.experiment.tiers}
        frame = pd.DataFrame(rows)
        for name in frame.columns.intersection(list(_RATES)):
            # JSON has null where a tier is empty.
            frame[name] = pd.to_numeric(frame[name])
        for name in ("from_probability", "treatment"):
            if name not in frame:
                frame[name] = [getattr(known.get(tier), name, None) for tier in frame["tier"]]
        return frame

    def stages(self) -> Sequence[Mapping[str, Any]]:
        """Name, status and seconds of each stage."""
        stages: Sequence[Mapping[str, Any]] = self.run.get("stages", [])
        return stages


def read_results(folder: Path) -> Results:
    """Read a run's folder.

    Parameters
    ----------
    folder : Path
        The folder of a run, finished or not.

    Raises
    ------
    InputError
        When the folder holds no run.
    """
    for needed in ("run.json", "experiment.yaml"):
        if not (folder / needed).is_file():
            raise InputError(
                f"not the folder of a run: it has no {needed}",
                where=str(folder),
                fix="name a folder in experiments/runs/<experiment>/",
            )
    scores = folder / "scores.parquet"
    return Results(
        folder=folder,
        experiment=read_experiment(folder / "experiment.yaml"),
        run=read_json(folder / "run.json"),
        **{name: _json(folder / f"{name}.json") for name in ("data", "validation", "fit", "export")},
        **{name: _csv(folder / f"{name}.csv") for name in _CSV},
        scored=pd.read_parquet(scores, columns=["tier"])["tier"].value_counts() if scores.is_file() else None,
    )


def _json(path: Path) -> Any:
    return read_json(path) if path.is_file() else None


def _csv(path: Path) -> Any:
    if not path.is_file():
        return None
    # A customer or a level may be named NA: only an empty cell is missing.
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(_TEXT, "object"))
