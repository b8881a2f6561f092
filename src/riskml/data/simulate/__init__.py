"""A simulated book of customers whose true risk is known: for scale, monitoring and proofs, never for real data.

Customers order, pay, complain and log in over years; what they do shows, with noise, a financial stress and a
satisfaction that nobody sees and that decide how likely default and churn are.

- ``ask``: what can be asked for, the switches included
- ``law``: the formulas of the hazards
- ``market``, ``lives``: the industries' cycle, the customers' states, and how relations end
- ``truth``: the true probabilities
- ``accounts``, ``trade``, ``service``: what is seen of it
- ``flaws``: records that come late, and dirty rows
- ``tables``, ``block``, ``writing``: columns and types, and the way to the disk
"""

from riskml.data.simulate.settings import Book, Drift, Late, Scenario, Shock
from riskml.data.simulate.writer import Simulated, simulate

__all__ = ["Book", "Drift", "Late", "Shock", "Simulated", "Scenario", "simulate"]
