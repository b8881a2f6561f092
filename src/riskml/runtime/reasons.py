"""Reason codes: the columns that raised a customer's risk, and their statements in notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checksums import PackageError
from .frame import Floats, level

LANGUAGES = ("en", "zh")
# Regulation B (12 CFR 1002, Supplement I, 9(b)(2)): more than four reasons are unlikely to help an applicant.
MOST_STATEMENTS = 4
MISSING = "missing"  # the text of a missing value
_NOISE = 1e-12  # log-odds: rounding errors of sums


def ranked(above: Floats, most: int, groups: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    """Return the positions of columns above the reference, the largest first; -1 where there are no more."""
    order = np.argsort(-above, axis=1, kind="stable")
    valid = np.take_along_axis(above, order, axis=1) > _NOISE
    if groups is not None and len(np.unique(groups)) < len(groups):
        group = groups[order]
        for rank in range(1, group.shape[1]):
            valid[:, rank] &= ~((group[:, :rank] == group[:, rank : rank + 1]) & valid[:, :rank]).any(axis=1)
        first = np.argsort(~valid, axis=1, kind="stable")
        order, valid = np.take_along_axis(order, first, axis=1), np.take_along_axis(valid, first, axis=1)
    return np.where(valid, order, -1)[:, :most]


def number_of_reasons(requested: int | None, default: int, language: str | None) -> int:
    """Return the maximum number of reasons per customer."""
    if language is not None and language not in LANGUAGES:
        raise PackageError(f"language must be {' or '.join(LANGUAGES)}; got {language!r}")
    if requested is None:
        return default if language is None else min(default, MOST_STATEMENTS)
    if requested < 1:
        raise PackageError(f"the number of reasons must be at least 1; got {requested}")
    if language is not None and requested > MOST_STATEMENTS:
        raise PackageError(f"a notice may state at most {MOST_STATEMENTS} reasons; got {requested}")
    return requested


def statement(
    column: str, language: str, statements: Mapping[str, Mapping[str, str]], descriptions: Mapping[str, str]
) -> str:
    """Return the text of a column in a notice: its statement, or its description, or its name."""
    return statements.get(column, {}).get(language) or descriptions.get(column) or column


def groups_of(texts: Sequence[str]) -> NDArray[np.intp]:
    """Return a group number for each text; equal texts have equal numbers."""
    return np.unique(np.asarray(texts, dtype=object).astype(str), return_inverse=True)[1].reshape(-1)


def value_text(value: Any) -> str:
    """Return a value as the text of a reason."""
    return MISSING if value is None or value != value else level(value)
