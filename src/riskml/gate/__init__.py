"""Gate between challenger and champion: the checks that a new model must pass."""

from riskml.gate.gate import judge
from riskml.gate.verdict import Check, Evidence, Verdict
from riskml.gate.versus_champion import Incumbent

__all__ = ["Check", "Evidence", "Incumbent", "Verdict", "judge"]
