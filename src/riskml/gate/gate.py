"""Checks of a gate: discrimination, calibration, stability, directions, fairness, and the champion's performance.

No model fails by chance alone: on few rows, a measure beyond its bound counts only where it is more than sampling error
explains, at the gate's level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import ndtri

from riskml.config.experiment import GateConfig
from riskml.data.grouping import FEW, grouping
from riskml.errors import DataError
from riskml.gate.verdict import Check, Evidence, Verdict
from riskml.gate.versus_champion import NAME, Comparison, Incumbent, not_worse
from riskml.metrics import approval_rate_ratio, calibration_table, ece, psi_test

_DRAWS = 1000


def ranks(evidence: Evidence, least: float, level: float) -> Check:
    """Check that the AUC is above a bound, and not by chance: its one-sided DeLong limit is."""
    area = evidence.performance(level).auc
    low = area.auc - float(ndtri(level)) * area.se
    reason = f"AUC {area.auc:.4f}, at least {low:.4f} at the {level * 100:g} % level"
    reason += f"; {area.note}" if area.note else ""
    return Check("ranking", low > least, area.auc, f"above {least:g}", reason)


def events_as_expected(evidence: Evidence, tolerance: float, level: float) -> Check:
    """Check that as many events came as the probabilities say: the ratio is near 1, or its interval holds 1."""
    row = evidence.performance(level).observed_expected
    ratio, low, high = float(row["ratio"]), float(row["lower"]), float(row["upper"])
    near, chance = abs(ratio - 1) <= tolerance, low <= 1 <= high
    figures = f"{row['observed']:.0f} events, {row['expected']:.1f} expected: {ratio:.3f} ({low:.3f} to {high:.3f})"
    why = "" if near or chance else "; the risk is " + ("underestimated" if ratio > 1 else "overestimated")
    return Check("events", near or chance, ratio, f"1 ± {tolerance:g}, or within chance", figures + why)


def calibrated(evidence: Evidence, most: float, level: float) -> Check:
    """Check the expected calibration error against a bound, and where it is above, against what chance gives."""
    error = ece(evidence.y, evidence.probability)
    bands = calibration_table(evidence.y, evidence.probability)
    count, mean = bands["count"].to_numpy(), bands["mean_p"].to_numpy()
    drawn = np.random.default_rng([evidence.seed, 4]).binomial(count, np.clip(mean, 0, 1), size=(_DRAWS, len(count)))
    errors = np.abs(drawn / count - mean) @ (count / count.sum())
    chance = float(np.quantile(errors, level))
    reason = (
        f"expected calibration error {error:.4f}, {most:g} is allowed; "
        f"chance alone gives up to {chance:.4f} on {count.sum():,} rows"
    )
    return Check("calibration", error <= max(most, chance), error, f"at most {most:g}, or within chance", reason)


def tiers_hold(evidence: Evidence, tolerance: float, level: float) -> Check:
    """Check that no tier holds more risk than it promises: the Jeffreys test, tier by tier."""
    by_tier = evidence.performance(level).by_tier.iloc[:-1].set_index("tier")
    ratio, p_value = by_tier["ratio"], by_tier["jeffreys_p"]
    limit = (1 - level) / len(ratio)
    worse = ratio.index[(p_value < limit) & (ratio > 1 + tolerance)]
    figures = [f"{name}: {ratio[name]:.2f} times the events expected (p = {p_value[name]:.2g})" for name in worse]
    reason = "; ".join(figures) or "no tier holds more risk than it promises"
    return Check(
        "tiers",
        not figures,
        float(p_value.min()),
        f"p at least {limit:.2g}, or at most {tolerance * 100:g} % more",
        reason,
    )


def stable(evidence: Evidence, most: float, level: float) -> Check:
    """Check that the scores are spread as they were in training: the PSI, or else its quantile under no shift."""
    tests = {"out-of-fold scores": psi_test(evidence.development, evidence.probability, level=level)}
    if evidence.fitted is not None:
        tests["the model's own scores"] = psi_test(evidence.fitted, evidence.probability, level=level)
    near = [name for name, shift in tests.items() if shift.psi <= max(most, shift.no_shift)]
    counts = near[0] if near else next(iter(tests))
    shift = tests[counts]
    others = [f"{test.psi:.4f} against {name}" for name, test in tests.items() if name != counts]
    reason = (
        f"PSI {shift.psi:.4f} against {counts} of the training rows, {most:g} is allowed; "
        f"without any shift chance gives up to {shift.no_shift:.4f}" + "".join(f" ({other})" for other in others)
    )
    return Check("stability", bool(near), shift.psi, f"at most {most:g}, or within chance", reason)


def directions_kept(evidence: Evidence, most: float) -> Check:
    """Check that the probability goes with every column the way that the experiment declares."""
    known = {str(row["column"]): row for row in evidence.violations.to_dict(orient="records")}
    absent = [name for name in evidence.directions if name not in known]
    wrong = [known[name] for name in evidence.directions if name in known and known[name]["largest"] > most]
    figures = [
        f"{row['column']} should be {evidence.directions[str(row['column'])]}: for {row['violated']:.0%} of customers "
        f"the probability goes the other way somewhere, by {row['largest']:.4f} at the most"
        for row in wrong
    ]
    figures += [f"{', '.join(absent)}: not looked at; a person decides"] if absent else []
    largest = max((float(known[name]["largest"]) for name in evidence.directions if name in known), default=None)
    kept = f"as declared: {', '.join(f'{name} {direction}' for name, direction in evidence.directions.items())}"
    return Check("monotone", not figures, largest, f"at most {most:g} the other way", "; ".join(figures) or kept)


def approved_alike(evidence: Evidence, column: str, least: float, approve_below: float | None) -> Check:
    """Check that no group is approved much less often than the one approved most often."""
    cut = evidence.tiers[-1].from_probability if approve_below is None else approve_below
    # The groups of the model document.
    group = grouping(evidence.groups[column]).of(evidence.groups[column]).astype(str)
    enough = group.map(group.value_counts()) >= FEW
    few = int(group[~enough].nunique())
    left_out = f"; {few} groups of fewer than {FEW} rows are not judged" if few else ""
    bound, name = f"at least {least:g}", f"fairness, {column}"
    if group[enough].nunique() < 2:
        return Check(name, True, None, bound, f"fewer than two groups to compare{left_out}")
    approved = (evidence.probability < cut).astype(int)[enough]
    # By place: customers' names may be anything.
    table = approval_rate_ratio(approved.to_numpy(), group[enough].to_numpy()).sort_values("rate", kind="stable")
    low, high = table.iloc[0], table.iloc[-1]
    if not high["rate"] > 0:
        return Check(name, False, None, bound, f"nobody has a probability below {cut:g}: nobody is approved")
    reason = (
        f"{low['group']}: {low['rate']:.1%} are approved (probability below {cut:g}), "
        f"{high['group']}: {high['rate']:.1%}{left_out}"
    )
    return Check(name, bool(low["ratio"] >= least), float(low["ratio"]), bound, reason)


def judge(evidence: Evidence, rule: GateConfig, incumbent: Incumbent | None = None) -> Verdict:
    """Return whether a model may become the champion, with the result of every check.

    Parameters
    ----------
    evidence : Evidence
        The model on rows that it was not trained on.
    rule : GateConfig
        Bounds of the checks.
    incumbent : Incumbent, optional
        The champion, if there is one.

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
    try:
        comparison = not_worse(evidence, incumbent, rule.max_auc_loss, rule.level)
    except DataError as error:
        comparison = Comparison(_unknown(NAME, error))
    checks = [*_alone(evidence, rule), comparison.check]
    if evidence.by_hand:
        checks.insert(0, Check("origin", False, None, "made by `riskml run`", "made interactively: a person decides"))
    for column in evidence.groups:
        checks.append(approved_alike(evidence, str(column), rule.min_approval_ratio, rule.approve_below))
    for column, why in evidence.unread.items():
        reason = f"the column cannot be read: {why}; a person decides"
        checks.append(Check(f"fairness, {column}", False, None, "", reason))
    return Verdict(tuple(checks), incumbent.version if incumbent else "", comparison.auc_lost)


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
