"""Every check of a gate, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from riskml.config.experiment import GateConfig
from riskml.errors import DataError
from riskml.gate.checks import calibrated, directions_kept, events_as_expected, ranks, stable, tiers_hold
from riskml.gate.evidence import Evidence
from riskml.gate.fairness import approved_alike
from riskml.gate.verdict import Check, Verdict
from riskml.gate.versus_champion import NAME, Comparison, Incumbent, not_worse


def judge(evidence: Evidence, rule: GateConfig, rival: Incumbent | None = None) -> Verdict:
    """Say whether a model may become the champion, and why not.

    Parameters
    ----------
    evidence : Evidence
        The model on rows that it has never learnt from.
    rule : GateConfig
        What is asked for.
    rival : Rival, optional
        The champion; there is none where it is left out.

    Returns
    -------
    Verdict
        Every check that is asked for, whether an earlier one has passed or not: who mends a model wants to know all.

    Examples
    --------
    >>> import pandas as pd
    >>> from riskml.config.experiment import DEFAULT_TIERS
    >>> chance = pd.Series([0.1] * 90 + [0.6] * 20)
    >>> y = pd.Series(([1] + [0] * 9) * 9 + ([1] * 6 + [0] * 4) * 2)
    >>> verdict = judge(Evidence(y, chance, chance, DEFAULT_TIERS), GateConfig())
    >>> verdict.passed, verdict.reason
    (True, 'the first champion')
    """
    compared = _compared(evidence, rule, rival)
    checks = (*_origin(evidence), *_alone(evidence, rule), compared.check, *_fair(evidence, rule))
    return Verdict(checks, rival.version if rival else "", compared.auc_lost)


def _origin(evidence: Evidence) -> Iterator[Check]:
    if evidence.by_hand:
        yield Check("origin", False, None, "made by `riskml run`", "made by hand: a person decides")


def _alone(evidence: Evidence, rule: GateConfig) -> Iterator[Check]:
    level = rule.level
    if rule.min_auc is not None:
        yield _checked("ranking", ranks, evidence, rule.min_auc, level)
    if rule.calibration_tolerance is not None:
        yield _checked("events", events_as_expected, evidence, rule.calibration_tolerance, level)
        yield _checked("tiers", tiers_hold, evidence, rule.calibration_tolerance, level)
    if rule.max_ece is not None:
        yield _checked("calibration", calibrated, evidence, rule.max_ece, level)
    if rule.max_psi is not None:
        yield _checked("stability", stable, evidence, rule.max_psi, level)
    if rule.monotone_tolerance is not None and evidence.directions:
        yield directions_kept(evidence, rule.monotone_tolerance)


def _fair(evidence: Evidence, rule: GateConfig) -> Iterator[Check]:
    for column in evidence.groups:
        yield approved_alike(evidence, str(column), rule.min_approval_ratio, rule.approve_below)
    for column, why in evidence.unread.items():
        yield Check(f"fairness, {column}", False, None, "", f"the column cannot be read: {why}; a person decides")


def _compared(evidence: Evidence, rule: GateConfig, rival: Incumbent | None) -> Comparison:
    try:
        return not_worse(evidence, rival, rule.max_auc_loss, rule.level)
    except DataError as error:
        return Comparison(_unknown(NAME, error))


def _checked(
    name: str, check: Callable[[Evidence, float, float], Check], evidence: Evidence, bound: float, level: float
) -> Check:
    """Return a check's result; rows that cannot answer it, such as those of one event, do not pass it."""
    try:
        return check(evidence, bound, level)
    except DataError as error:
        return _unknown(name, error)


def _unknown(name: str, error: DataError) -> Check:
    return Check(name, False, None, "", f"these rows cannot tell: {error.what}; a person decides")
