"""How far a month's customers, and their scores, are spread otherwise than in training, and which way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskml.config.monitoring import MonitoringConfig
from riskml.metrics import PsiTest, psi_test
from riskml.monitoring.reference import Reference
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.package import PackageError
from riskml.schema import Column

OUT_OF_FOLD, FITTED = "out-of-fold scores", "the model's own scores"
_CONTRIBUTED = 20_000  # rows whose contributions are worked out: a mean needs no more


@dataclass(frozen=True)
class ScoreShift:
    """The shift of the scores.

    Parameters
    ----------
    psi, no_shift : float
        The index, and what it exceeds by chance alone in 5 of 100 books (or as the level says).
    status : str
        "stable" (also within chance), "watch" or "act".
    against : str
        "out-of-fold scores" of the training rows, or "the model's own scores" of them: the nearer ones.
    before, now : float
        Mean probability in training, out of fold, and of this month: where it rose the book is riskier.
    bins : DataFrame
        ``bin``, ``baseline``, ``current``, ``part``.
    """

    psi: float
    no_shift: float
    status: str
    against: str
    before: float
    now: float
    bins: pd.DataFrame


def shift_status(psi: float, no_shift: float, limits: MonitoringConfig) -> str:
    """Return how a shift counts: "stable" below the limit or within chance, "watch", or "act".

    >>> shift_status(0.3, 0.35, MonitoringConfig()), shift_status(0.3, 0.02, MonitoringConfig())
    ('stable', 'act')
    """
    if psi < limits.psi_watch or psi <= no_shift:
        return "stable"
    return "watch" if psi <= limits.psi_act else "act"


def nearer_psi(before: pd.DataFrame, now: pd.Series, *, n_bins: int = 10, level: float = 0.95) -> tuple[PsiTest, str]:
    """Return the smaller of two shifts of the scores, and what it is against."""
    found = [
        (psi_test(before[name], now, n_bins=n_bins, level=level), words)
        for name, words in (("probability", OUT_OF_FOLD), ("fitted", FITTED))
    ]
    return min(found, key=lambda one: one[0].psi)


def score_shift(before: pd.DataFrame, now: pd.Series, limits: MonitoringConfig) -> ScoreShift:
    """Return how far the scores moved.

    Parameters
    ----------
    before : DataFrame
        As of `Reference.scores`.
    """
    test, against = nearer_psi(before, now, level=limits.level)
    return ScoreShift(
        psi=test.psi,
        no_shift=test.no_shift,
        status=shift_status(test.psi, test.no_shift, limits),
        against=against,
        before=float(before["probability"].mean()),
        now=float(now.mean()),
        bins=test.table,
    )


def column_shifts(reference: Reference, frame: pd.DataFrame, limits: MonitoringConfig) -> pd.DataFrame:
    """Return how far each column moved from training, and which way.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns. What is absent, or holds what it must not, is left out: `quality` tells of it.

    Returns
    -------
    DataFrame
        ``column``, ``used`` (the model reads it), ``psi``, ``no_shift``, ``status``, ``moved`` ("higher" or "lower" by
        the mean of a number, without special codes; "more" or "fewer" of the level whose share changed most; "missing"
        where missing cells changed most), ``level``, ``before`` and ``now`` (that mean, or share), ``log_odds`` (what
        the move adds to the mean score; above 0 is riskier; missing where the model does not read it). The greatest
        shift first.
    """
    effects = _effects(reference, frame)
    rows = []
    for column in reference.schema:
        values = _read(frame, column)
        if values is None:
            continue
        known = reference.X[column.name]
        test = psi_test(known, values, special_values=column.special, level=limits.level)
        status = shift_status(test.psi, test.no_shift, limits)
        moved = _moved(column, known, values)
        used = column.name in reference.used
        rows.append((column.name, used, test.psi, test.no_shift, status, *moved, effects.get(column.name, np.nan)))
    names = ["column", "used", "psi", "no_shift", "status", "moved", "level", "before", "now", "log_odds"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def _read(frame: pd.DataFrame, column: Column) -> pd.Series | None:
    try:
        values = read_columns(frame, {column.name: column.kind})[column.name]
    except ValueError:
        return None
    return pd.Series(values, index=frame.index, dtype=np.float64 if column.kind == "numeric" else object)


def _moved(column: Column, before: pd.Series, now: pd.Series) -> tuple[str, str, float, float]:
    """Return which way a column moved, the level it is about, and the figure before and now."""
    missing = float(before.isna().mean()), float(now.isna().mean())
    if column.kind == "numeric":
        special = [code for code in column.special if not isinstance(code, str)]
        means = [float(values[~values.isin(special)].mean()) for values in (before, now)]
        spread = float(before[~before.isin(special)].std())
        steps = abs(means[1] - means[0]) / spread if spread > 0 else 0.0
        # A tenth of all cells going missing changes a table as a tenth of a standard deviation does not.
        if not steps > abs(missing[1] - missing[0]):
            return _missing(*missing) if missing[0] != missing[1] else ("", "", means[0], means[1])
        return "higher" if means[1] > means[0] else "lower", "", means[0], means[1]
    shares = [values.fillna("").value_counts(normalize=True) for values in (before, now)]
    change = shares[1].sub(shares[0], fill_value=0.0)
    if change.empty or not change.abs().max() > 0:
        return "", "", float("nan"), float("nan")
    level = str(change.abs().idxmax())
    if level == "":
        return _missing(*missing)
    word = "more" if change[level] > 0 else "fewer"
    return word, level, float(shares[0].get(level, 0.0)), float(shares[1].get(level, 0.0))


def _missing(before: float, now: float) -> tuple[str, str, float, float]:
    return "missing", "", before, now


def _effects(reference: Reference, frame: pd.DataFrame) -> dict[str, float]:
    """Return what each column adds to the mean log-odds, beyond what it added in training."""
    some = frame.iloc[:: -(-len(frame) // _CONTRIBUTED) or 1]
    try:
        means = reference.model.contributions(some).mean()
    except PackageError:
        return {}
    return {str(name): float(value - reference.model.reference[str(name)]) for name, value in means.items()}
