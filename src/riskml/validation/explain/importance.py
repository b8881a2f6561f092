"""Which columns a model leans on: what is lost without each, and how far each moves the scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.metrics import auc
from riskml.runtime.additive import Additive
from riskml.runtime.frame import Floats
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Levels, Step
from riskml.validation.explain.grid import chosen_rows, margins, read
from riskml.validation.portfolio import feature_influence


def permutation_importance(
    model: Artifact, X: pd.DataFrame, y: ArrayLike, *, repeats: int = 5, rows: int = 20_000, seed: int
) -> pd.DataFrame:
    """Return how much AUC is lost when a raw column is shuffled among the customers.

    Columns that say the same share their importance: shuffling one of them loses little, while the other is there.

    Source: Breiman (2001), Machine Learning 45; on the model's own loss: Fisher, Rudin, Dominici (2019), JMLR 20.

    Parameters
    ----------
    X : DataFrame of shape (n, any)
        Rows that the model has not learnt from.
    y : array of 0 and 1, shape (n,)
        1 is the event.
    repeats : int, default 5
        Shuffles of each column.
    rows : int, default 20000
        Customers at the most; more are drawn by chance from.

    Returns
    -------
    DataFrame
        ``column``, ``auc_drop`` (mean over the shuffles), ``se`` (its standard error over the shuffles: the luck of the
        shuffling, not of the rows; missing with one shuffle); the strongest first.
    """
    columns = read(model, X, rows=rows, seed=seed)
    target = np.asarray(y)[chosen_rows(len(X), rows, seed)]
    whole = auc(target, margins(model, columns)) if columns else 0.5
    generator = np.random.default_rng(seed)
    records = []
    for name, values in columns.items():
        shuffled = np.concatenate([generator.permutation(values) for _ in range(repeats)])
        # All shuffles at once: a call of a model costs more than its rows.
        moved = {other: shuffled if other == name else np.tile(held, repeats) for other, held in columns.items()}
        drops = np.array([whole - auc(target, part) for part in np.split(margins(model, moved), repeats)])
        se = float(drops.std(ddof=1) / np.sqrt(repeats)) if repeats > 1 else float("nan")
        records.append((name, float(drops.mean()), se))
    table = pd.DataFrame(records, columns=["column", "auc_drop", "se"])
    return table.sort_values("auc_drop", ascending=False, kind="stable", ignore_index=True)


def importance(model: Artifact, X: pd.DataFrame, y: ArrayLike, *, repeats: int = 5, seed: int) -> pd.DataFrame:
    """Return both measures of importance side by side, and points where the model is a card.

    Parameters
    ----------
    X : DataFrame of shape (n, any)
        Rows that the model has not learnt from.

    Returns
    -------
    DataFrame
        ``column``, ``auc_drop``, ``se``, ``mean_abs_contribution`` (log-odds, from the average customer's),
        ``mean_abs_points`` (from the average customer's; only of a card), ``description``; the greatest loss first.
    """
    lost = permutation_importance(model, X, y, repeats=repeats, seed=seed)
    table = lost.merge(feature_influence(model, X), on="column")
    points = points_of_columns(model, X)
    if points is not None:
        away = (points - points.mean()).abs().mean()
        table.insert(4, "mean_abs_points", [float(away[name]) for name in table["column"]])
    return table


def points_of_columns(model: Artifact, X: pd.DataFrame) -> pd.DataFrame | None:
    """Return the points of each column of a card, shape (n, columns), or None where the model has none."""
    card = model.model
    if not isinstance(card, Additive) or card.base_points is None:
        return None
    columns = read(model, X)
    points: dict[str, Floats] = {
        shape.column: np.asarray(shape.points, dtype=np.float64)[shape.slot(columns[shape.column])]
        for shape in card.shapes
        if isinstance(shape, (Step, Levels))
    }
    return pd.DataFrame(points, index=X.index)
