"""Optimal bins, weights of evidence, and the scorecard."""

from riskml.scorecard.binner import OptimalBinner
from riskml.scorecard.card import Scorecard

__all__ = ["OptimalBinner", "Scorecard"]
