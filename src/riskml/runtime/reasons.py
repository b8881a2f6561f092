"""Which columns raised a customer's risk, and what a notice says of them."""

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
MISSING = "missing"  # what a reason shows where nothing is known
_NOISE = 1e-12  # log-odds: a sum's rounding is no reason


def ranked(above: Floats, most: int, groups: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    """Return the columns that stand above the reference, the greatest first."""
    order = np.argsort(-above, axis=1, kind="stable")
    kept = np.take_along_axis(above, order, axis=1) > _NOISE
    if groups is not None and len(np.unique(groups)) < len(groups):
        said = groups[order]
        for rank in range(1, said.shape[1]):
            kept[:, rank] &= ~((said[:, :rank] == said[:, rank : rank + 1]) & kept[:, :rank]).any(axis=1)
        first = np.argsort(~kept, axis=1, kind="stable")
        order, kept = np.take_along_axis(order, first, axis=1), np.take_along_axis(kept, first, axis=1)
    return np.where(kept, order, -1)[:, :most]


def number_of_reasons(asked: int | None, own: int, language: str | None) -> int:
    """Return how many reasons a customer has at the most."""
    if language is not None and language not in LANGUAGES:
        raise PackageError(f"statements are there in {' and '.join(LANGUAGES)}; got {language!r}")
    if asked is None:
        return own if language is None else min(own, MOST_STATEMENTS)
    if asked < 1:
        raise PackageError(f"the number of reasons must be 1 or more; got {asked}")
    if language is not None and asked > MOST_STATEMENTS:
        raise PackageError(f"a notice states at most {MOST_STATEMENTS} reasons; got {asked}")
    return asked


def statement(
    column: str, language: str, statements: Mapping[str, Mapping[str, str]], descriptions: Mapping[str, str]
) -> str:
    """Return what a notice says of a column: its statement, else its description, else its name.

    >>> statement("income", "zh", {"income": {"zh": "收入偏低"}}, {}), statement("age", "en", {}, {"age": "Age"})
    ('收入偏低', 'Age')
    """
    return statements.get(column, {}).get(language) or descriptions.get(column) or column


def groups_of(texts: Sequence[str]) -> NDArray[np.intp]:
    """Return a number for each text, the same for the same text."""
    return np.unique(np.asarray(texts, dtype=object).astype(str), return_inverse=True)[1].reshape(-1)


def value_text(value: Any) -> str:
    """Return a value as a reason shows it.

    >>> value_text(None), value_text(25.0)
    ('missing', '25')
    """
    return MISSING if value is None or value != value else level(value)
