"""Columns that no model needs to see, and that the validation looks at: protected groups, and amounts of money."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.key_columns import customers, refuse_unknown
from riskml.errors import DataError
from riskml.runtime.frame import levels, numeric


def beside(frame: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Return the columns of a table that the experiment names for its validation alone.

    Examples
    --------
    >>> said = {"source": "x.csv", "target": "bad"}
    >>> asked = {"name": "a", "title": "?", "task": "default", "data": said, "fairness": {"columns": ["sex"]}}
    >>> beside(pd.DataFrame({"sex": ["f", "m"], "bad": [0, 1]}), Experiment.model_validate(asked))["sex"].tolist()
    ['f', 'm']
    """
    refuse_unknown(frame.columns, _named(experiment))
    columns = frame.set_axis(pd.Index([str(name) for name in frame.columns], dtype=object), axis=1)
    # Not a range: Parquet would forget the rows of a table without a column.
    index = pd.Index(np.arange(len(frame))) if experiment.data.id is None else customers(columns[experiment.data.id])
    found: dict[str, object] = {name: _plain(columns[name], experiment) for name in experiment.fairness.columns}
    exposure = exposure_column(experiment)
    if exposure is not None:
        found[exposure] = _amounts(columns[exposure])
    return pd.DataFrame(found, index=index)


def exposure_column(experiment: Experiment) -> str | None:
    """Return the column that holds the exposure, if the experiment names one."""
    said = experiment.costs.exposure if experiment.costs is not None else None
    return said if isinstance(said, str) else None


def _named(experiment: Experiment) -> Iterator[tuple[str, str | None]]:
    yield from (("fairness.columns", name) for name in experiment.fairness.columns)
    yield "costs.exposure", exposure_column(experiment)


def _plain(column: pd.Series, experiment: Experiment) -> object:
    said = experiment.data.columns.get(str(column.name))
    if (said is None or said.kind != "categorical") and pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return levels(column)


def _amounts(column: pd.Series) -> object:
    try:
        amounts = numeric(column)
    except ValueError as error:
        raise DataError(str(error), where="costs.exposure", fix="name a column of amounts") from None
    wrong = ~(amounts >= 0)
    if wrong.any():
        raise DataError(
            f"the exposure is missing or below 0 in {int(wrong.sum())} rows",
            where=f"costs.exposure, column {column.name!r}",
            fix="fill in the amounts, or give one number for all",
        )
    return amounts
