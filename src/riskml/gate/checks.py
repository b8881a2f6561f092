"""What a model must show by itself: ranking, probabilities of the right size, steady scores.

No model fails by chance alone: on few rows, a figure beyond its bound counts only where it is more than the luck of
these rows explains, at the gate's level.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from riskml.gate.evidence import Evidence
from riskml.gate.verdict import Check
from riskml.metrics import calibration_table, ece, psi_test

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
