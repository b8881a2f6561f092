"""Simulated portfolio of customers whose true risk is known: for load tests, monitoring and proofs, not real data.

Customers order, pay, complain and log in over years. Two latent states, financial stress and satisfaction, decide how
likely default and churn are, and show in these records with noise.

- ``settings``, ``hazards``: parameters and scenarios, formulas of the hazards
- ``market``, ``trajectories``, ``true_risk``: industry cycles, latent states and endings, true probabilities
- ``accounts``, ``orders``, ``service``, ``data_errors``: the records, with delays and errors
- ``tables``, ``block``, ``writer``: columns and types, one block of customers, Parquet files
"""

from riskml.data.simulate.settings import Drift, Late, Scenario, Settings, Shock
from riskml.data.simulate.writer import Simulated, simulate

__all__ = ["Drift", "Late", "Scenario", "Settings", "Shock", "Simulated", "simulate"]
