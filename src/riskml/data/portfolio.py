"""Portfolio: a file of customers to score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from riskml.data.sources.source import read_table
from riskml.errors import InputError, did_you_mean, preview


def read_portfolio(file: str | Path, id_column: str | None) -> pd.DataFrame:
    """Read a file of customers to be scored."""
    table = read_table(str(file))
    if id_column is None:
        return table
    if id_column not in table.columns:
        raise InputError(
            f"the book has no column {id_column!r} to name its customers",
            where=str(file),
            fix=did_you_mean(id_column, table.columns) or "add the column, or leave data.id out of the experiment",
        )
    twice = table[id_column][table[id_column].duplicated()]
    if len(twice):
        raise InputError(
            f"{twice.nunique()} customers stand in the book more than once: {preview(twice.unique(), most=5)}",
            where=f"{file}, column {id_column!r}",
            fix="keep one row for each customer",
        )
    return table.set_index(id_column)
