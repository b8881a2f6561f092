"""Monthly cycle of a portfolio: scores, tiers, actions, alerts, worklists, the report, and treatment results."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
