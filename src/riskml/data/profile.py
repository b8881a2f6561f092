"""Profile of a table: contents of each column, and what it is suspected to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from riskml.config.experiment import Scalar
from riskml.data.dates import date_form
from riskml.data.key_columns import blank, outcome, refuse_unknown, without_blanks
from riskml.data.leakage_hints import LEAK_AUC, identifier_reason, solo_auc, special_codes
from riskml.data.sources.number_formats import text_as_numbers
from riskml.errors import DataError
from riskml.runtime.frame import level
from riskml.schema import refuse_duplicates

COLUMNS = (
    "column", "kind", "dtype", "missing", "distinct", "min", "median", "max", "top", "top_share", "suspicion",
    "explanation",
)  # fmt: skip


def profile(frame: pd.DataFrame, target: str | None = None, event: Scalar | None = None) -> pd.DataFrame:
    """Describe every column of a table in one row.

    Parameters
    ----------
    target : str, optional
        The column of the outcome. Leaks are looked for only with it and ``event``.
    event : bool, int, float or str, optional
        The target's value for the event. Rows without an outcome are ignored.

    Returns
    -------
    DataFrame of shape (p, 12)
        column; kind ("numeric", "categorical" or "date"); dtype; missing (share of the rows); distinct (values besides
        missing); min, median, max (finite numbers only); top (the most frequent value, as text; missing when none
        occurs twice) and top_share (of the rows that have a value); suspicion (none or several of "empty", "constant",
        "date", "identifier", "infinite", "numbers as text", "mixed", "special codes", "many levels", "leak", separated
        by commas) and its explanation. See ``riskml.data.leakage_hints`` for the rules. The target is described, never
        suspected.

    Raises
    ------
    DataError, ConfigError
        When the table is empty, has no such target, or the target no such event.

    Examples
    --------
    >>> table = profile(pd.DataFrame({"age": [30, 41, None], "shop": "web"}))
    >>> table[["column", "kind", "missing", "suspicion"]].round(2).values.tolist()
    [['age', 'numeric', 0.33, ''], ['shop', 'categorical', 0.0, 'constant']]
    """
    if frame.empty:
        raise DataError("the table has no rows", fix="use a table with rows")
    frame = frame.set_axis(pd.Index([str(name) for name in frame.columns], dtype=object), axis=1).reset_index(drop=True)
    refuse_duplicates(frame.columns)
    refuse_unknown(frame.columns, [("target", target)])
    y = None
    if target is not None and event is not None:
        y = outcome(frame.loc[~blank(frame[target]), target], event)
    rows = [_row(frame[name], None if name == target else y, suspect=name != target) for name in frame.columns]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(column: pd.Series, y: pd.Series | None, *, suspect: bool) -> dict[str, Any]:
    dtype = str(column.dtype)
    column = without_blanks(column)
    known = column.dropna()
    numbers, problem = text_as_numbers(column)
    form = date_form(column if numbers is None else numbers)
    kind = "date" if form else "numeric" if _is_numeric(column) or numbers is not None else "categorical"
    row: dict[str, Any] = {"column": column.name, "kind": kind, "dtype": dtype, "missing": float(column.isna().mean())}
    row |= {"distinct": known.nunique(), "min": np.nan, "median": np.nan, "max": np.nan, **_top(known)}
    if kind == "numeric":
        values = (column if numbers is None else numbers).to_numpy(dtype=np.float64, na_value=np.nan)
        values = values[np.isfinite(values)]
        if len(values):
            row |= {"min": values.min(), "median": float(np.median(values)), "max": values.max()}
    suspicions = dict(_suspicions(column, numbers, problem, form, y)) if suspect else {}
    return row | {"suspicion": ", ".join(suspicions), "explanation": "; ".join(suspicions.values())}


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype)


def _top(known: pd.Series) -> dict[str, Any]:
    if known.empty:
        return {"top": None, "top_share": np.nan}
    counts = known.value_counts(sort=False)
    if counts.max() == 1:
        return {"top": None, "top_share": 1 / len(known)}
    # The smallest of equals by text, so that the answer does not depend on the rows' order.
    most = min(map(level, counts.index[counts == counts.max()]))
    return {"top": most, "top_share": float(counts.max() / len(known))}


def _suspicions(
    column: pd.Series, numbers: pd.Series | None, problem: str, form: str | None, y: pd.Series | None
) -> Iterator[tuple[str, str]]:
    known = column.dropna()
    if known.empty:
        yield "empty", "no values"
        return
    if known.nunique() == 1 and len(known) == len(column):
        yield "constant", f"one value only: {level(known.iloc[0])}"
        return
    if form:
        yield "date", f"dates ({form}): not a feature by themselves"
    reason = None if form or problem else identifier_reason(column if numbers is None else numbers)
    if reason:
        yield "identifier", reason
    if problem:
        yield "mixed", problem.partition(": ")[2]
    if numbers is not None:
        yield "numbers as text", "all of its text reads as numbers"
    infinite = int(np.isinf(known.to_numpy(dtype=np.float64)).sum()) if _is_numeric(column) else 0
    if infinite:
        yield "infinite", f"infinite in {infinite} rows"
    if not form and not reason and (_is_numeric(column) or numbers is not None):
        codes = special_codes(column if numbers is None else numbers)
        if codes:
            yield "special codes", ", ".join(f"{level(code)} in {count} rows" for code, count in codes.items())
    elif not form and not reason and known.nunique() > 0.5 * len(known):
        yield "many levels", f"{known.nunique()} levels in {len(known)} rows: most occur once"
    if y is not None:
        auc = solo_auc((column if numbers is None else numbers)[y.index], y)
        if auc > LEAK_AUC:
            yield "leak", f"ranks the outcome by itself with an AUC of {auc:.3f}"
