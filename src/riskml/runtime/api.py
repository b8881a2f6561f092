"""The functions of an exported package; its model lies in the folder ``model`` beside this code's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from .package import Artifact


@cache
def artifact() -> Artifact:
    """Return the package's model, read and verified on first use."""
    from .integrity import FILES, verify_folder
    from .package import Artifact

    package = folder()
    # A package of an earlier riskml has no manifest; its model has checksums of its own.
    if (package / FILES).exists():
        verify_folder(package)
    return Artifact.load(package / "model")


def folder() -> Path:
    """Return the package's folder."""
    return Path(__file__).resolve().parent.parent


def score(frame: pd.DataFrame, cut_offs: Sequence[float] | None = None) -> pd.DataFrame:
    """Return each customer's probability of the event, and tier.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns, as ``schema`` lists them. Extra ones are ignored, and the order is free; cells may be empty.
    cut_offs : sequence of float, optional
        Lower bounds of the tiers in place of the package's own; the first is 0.

    Returns
    -------
    DataFrame of shape (n, 2 or 3)
        The same index; ``probability``, ``points`` where the model has them (more points are safer), ``tier``.

    Raises
    ------
    ValueError
        When columns are missing, or hold what they must not; the message names column, row and value.
    """
    return artifact().score(frame, cut_offs)


def score_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return one customer's probability of the event, and tier, in microseconds and without pandas.

    Parameters
    ----------
    record : mapping of column name to value
        As ``schema`` lists the columns. Extra names are ignored; None, NaN and blank text are missing.

    Returns
    -------
    dict
        ``probability``, ``points`` where the model has them (more points are safer), ``tier``.

    Raises
    ------
    ValueError
        When columns are missing, or hold what they must not; the message names column and value.
    """
    return _scorer()(record)


@cache
def _scorer() -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return artifact().scorer.score


def explain_record(
    record: Mapping[str, Any], n: int | None = None, language: str | None = None
) -> list[dict[str, Any]]:
    """Return what raised one customer's risk most: a dict for each reason, with the columns of ``explain``."""
    return artifact().explain_record(record, n, language)


def explain(frame: pd.DataFrame, n: int | None = None, language: str | None = None) -> pd.DataFrame:
    """Return what raised each customer's risk most, above the average customer of the training rows.

    Parameters
    ----------
    n : int, optional
        Reasons per customer at the most; the package's own number by default.
    language : {"en", "zh"}, optional
        Adds the statement of a notice; then there are four reasons at the most, and no statement occurs twice.

    Returns
    -------
    DataFrame
        One row per customer and reason: ``customer`` (the frame's index), ``rank`` (from 1), ``column``, ``value``
        (as text), ``contribution`` (log-odds above the reference, greater than 0), and ``statement`` where a language
        is given.

    Raises
    ------
    ValueError
        When columns are missing, or hold what they must not; the message names column, row and value.
    """
    return artifact().explain(frame, n, language)


def schema() -> pd.DataFrame:
    """Return the columns that a table must have: name, kind, description, special codes, range or levels, missing."""
    return artifact().schema()


def check(frame: pd.DataFrame) -> pd.DataFrame:
    """Compare a table with the training rows: what breaks the schema, lies out of range, or has moved (PSI).

    Returns
    -------
    DataFrame
        One row per column, and one for ``probability``: ``column``, ``status`` (stable, watch, act, broken), ``psi``,
        ``missing``, ``missing_in_training``, ``out_of_range``, ``unseen``, ``message``.
    """
    return artifact().check(frame)


def model_card() -> str:
    """Return the model card as Markdown: what the model is for, what it was made of, and where it ends."""
    artifact()  # that is, when all files are what they were
    return (folder() / "card.md").read_text(encoding="utf-8")
