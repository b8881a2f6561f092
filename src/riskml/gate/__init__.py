"""The gate between challenger and champion: what a new model must show, check by check, and why it does not pass."""

from riskml.gate.evidence import Evidence
from riskml.gate.gate import judge
from riskml.gate.verdict import Check, Verdict
from riskml.gate.versus_champion import Incumbent

__all__ = ["Check", "Evidence", "Incumbent", "Verdict", "judge"]
