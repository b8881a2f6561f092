"""Optimal bins, weights of evidence, and the scorecard."""

from riskml.scorecard.augmented import Augmented
from riskml.scorecard.binner import OptimalBinner
from riskml.scorecard.card import Scorecard
from riskml.scorecard.counts import LevelCounts, NumericCounts, count_levels, count_numeric
from riskml.scorecard.edits import Edit
from riskml.scorecard.prebins import prebin_edges
from riskml.scorecard.reject import infer_rejects, reject_sensitivity
from riskml.scorecard.segments import SegmentedScorecard

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
