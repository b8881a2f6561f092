"""Which rows are learnt from, and which are set aside to judge the result."""

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
        Rows that stay together: those of one group are in one fold, and, where rows are set aside by chance, in one
        part. Out of time a customer of the training rows may come again, at a later date.

    Returns
    -------
    DataFrame of shape (n, 2)
        The index of ``y``, its order kept. ``part``: "train", "test" (stratified), "oot" (out of time: as-of dates from
        ``from_date`` on). ``fold``: 0 … folds - 1, and -1 outside "train". Folds are stratified, shuffled, and follow
        from the seed alone.

    Raises
    ------
    DataError
        When a part would lack events or non-events, or training has fewer of them than folds.

    Examples
    --------
    >>> y = pd.Series([0, 1] * 20)
    >>> parts = split(y, None, SplitConfig(folds=2, test_share=0.25))
    >>> parts["part"].value_counts().to_dict()
    {'train': 30, 'test': 10}
    """
    target = y.to_numpy()
    group = np.arange(len(y)) if groups is None else pd.factorize(groups)[0]
    aside = (
        _out_of_time(dates, config) if config.kind == "out_of_time" else _by_group(_stratified, target, group, config)
    )
    name = "oot" if config.kind == "out_of_time" else "test"
    _check_parts(target, aside, name, config)
    fold = np.full(len(target), -1, dtype=np.int64)
    fold[~aside] = _by_group(_folds, target[~aside], group[~aside], config)
    part = np.where(aside, name, "train").astype(object)
    return pd.DataFrame({"part": part, "fold": fold}, index=y.index)


def _by_group(
    deal: Callable[[np.ndarray, SplitConfig], np.ndarray], target: np.ndarray, group: np.ndarray, config: SplitConfig
) -> np.ndarray:
    """Deal groups instead of rows; a group with an event in any row counts as one."""
    _, first, at = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # groups in the order of their first rows
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    at = place[at]
    event = np.zeros(len(order), dtype=target.dtype)
    np.maximum.at(event, at, target)
    return deal(event, config)[at]


def _stratified(target: np.ndarray, config: SplitConfig) -> np.ndarray:
    rng = np.random.default_rng([config.seed, 0])
    aside = np.zeros(len(target), dtype=bool)
    for value in (0, 1):
        rows = rng.permutation(np.flatnonzero(target == value))
        aside[rows[: round(config.test_share * len(rows))]] = True
    return aside


def _out_of_time(dates: pd.Series | None, config: SplitConfig) -> np.ndarray:
    if dates is None or config.from_date is None:
        raise DataError("an out_of_time split needs as-of dates", where="data.date", fix="name the column of the dates")
    return (dates >= pd.Timestamp(config.from_date)).to_numpy(dtype=bool)


def _folds(target: np.ndarray, config: SplitConfig) -> np.ndarray:
    # Dealt like cards within each class: fold sizes differ by one row at the most, and so do their events.
    rng = np.random.default_rng([config.seed, 1])
    fold = np.empty(len(target), dtype=np.int64)
    order = np.concatenate([rng.permutation(np.flatnonzero(target == value)) for value in (1, 0)])
    fold[order] = np.arange(len(target)) % config.folds
    return fold


def _check_parts(target: np.ndarray, aside: np.ndarray, name: str, config: SplitConfig) -> None:
    out_of_time = config.kind == "out_of_time"
    for part, rows, needed in (("train", ~aside, config.folds), (name, aside, 1)):
        counts = {"events": int((target[rows] == 1).sum()), "non-events": int((target[rows] == 0).sum())}
        for kind, count in counts.items():
            if count < needed:
                raise DataError(
                    f"the {part} rows hold {count} {kind}; at least {needed} "
                    + (f"are needed, one for each of the {config.folds} folds" if part == "train" else "is needed"),
                    where=f"split.from_date {config.from_date}"
                    if out_of_time
                    else f"split.test_share {config.test_share}",
                    fix="choose another from_date"
                    if out_of_time
                    else "use more rows, another test_share or fewer folds",
                )
