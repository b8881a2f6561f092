"""Early warning: signs of trouble, alerts that somebody owns, how people learn of them, and how good they were."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
