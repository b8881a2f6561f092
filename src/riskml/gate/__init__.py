"""The gate between challenger and champion: what a new model must show, check by check, and why it does not pass."""

from riskml.gate.champion import Rival
from riskml.gate.evidence import Evidence
from riskml.gate.judge import judge
from riskml.gate.verdict import Check, Verdict

__all__ = ["Check", "Evidence", "Rival", "Verdict", "judge"]
