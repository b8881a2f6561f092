"""A book by grade: who moved between grades, how far, and how concentrated it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskml.errors import DataError
from riskml.metrics._inputs import Floats, column, number_vector
from riskml.metrics._steps import Rows


@dataclass(frozen=True)
class Bandwidth:
    """Matrix-weighted bandwidth: how far customers migrate, of how far they could.

    Parameters
    ----------
    upper : float
        Moves to riskier grades, 0…1; 0 when nobody moved that way.
    lower : float
        Moves to safer grades, 0…1.
    """

    upper: float
    lower: float


@dataclass(frozen=True)
class Concentration:
    """How unevenly the customers (or the exposure) lie over the grades.

    Parameters
    ----------
    cv : float
        Coefficient of variation, ``sqrt(K sum (R_i - 1/K)^2)``; 0 when all grades are equal.
    hi : float
        Herfindahl index, ``1 + ln((CV^2 + 1) / K) / ln K``; 0 when all grades are equal, 1 when one grade holds all.
    n_grades : int
        Number of grades K.
    """

    cv: float
    hi: float
    n_grades: int


def _graded(values: ArrayLike | pd.Series[Any], name: str) -> pd.Series[Any]:
    series = column(values, name)
    missing = series.isna().to_numpy()
    if series.empty or missing.any():
        raise DataError(
            f"{name} has {int(missing.sum())} missing values in {len(series)} rows; each row needs a grade",
            where=name if series.empty else f"{name}, first at row {int(missing.argmax())} (counted from 0)",
            fix="drop these rows, or give customers without a grade one of their own",
        )
    return series


def grade_order(columns: Sequence[pd.Series[Any]], grades: Sequence[Any] | None, where: str) -> pd.Index[Any]:
    """Return the grades, the safest first: as stated, else an ordered categorical's categories, else ascending."""
    names: pd.Index[Any] = pd.Index(pd.concat([one.astype(object) for one in columns]).unique())
    if grades is not None:
        stated: pd.Index[Any] = pd.Index(list(grades))
        unknown = [value for value in names if value not in stated]
        if unknown or stated.has_duplicates:
            raise DataError(
                f"grades must name each grade once; these are in the rows and not among them: {unknown}",
                where=where,
                fix="list every grade, the safest first",
            )
        return stated
    kinds = [one.dtype for one in columns]
    if isinstance(kinds[0], pd.CategoricalDtype) and kinds[0].ordered and all(kind == kinds[0] for kind in kinds):
        categories: pd.Index[Any] = kinds[0].categories
        return categories
    try:
        ascending: pd.Index[Any] = pd.Index(sorted(names))
    except TypeError:
        raise DataError(
            "the grades mix kinds of values that have no order, such as numbers and text",
            where=where,
            fix="pass grades=, the safest first",
        ) from None
    return ascending


def _codes(graded: pd.Series[Any], order: pd.Index[Any]) -> Rows:
    # Grades repeat many times: only the distinct ones are looked up.
    rows, values = pd.factorize(graded)
    lookup: Rows = order.get_indexer(pd.Index(values))[rows]
    return lookup


def migration_matrix(
    before: ArrayLike | pd.Series[Any], after: ArrayLike | pd.Series[Any], *, grades: Sequence[Any] | None = None
) -> pd.DataFrame:
    """Return how many customers moved from each grade to each grade.

    Source: ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.5.1.

    Parameters
    ----------
    before, after : array of shape (n,)
        Grade of the same customers at the two dates.
    grades : sequence, optional
        All grades, the safest first; ascending, or the order of an ordered categorical, when left out.

    Returns
    -------
    DataFrame
        Counts, the grade before in rows and after in columns; right of the diagonal is riskier.

    Raises
    ------
    DataError
        When a grade is missing or not among ``grades``, or the lengths differ.

    Examples
    --------
    >>> migration_matrix(["A", "A", "B"], ["A", "B", "B"]).to_dict("index")
    {'A': {'A': 1, 'B': 1}, 'B': {'A': 0, 'B': 1}}
    """
    was, now = _graded(before, "before"), _graded(after, "after")
    if len(was) != len(now):
        raise DataError(
            f"before has {len(was)} rows and after {len(now)}",
            where="before, after",
            fix="pass the grades of the same customers, in the same order",
        )
    order = grade_order([was, now], grades, "before, after")
    flat = np.bincount(_codes(was, order) * len(order) + _codes(now, order), minlength=len(order) ** 2)
    return pd.DataFrame(
        flat.reshape(len(order), len(order)), index=order.rename("before"), columns=order.rename("after")
    )


def matrix_weighted_bandwidth(matrix: pd.DataFrame | ArrayLike) -> Bandwidth:
    """Return how far customers migrated between grades, of how far those who moved could have.

    Source: ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.5.1.

    Parameters
    ----------
    matrix : DataFrame or array of shape (K, K)
        Counts from `migration_matrix`, the safest grade first.

    Returns
    -------
    Bandwidth
        ``upper = sum_{j>i} |i-j| N_i p_ij / sum_i max(|i-K|, |i-1|) N_i sum_{j>i} p_ij``, and ``lower`` likewise.

    Raises
    ------
    DataError
        When the matrix is not square or holds something else than counts.

    Examples
    --------
    >>> matrix_weighted_bandwidth([[8, 2, 0], [1, 8, 1], [0, 0, 10]])
    Bandwidth(upper=0.6, lower=1.0)
    """
    counts = np.asarray(matrix, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not np.isfinite(counts).all() or (counts < 0).any():
        raise DataError(
            f"a migration matrix is square and holds counts, got shape {counts.shape}",
            where="matrix",
            fix="pass what migration_matrix returns",
        )
    size = counts.shape[0]
    grade = np.arange(size)
    distance = np.abs(grade[:, None] - grade[None, :])
    farthest = np.maximum(size - 1 - grade, grade)[:, None]

    def share(side: Floats) -> float:
        possible = np.sum(farthest * side)
        return float(np.sum(distance * side) / possible) if possible > 0 else 0.0

    return Bandwidth(share(np.triu(counts, 1)), share(np.tril(counts, -1)))


def concentration(
    grade: ArrayLike | pd.Series[Any], *, grades: Sequence[Any] | None = None, exposure: ArrayLike | None = None
) -> Concentration:
    """Return how concentrated the book is in few grades.

    Source: ECB (February 2019), Instructions for reporting the validation results of internal models, 2.5.5.3.

    Parameters
    ----------
    grade : array of shape (n,)
        Grade of each customer.
    grades : sequence, optional
        All grades of the scale: one that holds nobody counts too. Those found when left out.
    exposure : array of shape (n,), optional
        Weight of each customer in money; customers are counted when it is left out.

    Returns
    -------
    Concentration
        Coefficient of variation and Herfindahl index over the grades.

    Raises
    ------
    DataError
        When a grade is missing, there is one grade only, an exposure is negative, or the lengths differ.

    Examples
    --------
    >>> result = concentration(["A"] * 50 + ["B"] * 30 + ["C"] * 20)
    >>> round(result.cv, 4), round(result.hi, 4)
    (0.3742, 0.1193)
    """
    series = _graded(grade, "grade")
    order = grade_order([series], grades, "grade")
    if len(order) < 2:
        raise DataError("concentration needs at least two grades", where="grade", fix="pass all grades of the scale")
    weight = None if exposure is None else number_vector(exposure, "exposure")
    if weight is not None and (weight.size != len(series) or (weight < 0).any() or not weight.sum() > 0):
        raise DataError(
            "exposure must have one value of at least 0 for each row, and not all 0",
            where="exposure",
            fix="pass the exposure of the same customers, in the same order",
        )
    total = np.bincount(_codes(series, order), weights=weight, minlength=len(order)).astype(np.float64)
    size = len(order)
    cv = float(np.sqrt(size * np.sum((total / total.sum() - 1 / size) ** 2)))
    return Concentration(cv, float(1 + np.log((cv**2 + 1) / size) / np.log(size)), size)
