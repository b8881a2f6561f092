"""Portfolio: customers to score, each once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from riskml.data.sources.source import read_table
from riskml.errors import DataError, did_you_mean, preview


def read_portfolio(file: str | Path, id_column: str | None) -> pd.DataFrame:
    """Read a file of customers to score, by customer ID; without an ID column, by row number."""
    table = read_table(str(file))
    if id_column is None:
        return table
    if id_column not in table.columns:
        raise DataError(
            f"the portfolio has no ID column {id_column!r}",
            where=str(file),
            fix=did_you_mean(id_column, table.columns) or "add the column, or remove data.id from the experiment",
        )
    check_unique(pd.Index(table[id_column]), f"{file}, column {id_column!r}")
    return table.set_index(id_column)


def check_unique(customers: pd.Index, where: str) -> None:
    """Refuse customers that occur more than once."""
    duplicates = customers[customers.duplicated()].unique()
    if len(duplicates):
        raise DataError(
            f"{len(duplicates)} customers occur more than once: {preview(duplicates, most=5)}",
            where=where,
            fix="keep one row for each customer, of one as-of date",
        )


def text_ids(frame: pd.DataFrame, customer: str) -> pd.Index:
    """Return the customers' IDs as text, from the index of this name or else from the column."""
    if frame.empty:
        raise DataError("the portfolio has no rows", fix="export it again, with its customers")
    if frame.index.name != customer and customer not in frame.columns:
        raise DataError(
            f"the portfolio has no ID column {customer!r}",
            fix=did_you_mean(customer, [str(name) for name in frame.columns]) or "name the column with --customer",
        )
    customers = pd.Series(frame.index if frame.index.name == customer else frame[customer].to_numpy())
    if customers.isna().any():
        raise DataError(f"{int(customers.isna().sum())} rows have no customer", where=f"column {customer!r}")
    if pd.api.types.is_float_dtype(customers.dtype) and (customers == customers.round()).all():
        customers = customers.astype(np.int64)  # an integer column with an empty cell was read as float
    ids = pd.Index(customers.astype(str), name="customer")
    check_unique(ids, f"column {customer!r}")
    return ids
