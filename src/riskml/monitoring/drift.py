"""Drift of the scores and of each column from training: PSI, direction, effect on the mean score."""

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
_CONTRIBUTION_ROWS = 20_000  # enough for a mean contribution


@dataclass(frozen=True)
class ScoreShift:
    """The shift of the scores.

    Parameters
    ----------
    psi, no_shift : float
        PSI, and its 95 % quantile (or that of the level) without any shift.
    status : str
        "stable" (also within chance), "watch" or "act".
    against : str
        "out-of-fold scores" or "the model's own scores" of the training rows, whichever are nearer.
    before, now : float
        Mean probability in training, out of fold, and in this month.
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
    """Return the status of a shift: "stable" below the limit or within chance, "watch", or "act".

    >>> shift_status(0.3, 0.35, MonitoringConfig()), shift_status(0.3, 0.02, MonitoringConfig())
    ('stable', 'act')
    """
    if psi < limits.psi_watch or psi <= no_shift:
        return "stable"
    return "watch" if psi <= limits.psi_act else "act"


def nearer_psi(before: pd.DataFrame, now: pd.Series, *, n_bins: int = 10, level: float = 0.95) -> tuple[PsiTest, str]:
    """Return the smaller shift of the scores from out-of-fold and from fitted training scores, and which it is."""
    tests = [
        (psi_test(before[name], now, n_bins=n_bins, level=level), scores)
        for name, scores in (("probability", OUT_OF_FOLD), ("fitted", FITTED))
    ]
    return min(tests, key=lambda pair: pair[0].psi)


def score_shift(before: pd.DataFrame, now: pd.Series, limits: MonitoringConfig) -> ScoreShift:
    """Return the shift of the scores from training.

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
    """Return the shift of each column from training, and its direction.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Raw columns. Absent and unreadable ones are left out: `quality` reports them.

    Returns
    -------
    DataFrame
        ``column``, ``used`` (by the model), ``psi``, ``no_shift``, ``status``, ``moved`` ("higher" or "lower" by the
        mean of a number, without special codes; "more" or "fewer" of the level whose share changed most; "missing"
        where missing cells changed most), ``level``, ``before`` and ``now`` (that mean, or share), ``log_odds`` (change
        of the mean score; above 0 is riskier; missing where the model does not use the column). Largest shift first.
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
    """Return the direction of a column's shift, its level, and the figure before and now."""
    missing = float(before.isna().mean()), float(now.isna().mean())
    if column.kind == "numeric":
        special = [code for code in column.special if not isinstance(code, str)]
        means = [float(values[~values.isin(special)].mean()) for values in (before, now)]
        spread = float(before[~before.isin(special)].std())
        steps = abs(means[1] - means[0]) / spread if spread > 0 else 0.0
        # A share of missing cells weighs more than the same number of standard deviations.
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
    """Return the change of each column's mean contribution since training, in log-odds."""
    some = frame.iloc[:: -(-len(frame) // _CONTRIBUTION_ROWS) or 1]
    try:
        means = reference.model.contributions(some).mean()
    except PackageError:
        return {}
    return {str(name): float(value - reference.model.reference[str(name)]) for name, value in means.items()}
