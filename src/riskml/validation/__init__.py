"""Validation of a run's model, and every measure as a plain function of arrays."""

from __future__ import annotations

from riskml.metrics import *  # noqa: F403
from riskml.metrics import __all__ as __all__
