"""A model watched on new customers: data, drift, tiers, performance, behaviour, and what they call for."""

from riskml.monitoring.behaviour import Behaviour, behaviour
from riskml.monitoring.drift import ScoreShift, column_shifts, score_shift
from riskml.monitoring.estimated import ASSUMPTION, Estimate, EstimatedPerformance, estimated_performance
from riskml.monitoring.findings import Finding, findings_of, next_step
from riskml.monitoring.migration import TierMoves, tier_moves
from riskml.monitoring.newbook import NewBook, new_book, read_new_book
from riskml.monitoring.quality import quality
from riskml.monitoring.realised import Realised, realised
from riskml.monitoring.reference import Reference, reference_of
from riskml.monitoring.result import Earlier, Month, month_of
from riskml.monitoring.segments import by_segment

__all__ = [
    "ASSUMPTION",
    "Behaviour",
    "Earlier",
    "Estimate",
    "EstimatedPerformance",
    "Finding",
    "Month",
    "NewBook",
    "Realised",
    "Reference",
    "ScoreShift",
    "TierMoves",
    "behaviour",
    "by_segment",
    "column_shifts",
    "estimated_performance",
    "findings_of",
    "month_of",
    "new_book",
    "next_step",
    "quality",
    "read_new_book",
    "realised",
    "reference_of",
    "score_shift",
    "tier_moves",
]
