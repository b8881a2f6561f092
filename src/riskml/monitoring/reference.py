"""Monitoring reference: a run's training rows, its model, and the performance on the test set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from riskml.config.experiment import Experiment, TierConfig
from riskml.errors import InputError
from riskml.monitoring.estimated_performance import Estimate, EstimatedPerformance, estimated_performance
from riskml.runs.model_loading import load_model
from riskml.runs.run import Run
from riskml.runtime.package import Artifact
from riskml.schema import Schema
from riskml.validation.performance import Performance


@dataclass(frozen=True)
class HoldoutSample:
    """Performance of the model on the hold-out rows."""

    part: str  # "test" or "oot"
    rows: int
    events: int
    auc: Estimate  # realised, with intervals
    observed_expected: Estimate
    # performance estimated from the scores alone, which the realised one checks
    estimated: EstimatedPerformance


@dataclass(frozen=True)
class Reference:
    """Training rows of a run, its model, and the performance on the hold-out rows.

    Parameters
    ----------
    schema : Schema
        All features; the model may use fewer.
    X : DataFrame of shape (n, p)
        The training rows.
    scores : DataFrame of shape (n, 3)
        ``probability`` (out of fold), ``fitted`` (of the final model) and ``tier`` of the training rows.
    """

    experiment: Experiment
    model: Artifact
    schema: Schema
    X: pd.DataFrame
    y: pd.Series
    scores: pd.DataFrame
    holdout: HoldoutSample

    @cached_property
    def used(self) -> frozenset[str]:
        """The columns that the model uses."""
        return frozenset(self.model.model.kinds)

    @property
    def tiers(self) -> tuple[TierConfig, ...]:
        """The safest first."""
        return self.experiment.tiers


def reference_of(run: Run, experiment: Experiment | None = None) -> Reference:
    """Read the monitoring reference of a run.

    Parameters
    ----------
    run : Run
        With a model: its second stage is finished.
    experiment : Experiment, optional
        The run's own with other monitoring limits.

    Raises
    ------
    InputError
        When the run has no model yet.
    """
    if run.lacking("2_models"):
        raise InputError("the run has no model yet", where=str(run.folder), fix=f"riskml run … --resume {run.folder}")
    experiment = experiment or run.experiment
    features, predicted = run.features().rows("train"), run.read_parquet("predictions.parquet")
    training, model = predicted[predicted["_part"] == "train"], load_model(run.folder)
    fitted = model.score(features.X)["probability"].to_numpy()
    return Reference(
        experiment=experiment,
        model=model,
        schema=run.schema(),
        X=features.X,
        y=features.y,
        scores=training[["probability", "tier"]].assign(fitted=fitted),
        holdout=_holdout_sample(predicted[predicted["_part"] != "train"], experiment.monitoring.level),
    )


def _holdout_sample(rows: pd.DataFrame, level: float) -> HoldoutSample:
    y, p = rows["_target"], rows["probability"]
    performance = Performance(y, p, rows["tier"], level)
    return HoldoutSample(
        part=str(rows["_part"].iloc[0]),
        rows=len(rows),
        events=int(y.sum()),
        auc=Estimate.of_auc(performance.auc),
        observed_expected=Estimate.of_ratio(performance.observed_expected),
        estimated=estimated_performance(p.to_numpy(), level=level),
    )
