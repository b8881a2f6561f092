"""Comparison of a challenger with the champion on the same rows, which neither was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from riskml.errors import DataError
from riskml.gate.verdict import Check, Evidence
from riskml.metrics import DelongTest, delong_test

NAME = "champion"


@dataclass(frozen=True)
class Incumbent:
    """The champion that a challenger is compared with.

    Parameters
    ----------
    version : str
        In the registry.
    probability : Series of shape (n,), or None
        Its probabilities for the test set, in its order; None where it cannot score them.
    trained_on : array of bool, shape (n,), or None
        Which of these rows it was trained on; None where that is not known.
    trouble : str
        Why it cannot score them, or why its training rows are not known.
    auc_lost : float
        AUC that was lost on the way to it, since a person last decided.
    """

    version: str
    probability: pd.Series | None = None
    trained_on: np.ndarray | None = None
    trouble: str = ""
    auc_lost: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """The check, and the AUC that will have been lost altogether if the challenger becomes champion."""

    check: Check
    auc_lost: float = 0.0


def not_worse(evidence: Evidence, incumbent: Incumbent | None, most: float, level: float) -> Comparison:
    """Check that the challenger ranks as well as the champion."""
    bound = f"loses at most {most:g}, nothing significant"
    if incumbent is None:
        return Comparison(Check(NAME, True, None, bound, "there is no champion yet"))
    if incumbent.probability is None or incumbent.trained_on is None:
        return _for_a_person(bound, f"version {incumbent.version} does not compare: {incumbent.trouble}")
    if incumbent.trained_on.any():
        return _for_a_person(bound, _of_the_rest(evidence, incumbent, incumbent.probability, incumbent.trained_on))
    test = delong_test(evidence.y, evidence.probability, incumbent.probability)
    lost = max(0.0, incumbent.auc_lost - test.difference)
    p_worse = float(ndtr(test.z))
    figures = f"{_figures(test)} of version {incumbent.version}, on the same {len(evidence.y):,} rows"
    reasons = [
        *([f"it is significantly worse (one-sided p = {p_worse:.2g})"] if p_worse < 1 - level else []),
        *([f"with earlier steps {lost:.4f} would be lost"] if most < lost and incumbent.auc_lost else []),
        *([f"it loses {lost:.4f}"] if most < lost and not incumbent.auc_lost else []),
    ]
    passed = not reasons
    reason = "; ".join([figures, *(reasons or [f"not significantly worse (one-sided p = {p_worse:.2g})"])])
    return Comparison(Check(NAME, passed, test.difference, bound, reason), lost)


def _for_a_person(bound: str, reason: str) -> Comparison:
    return Comparison(Check(NAME, False, None, bound, f"{reason}; a person decides"))


def _of_the_rest(evidence: Evidence, incumbent: Incumbent, probability: pd.Series, trained_on: np.ndarray) -> str:
    """Return the comparison on the other rows where the champion was trained on some of them, for a person to weigh."""
    what = (
        f"version {incumbent.version} was trained on {int(trained_on.sum()):,} of the {len(trained_on):,} rows of the "
        "test set, and would look better on them than it is"
    )
    rest = ~trained_on
    try:
        test = delong_test(evidence.y[rest], evidence.probability[rest], probability[rest])
    except DataError:  # too few events or non-events are left
        return what
    return f"{what}; on the other {int(rest.sum()):,}: {_figures(test)} (one-sided p = {float(ndtr(test.z)):.2g})"


def _figures(test: DelongTest) -> str:
    return f"AUC {test.auc_a:.4f} against {test.auc_b:.4f}"
