"""Optimal binning, weights of evidence, and scorecards."""

from riskml.scorecard.binning.binner import OptimalBinner
from riskml.scorecard.binning.counts import LevelCounts, NumericCounts, count_levels, count_numeric
from riskml.scorecard.binning.prebins import prebin_edges
from riskml.scorecard.card.edits import Edit
from riskml.scorecard.card.scorecard import Scorecard
from riskml.scorecard.reject.inference import Augmented, infer_rejects, reject_sensitivity
from riskml.scorecard.segments.scorecard import SegmentedScorecard

__all__ = [
    "Augmented",
    "Edit",
    "LevelCounts",
    "NumericCounts",
    "OptimalBinner",
    "Scorecard",
    "SegmentedScorecard",
    "count_levels",
    "count_numeric",
    "infer_rejects",
    "prebin_edges",
    "reject_sensitivity",
]
