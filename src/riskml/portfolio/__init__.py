"""A book from month to month: scores, tiers, actions, alerts, lists, the pack, and what came of it."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
