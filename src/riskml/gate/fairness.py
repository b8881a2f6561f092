"""Whether protected groups are approved about as often as others."""

from __future__ import annotations

from riskml.data.grouping import FEW, grouping
from riskml.gate.evidence import Evidence
from riskml.gate.verdict import Check
from riskml.metrics import approval_rate_ratio


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
