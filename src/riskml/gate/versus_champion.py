"""The challenger beside the champion, on the same rows, that neither of them has learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from riskml.errors import DataError
from riskml.gate.evidence import Evidence
from riskml.gate.verdict import Check
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
        What it gives the rows set aside, in their order; None where it cannot score them.
    learnt : array of bool, shape (n,), or None
        Which of these rows it has learnt from itself; None where that is not known.
    trouble : str
        Why it cannot score them, or why it is not known what it has learnt from.
    auc_lost : float
        AUC that was lost on the way to it, since a person last decided.
    """

    version: str
    probability: pd.Series | None = None
    learnt: np.ndarray | None = None
    trouble: str = ""
    auc_lost: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """The check, and the AUC that will have been lost altogether if the challenger becomes champion."""

    check: Check
    auc_lost: float = 0.0


def not_worse(evidence: Evidence, rival: Incumbent | None, most: float, level: float) -> Comparison:
    """Check that the challenger ranks as well as the champion."""
    bound = f"loses at most {most:g}, nothing significant"
    if rival is None:
        return Comparison(Check(NAME, True, None, bound, "there is no champion yet"))
    if rival.probability is None or rival.learnt is None:
        return _for_a_person(bound, f"version {rival.version} does not compare: {rival.trouble}")
    if rival.learnt.any():
        return _for_a_person(bound, _of_the_rest(evidence, rival, rival.probability, rival.learnt))
    test = delong_test(evidence.y, evidence.probability, rival.probability)
    lost = max(0.0, rival.auc_lost - test.difference)
    p_worse = float(ndtr(test.z))
    figures = f"{_figures(test)} of version {rival.version}, on the same {len(evidence.y):,} rows"
    reasons = [
        *([f"it is significantly worse (one-sided p = {p_worse:.2g})"] if p_worse < 1 - level else []),
        *([f"with earlier steps {lost:.4f} would be lost"] if most < lost and rival.auc_lost else []),
        *([f"it loses {lost:.4f}"] if most < lost and not rival.auc_lost else []),
    ]
    passed = not reasons
    reason = "; ".join([figures, *(reasons or [f"not significantly worse (one-sided p = {p_worse:.2g})"])])
    return Comparison(Check(NAME, passed, test.difference, bound, reason), lost)


def _for_a_person(bound: str, reason: str) -> Comparison:
    return Comparison(Check(NAME, False, None, bound, f"{reason}; a person decides"))


def _of_the_rest(evidence: Evidence, rival: Incumbent, probability: pd.Series, learnt: np.ndarray) -> str:
    """Return what the other rows say where the champion has learnt from some of them, for a person to weigh."""
    what = (
        f"version {rival.version} has learnt from {int(learnt.sum()):,} of the {len(learnt):,} rows set aside, "
        "and would look better on them than it is"
    )
    rest = ~learnt
    try:
        test = delong_test(evidence.y[rest], evidence.probability[rest], probability[rest])
    except DataError:  # too few events or non-events are left
        return what
    return f"{what}; on the other {int(rest.sum()):,}: {_figures(test)} (one-sided p = {float(ndtr(test.z)):.2g})"


def _figures(test: DelongTest) -> str:
    return f"AUC {test.auc_a:.4f} against {test.auc_b:.4f}"
