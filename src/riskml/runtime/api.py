"""Public functions of an exported package, whose model is in the folder ``model`` next to this code."""

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
    """Return the model of the package, loaded and verified on first use."""
    from .integrity import FILES, verify_folder
    from .package import Artifact

    package = folder()
    # Packages of early riskml versions have no manifest; their models have checksums.
    if (package / FILES).exists():
        verify_folder(package)
    return Artifact.load(package / "model")


def folder() -> Path:
    """Return the folder of the package."""
    return Path(__file__).resolve().parent.parent


def score(frame: Any, cut_offs: Sequence[float] | None = None) -> pd.DataFrame:
    """Return the probability of the event and the tier of each customer.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns as listed by ``schema``, in any order; extra columns are ignored, and cells may be empty. A table of
        pandas, or of polars, Arrow and others that narwhals reads (``pip install narwhals``); results are of its kind.
    cut_offs : sequence of float, optional
        Lower bounds of the tiers instead of those of the package; the first is 0.

    Returns
    -------
    DataFrame of shape (n, 2 or 3)
        ``probability``, ``points`` (if the model has them; more points are safer) and ``tier``, with the index of the
        input, or in its order.

    Raises
    ------
    ValueError
        If columns are missing or values are invalid; the message names column, row and value.
    """
    return artifact().score(frame, cut_offs)


def score_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the probability of the event and the tier of one customer, in microseconds and without pandas.

    Parameters
    ----------
    record : mapping of column name to value
        Columns as listed by ``schema``; extra names are ignored, and None, NaN and blank text are missing values.

    Returns
    -------
    dict
        ``probability``, ``points`` (if the model has them; more points are safer) and ``tier``.

    Raises
    ------
    ValueError
        If columns are missing or values are invalid; the message names column and value.
    """
    return _scorer()(record)


@cache
def _scorer() -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return artifact().scorer.score


def explain_record(
    record: Mapping[str, Any], n: int | None = None, language: str | None = None
) -> list[dict[str, Any]]:
    """Return the reasons that raised the risk of one customer most, a dict each with the keys of ``explain``."""
    return artifact().explain_record(record, n, language)


def explain(frame: Any, n: int | None = None, language: str | None = None) -> pd.DataFrame:
    """Return the reasons that raised the risk of each customer most, relative to the average training customer.

    Parameters
    ----------
    n : int, optional
        Maximum number of reasons per customer (default: that of the package).
    language : {"en", "zh"}, optional
        Adds notice statements in this language; then at most four reasons are returned, and no statement twice.

    Returns
    -------
    DataFrame
        One row per customer and reason: ``customer`` (the index of the input, or the row from 0), ``rank`` (from 1),
        ``column``, ``value`` (as text), ``contribution`` (log-odds above the reference, greater than 0) and, with a
        language, ``statement``. A customer whose columns are all below the reference has no row.

    Raises
    ------
    ValueError
        If columns are missing or values are invalid; the message names column, row and value.
    """
    return artifact().explain(frame, n, language)


def schema() -> pd.DataFrame:
    """Return the required columns: name, kind, description, special codes, range or levels, share of missing values."""
    return artifact().schema()


def check(frame: Any) -> pd.DataFrame:
    """Compare a table with the training rows: schema violations, values out of range, and drift (PSI).

    Returns
    -------
    DataFrame
        One row per column, and one for ``probability``: ``column``, ``status`` (stable, watch, act, broken), ``psi``,
        ``missing``, ``missing_in_training`` (shares), ``out_of_range`` (numbers outside the training range), ``unseen``
        (rows with a level not seen in training), ``message``. Invalid tables are reported, not refused.
    """
    return artifact().check(frame)


def model_card() -> str:
    """Return the model card as Markdown: purpose, training data, performance and limits of the model."""
    artifact()  # verifies the files
    return (folder() / "card.md").read_text(encoding="utf-8")
