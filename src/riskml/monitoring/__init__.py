"""A model watched on new customers: data, drift, tiers, performance, behaviour, and what they call for."""

from riskml.monitoring.behaviour import Behaviour, behaviour
from riskml.monitoring.drift import ScoreShift, column_shifts, score_shift
from riskml.monitoring.estimated_performance import ASSUMPTION, Estimate, EstimatedPerformance, estimated_performance
from riskml.monitoring.findings import Finding, findings_of, next_step
from riskml.monitoring.migration import TierMoves, tier_moves
from riskml.monitoring.month import MonthReport, PreviousMonth, month_of
from riskml.monitoring.quality import quality
from riskml.monitoring.realised_performance import RealisedPerformance, realised
from riskml.monitoring.reference import Reference, reference_of
from riskml.monitoring.segments import by_segment
from riskml.monitoring.snapshot import Snapshot, read_snapshot, snapshot_of

__all__ = [
    "ASSUMPTION",
    "Behaviour",
    "PreviousMonth",
    "Estimate",
    "EstimatedPerformance",
    "Finding",
    "MonthReport",
    "Snapshot",
    "RealisedPerformance",
    "Reference",
    "ScoreShift",
    "TierMoves",
    "behaviour",
    "by_segment",
    "column_shifts",
    "estimated_performance",
    "findings_of",
    "month_of",
    "snapshot_of",
    "next_step",
    "quality",
    "read_snapshot",
    "realised",
    "reference_of",
    "score_shift",
    "tier_moves",
]
