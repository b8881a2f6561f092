"""Test-set rows of a run, and row names that identify them in another run's table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskml.config.experiment import Experiment
from riskml.data.dataset import Dataset
from riskml.data.key_columns import customers
from riskml.data.sources.digest import data_digest
from riskml.errors import DataError, InputError
from riskml.features.training_table import experiment_panel, experiment_table
from riskml.gate.verdict import Evidence
from riskml.runs.run import Run
from riskml.runtime.frame import levels
from riskml.runtime.package import Artifact

ENOUGH = 20_000
"""Training rows that show how a model spreads its scores."""


@dataclass(frozen=True)
class RowNames:
    """Some rows, by names that do not tell who the customers are."""

    named_by: str  # the columns that name a row: customer and as-of date; "" where rows go by their number
    data_digest: str  # of the table
    keys: NDArray[np.uint64]  # A hash of each row's name

    def among(self, others: RowNames) -> NDArray[np.bool_] | None:
        """Return which of these rows are among others, shape (n,); None where they are named differently."""
        same = self.named_by == others.named_by
        if not same or (not self.named_by and self.data_digest != others.data_digest):
            return None
        return np.isin(self.keys, others.keys)


def row_names(run: Run, features: Dataset) -> RowNames:
    """Return the names of a run's rows."""
    data = run.experiment.data
    names = levels(pd.Series(features.X.index.to_numpy()))
    if features.date is not None:
        # A customer seen again at a later date is another observation.
        days = features.date.dt.strftime("%Y-%m-%d").to_numpy()
        names = np.array([f"{name} {day}" for name, day in zip(names, days, strict=True)], dtype=object)
    hashes = b"".join(hashlib.blake2b(str(name).encode(errors="replace"), digest_size=8).digest() for name in names)
    named_by = "" if data.id is None else ", ".join(filter(None, [data.id, data.date]))
    return RowNames(named_by, str(run.state["data_digest"]), np.frombuffer(hashes, dtype="<u8").astype(np.uint64))


def evidence_of(run: Run) -> Evidence:
    """Return a run's test set with the probabilities of its chosen model."""
    experiment, state = run.experiment, run.state
    predicted, features = run.read_parquet("predictions.parquet"), run.features()
    holdout = predicted["_part"] != "train"
    columns, unread = {}, {}
    for column, values in _protected(run, predicted.index[holdout]):
        if isinstance(values, str):
            unread[column] = values
        else:
            columns[column] = values
    return Evidence(
        y=predicted.loc[holdout, "_target"],
        probability=predicted.loc[holdout, "probability"],
        development=predicted.loc[~holdout, "probability"],
        fitted=Artifact.load(run.path("models", run.champion)).score(_some(features.rows("train").X))["probability"],
        tiers=experiment.tiers,
        groups=pd.DataFrame(columns, index=predicted.index[holdout]),
        unread=unread,
        directions=experiment.data.monotone(),
        **({"violations": run.read_csv("monotone.csv")} if run.path("monotone.csv").is_file() else {}),
        seed=experiment.split.seed,
        by_hand=state["by_hand"],
    )


def protected_columns(experiment: Experiment) -> Sequence[str]:
    """Return the columns whose groups the gate looks at: its own, and those of an experiment's part ``fairness``."""
    columns: Sequence[str] = experiment.fairness.columns
    return tuple(dict.fromkeys([*experiment.gate.protected, *columns]))


def table_rows(run: Run, index: pd.Index[Any]) -> pd.DataFrame:
    """Return some of a run's rows as its table has them, with the columns that no model may see."""
    data = run.experiment.data
    table = experiment_table(run.experiment, experiment_panel(run.experiment, run.panel))
    if data_digest(table) != run.state["data_digest"]:
        raise DataError("the table has changed since the run", where=data.source)
    if data.id is not None:
        table = table.set_axis(customers(table[data.id]), axis=0)
    return table.loc[index]


def _some(X: pd.DataFrame) -> pd.DataFrame:
    return X.iloc[np.unique(np.linspace(0, len(X) - 1, min(len(X), ENOUGH)).astype(int))]


def _protected(run: Run, index: pd.Index[Any]) -> Iterator[tuple[str, pd.Series | str]]:
    """Yield each protected column's values, or why they cannot be read."""
    columns = protected_columns(run.experiment)
    if not columns:
        return
    try:
        table = table_rows(run, index)
    except InputError as error:
        yield from ((column, error.what) for column in columns)
    else:
        yield from ((column, table.get(column, "the table has no such column")) for column in columns)
