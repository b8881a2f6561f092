"""The functions of an exported package; its model lies in the folder ``model`` beside this code's folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from .package import Artifact


@cache
def artifact() -> Artifact:
    """Return the package's model, read and verified on first use."""
    from .package import Artifact

    return Artifact.load(Path(__file__).resolve().parent.parent / "model")


def score(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each customer's probability of the event, and tier.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns, as ``schema`` lists them. Extra ones are ignored, and the order is free; cells may be empty.

    Returns
    -------
    DataFrame of shape (n, 2 or 3)
        The same index; ``probability``, ``points`` where the model has them (more points are safer), ``tier``.

    Raises
    ------
    ValueError
        When columns are missing, or hold what they must not; the message names column, row and value.
    """
    return artifact().score(frame)


def explain(frame: pd.DataFrame, n: int | None = None) -> pd.DataFrame:
    """Return what raised each customer's risk most, above the average customer of the training rows.

    Parameters
    ----------
    frame : DataFrame of shape (rows, any)
    n : int, optional
        Reasons per customer at the most; the package's own number by default.

    Returns
    -------
    DataFrame
        One row per customer and reason: ``customer`` (the frame's index), ``rank`` (from 1), ``column``, ``value``
        (as text) and ``contribution`` (log-odds above the reference, greater than 0).

    Raises
    ------
    ValueError
        When columns are missing, or hold what they must not; the message names column, row and value.
    """
    return artifact().explain(frame, n)


def schema() -> pd.DataFrame:
    """Return the columns that a table must have: name, kind, description, special codes, range or levels, missing."""
    return artifact().schema()
