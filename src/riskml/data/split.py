"""Split into training set, hold-out set (test or out of time) and cross-validation folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from riskml.config.experiment import SplitConfig
from riskml.errors import DataError


def split(y: pd.Series, dates: pd.Series | None, config: SplitConfig, groups: pd.Series | None = None) -> pd.DataFrame:
    """Assign every row to a part, and every training row to a fold.

    Parameters
    ----------
    y : Series of 0 and 1, shape (n,)
        1 is the event.
    dates : Series of datetime64, shape (n,), or None
        As-of dates; needed when the split is out of time.
    groups : Series of shape (n,), optional
        Rows of one group share a fold, and in a random split the part as well. In an out-of-time split a customer of
        the training set may also be in the test set, at a later date.

    Returns
    -------
    DataFrame of shape (n, 2)
        Index and order of ``y``. ``part``: "train", "test" (stratified), "oot" (out of time: as-of dates from
        ``from_date`` on). ``fold``: 0 … folds - 1, and -1 outside "train". Folds are stratified, shuffled, and depend
        on the seed only.

    Raises
    ------
    DataError
        When a part would lack events or non-events, or the training set has fewer of them than folds.

    Examples
    --------
    >>> y = pd.Series([0, 1] * 20)
    >>> parts = split(y, None, SplitConfig(folds=2, test_share=0.25))
    >>> parts["part"].value_counts().to_dict()
    {'train': 30, 'test': 10}
    """
    target = y.to_numpy()
    group = np.arange(len(y)) if groups is None else pd.factorize(groups)[0]
    if config.kind == "out_of_time":
        name, holdout = "oot", _out_of_time(dates, config)
    else:
        name, holdout = "test", _by_group(_stratified, target, group, config)
    _check_parts(target, holdout, name, config)
    fold = np.full(len(target), -1, dtype=np.int64)
    fold[~holdout] = _by_group(_folds, target[~holdout], group[~holdout], config)
    part = np.where(holdout, name, "train").astype(object)
    return pd.DataFrame({"part": part, "fold": fold}, index=y.index)


def _by_group(
    assign: Callable[[np.ndarray, SplitConfig], np.ndarray], target: np.ndarray, group: np.ndarray, config: SplitConfig
) -> np.ndarray:
    """Assign groups instead of rows; a group with an event in any row counts as an event."""
    codes = pd.factorize(group)[0]  # groups in the order of their first rows
    event = np.zeros(codes.max(initial=-1) + 1, dtype=target.dtype)
    np.maximum.at(event, codes, target)
    return assign(event, config)[codes]


def _stratified(target: np.ndarray, config: SplitConfig) -> np.ndarray:
    rng = np.random.default_rng([config.seed, 0])
    holdout = np.zeros(len(target), dtype=bool)
    for value in (0, 1):
        rows = rng.permutation(np.flatnonzero(target == value))
        holdout[rows[: round(config.test_share * len(rows))]] = True
    return holdout


def _out_of_time(dates: pd.Series | None, config: SplitConfig) -> np.ndarray:
    if dates is None or config.from_date is None:
        raise DataError("an out_of_time split needs as-of dates", where="data.date", fix="name the column of the dates")
    return (dates >= pd.Timestamp(config.from_date)).to_numpy(dtype=bool)


def _folds(target: np.ndarray, config: SplitConfig) -> np.ndarray:
    # Round-robin within each class: the folds' rows and events differ by at most one.
    rng = np.random.default_rng([config.seed, 1])
    fold = np.empty(len(target), dtype=np.int64)
    order = np.concatenate([rng.permutation(np.flatnonzero(target == value)) for value in (1, 0)])
    fold[order] = np.arange(len(target)) % config.folds
    return fold


def _check_parts(target: np.ndarray, holdout: np.ndarray, name: str, config: SplitConfig) -> None:
    where, fix = f"split.test_share {config.test_share}", "use more rows, another test_share or fewer folds"
    if config.kind == "out_of_time":
        where, fix = f"split.from_date {config.from_date}", "choose another from_date"
    for part, rows, needed in (("train", ~holdout, config.folds), (name, holdout, 1)):
        for kind, value in (("events", 1), ("non-events", 0)):
            count = int((target[rows] == value).sum())
            if count < needed:
                why = f"are needed, one for each of the {config.folds} folds" if part == "train" else "is needed"
                raise DataError(f"the {part} rows hold {count} {kind}; at least {needed} {why}", where=where, fix=fix)
