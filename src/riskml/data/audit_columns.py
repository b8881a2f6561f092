"""Audit columns: protected groups and exposure, used by the validation and never seen by models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.data.key_columns import customers, refuse_unknown
from riskml.errors import DataError
from riskml.runtime.frame import levels, numeric


def audit_columns(frame: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Return the columns of a table that the experiment names for its validation only.

    Examples
    --------
    >>> data = {"source": "x.csv", "target": "bad"}
    >>> spec = {"name": "a", "title": "?", "task": "default", "data": data, "fairness": {"columns": ["sex"]}}
    >>> frame = pd.DataFrame({"sex": ["f", "m"], "bad": [0, 1]})
    >>> audit_columns(frame, Experiment.model_validate(spec))["sex"].tolist()
    ['f', 'm']
    """
    protected, exposure = experiment.fairness.columns, exposure_column(experiment)
    refuse_unknown(frame.columns, [*(("fairness.columns", name) for name in protected), ("costs.exposure", exposure)])
    columns = frame.set_axis(pd.Index([str(name) for name in frame.columns], dtype=object), axis=1)
    # Not a range: Parquet would forget the rows of a table without columns.
    index = pd.Index(np.arange(len(frame))) if experiment.data.id is None else customers(columns[experiment.data.id])
    audit: dict[str, object] = {name: _numbers_or_levels(columns[name], experiment) for name in protected}
    if exposure is not None:
        audit[exposure] = _amounts(columns[exposure])
    return pd.DataFrame(audit, index=index)


def exposure_column(experiment: Experiment) -> str | None:
    """Return the column that holds the exposure, if the experiment names one."""
    exposure = experiment.costs.exposure if experiment.costs is not None else None
    return exposure if isinstance(exposure, str) else None


def _numbers_or_levels(column: pd.Series, experiment: Experiment) -> object:
    config = experiment.data.columns.get(str(column.name))
    if (config is None or config.kind != "categorical") and pd.api.types.is_numeric_dtype(column.dtype):
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
            fix="fill in the amounts, or set one number for all customers",
        )
    return amounts
